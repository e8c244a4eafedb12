//! Clips and photos with bytes changed, cut out and doubled: an error or some frames, and always an end.
//!
//! `CYBORG_LONG_TESTS=1` makes ten times as many.

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cyborg_edge::capture::stills;
use cyborg_edge::frame::{Frame, PresentationTime};
use support::chance::{Chance, mutate_media};
use support::child::long_run;
use support::clips::{read_file, settings};
use support::{fetched, make_clip};

#[test]
fn mutated_clips_come_to_an_end() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let rounds = if long_run() { 450 } else { 45 };
    let source = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.6";
    let x264 = "-c:v libx264 -preset ultrafast -g 5 -pix_fmt yuv420p";
    let (input, jobs) = mpsc::channel::<PathBuf>();
    let (done, results) = mpsc::channel();
    thread::spawn(move || {
        for path in jobs {
            let mut settings = settings();
            settings.most_pixels = 1 << 22;
            let whole = read_file(&path, &settings);
            settings.stretch.start = Some(PresentationTime(300_000));
            let _ = read_file(&path, &settings);
            if done.send(whole.map(|seen| seen.frames.len())).is_err() {
                break;
            }
        }
    });
    let (mut read, mut refused) = (0, 0);
    for (name, arguments) in [
        ("clip.mp4", format!("{source} {x264}")),
        ("fragments.mp4", format!("{source} {x264} -movflags frag_keyframe+empty_moov")),
        ("clip.mkv", format!("{source} {x264} -bf 2")),
        ("clip.ts", format!("{source} {x264}")),
        ("clip.avi", format!("{source} -c:v mpeg4")),
        ("motion.avi", format!("{source} -c:v mjpeg -pix_fmt yuvj420p")),
        ("clip.webm", format!("{source} -c:v libvpx -deadline realtime -cpu-used 8")),
        ("vp9.webm", format!("{source} -c:v libvpx-vp9 -deadline realtime -cpu-used 8")),
    ] {
        let path = folder.path().join(name);
        make_clip(&path, &arguments);
        let bytes = fs::read(&path).expect("it was made");
        let mut chance = Chance::new(bytes.len() as u64);
        for round in 0..rounds {
            fs::write(&path, mutate_media(&bytes, &mut chance)).expect("it can be written");
            input.send(path.clone()).expect("the reader is there");
            let result = results.recv_timeout(Duration::from_secs(60));
            if result.is_err() {
                let _ = fs::copy(&path, std::env::temp_dir().join(name));
            }
            match result.expect("an end, and no panic; the clip is kept in the folder for temporary files") {
                Ok(_) => read += 1,
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains(name) && !text.contains("no end"), "{name}, round {round}: {text}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 50 && refused > 10, "the changes are of both kinds: {read} read, {refused} refused");
}

#[test]
fn mutated_photos_come_to_an_end() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let rounds = if long_run() { 2000 } else { 200 };
    let (input, jobs) = mpsc::channel::<PathBuf>();
    let (done, results) = mpsc::channel();
    thread::spawn(move || {
        let mut frame = Frame::empty();
        for path in jobs {
            let read = stills::read(&path, &mut frame);
            // What a stage may count on.
            assert!(read.is_err() || frame.pixels.len() == frame.width * frame.height * 3);
            if done.send(read).is_err() {
                break;
            }
        }
    });
    let (mut read, mut refused) = (0, 0);
    for name in ["photo.jpg", "photo.png", "photo.bmp", "photo.tiff", "photo.webp"] {
        let path = folder.path().join(name);
        make_clip(&path, &format!("-i {} -vf scale=64:48 -frames:v 1", fetched("astronaut").display()));
        let bytes = fs::read(&path).expect("it was made");
        let mut chance = Chance::new(bytes.len() as u64);
        for round in 0..rounds {
            fs::write(&path, mutate_media(&bytes, &mut chance)).expect("it can be written");
            input.send(path.clone()).expect("the reader is there");
            let result = results.recv_timeout(Duration::from_secs(60));
            if result.is_err() {
                let _ = fs::copy(&path, std::env::temp_dir().join(name));
            }
            match result.expect("an end, and no panic; the photo is kept in the folder for temporary files") {
                Ok(()) => read += 1,
                Err(error) => {
                    assert!(error.to_string().contains(name), "{name}, round {round}: {error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 50 && refused > 50, "the changes are of both kinds: {read} read, {refused} refused");
}
