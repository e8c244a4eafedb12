//! `cyborg-train export --precision int8`: what it wants, and what it says where it doesn't get it.

use std::fs;
use std::path::Path;

use cyborg_models::small;

use super::support::{cyborg_train, run};

fn text(path: &Path) -> &str {
    path.to_str().expect("the temporary folder has a plain name")
}

#[test]
fn faces_to_take_steps_from_and_to_measure_on_are_wanted() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [model, out, list] = ["model.onnx", "int8.onnx", "faces.csv"].map(|name| folder.path().join(name));
    fs::write(&model, small::BYTES).expect("it can be written");
    let export = ["export", text(&model), "--out", text(&out)];
    let fails = |further: &[&str], code: i32, parts: &[&str]| {
        let (got, _, stderr) = run(&mut cyborg_train(&[&export, further].concat()));
        assert_eq!(got, code, "{further:?}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{further:?}: {stderr}");
        assert!(!out.exists(), "{further:?}: nothing is written");
    };
    fails(&["--precision", "int4"], 2, &["`int4`", "float32, float16 or int8"]);
    fails(&["--precision", "int8"], 2, &["`--data`", "measured"]);
    fails(&["--precision", "float16"], 2, &["`--precision int8` alone", "checkpoint"]);
    let with_list = ["--precision", "int8", "--data", text(&list)];
    fails(&["--precision", "float16", "--data", text(&list)], 2, &["leave it out"]);
    fails(&with_list, 1, &["faces.csv"]);
    for (split, missing) in [("train", "`validation`"), ("validation", "`train`"), ("test", "`train`")] {
        fs::write(&list, format!("file,label,split\na.png,real,{split}\nb.png,synthetic,{split}\n"))
            .expect("it can be written");
        for photo in ["a.png", "b.png"] {
            image::RgbImage::new(64, 64).save(folder.path().join(photo)).expect("it can be written");
        }
        fails(&with_list, 1, &["faces.csv", missing, "column `split`"]);
    }
    fs::write(&model, b"no model").expect("it can be written");
    fails(&with_list, 1, &["model.onnx"]);
}
