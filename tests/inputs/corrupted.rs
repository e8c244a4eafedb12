//! The whole program on damaged clips and photos, a process each: an exit code of the contract, no panic, an end in time,
//! and no more memory than good files of that size may take.
//!
//! `CYBORG_LONG_TESTS=1` runs more than a thousand. `mutated.rs` reads many more inside one process.

#![allow(clippy::print_stderr, reason = "the figures are for the reader of the test's output")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::chance::change_files;
use crate::support::child::{long_run, watch};
use crate::support::clips::kinds;
use crate::support::{cyborg, face_clip, fetched, model};

/// The longest that a process may take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);
/// The most memory that a clip may take with `--max-pixels` at [`MOST_PIXELS`], in KiB. A small good one takes a third of it.
const MOST_FOR_A_CLIP: u64 = 300 << 10;
/// The most memory that a photo may take, in KiB: what its decoder may ask for, and the program.
const MOST_FOR_A_PHOTO: u64 = (1024 + 300) << 10;
/// Pixels of the largest frame that is decoded: damage makes sizes up.
const MOST_PIXELS: &str = "4000000";

/// Runs the program on files with damage in them; `name` and `arguments` of ffmpeg make the good one.
fn check(command: &str, most: u64, good: &[(&str, String)]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let (mut done, mut refused, mut peak, mut longest) = (0, 0, 0, Duration::ZERO);
    change_files(folder.path(), good, if long_run() { 80 } else { 8 }, |name, round, path| {
        let mut program = cyborg();
        program.arg(command).arg(path).arg("--model").arg(&model).args(["--detect-size", "96"]);
        program.arg("--csv").arg(folder.path().join("table.csv"));
        if command == "video" {
            program.args(["--max-pixels", MOST_PIXELS]);
        }
        let watched = watch(&mut program, LIMIT);
        let why = || format!("{name}, round {round}, kept in {}: {}", kept(path).display(), watched.stderr);
        assert!(matches!(watched.code, Some(0 | 1)), "{:?}: {}", watched.code, why());
        assert!(!watched.stderr.contains("panicked"), "{}", why());
        assert!(watched.peak <= most, "{} KiB: {}", watched.peak, why());
        if watched.code == Some(1) {
            assert!(watched.stderr.contains(name), "the file is named: {}", why());
            refused += 1;
        }
        done += 1;
        (peak, longest) = (peak.max(watched.peak), longest.max(watched.wall));
    });
    eprintln!(
        "{command}: {done} damaged files, {refused} refused; {} MiB at most, {:.1} s at most",
        peak >> 10,
        longest.as_secs_f64()
    );
    assert!((1..done).contains(&refused), "{refused} of {done} were refused");
}

/// Keeps a file that showed a fault.
fn kept(path: &Path) -> PathBuf {
    let place = std::env::temp_dir().join(path.file_name().unwrap_or_default());
    let _ = fs::copy(path, &place);
    place
}

#[test]
fn damaged_clips() {
    let source = format!("-t 0.4 -i {}", face_clip().display());
    check("video", MOST_FOR_A_CLIP, &kinds(&source));
}

#[test]
fn damaged_photos() {
    let source = format!("-i {} -vf scale=128:128", fetched("astronaut").display());
    check(
        "image",
        MOST_FOR_A_PHOTO,
        &[
            ("photo.jpg", format!("{source} -frames:v 1")),
            ("photo.png", source.clone()),
            ("deep.png", format!("{source} -pix_fmt rgb48be")),
            ("palette.png", format!("{source} -pix_fmt pal8")),
            ("photo.bmp", source.clone()),
            ("photo.tiff", format!("{source} -compression_algo lzw")),
            ("photo.webp", format!("{source} -c:v libwebp")),
        ],
    );
}
