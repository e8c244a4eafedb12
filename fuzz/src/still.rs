//! A photo: an error that names the file, or as many pixels as its size says. The wall is not leant on: a panic behind it
//! is found as one.

use std::fs;
use std::path::Path;

use cyborg_edge::capture::stills::{self, StillError};
use cyborg_edge::frame::Frame;

use super::check_message;

/// Reads a photo; whether it is one.
pub fn holds(bytes: &[u8]) -> bool {
    let path = std::env::temp_dir().join(format!("fuzz-{}-still", std::process::id()));
    fs::write(&path, bytes).expect("there is room for a small file");
    let read = read(&path);
    // It is written anew each time.
    let _ = fs::remove_file(&path);
    read
}

fn read(path: &Path) -> bool {
    let mut frame = Frame::empty();
    match stills::read(path, &mut frame) {
        Ok(_) => {
            assert!(frame.width > 0 && frame.height > 0);
            assert_eq!(frame.pixels.len(), frame.width * frame.height * 3);
            true
        }
        Err(error) => {
            check_message(&error, "still");
            // A fault of a library is its maker's to mend, and no fault of ours: it is counted apart, by its words.
            if let StillError::Fault { source, .. } = &error {
                log_fault(&source.to_string());
            }
            false
        }
    }
}

/// Says once what a library panicked with.
#[allow(clippy::print_stderr, reason = "it is for whoever fuzzes")]
fn log_fault(words: &str) {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if said.insert(words.to_owned()) {
        eprintln!("behind the wall: {words}");
    }
}
