//! People's maps from end to end: scripted annotators paint the top left of synthetic faces, and a network that is trained with what
//! they painted looks there in faces that it has not seen. One that others taught, who painted the lower right, looks elsewhere, until
//! it goes on with the first ones' maps. (Where a network looks that nobody tells is chance, and another on another processor.)

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cyborg_models::lock;
use cyborg_trainer::data::list::{self, Label, Place};
use cyborg_trainer::study;
use cyborg_trainer::study::answer::{Answer, Kind, VERSION};
use cyborg_trainer::study::journal::Journal;
use cyborg_trainer::study::maps::{self, Which};
use cyborg_trainer::study::painted::Painted;
use image::imageops::FilterType;
use image::{DynamicImage, GenericImage};

use crate::support::{cyborg_train, done, rows, run, text};

/// Faces of each class.
const FACES: u32 = 20;
/// Side of a photo.
const SIDE: u32 = 128;

/// Makes a square part of a photo coarser.
fn coarsen(photo: &mut DynamicImage, left: u32, top: u32, times: u32) {
    let side = SIDE / 2;
    let part = photo.crop_imm(left, top, side, side);
    let small = part.resize_exact(side / times, side / times, FilterType::Nearest);
    photo.copy_from(&small.resize_exact(side, side, FilterType::Nearest), left, top).expect("it lies inside");
}

/// A list of photos of a face, three fifths to train on and the others to test on. Synthetic ones are a little coarse in the top
/// left, and far coarser in the lower right: either gives them away.
fn faces(folder: &Path) -> PathBuf {
    let path = lock::cached("astronaut").expect("it is locked");
    let astronaut = image::open(&path).expect("`cargo xtask setup --media` fetched it");
    let mut list = "file,label,split\n".to_owned();
    for place in ["camera", "gan"] {
        fs::create_dir_all(folder.join(place)).expect("it can be made");
    }
    for number in 0..FACES {
        let face = astronaut.crop_imm(100 + number * 2, 5 + number, 250, 250);
        let face = face.resize_exact(SIDE, SIDE, FilterType::Triangle).brighten(number as i32 - 12);
        let face = DynamicImage::ImageRgb8(face.to_rgb8());
        let mut fake = face.clone();
        coarsen(&mut fake, 0, 0, 2);
        coarsen(&mut fake, SIDE / 2, SIDE / 2, 8);
        face.save(folder.join(format!("camera/real-{number}.png"))).expect("it can be written");
        fake.save(folder.join(format!("gan/fake-{number}.png"))).expect("it can be written");
        let split = if number % 5 < 3 { "train" } else { "test" };
        list += &format!("camera/real-{number}.png,real,{split}\ngan/fake-{number}.png,synthetic,{split}\n");
    }
    let path = folder.join("list.csv");
    fs::write(&path, list).expect("it can be written");
    path
}

/// A corner of a photo.
#[derive(Clone, Copy, PartialEq)]
enum Corner {
    TopLeft,
    LowerRight,
}

/// A study of two annotators who call every synthetic face synthetic and paint a corner of it, one of them a little more.
fn annotate(study: &Path, rows: &[list::Row], root: &Path, corner: Corner) {
    fs::create_dir_all(study).expect("it can be made");
    study::faces::write(study, rows, root).expect("it is new");
    for (annotator, reach) in [("ann", SIDE / 2), ("bob", SIDE / 2 + 2)] {
        let from_corner = |at: u32| if corner == Corner::TopLeft { at } else { SIDE - 1 - at };
        let inside = |at: u32| from_corner(at % SIDE) < reach && from_corner(at / SIDE) < reach;
        let mask: Vec<bool> = (0..SIDE * SIDE).map(inside).collect();
        let (mut journal, _) = Journal::open(study, annotator).expect("it is new");
        for item in 0..FACES {
            let answer = Answer {
                version: VERSION,
                annotator: annotator.to_owned(),
                item,
                kind: Kind::Face,
                photo: format!("gan/fake-{item}.png"),
                other: None,
                answer: Label::Synthetic,
                confidence: 0.9,
                asked: None,
                seconds: 4.0,
                width: SIDE,
                height: SIDE,
                painted: Painted::of_mask(SIDE, SIDE, &mask).runs().to_vec(),
                words: Vec::new(),
                text: String::new(),
                at: "2026-11-30T01:02:03Z".to_owned(),
            };
            journal.add(&answer).expect("it can be written");
        }
    }
    maps::write(study, Which::Correct).expect("it can be written");
}

/// What a report says of synthetic faces.
fn of_synthetic(runs: &Path) -> serde_json::Value {
    let report = fs::read_to_string(runs.join("evaluation/report.json")).expect("it was written");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    report["runs"][0]["people"]["classes"]["synthetic"].clone()
}

/// How many faces `annotate` ranks for a new study, by the runs in a folder.
fn ranked_by_annotate(folder: &Path, list: &Path, runs: &Path) -> usize {
    let study = folder.join("asked");
    let mut command = cyborg_train(&["annotate", "--data", text(list), "--suggest", text(runs), "--out", text(&study)]);
    let command = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut serving = command.spawn().expect("the program starts");
    let said = BufReader::new(serving.stdout.take().expect("it is piped"));
    assert!(said.lines().any(|line| line.expect("text").starts_with("Ctrl-C ends it")), "it doesn't serve");
    let interrupt = Command::new("kill").args(["-INT", &serving.id().to_string()]).status();
    assert!(interrupt.expect("there is `kill`").success());
    assert_eq!(serving.wait().expect("it ends").code(), Some(0));
    rows(&study.join("suggested.csv")).len()
}

#[test]
fn a_network_looks_where_people_looked() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let list = faces(folder.path());
    let (study, others) = (folder.path().join("study"), folder.path().join("others"));
    let place = Place { list: list.clone(), root: None, maps: None };
    let (found, problems) = list::read(&place).expect("it is a list");
    assert!(problems.is_empty(), "{problems:?}");
    annotate(&study, &found.rows, folder.path(), Corner::TopLeft);
    annotate(&others, &found.rows, folder.path(), Corner::LowerRight);

    let split = |words: &'static str| words.split_whitespace().collect::<Vec<_>>();
    let data = ["--data", text(&list), "--crop", "whole"];
    let how = split("--threads 1 --runs 1 --batch 8 --alpha 0.2 --freeze 8 --preset adamw --rate 0.002 --best-by last");
    let measured = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        done(&[&["train", "--out", text(&out)], &how[..], more].concat());
        let evaluate = ["evaluate", text(&out), "--threads", "1", "--maps", text(&study)];
        let (page, _) = done(&[&evaluate[..], &data].concat());
        assert!(page.contains("| all synthetic | 8 |") && page.contains("people's maps"), "{page}");
        assert_eq!(rows(&out.join("evaluation/people-seed-1.csv")).len(), 8, "the faces that have maps");
        for file in ["plots/people.png", "plots/people.svg", "plots/people-seed-1.png", "people.json"] {
            assert!(out.join("evaluation").join(file).is_file(), "{file}");
        }
        let found = of_synthetic(&out);
        (found["pointing"]["value"].as_f64().expect("a number"), found)
    };
    let first = [&data[..], &split("--saliency maps --side 128 --epochs 10 --validate-on test")].concat();
    let with_maps = ["--maps", text(&study)];
    let (with, figures) = measured("with", &[&first[..], &with_maps].concat());
    assert!(with > 0.9, "{figures}");
    assert!(figures["iou"]["value"].as_f64() > figures["even"]["iou"].as_f64(), "{figures}");
    let (elsewhere, figures) = measured("elsewhere", &[&first[..], &["--maps", text(&others)]].concat());
    assert!(elsewhere < 0.5, "{figures}");

    // The teacher loop: which faces to ask about, and the next round with the answers. Those of split test are to be measured on,
    // and the synthetic ones have two answers each.
    let (before, table) = (folder.path().join("elsewhere"), folder.path().join("suggested.csv"));
    let suggest = ["suggest", text(&before), "--study", text(&study), "--out", text(&table)];
    let (_, said) = done(&[&suggest[..], &data].concat());
    assert!(said.contains("24 faces in the order"), "{said}");
    let suggested = rows(&table);
    let told: Vec<(&str, &str)> = suggested.iter().map(|row| (&row[1], &row[9])).collect();
    assert_eq!(told, [[("real", "0"); 12], [("synthetic", "2"); 12]].concat());
    assert!(suggested.iter().all(|row| row[2] == *"train" && row[11].contains("p(synthetic)")), "{suggested:?}");
    assert_eq!(ranked_by_annotate(folder.path(), &list, &before), 24, "and the page asks about the same");
    let again = [&["--from", text(&before), "--epochs", "25"], &with_maps[..]].concat();
    let (next, figures) = measured("next", &again);
    assert!(next > 0.9, "{figures}");
    let config = fs::read_to_string(folder.path().join("next/config.json")).expect("it was written");
    let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    assert_eq!((&config["side"], &config["data"]["validation"]), (&128.into(), &"test".into()));
    assert!(config["weights"].as_str().expect("a path").ends_with("elsewhere/seed-1/best.safetensors"), "{config}");
    let (code, _, said) = run(&mut cyborg_train(&["train", "--from", text(&before), "--side", "96", "--out", "x"]));
    assert!(code == 2 && said.contains("--side"), "{code}: {said}");
}
