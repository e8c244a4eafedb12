//! The experiment in small: both settings on made-up faces, two seeds each, judged by sources that were left out; it goes on where
//! it stopped; and the page of results made from it.

use std::fs;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{GrayImage, Luma};

use crate::support::{cyborg_train, done, photos, rows, run, text};

/// A list of four sources: photos as they are and coarsened ones, and both again, darker, to be left out.
fn faces(folder: &Path) -> PathBuf {
    let (real, synthetic) = photos(folder, 8);
    let mut list = "file,label,source\n".to_owned();
    for (place, label) in [(&real, "real"), (&synthetic, "synthetic")] {
        let source = place.file_name().expect("it has one").to_string_lossy().into_owned();
        let dark = folder.join(format!("dark_{source}"));
        fs::create_dir_all(&dark).expect("it can be made");
        for number in 0..8 {
            let name = format!("{number}.png");
            let photo = image::open(place.join(&name)).expect("it was written");
            let small = photo.brighten(-40).resize(200, 200, FilterType::Triangle);
            small.to_rgb8().save(dark.join(&name)).expect("it can be written");
            list += &format!("{source}/{name},{label},{source}\ndark_{source}/{name},{label},dark_{source}\n");
        }
    }
    let path = folder.join("list.csv");
    fs::write(&path, list).expect("it can be written");
    path
}

#[test]
fn from_faces_to_a_page_of_results() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let list = faces(folder.path());
    let located = folder.path().join("located.csv");
    let (_, said) = done(&["locate", "--data", text(&list), "--out", text(&located)]);
    assert!(said.contains("32 faces of 32 lines"), "{said}");
    assert!(rows(&located).iter().all(|row| Path::new(&row[0]).is_absolute() && !row[20].is_empty()), "landmarks");

    let out = folder.path().join("tiny");
    let data = ["experiment", "--data", text(&located), "--leave-out", "dark_camera,dark_coarse", "--out", text(&out)];
    let how = ["--side", "96", "--epochs", "1", "--batch", "8", "--freeze", "8", "--balance", "sources"];
    let experiment = |runs: &'static str, more: &[&'static str]| {
        [data.as_slice(), &how, &["--augment", "strong", "--runs", runs], more].concat()
    };
    done(&experiment("1", &[]));
    // One more run of each is the same experiment; those that have ended stay as they are.
    let (page, said) = done(&experiment("2", &[]));
    assert!(said.contains("seed 2: epoch 1 of 1") && !said.contains("seed 1: epoch 1 of 1"), "{said}");
    assert!(page.contains("# cyborg and classical") && page.contains("over 2 and 2 runs"), "{page}");
    assert!(page.contains("| dark_camera | 8 | 8 |") && !page.contains("| camera |"), "{page}");
    for file in ["comparison.json", "comparison.md", "training.png", "training.svg", "cams.png", "cams.svg"] {
        assert!(out.join("comparison").join(file).is_file(), "{file}");
    }
    let alpha = |setting: &str| {
        let text = fs::read_to_string(out.join(setting).join("config.json")).expect("it was written");
        let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&config["side"], &config["fit"]["freeze"]), (&96.into(), &8.into()));
        config["fit"]["loss"]["alpha"].as_f64()
    };
    assert_eq!((alpha("classical"), alpha("cyborg")), (Some(1.0), Some(0.5)));
    let (code, _, said) = run(&mut cyborg_train(&experiment("2", &["--alpha", "0.7"])));
    assert!(code == 1 && said.contains("other settings"), "{code}: {said}");
    let (code, _, said) = run(&mut cyborg_train(&experiment("2", &["--alpha", "1"])));
    assert!(code == 1 && said.contains("give a smaller one"), "{code}: {said}");

    // The probe, and a source apart.
    let runs = out.join("cyborg");
    let apart = ["evaluate", text(&runs), "--judged", "--probe"];
    let (page, _) = done(&apart);
    assert!(page.contains("AUC of the probe") && page.contains("called synthetic"), "{page}");
    // By the scores of other networks.
    let scores = out.join("classical/seed-1/validation.csv");
    let (_, said) = done(&["calibrate", text(&runs), "--scores", text(&scores), "--apcer", "0.3", "--bpcer", "0.3"]);
    assert!(said.contains("temperature"), "{said}");

    let (page, kept) = (folder.path().join("results.md"), folder.path().join("kept"));
    let intro = folder.path().join("intro.md");
    fs::write(&intro, "# What came out\n").expect("it can be written");
    done(&["results", text(&out), text(&runs), "--out", text(&page), "--keep", text(&kept), "--intro", text(&intro)]);
    let page = fs::read_to_string(&page).expect("it was written");
    assert!(page.starts_with("# What came out\n\n## tiny\n") && page.contains("\n## cyborg\n"), "{page}");
    assert_eq!(rows(&kept.join("tiny/classical/scores-seed-2.csv")).len(), 16);
    for file in ["settings.json", "metrics-seed-1.csv", "report.json", "scores-seed-1.csv"] {
        let text = fs::read_to_string(kept.join("tiny/cyborg").join(file)).expect("it was written");
        assert!(!text.contains(&*folder.path().to_string_lossy()) && !text.contains(".png"), "{file} names photos");
    }
}

#[test]
fn what_cannot_be_left_out_is_named() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let list = faces(folder.path());
    let out = folder.path().join("runs");
    let train = |left_out: &'static str| {
        ["train", "--data", text(&list), "--out", text(&out), "--leave-out", left_out].map(str::to_owned)
    };
    let fails = |left_out, part: &str| {
        let arguments = train(left_out);
        let (code, _, said) = run(&mut cyborg_train(&arguments.each_ref().map(String::as_str)));
        assert!(code == 1 && said.contains(part), "{code}: {said}");
    };
    fails("camera,film", "no source `film` to leave out; it has camera, coarse, dark_camera, dark_coarse");
    fails("camera", "sources of both classes must be left out");
    fails("coarse,dark_coarse", "both classes are needed");
}

#[test]
fn maps_of_people_a_prior_and_neither_are_compared_on_the_same_faces() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let list = faces(folder.path());
    let maps = folder.path().join("maps");
    for number in 0..6 {
        // Nobody painted on the last two of each source.
        for source in ["camera", "coarse", "dark_camera", "dark_coarse"] {
            let path = maps.join(source).join(format!("{number}.png"));
            fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
            let map = GrayImage::from_fn(50, 50, |x, y| Luma([if x < 25 && y < 25 { 255 } else { 0 }]));
            map.save(path).expect("it can be written");
        }
    }
    let out = folder.path().join("arms");
    let data = ["experiment", "--data", text(&list), "--leave-out", "dark_camera,dark_coarse", "--out", text(&out)];
    let how = ["--side", "96", "--epochs", "1", "--batch", "8", "--freeze", "8", "--runs", "1"];
    let maps = ["--maps", text(&maps)];
    let arms = ["--arms", "human,prior,none"];
    let (page, said) = done(&[&data[..], &how, &maps, &arms].concat());
    for arm in ["human", "prior"] {
        assert!(said.contains(&format!("{arm}: 12 of 16 training faces have saliency")), "{said}");
        assert!(page.contains(&format!("# {arm} and none")), "{page}");
    }
    assert!(page.contains("| pointing game | none |") && page.contains("activation maps of 12 faces"), "{page}");
    for file in ["comparison.json", "comparison.md", "people.json", "training.svg", "cams.svg"] {
        assert!(out.join("comparison").join(file).is_file(), "{file}");
    }
    let saliency = |arm: &str| {
        let text = fs::read_to_string(out.join(arm).join("config.json")).expect("it was written");
        let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        (config["data"]["saliency"].as_str().map(str::to_owned), config["fit"]["loss"]["alpha"].as_f64())
    };
    assert_eq!(saliency("human"), (Some("maps".to_owned()), Some(0.5)));
    assert_eq!(saliency("prior"), (Some("mapped-prior".to_owned()), Some(0.5)));
    assert_eq!(saliency("none").1, Some(1.0));
    // Once more nothing is left to train, and a page of results is made of all of it.
    let (_, said) = done(&[&data[..], &how, &maps, &arms].concat());
    assert!(!said.contains("epoch 1 of 1"), "{said}");
    let (page, kept) = (folder.path().join("results.md"), folder.path().join("kept"));
    done(&["results", text(&out), "--out", text(&page), "--keep", text(&kept)]);
    let page = fs::read_to_string(&page).expect("it was written");
    assert!(
        page.contains("**none**: ") && page.contains("**human**: ") && kept.join("arms/people.json").is_file(),
        "{page}"
    );

    let refused = |more: &[&str], part: &str| {
        let (code, _, said) = run(&mut cyborg_train(&[&data[..], &how, more].concat()));
        assert!(code != 0 && said.contains(part), "{code}: {said}");
    };
    refused(&["--arms", "human,prior"], "needs `none`");
    refused(&arms, "no training face of the setting `human` has saliency");
    refused(&["--arms", "human,none", "--saliency", "maps"], "--saliency");
}
