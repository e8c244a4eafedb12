//! Clips and photos with bytes changed, cut out and doubled: an error or some frames, and always an end.
//!
//! `CYBORG_LONG_TESTS=1` makes ten times as many.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cyborg_edge::capture::stills;
use cyborg_edge::capture::stretch::Mark;
use cyborg_edge::frame::{Frame, PresentationTime};

use crate::support::chance::change_files;
use crate::support::child::long_run;
use crate::support::clips::{kinds, read_file, settings};
use crate::support::fetched;

/// How often the changes of files were read, and how often refused.
struct Counts {
    read: usize,
    refused: usize,
}

/// Makes each of `files` by its arguments for ffmpeg, and hands `rounds` changes of it to `read` on a thread of its own: each
/// comes to an end, without a panic, and an error names the file.
fn change_and_read<E: ToString + Send + 'static>(
    files: &[(&str, String)],
    rounds: usize,
    mut read: impl FnMut(&Path) -> Result<(), E> + Send + 'static,
) -> Counts {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (input, jobs) = mpsc::channel::<PathBuf>();
    let (done, results) = mpsc::channel();
    thread::spawn(move || jobs.iter().all(|path| done.send(read(&path)).is_ok()));
    let mut counts = Counts { read: 0, refused: 0 };
    change_files(folder.path(), files, rounds, |name, round, path| {
        input.send(path.to_owned()).expect("the reader is there");
        let result = results.recv_timeout(Duration::from_secs(60));
        if result.is_err() {
            let _ = fs::copy(path, std::env::temp_dir().join(name));
        }
        match result.expect("an end, and no panic; the file is kept in the folder for temporary files") {
            Ok(()) => counts.read += 1,
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains(name) && !text.contains("no end"), "{name}, round {round}: {text}");
                counts.refused += 1;
            }
        }
    });
    counts
}

#[test]
fn mutated_clips_come_to_an_end() {
    let source = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.6";
    let mut files = kinds(source);
    files.push(("vp9.webm", format!("{source} -c:v libvpx-vp9 -deadline realtime -cpu-used 8")));
    let Counts { read, refused } = change_and_read(&files, if long_run() { 450 } else { 45 }, |path| {
        let mut settings = settings();
        settings.most_pixels = 1 << 22;
        let whole = read_file(path, &settings);
        settings.stretch.start = Some(Mark::Running(PresentationTime(300_000)));
        let _ = read_file(path, &settings);
        whole.map(drop)
    });
    assert!(read > 50 && refused > 10, "the changes are of both kinds: {read} read, {refused} refused");
}

#[test]
fn mutated_photos_come_to_an_end() {
    let source = format!("-i {} -vf scale=64:48 -frames:v 1", fetched("astronaut").display());
    let files = ["photo.jpg", "photo.png", "photo.bmp", "photo.tiff", "photo.webp"].map(|name| (name, source.clone()));
    let mut frame = Frame::empty();
    let Counts { read, refused } = change_and_read(&files, if long_run() { 2000 } else { 200 }, move |path| {
        let read = stills::read(path, &mut frame);
        // What a stage may count on.
        assert!(read.is_err() || frame.pixels.len() == frame.width * frame.height * 3);
        read.map(drop)
    });
    assert!(read > 50 && refused > 50, "the changes are of both kinds: {read} read, {refused} refused");
}
