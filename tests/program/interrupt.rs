//! Ctrl-C ends a run in good order: all outputs are whole and agree.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::child::ends;
use crate::support::{cyborg, face_clip, fetched, make_clip, model, probe};

#[test]
fn ctrl_c_completes_tables_and_video() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let clip = folder.path().join("long.mp4");
    make_clip(&clip, &format!("-stream_loop 50 -i {} -c copy", face_clip().display()));
    let [csv, jsonl, video, report] = ["a.csv", "a.jsonl", "a.mp4", "a.html"].map(|name| folder.path().join(name));
    let mut command = cyborg();
    command.arg("video").arg(&clip).arg("--model").arg(model);
    command.arg("--csv").arg(&csv).arg("--jsonl").arg(&jsonl).arg("--annotate").arg(&video);
    command.arg("--report").arg(&report);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");

    let rows = || fs::read_to_string(&csv).map_or(0, |text| text.lines().count().saturating_sub(1));
    let start = Instant::now();
    while rows() < 20 && start.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("`kill` is there");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");

    let rows = rows();
    assert!((20..6000).contains(&rows), "{rows} rows");
    assert_eq!(probe(&video, "stream=nb_read_frames"), rows.to_string(), "the video has the frames of the table");
    let text = fs::read_to_string(&jsonl).expect("it was written");
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("it has lines")).expect("it is JSON");
    assert_eq!(
        (&last["type"], &last["ended"], &last["frames"]),
        (&"summary".into(), &"interrupted".into(), &rows.into())
    );
    let page = fs::read_to_string(&report).expect("it was written");
    assert!(page.contains("The run was interrupted.") && page.contains("class=\"verdict\""), "{page:.2000}");
}

/// A run that waits for somebody ends at the first Ctrl-C, with the exit code for it. Without that it would wait for ever.
#[cfg(unix)]
fn check_wait(waits: &str) {
    use std::os::unix::process::CommandExt;

    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = Command::new("bash");
    let script = format!("mkfifo pipe.mp4 silent; exec 3<>silent; {waits}");
    command.args(["-euc", &script]).current_dir(folder.path());
    command.env("CYBORG", cyborg().get_program()).env("MODEL", model).env("PHOTO", fetched("astronaut"));
    // A group of its own, so that what the shell runs besides ends with it.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // It hears from its first moment on: however slow it is, the signal comes before or while it waits.
    let hears = || fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let start = Instant::now();
    let mut waits_since = None;
    while waits_since.is_none_or(|since: Instant| since.elapsed() < Duration::from_secs(1)) {
        let status = hears();
        // The bit of SIGINT among the signals that are caught; bash itself leaves it alone in a script.
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
        let caught =
            caught.and_then(|caught| u64::from_str_radix(caught, 16).ok()).is_some_and(|caught| caught & 2 != 0);
        if caught && status.starts_with("Name:\tcyborg") && waits_since.is_none() {
            waits_since = Some(Instant::now());
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{waits}: it never came to wait");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(child.try_wait().expect("it can be asked").is_none(), "{waits}: it doesn't wait");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("`kill` is there");
    ends(&mut child);
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{waits}: {stderr}");
    assert!(!stderr.contains("error:"), "{waits}: {stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_any_wait() {
    check_wait(r#"exec "$CYBORG" video --model "$MODEL" pipe.mp4"#);
    check_wait(r#"exec "$CYBORG" video --model "$MODEL" - < silent"#);
    check_wait(r#"exec "$CYBORG" video --model "$MODEL" --raw 64x48 - < silent"#);
    check_wait(r#"exec "$CYBORG" image --model "$MODEL" "$PHOTO" pipe.mp4"#);
    // It has begun, and then nothing more comes.
    let begun = "ffmpeg -loglevel quiet -f lavfi -i testsrc2=s=96x64:r=25:d=2 -f mpegts pipe:1";
    check_wait(&format!(r#"({begun} 3>&- >silent 2>&-)& exec "$CYBORG" video --model "$MODEL" - < silent"#));
    check_wait(&format!(
        r#"exec 4<>pipe.mp4; ({begun} 4>&- >pipe.mp4 2>&-)& exec "$CYBORG" video --model "$MODEL" pipe.mp4"#
    ));
}
