//! What the tests share: the program, a small model with a known answer, and clips.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod alone;
#[cfg(feature = "page")]
pub(crate) mod axe;
#[cfg(feature = "page")]
pub(crate) mod broadcast;
#[cfg(feature = "page")]
pub(crate) mod browser;
#[cfg(all(any(feature = "notify", feature = "wayland"), target_os = "linux"))]
pub(crate) mod bus;
pub(crate) mod chance;
pub(crate) mod child;
pub(crate) mod clips;
pub(crate) mod course;
#[cfg(all(feature = "notify", target_os = "linux"))]
pub(crate) mod desktop;
#[cfg(feature = "page")]
pub(crate) mod events;
pub(crate) mod foreign;
pub(crate) mod gallery;
pub(crate) mod left_out;
pub(crate) mod live;
pub(crate) mod model;
pub(crate) mod process;
pub(crate) mod readers;
#[cfg(feature = "page")]
pub(crate) mod scenes;
#[cfg(all(target_os = "linux", target_env = "gnu", feature = "page"))]
pub(crate) mod shim;
pub(crate) mod stages;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cyborg_models::lock;

/// The program under test. No set is installed for it: what is in the user's folders is not tested.
///
/// `CYBORG_PROGRAM` names another build of it: one from before a mend, to see a test fail there, or one for another kind of machine,
/// by a file that starts it.
pub(crate) fn cyborg() -> Command {
    let program = std::env::var_os("CYBORG_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_cyborg").into());
    let mut command = Command::new(program);
    command.env("CYBORG_MODELS", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-models"));
    command
}

/// A file that set-up fetched; its absence is a fault of the set-up, not a reason to skip.
pub(crate) fn fetched(id: &str) -> PathBuf {
    let path = lock::cached(id).expect("the lock file has it for this system");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo xtask setup`, or the tests by `cargo xtask test`",
        path.display()
    );
    path
}

/// A talking man, 176 x 144 pixels.
pub(crate) fn face_clip() -> PathBuf {
    fetched("carphone")
}

/// Makes a clip with the `ffmpeg` program: `arguments` come before the output's name.
pub(crate) fn make_clip(path: &Path, arguments: &str) {
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-nostdin", "-y"])
        .args(arguments.split_whitespace())
        .arg(path)
        .output()
        .expect("the program `ffmpeg` is there after `cargo xtask setup`");
    assert!(output.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What `ffprobe` says of a clip's first video stream.
pub(crate) fn probe(path: &Path, entries: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_frames", "-show_entries", entries])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("the program `ffprobe` is there after `cargo xtask setup`");
    assert!(output.status.success(), "ffprobe {}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().trim_end_matches(',').to_owned()
}

/// When the packets of a stream (`v:0`, `a:0`) are shown, in seconds and in order.
pub(crate) fn packet_times(clip: &Path, stream: &str) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0"])
        .arg(clip)
        .output()
        .expect("the program `ffprobe` is there after `cargo xtask setup`");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut times: Vec<f64> = text.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Runs the program and gives its exit code, standard output and standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let code = status.code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

/// Runs the program and expects an exit code and a part of the message.
pub(crate) fn check_error(command: &mut Command, code: i32, message: &str) {
    let (found, _, stderr) = run(command);
    assert_eq!(found, code, "{command:?}: {stderr}");
    assert!(stderr.contains(message), "{command:?}: `{message}` is not in `{stderr}`");
    assert!(!stderr.contains("panicked"), "{command:?}: {stderr}");
}
