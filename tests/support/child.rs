//! The program as a child that is watched: how long it ran, and the most memory that it held.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How a child ended.
pub(crate) struct Watched {
    /// Its exit code; nothing where a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it said on standard output.
    pub(crate) stdout: String,
    /// What it said on standard error.
    pub(crate) stderr: String,
    /// The most memory that it held at once (peak resident set), in KiB; 0 where the system doesn't say.
    pub(crate) peak: u64,
    /// How long it ran.
    pub(crate) wall: Duration,
}

/// Runs a command to its end, or to its death at `limit`: then the test fails.
pub(crate) fn watch(command: &mut Command, limit: Duration) -> Watched {
    // Files and no pipes, which a child that says much would wait at.
    let [stdout, stderr] = [(); 2].map(|()| tempfile::tempfile().expect("a file for what it says"));
    let copy = |file: &File| file.try_clone().expect("the file is open");
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(copy(&stdout)).stderr(copy(&stderr)).spawn();
    let mut child = child.expect("the program starts");
    let mut peak = 0;
    let status = loop {
        // The system keeps the peak itself: only what comes in the last moment before the end can be missed.
        peak = peak_of(&child).unwrap_or(peak);
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        let late = begun.elapsed() > limit;
        if late {
            // It may just have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        assert!(!late, "{command:?} had no end within {} s", limit.as_secs());
        thread::sleep(Duration::from_millis(2));
    };
    let wall = begun.elapsed();
    Watched { code: status.code(), stdout: text(stdout), stderr: text(stderr), peak, wall }
}

fn text(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("it was written");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn peak_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// How a child that was told to end did so; one that doesn't hear within a minute is killed, and the test fails.
pub(crate) fn ends(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        let late = begun.elapsed() > Duration::from_secs(60);
        if late {
            // It may just have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        assert!(!late, "it didn't hear");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Checks an end that has to come within a second, in the long run alone: that wants a machine with nothing else to do. Otherwise
/// a test goes by what ended, and that it did: what it has the program wait for is longer than the test waits.
#[track_caller]
pub(crate) fn within_a_second(took: Duration) {
    assert!(!long_run() || took < Duration::from_secs(1), "{took:?}");
}

/// Whether the long runs are asked for: `cargo xtask test --long`, or `CYBORG_LONG_TESTS=1`.
pub(crate) fn long_run() -> bool {
    std::env::var_os("CYBORG_LONG_TESTS").is_some_and(|value| value == "1")
}
