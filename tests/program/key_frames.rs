//! `cyborg video --every key`: persons are followed from key frame to key frame, and all that is said tells that frames between them
//! were left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{check_error, cyborg, face_clip, make_clip, model, packet_times, run};

struct Bench {
    folder: TempDir,
    model: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let model = model::write(folder.path(), "corner.onnx", &model::corner());
        Self { folder, model }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The talking man at so many frames a second, with a key frame in every tenth: 90 frames, or fewer.
    fn clip(&self, name: &str, rate: f64, frames: u32) -> PathBuf {
        let path = self.path(name);
        let slow = format!("-vf setpts=N/{rate}/TB -r {rate} -frames:v {frames}");
        let x264 = "-c:v libx264 -preset ultrafast -g 10 -keyint_min 10 -sc_threshold 0";
        make_clip(&path, &format!("-i {} {slow} {x264}", face_clip().display()));
        path
    }

    fn video(&self, clip: &Path) -> Command {
        let mut command = cyborg();
        command.arg("video").arg(clip).arg("--model").arg(&self.model).args(["--every", "key"]);
        command.arg("--jsonl").arg(self.path("o.jsonl"));
        command
    }

    fn lines(&self, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path("o.jsonl")).expect("it was written");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|line: &Value| line["type"] == kind).collect()
    }
}

#[test]
fn a_person_is_one_person_over_the_gaps() {
    let bench = Bench::new();
    // From key frame to key frame: half a second, four seconds, ten seconds.
    for rate in [20.0, 2.5, 1.0] {
        let clip = bench.clip("clip.mp4", rate, 90);
        let (code, said, stderr) = run(&mut bench.video(&clip));
        assert_eq!(code, 0, "{stderr}");
        assert!(said.contains("9 key frames of 90 frames"), "{said}");
        let faces = bench.lines("face");
        let numbers: Vec<_> = faces.iter().map(|face| face["frame"].as_u64().expect("a number")).collect();
        assert_eq!(numbers, [0, 10, 20, 30, 40, 50, 60, 70, 80], "{rate}");
        for face in &faces {
            let seconds = face["frame"].as_f64().expect("a number") / rate;
            for name in ["time_s", "running_s"] {
                assert!((face[name].as_f64().expect("a number") - seconds).abs() < 2e-3, "{face}");
            }
        }
        let tracks = bench.lines("track");
        assert_eq!(tracks.len(), 1, "{rate}: {tracks:?}");
        assert_eq!((&tracks[0]["frames"], &tracks[0]["usable_frames"]), (&9.into(), &9.into()));
        assert_ne!(tracks[0]["reason"], "too_few_frames");
        let summary = &bench.lines("summary")[0];
        assert_eq!((&summary["frames"], &summary["all_frames"]), (&9.into(), &90.into()));
    }
}

#[test]
fn three_key_frames_are_too_few_for_a_verdict() {
    let bench = Bench::new();
    let clip = bench.clip("clip.mp4", 5.0, 30);
    let (code, said, stderr) = run(&mut bench.video(&clip));
    assert_eq!(code, 0, "{stderr}");
    assert!(said.contains("3 key frames of 30 frames") && said.contains("seen in too few frames"), "{said}");
    let track = &bench.lines("track")[0];
    assert_eq!((&track["track_verdict"], &track["reason"]), (&"unsure".into(), &"too_few_frames".into()));
}

#[test]
fn videos_and_reports_are_written_too() {
    let bench = Bench::new();
    let clip = bench.path("clip.mp4");
    let silent = bench.clip("silent.mp4", 1.0, 60);
    make_clip(&clip, &format!("-i {} -f lavfi -i sine -shortest -c:v copy -c:a aac", silent.display()));
    let (report, video) = (bench.path("r.html"), bench.path("a.mp4"));
    let mut command = bench.video(&clip);
    let (code, _, stderr) = run(command.arg("--report").arg(&report).arg("--annotate").arg(&video));
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(packet_times(&video, "v:0").len(), 6);
    assert!((packet_times(&video, "v:0")[5] - 50.0).abs() < 0.1, "{:?}", packet_times(&video, "v:0"));
    let sound = packet_times(&video, "a:0");
    assert!(
        sound.last().is_some_and(|&last| last > 45.0),
        "the sound goes on between the pictures: {:?}",
        sound.last()
    );
    let report = fs::read_to_string(report).expect("it was written");
    assert!(report.contains("key frames judged") && report.contains("6 of 60 frames"));
}

#[test]
fn a_program_is_told_how_many_there_were() {
    let bench = Bench::new();
    let clip = bench.clip("clip.mp4", 5.0, 30);
    let (code, said, stderr) = run(bench.video(&clip).arg("--json"));
    assert_eq!(code, 0, "{stderr}");
    let told: Value = serde_json::from_str(said.trim()).expect("JSON");
    assert_eq!((&told["frames"], &told["all_frames"], &told["repeated_frames"]), (&3.into(), &30.into(), &0.into()));
    let settings = &bench.lines("run")[0]["settings"];
    assert_eq!(settings["every"], "key");
}

#[test]
fn a_run_is_continued_only_with_the_same_frames() {
    let bench = Bench::new();
    let clip = bench.clip("clip.mp4", 5.0, 30);
    let (code, _, stderr) = run(&mut bench.video(&clip));
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = run(bench.video(&clip).arg("--resume"));
    assert!(code == 0 && stderr.contains("1 of 1 clips are finished"), "{stderr}");
    let mut all = cyborg();
    all.arg("video").arg(&clip).arg("--model").arg(&bench.model).arg("--jsonl").arg(bench.path("o.jsonl"));
    check_error(all.arg("--resume"), 1, "every was \"key\", is 1");
}

#[test]
fn what_makes_no_sense_is_told() {
    let bench = Bench::new();
    let clip = bench.clip("clip.mp4", 5.0, 30);
    check_error(bench.video(&clip).args(["--detect-every", "2"]), 2, "--every key leaves out most of them: drop one");
    let mut command = cyborg();
    check_error(command.arg("video").arg(&clip).args(["--every", "keys"]), 2, "a whole number from 1 on, or `key`");
    let mut command = cyborg();
    check_error(command.args(["live", "--camera", "test", "--every", "key"]), 2, "--every");
    // All its frames build on one that an edit list leaves out.
    let (long, cut) = (bench.path("long.mp4"), bench.path("cut.mp4"));
    make_clip(&long, "-f lavfi -i testsrc2=s=96x64:r=25:d=3 -c:v libx264 -g 9999 -sc_threshold 0");
    make_clip(&cut, &format!("-ss 0.5 -i {} -c copy", long.display()));
    check_error(&mut bench.video(&cut), 1, "has no key frame");
    check_error(&mut bench.video(&cut), 1, "`--every N` with a number judges frames of any kind");
}
