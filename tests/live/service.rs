//! `cyborg live` as a service: what it tells the service manager, how fast it ends, and its log for programs.
#![cfg(all(feature = "page", unix))]

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use serde_json::Value;

use crate::support::alone::alone;
use crate::support::child::{long_run, within_a_second};
use crate::support::events::{PATIENCE, Running, live};
use crate::support::{cyborg, face_clip, run};

/// A service manager's end. It reads all the time: who tells a manager that doesn't is held up by the system.
struct Manager(Receiver<String>);

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        let (tell, news) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                if tell.send(String::from_utf8_lossy(&bytes[..length]).trim().to_owned()).is_err() {
                    return;
                }
            }
        });
        Self(news)
    }

    /// Waits for news that begin so; gives all that came before.
    fn wait_for(&self, part: &str) -> Vec<String> {
        let (end, mut before) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let news = self.0.recv_timeout(end.saturating_duration_since(Instant::now()));
            assert!(news.is_ok(), "waited in vain for `{part}`: {before:?}");
            let news = news.unwrap_or_default();
            if news.starts_with(part) {
                return before;
            }
            before.push(news);
        }
    }
}

#[test]
fn the_service_manager_is_told() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let mut command = live(folder.path(), &face_clip());
    command.arg("--no-page").args(["--stall", "0.5", "--test-script", "at 2s unplug 3s"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000").env_remove("WATCHDOG_PID");
    let mut running = Running::start(&mut command);
    manager.wait_for("READY=1");
    manager.wait_for("STATUS=playing 193x144");
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
    // A source that is known to be lost is no reason to be started anew.
    manager.wait_for("STATUS=lost: the test camera is unplugged");
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("STATUS=playing");
    running.wait_for("playing");
    let stopped = running.stop("-TERM");
    manager.wait_for("STOPPING=1");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
}

/// One line for all of them, and a sign of life once each has given one.
#[test]
fn the_service_manager_is_told_of_all_sources() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let (clip, mut command) = (face_clip(), live(folder.path(), &face_clip()));
    command.arg("--camera").arg(format!("test={}", clip.display())).arg("--no-page");
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000").env_remove("WATCHDOG_PID");
    let running = Running::start(&mut command);
    let name = format!("test={}", clip.display());
    let playing = "playing 193x144, 29.97 fps";
    manager.wait_for(&format!("STATUS=[{name}] {playing}; [{name} (2)] {playing}"));
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
    let stopped = running.stop("-TERM");
    manager.wait_for("STOPPING=1");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
}

/// The picture stands, and nobody says that the source is lost: no sign of life.
#[test]
fn a_picture_that_stands_is_no_life() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let mut command = live(folder.path(), &face_clip());
    command.arg("--no-page").args(["--stall", "60", "--test-script", "at 2s stall 600s"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000").env_remove("WATCHDOG_PID");
    let mut running = Running::start(&mut command);
    manager.wait_for("WATCHDOG=1");
    running.wait_for("shown after 0 ms; 0.0 faces/s");
    // What was told before this moment doesn't count; then nothing comes until the next line, which is long after the manager would
    // have lost its patience.
    while manager.0.try_recv().is_ok() {}
    running.wait_for("shown after 0 ms; 0.0 faces/s");
    assert_eq!(manager.0.try_recv(), Err(mpsc::TryRecvError::Empty));
    let stopped = running.stop("-INT");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
}

fn check_end(signal: &str, script: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut command = live(folder.path(), &face_clip());
    command.args(["--listen", "127.0.0.1:0", "--stall", "0.5", "--test-script", script]);
    let mut running = Running::start(&mut command);
    running.wait_for("playing ");
    if !script.ends_with("end") {
        running.wait_for("lost: ");
    }
    let stopped = running.stop(signal);
    assert_eq!(stopped.code, Some(0), "{signal} {script}: {}", stopped.stderr);
    within_a_second(stopped.took);
}

#[test]
fn it_ends_within_a_second_whatever_it_waits_for() {
    let _alone = alone();
    let scripts = ["at 600s end", "at 1s unplug 600s", "at 1s stall 600s"];
    let runs = scripts.into_iter().flat_map(|script| ["-TERM", "-INT"].map(|signal| (signal, script)));
    if long_run() {
        runs.for_each(|(signal, script)| check_end(signal, script));
    } else {
        // Nothing is timed then, and each of them waits most of the time.
        std::thread::scope(|scope| {
            runs.for_each(|(signal, script)| drop(scope.spawn(move || check_end(signal, script))))
        });
    }
}

/// Each line of standard error is an object with these fields.
fn check_json(stderr: &str) -> Vec<Value> {
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(line["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        assert!(["error", "warn", "info", "debug"].iter().any(|level| line["level"] == *level), "{line}");
        assert!(line["message"].is_string(), "{line}");
    }
    lines
}

#[test]
fn standard_error_speaks_json_on_request() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut command = live(folder.path(), &face_clip());
    command.args(["--no-page", "--log-format", "json", "-vv", "--test-script", "at 1s unplug 500ms; at 3s end"]);
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("person 1: "), "standard output is as it was: {stdout}");
    let lines = check_json(&stderr);
    let has = |part: &str| lines.iter().any(|line| line["message"].as_str().is_some_and(|text| text.contains(part)));
    assert!(has("provider: ") && has("lost: the test camera is unplugged") && has("the run has ended"), "{stderr}");

    // The other commands, errors, and wrong usage too.
    for (arguments, code) in [
        (&["image", "/no/such/photo.jpg", "--log-format", "json"][..], 1),
        (&["--log-format=json", "live", "--camera", "test", "--test-script", "sometimes"], 2),
        (&["live", "--log-format", "json", "--stall", "never"], 2),
        (&["live", "--log-format", "json", "--config", "/no/such/file"], 2),
    ] {
        let (found, _, stderr) = run(cyborg().args(arguments));
        assert_eq!(found, code, "{arguments:?}: {stderr}");
        let lines = check_json(&stderr);
        assert!(lines.iter().any(|line| line["level"] == "error"), "{arguments:?}: {stderr}");
    }
}
