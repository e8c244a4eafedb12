//! Secrets in odd places of addresses: none is shown, logged, counted or written down.
#![cfg(feature = "page")]

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use cyborg_edge::capture::address::Address;
use cyborg_edge::live::alerts::Place;

use crate::support::events::{Running, live, turning_clip};
use crate::support::{cyborg, model, run};

/// What must not be seen.
const SECRET: &str = "hunter2";

/// Addresses of videos, nobody at the other end.
const VIDEOS: [&str; 31] = [
    "rtsp://admin:hunter2@127.0.0.1:1/live",
    "rtsp://127.0.0.1:1/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream",
    "rtsp://127.0.0.1:1/user=admin&password=hunter2&channel=1",
    "rtsp://127.0.0.1:1/user%3Dadmin_password%3Dhunter2",
    "rtsp://127.0.0.1:1/cam/realmonitor;password=hunter2",
    "rtsp://127.0.0.1:1/admin:hunter2/live",
    "rtsp://127.0.0.1:1/admin%3Ahunter2/live",
    "rtsp://127.0.0.1:1/live#hunter2",
    "http://127.0.0.1:1/clip.mp4?token=hunter2",
    "http://127.0.0.1:1/clip.mp4?a=b#token=hunter2",
    "http://127.0.0.1:1/token/hunter2/clip.mp4",
    "http://127.0.0.1:1/key/hunter2/clip.mp4",
    "http://127.0.0.1:1/auth/hunter2",
    "http://127.0.0.1:1/password-hunter2/clip.mp4",
    "http://127.0.0.1:1/secret_hunter2.mp4",
    "http://127.0.0.1:1/hls/hunter2a8F3kQ9zL1pX7/index.m3u8",
    "rtmp://127.0.0.1:1/live2/hunter2-a1b2-c3d4-e5f6",
    "http://me:hun/hunter2@127.0.0.1:1/clip.mp4",
    "http://me:hun?hunter2@127.0.0.1:1/clip.mp4",
    "rtsp://admin:hunter2/live",
    " rtsp://admin:hunter2@127.0.0.1:1/live",
    "RTSP://admin:hunter2@127.0.0.1:1/live",
    "http://127.0.0.1:1/clip.mp4?X-Amz-Signature=hunter2",
    "http://127.0.0.1:1/sig-hunter2/clip.mp4",
    "http://127.0.0.1:1//token//hunter2/clip.mp4",
    "rtsp://127.0.0.1:1/admin/hunter2/ch1",
    "rtsp://127.0.0.1:1/live/ch00_0_user_admin_pass_hunter2",
    "rtmp://127.0.0.1:1/app/sk_live_hunter2",
    "http:/127.0.0.1:1/clip.mp4?token=hunter2",
    "rtsp:admin:hunter2@127.0.0.1:1/live",
    "admin:hunter2@127.0.0.1:1/live",
];

/// Addresses that events are sent to.
const HOOKS: [&str; 7] = [
    "http://127.0.0.1:1/services/T00000000/B00000000/hunter2",
    "http://127.0.0.1:1/hunter2",
    "http://127.0.0.1:1/bot12345:hunter2/sendMessage",
    "http://127.0.0.1:1/hook?key=hunter2",
    "http://127.0.0.1:1/hook#hunter2",
    "http://me:hunter2@127.0.0.1:1/hook",
    "http://hunter2@127.0.0.1:1/hook",
];

fn check(text: &str, of: &str) {
    assert!(!text.contains(SECRET), "{of}: {text}");
}

#[test]
fn names_tell_no_secret() {
    for text in VIDEOS {
        let address = Address::of(OsStr::new(text));
        check(&address.name(), text);
        check(&address.stem().to_string_lossy(), text);
    }
    for text in HOOKS {
        let place = Place::read(text, "--webhook", &["http", "https"]).expect("an address");
        check(place.name(), text);
        check(&format!("{place:?}"), text);
    }
}

#[test]
fn nothing_that_is_printed_or_written_tells_a_secret() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let table = |name: &str| folder.path().join(name);
    let mut command = cyborg();
    command.arg("video").args(VIDEOS).arg("--model").arg(model).args(["-vv", "--json", "--patience", "5"]);
    command.arg("--csv").arg(table("t.csv")).arg("--jsonl").arg(table("t.jsonl"));
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(code, 1, "{stderr}");
    check(&stdout, "standard output");
    check(&stderr, "standard error");
    for name in ["t.csv", "t.jsonl"] {
        check(&fs::read_to_string(table(name)).expect("it was written"), name);
    }
    assert_eq!(stdout.lines().count(), VIDEOS.len(), "{stdout}");
}

/// What the page answers.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_live_run_tells_no_secret_of_where_it_sends() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let mut command = live(folder.path(), &clip);
    command.args(["--listen", "127.0.0.1:0", "-vv"]);
    command.arg("--webhook").arg(HOOKS[0]);
    command.arg("--events").arg(folder.path().join("events.jsonl"));
    let mut running = Running::start(&mut command);
    let address = loop {
        let line = running.next_out();
        check(&line, "standard output");
        if let Some((_, address)) = line.split_once("the page: http://") {
            break address.trim_end_matches('/').to_owned();
        }
    };
    running.wait_for("webhook");
    for path in ["/api/state", "/api/facts", "/api/tracks", "/metrics"] {
        let answer = get(&address, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        check(&answer, path);
    }
    let stopped = running.stop("-TERM");
    check(&stopped.stderr, "standard error");
    let events = fs::read_to_string(folder.path().join("events.jsonl")).expect("it was written");
    check(&events, "events");
}
