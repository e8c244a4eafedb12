//! `cyborg video --every key`: persons are followed from key frame to key frame, and all that is said tells that frames between them
//! were left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::clip_bench::{Bench, TABLE, of_kind};
use crate::support::{check_error, cyborg, make_clip, packet_times, run};

/// The talking man at so many frames a second, with a key frame in every tenth: 90 frames, or fewer.
fn slowed(bench: &Bench, name: &str, rate: f64, frames: u32) -> PathBuf {
    let slow = format!("-vf setpts=N/{rate}/TB -r {rate} -frames:v {frames}");
    bench.face_clip(name, &format!("{slow} -c:v libx264 -preset ultrafast -g 10 -keyint_min 10 -sc_threshold 0"))
}

/// The command that judges the key frames of a clip.
fn judging_keys(bench: &Bench, clip: &Path) -> Command {
    let mut command = bench.video(clip);
    command.args(["--every", "key"]);
    command
}

#[test]
fn a_person_is_one_person_over_the_gaps() {
    let bench = Bench::new();
    // From key frame to key frame: half a second, four seconds, ten seconds.
    for rate in [20.0, 2.5, 1.0] {
        let clip = slowed(&bench, "clip.mp4", rate, 90);
        let (code, said, stderr) = run(&mut judging_keys(&bench, &clip));
        assert_eq!(code, 0, "{stderr}");
        assert!(said.contains("9 key frames of 90 frames"), "{said}");
        let lines = bench.lines(TABLE);
        let faces = of_kind(&lines, "face");
        let numbers: Vec<_> = faces.iter().map(|face| face["frame"].as_u64().expect("a number")).collect();
        assert_eq!(numbers, [0, 10, 20, 30, 40, 50, 60, 70, 80], "{rate}");
        for face in &faces {
            let seconds = face["frame"].as_f64().expect("a number") / rate;
            for name in ["time_s", "running_s"] {
                assert!((face[name].as_f64().expect("a number") - seconds).abs() < 2e-3, "{face}");
            }
        }
        let tracks = of_kind(&lines, "track");
        assert_eq!(tracks.len(), 1, "{rate}: {tracks:?}");
        assert_eq!((&tracks[0]["frames"], &tracks[0]["usable_frames"]), (&9.into(), &9.into()));
        assert_ne!(tracks[0]["reason"], "too_few_frames");
        let summary = of_kind(&lines, "summary")[0];
        assert_eq!((&summary["frames"], &summary["all_frames"]), (&9.into(), &90.into()));
    }
}

#[test]
fn three_key_frames_are_too_few_for_a_verdict() {
    let bench = Bench::new();
    let clip = slowed(&bench, "clip.mp4", 5.0, 30);
    let (code, said, stderr) = run(&mut judging_keys(&bench, &clip));
    assert_eq!(code, 0, "{stderr}");
    assert!(said.contains("3 key frames of 30 frames") && said.contains("seen in too few frames"), "{said}");
    let lines = bench.lines(TABLE);
    let track = of_kind(&lines, "track")[0];
    assert_eq!((&track["track_verdict"], &track["reason"]), (&"unsure".into(), &"too_few_frames".into()));
}

#[test]
fn videos_and_reports_are_written_too() {
    let bench = Bench::new();
    let clip = bench.path("clip.mp4");
    let silent = slowed(&bench, "silent.mp4", 1.0, 60);
    make_clip(&clip, &format!("-i {} -f lavfi -i sine -shortest -c:v copy -c:a aac", silent.display()));
    let (report, video) = (bench.path("r.html"), bench.path("a.mp4"));
    let mut command = judging_keys(&bench, &clip);
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
    let clip = slowed(&bench, "clip.mp4", 5.0, 30);
    let (code, said, stderr) = run(judging_keys(&bench, &clip).arg("--json"));
    assert_eq!(code, 0, "{stderr}");
    let told: Value = serde_json::from_str(said.trim()).expect("JSON");
    assert_eq!((&told["frames"], &told["all_frames"], &told["repeated_frames"]), (&3.into(), &30.into(), &0.into()));
    let settings = &bench.lines(TABLE)[0]["settings"];
    assert_eq!(settings["every"], "key");
}

#[test]
fn a_run_is_continued_only_with_the_same_frames() {
    let bench = Bench::new();
    let clip = slowed(&bench, "clip.mp4", 5.0, 30);
    let (code, _, stderr) = run(&mut judging_keys(&bench, &clip));
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = run(judging_keys(&bench, &clip).arg("--resume"));
    assert!(code == 0 && stderr.contains("1 of 1 clips are finished"), "{stderr}");
    check_error(bench.video(&clip).arg("--resume"), 1, "every was \"key\", is 1");
}

#[test]
fn what_makes_no_sense_is_told() {
    let bench = Bench::new();
    let clip = slowed(&bench, "clip.mp4", 5.0, 30);
    check_error(
        judging_keys(&bench, &clip).args(["--detect-every", "2"]),
        2,
        "--every key leaves out most of them: drop one",
    );
    let mut command = cyborg();
    check_error(command.arg("video").arg(&clip).args(["--every", "keys"]), 2, "a whole number from 1 on, or `key`");
    let mut command = cyborg();
    check_error(command.args(["live", "--camera", "test", "--every", "key"]), 2, "--every");
    // All its frames build on one that an edit list leaves out.
    let (long, cut) = (bench.path("long.mp4"), bench.path("cut.mp4"));
    make_clip(&long, "-f lavfi -i testsrc2=s=96x64:r=25:d=3 -c:v libx264 -g 9999 -sc_threshold 0");
    make_clip(&cut, &format!("-ss 0.5 -i {} -c copy", long.display()));
    check_error(&mut judging_keys(&bench, &cut), 1, "has no key frame");
    check_error(&mut judging_keys(&bench, &cut), 1, "`--every N` with a number judges frames of any kind");
}
