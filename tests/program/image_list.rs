//! `cyborg image --list`: the photos of a list give one scores file, as the published test script writes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_edge::frame::Frame;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::support::{check_error, cyborg, fetched, model, run};

/// A folder with photos of even grey, whose whole-photo score by the small model is known: sigmoid(10 * grey / 255 - 5).
fn greys(greys: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    fs::create_dir_all(folder.path().join("faces/ffhq")).expect("it can be made");
    for &grey in greys {
        let path = folder.path().join(format!("faces/ffhq/{grey}.png"));
        RgbImage::from_pixel(40, 30, Rgb([grey; 3])).save(path).expect("it can be written");
    }
    folder
}

fn score(grey: u8) -> f32 {
    1.0 / (1.0 + (5.0 - f32::from(grey) / 25.5).exp())
}

fn list(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("list.csv");
    fs::write(&path, text).expect("it can be written");
    path
}

/// The program with the small model, on the list, writing to `scores.csv`.
fn scoring(folder: &TempDir, text: &str) -> Command {
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("image").arg("--list").arg(list(folder, text)).arg("--model").arg(model);
    command.arg("--csv").arg(folder.path().join("scores.csv"));
    command
}

fn rows(folder: &TempDir) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(folder.path().join("scores.csv")).expect("it was written");
    let header: Vec<_> = reader.headers().expect("it has one").iter().map(str::to_owned).collect();
    assert_eq!(header[..7], ["path", "score", "label", "split", "source", "p_synthetic", "verdict"]);
    reader.records().map(|row| row.expect("each row is whole").iter().map(str::to_owned).collect()).collect()
}

fn number(text: &str) -> f32 {
    text.parse().expect("a number")
}

#[test]
fn the_published_list_gives_the_published_scores_file() {
    // More photos than go into one batch, in an order that isn't theirs.
    let shades: Vec<u8> = (0..19).map(|at| (at * 7 % 19) * 13).collect();
    let folder = greys(&shades);
    let line =
        |grey: &u8| format!("test,{},ffhq/{grey}.png\n", if grey.is_multiple_of(2) { "Real" } else { "Synthetic" });
    let text: String = shades.iter().map(line).collect();
    let root = folder.path().join("faces");
    let (code, stdout, stderr) = run(scoring(&folder, &text).args(["--crop", "whole"]).arg("--root").arg(&root));
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, "19 photos scored, 0 without a face, 0 not usable\n");
    let rows = rows(&folder);
    assert_eq!(rows.len(), 19);
    for (row, grey) in rows.iter().zip(shades) {
        assert_eq!(row[0], root.join(format!("ffhq/{grey}.png")).display().to_string());
        assert!((number(&row[1]) - score(grey)).abs() < 1e-4, "{row:?}");
        assert_eq!(row[1], row[5], "without a wish the score is p");
        let label = if grey.is_multiple_of(2) { "real" } else { "synthetic" };
        assert_eq!(row[2..5], [label, "test", "ffhq"]);
        assert!(row[7..12].iter().all(String::is_empty), "a whole photo has no face box: {row:?}");
    }
}

#[test]
fn the_reference_score_is_the_sigmoid_of_the_second_logit() {
    let folder = greys(&[200]);
    // With this first logit the softmax is another number than the sigmoid of the second one.
    let mut shifted = model::corner();
    let constants = &mut shifted.graph.as_mut().expect("it has one").initializer;
    let shift = constants.iter_mut().find(|constant| constant.name == "shift").expect("it has one");
    *shift = cyborg_models::onnx::TensorProto::floats("shift", &[2], &[2.0, -5.0]);
    let text = "test,Synthetic,ffhq/200.png\n";
    let mut command = scoring(&folder, text);
    let path = model::write(folder.path(), "corner.onnx", &shifted);
    assert!(path.is_file());
    let (code, _, stderr) = run(command.args(["--crop", "whole", "--score", "reference"]));
    assert_eq!(code, 0, "{stderr}");
    let row = &rows(&folder)[0];
    assert!((number(&row[1]) - score(200)).abs() < 1e-4, "{row:?}");
    // p by hand: sigmoid(200 / 25.5 - 5 - 2).
    assert!((number(&row[5]) - 0.698_9).abs() < 1e-3, "{row:?}");
}

#[test]
fn a_bad_line_or_file_does_not_stop_the_others() {
    let folder = greys(&[10, 20, 30]);
    fs::write(folder.path().join("faces/ffhq/20.png"), "no photo").expect("it can be written");
    let text =
        "test,Real,ffhq/10.png\ntest,Real,ffhq/20.png\ntest,Who,x.png\ntest,Real,gone.png\ntest,Real,ffhq/30.png\n";
    let (code, stdout, stderr) = run(scoring(&folder, text).args(["--crop", "whole"]));
    assert_eq!(code, 3, "{stderr}");
    assert_eq!(stdout, "2 photos scored, 0 without a face, 3 not usable\n");
    for part in ["20.png is not a picture", "line 3: label `Who`", "gone.png: No such file"] {
        assert!(stderr.contains(part), "no `{part}` in {stderr}");
    }
    let rows = rows(&folder);
    assert_eq!(rows.len(), 2);
    assert!(rows[0][0].ends_with("10.png") && rows[1][0].ends_with("30.png"), "{rows:?}");
    check_error(scoring(&folder, "test,Real,gone.png\n").args(["--crop", "whole"]), 1, "gone.png");
    check_error(scoring(&folder, "label,split\n").args(["--crop", "whole"]), 1, "no column `file`");
}

#[test]
fn a_split_of_the_list_is_judged_alone() {
    let folder = greys(&[10, 20, 30]);
    // The photo of another split needn't even be there.
    let text = "train,Real,gone.png\nvalidation,Real,ffhq/10.png\ntest,Real,ffhq/20.png\nvalidation,Real,ffhq/30.png\n";
    let (code, stdout, stderr) = run(scoring(&folder, text).args(["--crop", "whole", "--split", "validation"]));
    assert_eq!((code, stdout.as_str()), (0, "2 photos scored, 0 without a face, 0 not usable\n"), "{stderr}");
    let rows = rows(&folder);
    assert!(rows[0][0].ends_with("10.png") && rows[1][0].ends_with("30.png") && rows.len() == 2, "{rows:?}");
    let none = "test,Real,ffhq/20.png\n";
    check_error(scoring(&folder, none).args(["--crop", "whole", "--split", "train"]), 2, "no row of split train");
    check_error(scoring(&folder, none).args(["--split", "all"]), 2, "expected train, validation or test");
    check_error(cyborg().args(["image", "--split", "train", "y.png"]), 2, "--split");
}

#[test]
fn usage_that_makes_no_sense_is_refused() {
    let folder = greys(&[10]);
    let text = "test,Real,ffhq/10.png\n";
    check_error(scoring(&folder, text).arg("photo.png"), 2, "--list");
    check_error(scoring(&folder, text).args(["--crop", "half"]), 2, "face or whole");
    check_error(scoring(&folder, text).args(["--score", "half"]), 2, "softmax or reference");
    check_error(scoring(&folder, text).args(["--crop", "whole", "--annotate", "x"]), 2, "drop one of the two");
    check_error(cyborg().args(["image", "--root", "x", "y.png"]), 2, "--root");
    let own = list(&folder, text);
    check_error(
        cyborg().arg("image").arg("--list").arg(&own).arg("--csv").arg(&own),
        2,
        "is both an input and an output",
    );
}

/// The list's words on the astronaut's face, and where it should then be found.
fn check_face(columns: &str, fields: &str, expected: Option<(f32, f32)>) {
    let folder = greys(&[90]);
    fs::copy(fetched("astronaut"), folder.path().join("faces/a.png")).expect("set-up fetched it");
    let text = format!("file,label{columns}\na.png,real{fields}\nffhq/90.png,synthetic\n");
    let (code, stdout, stderr) = run(&mut scoring(&folder, &text));
    assert_eq!((code, stdout.as_str()), (0, "1 photos scored, 1 without a face, 0 not usable\n"), "{stderr}");
    let rows = rows(&folder);
    assert_eq!((rows.len(), &rows[0][3], &rows[0][4]), (2, &String::new(), &"real".to_owned()));
    assert_eq!((&rows[1][1], &rows[1][2]), (&String::new(), &"synthetic".to_owned()));
    let (left, width) = expected.unwrap_or((182.0, 85.0));
    assert!((number(&rows[0][8]) - left).abs() < 15.0 && (number(&rows[0][10]) - width).abs() < 20.0, "{rows:?}");
}

#[test]
fn the_face_that_the_list_means_is_judged() {
    check_face("", "", None);
    check_face(",face_x,face_y,face_w,face_h", ",170,60,100,130", None);
    // Where the detector finds nothing, the face is where the list has it.
    check_face(",face_x,face_y,face_w,face_h", ",400,400,50,60", Some((400.0, 50.0)));
}

#[test]
fn jsonl_says_the_same() {
    let folder = greys(&[250]);
    let table = folder.path().join("scores.jsonl");
    let text = "test,Real,ffhq/250.png\n";
    let (code, ..) = run(scoring(&folder, text).args(["--crop", "whole"]).arg("--jsonl").arg(&table));
    assert_eq!(code, 0);
    let text = fs::read_to_string(table).expect("it was written");
    for part in [r#""detector_provider":"none""#, r#""label":"real","split":"test","source":"ffhq""#, r#""face":null"#]
    {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

/// The picture that `fixtures/reference_scores.py` makes.
fn picture(width: usize, height: usize) -> RgbImage {
    let mut frame = Frame::empty();
    frame.resize(width, height);
    for (index, value) in frame.pixels.iter_mut().enumerate() {
        let (x, y, channel) = (index / 3 % width, index / 3 / width, index % 3);
        *value = ((x * 37 + y * 91 + channel * 53) ^ (x * y)) as u8;
    }
    RgbImage::from_raw(width as u32, height as u32, frame.pixels).expect("it holds as many pixels")
}

/// Pillow's resizing, ONNX Runtime and the sigmoid of the second logit in Python, against the program on the same files.
#[test]
fn the_python_procedure_gives_the_same_scores() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference_scores.csv");
    let mut reader = csv::Reader::from_path(fixture).expect("it is in the repository");
    let photo = image::open(fetched("astronaut")).expect("set-up fetched it").into_rgb8();
    let (mut text, mut expected) = (String::new(), Vec::new());
    for (index, record) in reader.records().enumerate() {
        let record = record.expect("each row is whole");
        let [left, top, width, height] = [1, 2, 3, 4].map(|at| record[at].parse().expect("a number"));
        let made = match &record[0] {
            "photo" => image::imageops::crop_imm(&photo, left, top, width, height).to_image(),
            _ => picture(width as usize, height as usize),
        };
        made.save(folder.path().join(format!("{index}.png"))).expect("it can be written");
        text += &format!("test,Real,{index}.png\n");
        expected.push(number(&record[5]));
    }
    assert!(expected.len() > 8, "more than one batch");
    let table = folder.path().join("scores.csv");
    let mut command = cyborg();
    command.arg("image").arg("--list").arg(list(&folder, &text)).arg("--root").arg(folder.path());
    command.args(["--crop", "whole", "--score", "reference", "--provider", "cpu", "--model", "small-float32"]);
    command.arg("--csv").arg(table);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    let rows = rows(&folder);
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        assert!((number(&row[1]) - expected).abs() < 1e-4, "{row:?}, expected {expected}");
    }
}
