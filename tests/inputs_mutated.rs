//! Clips with bytes changed, cut out and doubled: an error or some frames, and always an end.
//!
//! `CYBORG_LONG_TESTS=1` makes ten times as many.

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cyborg_edge::frame::PresentationTime;
use support::clips::{read_file, settings};
use support::make_clip;

/// Numbers that look like chance and are the same each time: Marsaglia's xorshift with 64 bits.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn mutate(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // Headers are where it hurts most: half of the changes hit the first or the last kilobyte.
    let place = |chance: &mut Chance, length: usize| match chance.below(4) {
        0 => chance.below(length.min(1024)),
        1 => length - 1 - chance.below(length.min(1024)),
        _ => chance.below(length),
    };
    for _ in 0..=chance.below(8) {
        let length = bytes.len();
        if length < 64 {
            break;
        }
        let at = place(chance, length);
        match chance.below(6) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = [0, 0xff, 0x7f, 0x80][chance.below(4)],
            2 => {
                let end = (at + 8).min(length);
                bytes[at..end].fill([0, 0xff, 0x41][chance.below(3)]);
            }
            3 => bytes.truncate(at.max(32)),
            4 => {
                let end = (at + 1 + chance.below(64)).min(length);
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + 1 + chance.below(200)).min(length);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn mutated_clips_come_to_an_end() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let rounds = if std::env::var_os("CYBORG_LONG_TESTS").is_some_and(|value| value == "1") { 450 } else { 45 };
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
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64);
        for round in 0..rounds {
            fs::write(&path, mutate(&bytes, &mut chance)).expect("it can be written");
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
