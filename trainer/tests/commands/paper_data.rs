//! The CYBORG data as they come: a list without a header, photos below a root, human maps in a folder of their own.

use std::fs;
use std::path::Path;

use cyborg_models::contract::CamClass;
use cyborg_models::model_file::ModelFile;
use image::{GrayImage, Luma, Rgb, RgbImage};

use crate::support::{cyborg_train, done, photos, rows, run, text};

/// Ten photos of each kind, eight to train on and two to test on, and maps of most of them.
fn data(folder: &Path) {
    photos(folder, 10);
    fs::create_dir(folder.join("maps")).expect("it can be made");
    let mut list = String::new();
    for (label, place) in [("Real", "camera"), ("Synthetic", "coarse")] {
        for number in 0..10 {
            // Names must be unique over the folders, as maps lie in one.
            let name = format!("{place}-{number}.png");
            fs::rename(folder.join(place).join(format!("{number}.png")), folder.join(place).join(&name))
                .expect("it is there");
            let split = if number < 8 { "train" } else { "test" };
            list += &format!("{split},{label},{place}/{name}\n");
            if number != 0 {
                let map =
                    GrayImage::from_fn(125, 125, |x, y| Luma([if y > 40 && x.abs_diff(62) < 25 { 230 } else { 10 }]));
                map.save(folder.join("maps").join(&name)).expect("it can be written");
            }
        }
    }
    fs::write(folder.join("list.csv"), list).expect("it can be written");
}

#[test]
fn they_are_trained_on_in_one_command() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    data(folder.path());
    let (list, maps, out) = (folder.path().join("list.csv"), folder.path().join("maps"), folder.path().join("runs"));
    let of_data = ["--data", text(&list), "--root", text(folder.path()), "--maps", text(&maps)];
    let train =
        ["train", "--out", text(&out), "--runs", "1", "--epochs", "1", "--batch", "8", "--cam-tap", "reference"];
    let more = ["--cam-class", "predicted", "--cam-entropy", "0.01", "--preset", "adamw", "--best-by", "auc"];
    let (_, said) = done(&[&train[..], &more, &of_data].concat());
    assert!(said.contains("training on 8 real and 8 synthetic faces, validating on 2 and 2 (split test)"), "{said}");
    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("config.json")).expect("it was written")).expect("JSON");
    assert_eq!((&config["data"]["crop"], &config["data"]["saliency"]), (&"whole".into(), &"maps".into()));
    assert_eq!((&config["fit"]["augment"], &config["fit"]["optimiser"]["kind"]), (&"none".into(), &"adamw".into()));
    let model = fs::read(out.join("seed-1/model.onnx")).expect("it was written");
    let contract = ModelFile::parse(&model).expect("it holds the contract").contract;
    assert_eq!((contract.saliency.source.as_str(), contract.saliency.tap.as_str()), ("human", "reference"));
    assert_eq!(contract.saliency.cam_class, CamClass::Predicted);
    assert!(contract.auc.contains_key("validation"), "{:?}", contract.auc);
    let metrics = rows(&out.join("seed-1/metrics.csv"));
    assert!(metrics[0][6].parse::<f64>().expect("a number") > 0.0, "the validation faces have maps: {metrics:?}");

    let (page, _) = done(&[&["evaluate", text(&out), "--score", "reference"], &of_data[..]].concat());
    assert!(page.contains("| camera | 2 | 2 |") && page.contains("score: reference"), "{page}");
}

#[test]
fn all_that_is_wrong_is_told_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    data(folder.path());
    let (camera, maps) = (folder.path().join("camera"), folder.path().join("maps"));
    fs::remove_file(camera.join("camera-1.png")).expect("it is there");
    fs::write(camera.join("camera-2.png"), "no photo").expect("it can be written");
    RgbImage::from_pixel(9, 9, Rgb([200, 10, 10])).save(maps.join("coarse-3.png")).expect("it can be written");
    fs::copy(camera.join("camera-9.png"), camera.join("camera-4.png")).expect("it can be copied");
    let list = folder.path().join("list.csv");
    let wrong = fs::read_to_string(&list)
        .expect("it is there")
        .replace("train,Real,camera/camera-5.png", "train,Genuine,x.png");
    fs::write(&list, wrong).expect("it can be written");
    let out = folder.path().join("runs");
    let arguments =
        ["train", "--data", text(&list), "--root", text(folder.path()), "--maps", text(&maps), "--out", text(&out)];
    let (code, _, said) = run(&mut cyborg_train(&arguments));
    assert_eq!(code, 1, "{said}");
    for part in [
        "5 lines of",
        "camera-1.png is missing",
        "camera-2.png is not a picture",
        "coarse-3.png is in colour",
        "`Genuine` is not known",
        "camera-9.png is the photo of line 5, but for test instead of train",
    ] {
        assert!(said.contains(part), "`{part}` is not in `{said}`");
    }
    assert!(!out.exists(), "nothing was begun");
}
