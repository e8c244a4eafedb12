//! Known patches come out in their place, shape and colour, whatever the container says of rotation, pixels and range;
//! and pictures that are too large don't come out at all.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cyborg_edge::capture::Source;
use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::video::VideoSource;
use cyborg_edge::frame::Frame;

use crate::support::child::watch;
use crate::support::clips::{MOVING, read_file, settings};
use crate::support::{cyborg, make_clip, model};

/// Four patches, 40 x 60 pixels each.
const PATCHES: &str = "-f lavfi -i color=0xC03020:s=40x60:d=0.2[a];color=0x20B040:s=40x60:d=0.2[b];\
color=0x3050D0:s=40x60:d=0.2[c];color=0xD8D8D8:s=40x60:d=0.2[d];[a][b]hstack[t];[c][d]hstack[u];[t][u]vstack";
const RED: [u8; 3] = [0xc0, 0x30, 0x20];
const GREEN: [u8; 3] = [0x20, 0xb0, 0x40];
const BLUE: [u8; 3] = [0x30, 0x50, 0xd0];
const GREY: [u8; 3] = [0xd8; 3];

/// Size, and the patches left above, right above, left below, right below.
fn check_frame(frame: &Frame, size: (usize, usize), patches: [[u8; 3]; 4], what: &str) {
    assert_eq!((frame.width, frame.height), size, "{what}");
    let places = [(1, 1), (3, 1), (1, 3), (3, 3)];
    for ((across, down), expected) in places.into_iter().zip(patches) {
        let (x, y) = (frame.width * across / 4, frame.height * down / 4);
        let found = &frame.pixels[(y * frame.width + x) * 3..][..3];
        let close = found.iter().zip(expected).all(|(&found, expected)| found.abs_diff(expected) <= 5);
        assert!(close, "{what}: at {x}, {y} is {found:?}, not {expected:?}");
    }
}

fn first_frame(path: &Path) -> Frame {
    let seen = read_file(path, &settings()).expect("it can be read");
    let opened = VideoSource::open_with(&Address::File(path.to_owned()), &settings()).expect("it was read already");
    let frame = seen.frames.into_iter().next().expect("there is a frame");
    assert_eq!(opened.info().size, (frame.width, frame.height), "the size is known before the first frame");
    frame
}

fn check_made(name: &str, arguments: &str, size: (usize, usize)) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join(name);
    make_clip(&path, &format!("{PATCHES} {arguments}"));
    check_frame(&first_frame(&path), size, [RED, GREEN, BLUE, GREY], &format!("{name}: {arguments}"));
}

/// The patches as planes of Y, U and V, from the definition of the matrix by its weights of red and blue.
fn planes((red, blue): (f64, f64), full: bool, format: &str) -> Vec<u8> {
    let deep = format.ends_with("10le");
    // Range of Y, range of U and V, black, in parts of 255.
    let (bright, coloured, black) = if full { (255.0, 255.0, 0.0) } else { (219.0, 224.0, 16.0) };
    let (scale, top) = match (deep, full) {
        (false, _) => (1.0, 255.0),
        (true, true) => (1023.0 / 255.0, 1023.0),
        (true, false) => (4.0, 1023.0),
    };
    let middle = if deep { 512.0 } else { 128.0 };
    let value = |x: usize, y: usize, width: usize, height: usize, plane: usize| {
        let patch = [RED, GREEN, BLUE, GREY][usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)];
        let [r, g, b] = patch.map(|value| f64::from(value) / 255.0);
        let light = red * r + (1.0 - red - blue) * g + blue * b;
        match plane {
            0 => (bright * light + black) * scale,
            1 => coloured * (b - light) / (2.0 * (1.0 - blue)) * scale + middle,
            _ => coloured * (r - light) / (2.0 * (1.0 - red)) * scale + middle,
        }
    };
    let mut bytes = Vec::new();
    for plane in 0..3 {
        let halved = plane > 0 && format.starts_with("yuv420");
        let (width, height) = if halved { (40, 60) } else { (80, 120) };
        for at in 0..width * height {
            let value = value(at % width, at / width, width, height, plane).round().clamp(0.0, top) as u16;
            bytes.extend(&value.to_le_bytes()[..if deep { 2 } else { 1 }]);
        }
    }
    bytes
}

#[test]
fn ranges_and_matrices() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (raw, clip) = (folder.path().join("clip.yuv"), folder.path().join("clip.mkv"));
    let weights = [("smpte170m", (0.299, 0.114)), ("bt709", (0.2126, 0.0722)), ("bt2020nc", (0.2627, 0.0593))];
    for (matrix, weights) in weights {
        for (range, full) in [("pc", true), ("tv", false)] {
            for format in ["yuv420p", "yuv444p", "yuv420p10le"] {
                fs::write(&raw, planes(weights, full, format)).expect("it can be written");
                let input = format!("-f rawvideo -pix_fmt {format} -s 80x120 -i {}", raw.display());
                let flags = format!("-colorspace {matrix} -color_range {range}");
                make_clip(&clip, &format!("{input} {flags} -c:v libx264 -qp 0 -preset ultrafast -pix_fmt {format}"));
                check_frame(&first_frame(&clip), (80, 120), [RED, GREEN, BLUE, GREY], &format!("{format} {flags}"));
            }
        }
    }
}

#[test]
fn formats_that_say_nothing() {
    check_made("clip.mkv", "-vf scale=out_color_matrix=bt601 -c:v ffv1 -pix_fmt yuv420p", (80, 120));
    check_made(
        "large.mkv",
        "-vf scale=1280:720:out_color_matrix=bt709,setsar=1 -c:v ffv1 -pix_fmt yuv420p",
        (1280, 720),
    );
    check_made("clip.avi", "-c:v mjpeg -q:v 1 -pix_fmt yuvj444p", (80, 120));
    check_made("clip.mkv", "-c:v libx264rgb -qp 0 -preset ultrafast", (80, 120));
    check_made("clip.mov", "-c:v png", (80, 120));
    check_made("odd.mkv", "-vf scale=79:121:out_color_matrix=bt601,setsar=1 -c:v ffv1 -pix_fmt yuv420p", (79, 121));
}

#[test]
fn pixels_that_are_not_square() {
    let x264 = "-c:v libx264 -qp 4 -preset ultrafast -pix_fmt yuv420p";
    check_made("wide.mp4", &format!("-vf scale=out_color_matrix=bt601,setsar=4/3 {x264}"), (107, 120));
    check_made("narrow.mkv", &format!("-vf scale=out_color_matrix=bt601,setsar=1/2 {x264}"), (40, 120));
    check_made("clip.avi", "-vf scale=out_color_matrix=bt601,setsar=2/1 -c:v mpeg4 -q:v 1", (160, 120));
    // Nobody films that: a mistake, and a way to ask for gigabytes.
    check_made("absurd.mp4", &format!("-vf scale=out_color_matrix=bt601,setsar=1/200 {x264}"), (80, 120));
}

/// Writes a display matrix (a b, c d in whole numbers) into the track header of an MP4.
fn set_matrix(path: &Path, numbers: [i32; 4]) {
    let mut bytes = fs::read(path).expect("it was made");
    let header = bytes.windows(4).position(|word| word == b"tkhd").expect("an MP4 has one");
    let [a, b, c, d] = numbers.map(|number| number << 16);
    let matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30];
    for (place, number) in matrix.into_iter().enumerate() {
        bytes[header + 44 + place * 4..][..4].copy_from_slice(&number.to_be_bytes());
    }
    fs::write(path, bytes).expect("it can be written");
}

/// The first picture as the `ffmpeg` program shows it.
fn shown_by_ffmpeg(path: &Path) -> Vec<u8> {
    let arguments = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    let output = Command::new("ffmpeg").args(["-loglevel", "error", "-i"]).arg(path).args(arguments).output();
    output.expect("the program `ffmpeg` is there after `cargo xtask setup`").stdout
}

#[test]
fn rotations() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mp4");
    for (matrix, size, patches) in [
        ([1, 0, 0, 1], (80, 120), [RED, GREEN, BLUE, GREY]),
        // A quarter turn clockwise: what was left above comes right above.
        ([0, 1, -1, 0], (120, 80), [BLUE, RED, GREY, GREEN]),
        ([-1, 0, 0, -1], (80, 120), [GREY, BLUE, GREEN, RED]),
        ([0, -1, 1, 0], (120, 80), [GREEN, GREY, RED, BLUE]),
        ([-1, 0, 0, 1], (80, 120), [GREEN, RED, GREY, BLUE]),
        ([1, 0, 0, -1], (80, 120), [BLUE, GREY, RED, GREEN]),
    ] {
        let scale = "-vf scale=out_color_matrix=bt601:out_range=limited";
        make_clip(&path, &format!("{PATCHES} {scale} -c:v libx264 -qp 4 -preset ultrafast -pix_fmt yuv420p"));
        set_matrix(&path, matrix);
        let frame = first_frame(&path);
        check_frame(&frame, size, patches, &format!("{matrix:?}"));
        let shown = shown_by_ffmpeg(&path);
        assert_eq!(shown.len(), frame.pixels.len(), "{matrix:?}");
        let far = shown.iter().zip(&frame.pixels).filter(|(shown, ours)| shown.abs_diff(**ours) > 8).count();
        assert!(far * 50 < shown.len(), "{matrix:?}: {far} of {} values are not those of ffmpeg", shown.len());
    }
}

#[test]
fn turned_pixels_that_are_not_square() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mp4");
    let filters = "-vf scale=out_color_matrix=bt601,setsar=2/1";
    make_clip(&path, &format!("{PATCHES} {filters} -c:v libx264 -qp 4 -preset ultrafast -pix_fmt yuv420p"));
    set_matrix(&path, [0, 1, -1, 0]);
    check_frame(&first_frame(&path), (120, 160), [BLUE, RED, GREY, GREEN], "stretched, then turned");
}

#[test]
fn a_size_that_changes_on_the_way() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [first, second, both] = ["a.h264", "b.h264", "both.h264"].map(|name| folder.path().join(name));
    make_clip(&first, &format!("{MOVING} -frames:v 5 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"));
    make_clip(
        &second,
        &format!("{MOVING} -frames:v 6 -vf scale=160:90,setsar=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"),
    );
    let bytes = [&first, &second].map(|path| fs::read(path).expect("it was made")).concat();
    fs::write(&both, bytes).expect("it can be written");
    let seen = read_file(&both, &settings()).expect("it can be read");
    let sizes: Vec<_> = seen.frames.iter().map(|frame| (frame.width, frame.height)).collect();
    assert_eq!(sizes, [vec![(96, 64); 5], vec![(160, 90); 6]].concat());
    let mut strict = settings();
    strict.most_pixels = 96 * 64;
    let error = read_file(&both, &strict).err().expect("the second size is too large");
    assert!(error.to_string().contains("160x90 pixels, more than the limit of 6144"), "{error}");
}

/// The most memory that the program may take for a file that is refused, in KiB. A small good clip takes a third of it.
const MOST: u64 = 300 << 10;

/// A file that claims a picture of gigabytes is refused without the memory for it. Looked at is a process of its own: this one
/// has the memory of other tests too.
fn check_bomb(path: &Path, message: &str) {
    let model = model::write(path.parent().expect("it lies in a folder"), "corner.onnx", &model::corner());
    let mut command = cyborg();
    let watched = watch(command.arg("video").arg(path).arg("--model").arg(model), Duration::from_secs(60));
    assert_eq!(watched.code, Some(1), "{}: {}", path.display(), watched.stderr);
    assert!(watched.stderr.contains(message), "{}: {}", path.display(), watched.stderr);
    assert!(watched.peak < MOST, "{}: {} KiB", path.display(), watched.peak);
}

#[test]
fn bombs() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    // The picture's own header says 16,000 x 16,000, behind a container that says 64x64. The decoder of MJPEG itself
    // doubts what would be so many pixels in so few bytes.
    for (name, encoder, header, message) in [
        ("png.mkv", "png", &b"IHDR\0\0\0\x40\0\0\0\x40"[..], "--max-pixels"),
        ("png.mov", "png", b"IHDR\0\0\0\x40\0\0\0\x40", "--max-pixels"),
        ("jpeg.avi", "mjpeg -pix_fmt yuvj420p", b"\xff\xc0\0\x11\x08\0\x40\0\x40", "jpeg.avi"),
    ] {
        let path = folder.path().join(name);
        make_clip(&path, &format!("-f lavfi -i color=red:s=64x64:d=0.2 -c:v {encoder}"));
        let mut bytes = fs::read(&path).expect("it was made");
        let places = bytes.windows(header.len()).enumerate().filter(|(_, word)| *word == header);
        let places: Vec<usize> = places.map(|(at, _)| at + header.len()).collect();
        assert_eq!(places.len(), 5, "{name}");
        for end in places {
            for number in [end - 2, end - if encoder == "png" { 6 } else { 4 }] {
                bytes[number..number + 2].copy_from_slice(&16_000_u16.to_be_bytes());
            }
        }
        fs::write(&path, bytes).expect("it can be written");
        check_bomb(&path, message);
    }
    // The container.
    let path = folder.path().join("bomb.mp4");
    make_clip(&path, "-f lavfi -i color=red:s=64x64:d=0.2 -c:v libx264 -pix_fmt yuv420p");
    let mut bytes = fs::read(&path).expect("it was made");
    let entry = bytes.windows(4).position(|word| word == b"avc1").expect("an MP4 of H.264 has it");
    let entry = bytes[entry + 4..].windows(4).position(|word| word == b"avc1").map_or(entry, |next| entry + 4 + next);
    bytes[entry + 28..entry + 32].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    fs::write(&path, bytes).expect("it can be written");
    check_bomb(&path, "claims 65500x65500 pixels");
}

#[test]
fn the_limit_can_be_raised_and_lowered() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mp4");
    make_clip(&path, "-f lavfi -i color=red:s=200x100:d=0.2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p");
    let mut limited = settings();
    limited.most_pixels = 200 * 100 - 1;
    let error = read_file(&path, &limited).err().expect("it is refused");
    assert!(error.to_string().contains("claims 200x100 pixels, more than the limit of 19999"), "{error}");
    limited.most_pixels += 1;
    assert_eq!(read_file(&path, &limited).expect("it is within the limit").frames.len(), 5);
}
