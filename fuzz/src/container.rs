//! The header of a video: an error that names the file, or frames that have as many pixels as their size says.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::video::{OpenSettings, VideoSource};
use cyborg_edge::capture::{Read, Source};
use cyborg_edge::frame::Frame;

use super::check_message;

/// Frames that are read at most: what is looked for is in the header.
const MOST: usize = 8;

/// Opens a video and reads its first frames; whether there is one.
pub fn holds(bytes: &[u8]) -> bool {
    let path = std::env::temp_dir().join(format!("fuzz-{}-container", std::process::id()));
    fs::write(&path, bytes).expect("there is room for a small file");
    let frames = read(&path);
    let _ = fs::remove_file(&path);
    frames > 0
}

fn read(path: &Path) -> usize {
    let settings = OpenSettings { most_pixels: 1 << 20, ..OpenSettings::whole(NonZeroUsize::MIN) };
    let mut source = match VideoSource::open_with(&Address::File(path.to_owned()), &settings) {
        Ok(source) => source,
        Err(error) => {
            check_message(&error, "container");
            return 0;
        }
    };
    let mut frame = Frame::empty();
    let mut frames = 0;
    // Pieces that can't be decoded count too, or a file of nothing else would be read for long.
    for _ in 0..MOST {
        match source.read(&mut frame) {
            Ok(Read::Frame) => {
                assert!(frame.width > 0 && frame.height > 0 && frame.width * frame.height <= 1 << 20);
                assert_eq!(frame.pixels.len(), frame.width * frame.height * 3);
                frames += 1;
            }
            Ok(Read::Damaged(reason)) => assert!(!reason.is_empty()),
            Ok(Read::End) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                break;
            }
        }
    }
    frames
}
