//! `cyborg image` on photos: faces found, EXIF orientation obeyed, one bad file no harm to the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{DynamicImage, ImageFormat};
use tempfile::TempDir;

use crate::support::{check_error, cyborg, fetched, model, run};

/// The column of the left edge of the face box; top, width and height follow.
const LEFT: usize = 8;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn image_command(folder: &TempDir) -> Command {
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("image").arg("--model").arg(model);
    command
}

fn astronaut() -> DynamicImage {
    image::open(fetched("astronaut")).expect("set-up fetched it")
}

/// Rows of the table, in the order of its columns.
fn rows(table: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(table).expect("it was written");
    let header: Vec<_> = reader.headers().expect("it has one").iter().map(str::to_owned).collect();
    assert_eq!(header[LEFT..], ["left", "top", "width", "height", "reason", "path_escaped", "model"]);
    assert_eq!(header[..2], ["path", "score"]);
    reader.records().map(|row| row.expect("each row is whole").iter().map(str::to_owned).collect()).collect()
}

fn judge(folder: &TempDir, paths: &[&Path], arguments: &[&str]) -> (i32, Vec<Vec<String>>, String) {
    let table = folder.path().join("table.csv");
    let mut command = image_command(folder);
    command.args(paths).arg("--csv").arg(&table).args(arguments);
    let (code, stdout, stderr) = run(&mut command);
    assert!(code == 0 || code == 3, "{stderr}");
    (code, rows(&table), stdout)
}

fn number(row: &[String], column: usize) -> f32 {
    row[column].parse().expect("a number")
}

/// Networks are written to a temporary file once, so that sessions share their weights.
#[test]
fn without_a_folder_for_temporary_files_all_is_the_same() {
    let folder = folder();
    let photo = fetched("astronaut");
    let [usual, nowhere] = ["usual", "nowhere"].map(|name| {
        let table = folder.path().join(name);
        let mut command = image_command(&folder);
        command.arg(&photo).arg("--csv").arg(&table);
        if name == "nowhere" {
            command.env("TMPDIR", folder.path().join("missing"));
        }
        let (code, _, stderr) = run(&mut command);
        assert_eq!(code, 0, "{stderr}");
        rows(&table)
    });
    assert_eq!(usual, nowhere);
}

#[test]
fn finds_the_face_of_the_astronaut() {
    let folder = folder();
    let (_, rows, stdout) =
        judge(&folder, &[&fetched("astronaut")], &["--annotate", &folder.path().join("out").display().to_string()]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    // Her face lies about 180 to 270 pixels from the left and 60 to 190 from the top.
    let (left, top, width, height) =
        (number(row, LEFT), number(row, LEFT + 1), number(row, LEFT + 2), number(row, LEFT + 3));
    assert!((170.0..200.0).contains(&left) && (50.0..100.0).contains(&top), "{row:?}");
    assert!((70.0..110.0).contains(&width) && (90.0..140.0).contains(&height), "{row:?}");
    assert!(stdout.contains("astronaut.png: "), "{stdout}");
    let drawn = image::open(folder.path().join("out/astronaut.annotated.png")).expect("it was written");
    assert_eq!((drawn.width(), drawn.height()), (512, 512));
    assert_ne!(drawn.into_rgb8(), astronaut().into_rgb8(), "something is drawn on it");
}

#[test]
fn every_format_gives_the_same_face() {
    let folder = folder();
    let photos = folder.path().join("photos/below");
    fs::create_dir_all(&photos).expect("it can be made");
    for (name, format) in [
        ("a.bmp", ImageFormat::Bmp),
        ("a.jpg", ImageFormat::Jpeg),
        ("a.png", ImageFormat::Png),
        ("a.tiff", ImageFormat::Tiff),
        ("a.webp", ImageFormat::WebP),
    ] {
        astronaut().to_rgb8().save_with_format(photos.join(name), format).expect("it can be written");
    }
    fs::write(photos.join("notes.txt"), "no photo").expect("it can be written");
    let (code, rows, _) = judge(&folder, &[&folder.path().join("photos")], &[]);
    assert_eq!((code, rows.len()), (0, 5), "{rows:?}");
    for row in &rows {
        assert!((number(row, LEFT) - number(&rows[0], LEFT)).abs() < 3.0, "{rows:?}");
    }
    let names: Vec<_> = rows.iter().map(|row| row[0].rsplit('/').next().expect("a name")).collect();
    assert_eq!(names, ["a.bmp", "a.jpg", "a.png", "a.tiff", "a.webp"], "in the order of their names");
}

/// Puts an EXIF block with an orientation into a JPEG file.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).expect("it is short").to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn the_exif_orientation_is_obeyed() {
    let folder = folder();
    let upright = folder.path().join("upright.jpg");
    astronaut().to_rgb8().save(&upright).expect("it can be written");
    // Orientation 6: the camera lay on its side, so that the stored picture must be turned by 90 degrees.
    let stored = folder.path().join("stored.jpg");
    astronaut().rotate270().to_rgb8().save(&stored).expect("it can be written");
    let turned = folder.path().join("turned.jpg");
    fs::write(&turned, with_orientation(&fs::read(&stored).expect("it was written"), 6)).expect("it can be written");
    let (_, rows, _) = judge(&folder, &[&upright, &turned], &[]);
    assert_eq!(rows.len(), 2, "{rows:?}");
    for column in LEFT..LEFT + 4 {
        assert!((number(&rows[0], column) - number(&rows[1], column)).abs() < 4.0, "{rows:?}");
    }
}

#[test]
fn a_photo_without_a_face_is_a_row_without_numbers() {
    let folder = folder();
    let grey = folder.path().join("grey.png");
    image::RgbImage::from_pixel(64, 48, image::Rgb([90; 3])).save(&grey).expect("it can be written");
    let (code, rows, stdout) = judge(&folder, &[&grey], &[]);
    assert_eq!(code, 0);
    // But for the word on how the path is written.
    assert!(rows[0][1..].iter().all(|field| field.is_empty() || field == "false"), "{rows:?}");
    assert!(stdout.contains("grey.png: no face found"), "{stdout}");
}

#[test]
fn bad_files_do_not_stop_the_others() {
    let folder = folder();
    let text = folder.path().join("text.jpg");
    fs::write(&text, "no photo").expect("it can be written");
    let missing = PathBuf::from("no/such/photo.png");
    let (code, rows, _) = judge(&folder, &[&text, &missing, &fetched("astronaut")], &[]);
    assert_eq!((code, rows.len()), (3, 1));
    check_error(image_command(&folder).arg(&text), 1, "text.jpg is not a picture");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg_face_420.jpg");
    let (whole, cut) = (fs::read(fixture).expect("it is in the repository"), folder.path().join("cut.jpg"));
    fs::write(&cut, &whole[..whole.len() / 2]).expect("it can be written");
    check_error(
        image_command(&folder).arg(&cut),
        1,
        "cut.jpg is a JPEG that can't be read: the JPEG data is truncated",
    );
    let (_, _, stderr) = run(image_command(&folder).arg(&missing));
    assert_eq!(stderr.matches("No such file").count(), 1, "each cause is said once: {stderr}");
    check_error(image_command(&folder).arg(&missing), 1, "no/such/photo.png: No such file");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("it can be made");
    check_error(image_command(&folder).arg(&empty), 1, "contains no photos");
    check_error(&mut image_command(&folder), 2, "Usage");
    check_error(
        image_command(&folder).arg(fetched("astronaut")).arg("--annotate").arg(&text),
        2,
        "is a file, name a folder",
    );
}
