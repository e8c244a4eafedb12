//! Ctrl-C ends a run in good order: all outputs are whole and agree.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{cyborg, face_clip, make_clip, model, probe};

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
