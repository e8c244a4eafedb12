//! Decoding, crop and resize give Pillow's pixels, the crop at most one grey level off: a network sees in use what it saw
//! in training.

use std::path::Path;

use cyborg_edge::capture::stills;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::exact::ExactResizer;
use cyborg_edge::frame::Frame;
use cyborg_models::digest;

/// The picture that `fixtures/pillow_resize.py` makes.
fn picture(width: usize, height: usize) -> Frame {
    let mut frame = Frame::empty();
    frame.resize(width, height);
    for (index, value) in frame.pixels.iter_mut().enumerate() {
        let (x, y, channel) = (index / 3 % width, index / 3 / width, index % 3);
        *value = ((x * 37 + y * 91 + channel * 53) ^ (x * y)) as u8;
    }
    frame
}

fn check(found: &[u8], fixture: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    let expected = image::open(&path).expect("it is in the repository").into_rgb8().into_raw();
    assert_eq!(found.len(), expected.len(), "{fixture}");
    let off = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off <= Some(1), "{fixture}: off by {off:?} grey levels");
}

fn check_resize(from: (usize, usize), to: (usize, usize)) {
    let mut out = vec![0; to.0 * to.1 * 3];
    Cropper::new().resize(&picture(from.0, from.1).pixels, from, &mut out, to).expect("the sizes fit");
    check(&out, &format!("pillow_{}x{}_{}x{}.png", from.0, from.1, to.0, to.1));
}

/// The exact resizer gives Pillow's very pixels.
fn check_exact(from: (usize, usize), to: (usize, usize)) {
    let mut out = vec![0; to.0 * to.1 * 3];
    ExactResizer::default().resize(&picture(from.0, from.1).pixels, from, &mut out, to).expect("the sizes fit");
    let fixture = format!("pillow_{}x{}_{}x{}.png", from.0, from.1, to.0, to.1);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(&fixture);
    let expected = image::open(path).expect("it is in the repository").into_rgb8().into_raw();
    assert!(out == expected, "{fixture}: a pixel is not Pillow's");
}

#[test]
fn whole_photos_are_resized_exactly() {
    check_exact((97, 131), (33, 47));
    check_exact((640, 481), (64, 64));
    check_exact((223, 225), (56, 57));
    check_exact((300, 299), (24, 80));
    check_exact((31, 17), (64, 48));
    check_exact((5, 3), (61, 64));
    check_exact((64, 64), (65, 63));
    let mut resizer = ExactResizer::default();
    assert!(resizer.resize(&[], (0, 0), &mut [0; 3], (1, 1)).is_err());
    assert!(resizer.resize(&[0; 5], (1, 2), &mut [0; 3], (1, 1)).is_err());
}

#[test]
fn shrinking() {
    check_resize((97, 131), (33, 47));
    check_resize((640, 481), (64, 64));
    check_resize((223, 225), (56, 57));
    check_resize((300, 299), (24, 80));
}

#[test]
fn enlarging_and_a_bit_of_both() {
    check_resize((31, 17), (64, 48));
    check_resize((5, 3), (61, 64));
    check_resize((64, 64), (65, 63));
}

#[test]
fn a_crop() {
    let mut out = vec![0; 48 * 48 * 3];
    let square = CropSquare { left: 13, top: 21, side: 137 };
    Cropper::new().cut(&picture(200, 180), &square, 48, &mut out).expect("it lies inside");
    check(&out, "pillow_crop.png");
}

/// The JPEG files of a folder give the pixels whose digests stand in its table.
fn check_jpegs(folder: &Path, count: usize) {
    let mut table = csv::Reader::from_path(folder.join("pillow_jpeg.csv")).expect("it is in the repository");
    let rows: Vec<_> = table.records().map(|row| row.expect("each row is whole")).collect();
    assert_eq!(rows.len(), count);
    // One frame for all: what the file before left in it must not show.
    let mut frame = Frame::empty();
    for row in rows {
        stills::read(&folder.join(&row[0]), &mut frame).expect("it is whole");
        assert_eq!([frame.width.to_string(), frame.height.to_string()], [&row[1], &row[2]], "{row:?}");
        assert_eq!(digest::of_bytes(&frame.pixels), row[3], "{}: a pixel is not Pillow's", &row[0]);
    }
}

#[test]
fn jpegs_are_decoded_exactly() {
    check_jpegs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), 9);
}
