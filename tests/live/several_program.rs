//! `cyborg live` with two sources: its lines, events, pictures, page and settings.
#![cfg(feature = "page")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::broadcast::Answer;
use crate::support::events::{PATIENCE, Running, events_in, live, turning_clip};
use crate::support::{check_error, cyborg, face_clip, model, run};

fn camera(clip: &Path) -> String {
    format!("test={}", clip.display())
}

/// What a page answers to a question as JSON.
fn ask(page: &str, path: &str) -> Answer {
    let mut stream = TcpStream::connect(page).expect("the page is served");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it is taken");
    Answer::read(stream)
}

/// Two clips whose persons turn: lines, events, pictures and the page tell them apart, and count events over both.
#[test]
fn the_program_watches_two_sources_and_tells_them_apart() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let desk = turning_clip(folder.path());
    let door = folder.path().join("door.mp4");
    fs::copy(&desk, &door).expect("it can be copied");
    let [file, pictures] = ["events.jsonl", "pictures"].map(|name| folder.path().join(name));
    let mut command = live(folder.path(), &desk);
    command.arg("--camera").arg(camera(&door)).args(["--listen", "127.0.0.1:0"]);
    let mut running = Running::start(command.arg("--events").arg(&file).arg("--snapshots").arg(&pictures));
    let page = running.next_out();
    let page = page.trim_start_matches("the page: http://").trim_end_matches('/').to_owned();
    let names = [&desk, &door].map(|clip| camera(clip));
    for name in &names {
        running.wait_for(&format!("[{name}] opening the source"));
    }
    // Each source has turned to synthetic at least once.
    let end = Instant::now() + PATIENCE;
    let events = loop {
        let events = events_in(&file, 2);
        if names.iter().all(|name| events.iter().any(|event| event["source"] == *name)) {
            break events;
        }
        assert!(Instant::now() < end, "{events:#?}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut synthetic: BTreeMap<(String, u64), bool> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["number"], index as u64 + 1, "counted over both, and in order: {event}");
        let who =
            (event["source"].as_str().unwrap_or_default().to_owned(), event["track"].as_u64().unwrap_or_default());
        let before = synthetic.insert(who, event["to"] == "synthetic").unwrap_or(false);
        assert_ne!(before, event["to"] == "synthetic", "{events:#?}");
    }
    for (feed, name) in names.iter().enumerate() {
        let state: Value = ask(&page, &format!("/api/state?feed={feed}")).json();
        assert_eq!((&state["feed"], &state["source"]["state"]), (&feed.into(), &"playing".into()), "{state}");
        assert!(state["numbers"]["shown"].as_u64() >= Some(1), "{state}");
        let numbers = ask(&page, "/metrics").text();
        assert!(numbers.contains(&format!("cyborg_events_total{{source=\"{name}\"}} ")), "{numbers}");
    }
    assert_eq!(ask(&page, "/api/state?feed=2").status, 404);
    let stopped = running.stop("-TERM");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    for name in &names {
        let begins = format!("[{name}] ");
        let lines = |text: &mut dyn Iterator<Item = &str>, part: &str| {
            text.filter(|line| line.starts_with(&begins) && line.contains(part)).count()
        };
        let mut said = stopped.stdout.iter().map(String::as_str);
        assert!(lines(&mut said, "  person 1: ") >= 1, "{:#?}", stopped.stdout);
        assert!(lines(&mut stopped.stderr.lines(), "it has ended") == 1, "{}", stopped.stderr);
        assert!(lines(&mut stopped.stderr.lines(), "% dropped; shown after") >= 1, "{}", stopped.stderr);
    }
    assert!(stopped.stderr.ends_with("the run has ended"), "{}", stopped.stderr);
    let pictures: Vec<String> = fs::read_dir(&pictures)
        .expect("the folder was made")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    for feed in ["-feed-0-track-", "-feed-1-track-"] {
        assert!(pictures.iter().any(|name| name.contains(feed)), "{pictures:?}");
    }
}

/// A file of settings may name several, and the same clip may play in all of them.
#[test]
fn a_file_of_settings_names_several() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = face_clip();
    let settings = folder.path().join("live.toml");
    let text = format!("camera = [\"{0}\", \"{0}\"]\nno-page = true\ntest-script = \"at 1s end\"\n", camera(&clip));
    fs::write(&settings, text).expect("it can be written");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let (code, _, stderr) = run(cyborg().arg("live").arg("--config").arg(&settings).arg("--model").arg(model));
    assert_eq!(code, 0, "{stderr}");
    for name in [camera(&clip), format!("{} (2)", camera(&clip))] {
        assert!(stderr.contains(&format!("[{name}] playing 193x144")), "{stderr}");
        assert!(stderr.contains(&format!("[{name}] it has ended")), "{stderr}");
    }
}

#[test]
fn a_camera_that_is_named_twice_is_wrong_usage() {
    let check = |arguments: &[&str], words: &str| check_error(cyborg().arg("live").args(arguments), 2, words);
    check(&["--camera", "0", "--camera", "test", "--camera", "0"], "0 is to be watched twice");
    let url = "rtsp://me:secret@door/live";
    check(&["--camera", url, "--camera", url], "rtsp://***@door/live is to be watched twice");
    check(&["--camera", "1", "--camera", "2", "--test-script", "at 1s end"], "--test-script is for --camera test");
    check(&["--camera", "1", "--camera", "test=/no/such/clip.mp4"], "clip /no/such/clip.mp4 is missing");
}
