//! Videos from other places than a named file: folders, addresses, the standard input.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::video::VideoSource;

use crate::support::child::ends;
use crate::support::clips::{MOVING, read_all, read_file, settings};
use crate::support::{check_error, cyborg, face_clip, make_clip, model, run};

/// What a server does with the file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Whole,
    /// Half of it, then nothing, with the connection held open.
    Half,
    /// It listens and never answers.
    Silent,
}

/// Serves one file on this machine; gives the port. Its threads end with the test.
fn serve(bytes: Vec<u8>, manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().flatten() {
            if manner != Manner::Silent {
                let _ = answer(&stream, &bytes, manner);
            }
            if manner != Manner::Whole {
                held.push(stream);
            }
        }
    });
    port
}

fn answer(mut stream: &TcpStream, bytes: &[u8], manner: Manner) -> std::io::Result<()> {
    for line in BufReader::new(stream).lines() {
        if line?.is_empty() {
            break;
        }
    }
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
    stream.write_all(if manner == Manner::Half { &bytes[..bytes.len() / 2] } else { bytes })
}

fn moving_clip(folder: &Path) -> PathBuf {
    let path = folder.join("clip.mkv");
    make_clip(&path, &format!("{MOVING} -c:v mpeg4 -q:v 2"));
    path
}

#[test]
fn http() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = moving_clip(folder.path());
    let port = serve(fs::read(&path).expect("it was made"), Manner::Whole);
    let address = Address::of(OsStr::new(&format!("http://me:secret@127.0.0.1:{port}/clip.mkv?token=secret")));
    let mut source = VideoSource::open_with(&address, &settings()).expect("it answers");
    let expected = read_file(&path, &settings()).expect("it is a video");
    assert_eq!(read_all(&mut source).expect("all of it comes").places(), expected.places());
}

/// What is silent is given up, with the cure, and without the secret.
fn check_silence(url: &str) {
    let mut settings = settings();
    settings.patience = Duration::from_secs(1);
    let read = VideoSource::open_with(&Address::of(OsStr::new(url)), &settings)
        .map_err(anyhow::Error::from)
        .and_then(|mut source| read_all(&mut source));
    let error = read.err().expect("there is no end of the file");
    let text = format!("{error:#}");
    assert!(text.contains("sent nothing for 1 s, and may not be reachable"), "{url}: {text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn nothing_hangs() {
    let silent = serve(Vec::new(), Manner::Silent);
    check_silence(&format!("http://127.0.0.1:{silent}/clip.mp4?token=secret"));
    check_silence(&format!("rtsp://me:secret@127.0.0.1:{silent}/live"));
    check_silence(&format!("tcp://127.0.0.1:{silent}"));
    let folder = tempfile::tempdir().expect("a folder for the test");
    let bytes = fs::read(moving_clip(folder.path())).expect("it was made");
    let half = serve(bytes, Manner::Half);
    check_silence(&format!("http://127.0.0.1:{half}/clip.mkv"));
}

#[test]
fn ctrl_c_ends_a_wait_for_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut command = video(folder.path());
    command.arg(format!("rtsp://127.0.0.1:{port}/live")).args(["--patience", "3600"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    // It waits for an answer that doesn't come.
    let _connection = listener.accept().expect("it asks");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("`kill` is there");
    assert!(sent.success());
    assert_eq!(ends(&mut child).code(), Some(130));
}

#[test]
fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    drop(listener);
    let mut command = cyborg();
    command.args(["video", &format!("rtsp://me:secret@127.0.0.1:{port}/live?token=secret")]);
    check_error(&mut command, 1, &format!("can't open rtsp://***@127.0.0.1:{port}/live?***: Connection refused"));
}

/// `cyborg video` with the small model and tables in the folder.
fn video(folder: &Path) -> Command {
    let model = model::write(folder, "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("video").arg("--model").arg(model);
    command.arg("--csv").arg(folder.join("table.csv")).arg("--jsonl").arg(folder.join("table.jsonl"));
    command
}

/// A clip of the face with so many frames.
fn short_clip(path: &Path, frames: u32) {
    make_clip(path, &format!("-i {} -frames:v {frames} -c:v libx264 -preset ultrafast", face_clip().display()));
}

fn table(folder: &Path) -> String {
    fs::read_to_string(folder.join("table.jsonl")).expect("it was written")
}

#[test]
fn no_output_tells_a_secret() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mkv");
    short_clip(&path, 4);
    let port = serve(fs::read(&path).expect("it was made"), Manner::Whole);
    let mut command = video(folder.path());
    command.arg(format!("http://me:secret@127.0.0.1:{port}/clip.mkv?token=secret")).arg("-vv");
    let (code, stdout, stderr) = run(command.arg("--annotate").arg(folder.path()));
    assert_eq!(code, 0, "{stderr}");
    let csv = fs::read_to_string(folder.path().join("table.csv")).expect("it was written");
    for text in [&stdout, &stderr, &csv, &table(folder.path())] {
        assert!(!text.contains("secret"), "{text}");
    }
    assert!(stdout.contains(&format!("http://***@127.0.0.1:{port}/clip.mkv?***: ")), "{stdout}");
    assert!(folder.path().join("clip.annotated.mp4").is_file());
}

#[test]
fn a_folder_is_its_videos() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clips = folder.path().join("clips");
    fs::create_dir_all(clips.join("b")).expect("it can be made");
    short_clip(&clips.join("c.mkv"), 2);
    short_clip(&clips.join("b").join("a.MP4"), 3);
    fs::write(clips.join("bad.mp4"), b"no video").expect("it can be written");
    fs::write(clips.join("notes.txt"), b"no video").expect("it can be written");
    let (code, stdout, stderr) = run(video(folder.path()).arg(&clips));
    assert_eq!(code, 3, "{stderr}");
    let (first, second) = (stdout.find("a.MP4:").expect("it was judged"), stdout.find("c.mkv:").expect("so was it"));
    assert!(first < second && stderr.contains("bad.mp4"), "{stdout}{stderr}");
    let empty = tempfile::tempdir().expect("a folder for the test");
    check_error(video(folder.path()).arg(empty.path()), 1, "contains no videos (looked for 3gp, apng, asf, avi,");
}

/// Runs with this on its standard input, and gives the JSONL table.
fn check_stdin(input: Stdio, arguments: &[&str], frames: u32) -> String {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (code, _, stderr) = run(video(folder.path()).args(["-"]).args(arguments).stdin(input));
    assert_eq!(code, 0, "{stderr}");
    let table = table(folder.path());
    assert!(table.contains(&format!("\"source\":\"-\",\"frames\":{frames},")), "{table}");
    table
}

#[test]
fn the_standard_input() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (container, raw) = (folder.path().join("clip.mkv"), folder.path().join("clip.rgb"));
    short_clip(&container, 6);
    check_stdin(File::open(&container).expect("it was made").into(), &[], 6);
    make_clip(&raw, &format!("-i {} -frames:v 5 -f rawvideo -pix_fmt rgb24", face_clip().display()));
    let file = || File::open(&raw).expect("it was made");
    let table = check_stdin(file().into(), &["--raw", "176x144@10", "--start", "0.2"], 3);
    assert!(table.contains("\"frame\":2,\"time_s\":0.2,"), "{table}");
    // A pipe that ends in the middle of a frame.
    let mut bytes = Vec::new();
    file().read_to_end(&mut bytes).expect("it was made");
    bytes.truncate(176 * 144 * 3 * 2 + 1000);
    fs::write(&raw, bytes).expect("it can be written");
    let table = check_stdin(file().into(), &["--raw", "176x144"], 2);
    assert!(table.contains("\"damaged_frames\":1"), "{table}");
    let large = ["-", "--raw", "176x144", "--max-pixels", "25343"];
    check_error(video(folder.path()).args(large).stdin(file()), 1, "raise `--max-pixels`");
}

#[test]
fn fewer_frames_and_faces() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let arguments = ["--start", "1", "--end", "0:02", "--every", "5"];
    let (code, _, stderr) = run(video(folder.path()).arg(face_clip()).args(arguments));
    assert_eq!(code, 0, "{stderr}");
    let lines = table(folder.path());
    let numbers: Vec<&str> =
        lines.lines().filter_map(|line| line.split("\"frame\":").nth(1)?.split(',').next()).collect();
    // 30000/1001 frames a second: the first one at 1 s or later is number 30.
    assert_eq!(numbers, ["30", "35", "40", "45", "50", "55"], "{lines}");
    let (code, stdout, _) = run(video(folder.path()).arg(face_clip()).args(["--end", "0.5", "--min-face", "150"]));
    assert!(code == 0 && stdout.contains("no face found"), "{stdout}");
}

#[test]
fn wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let check = |arguments: &[&str], message: &str| check_error(video(folder.path()).args(arguments), 2, message);
    check(&["a.mp4", "--start", "soon"], "expected seconds (75.5)");
    check(&["a.mp4", "--start", "2", "--end", "2"], "--end is not after --start");
    check(&["a.mp4", "--every", "0"], "--every");
    check(&["a.mp4", "--max-pixels", "0"], "--max-pixels");
    check(&["a.mp4", "--raw", "4x4"], "--raw is for standard input");
    check(&["-", "--raw", "0x4"], "expected width and height");
    check(&["-", "-"], "- is named twice");
}
