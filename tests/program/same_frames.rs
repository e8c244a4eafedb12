//! Frames whose picture is the same as the one before are not looked at again: their rows are those of that one, and it is said how
//! many they are.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::clip_bench::{Bench, of_kind};
use crate::support::{face_clip, fetched, make_clip};

/// The rows of faces without what differs from frame to frame.
fn faces(lines: &[Value]) -> Vec<Value> {
    of_kind(lines, "face")
        .into_iter()
        .cloned()
        .map(|mut face| {
            let row = face.as_object_mut().expect("an object");
            for name in ["frame", "time_s", "running_s", "age_ms", "p_track", "track_verdict", "reason"] {
                row.remove(name);
            }
            face
        })
        .collect()
}

/// Ten moments of the talking man, each three times, by a codec that loses nothing.
fn triple(bench: &Bench) -> PathBuf {
    let filter = "-vf select=not(mod(n\\,12)),setpts=N/10/TB,fps=30 -frames:v 30 -c:v ffv1 -g 1";
    bench.face_clip("triple.mkv", filter)
}

#[test]
fn what_was_found_is_repeated_and_said_to_be() {
    let bench = Bench::new();
    let (said, lines) = bench.judge_aloud(&triple(&bench), &[]);
    assert!(said.contains("30 frames (20 the same as the one before and not looked at again, 0 without"), "{said}");
    let summary = lines.last().expect("there is a summary");
    assert_eq!(
        (&summary["frames"], &summary["repeated_frames"], &summary["faces"]),
        (&30.into(), &20.into(), &30.into())
    );
    let faces = faces(&lines);
    assert_eq!(faces.len(), 30, "each frame has its row");
    for (number, group) in faces.chunks(3).enumerate() {
        assert!(group.iter().all(|face| *face == group[0]), "{group:?}");
        assert!(number == 0 || group[0] != faces[number * 3 - 1], "the next picture is looked at");
    }
    // The person is judged by all frames, as ever.
    let track = of_kind(&lines, "track")[0];
    assert_eq!(track["frames"], 30);
}

#[test]
fn a_still_photo_as_a_clip_is_looked_at_once() {
    let bench = Bench::new();
    let clip = bench.path("still.mkv");
    let still = format!("-loop 1 -i {} -vf scale=320:-2 -frames:v 12 -c:v ffv1 -g 1", fetched("astronaut").display());
    make_clip(&clip, &still);
    let lines = bench.judge(&clip, &[]);
    let summary = lines.last().expect("there is a summary");
    assert_eq!((&summary["frames"], &summary["repeated_frames"]), (&12.into(), &11.into()));
    // Chosen frames are held against each other, not against those between.
    let lines = bench.judge(&clip, &["--every", "3"]);
    let summary = lines.last().expect("there is a summary");
    assert_eq!((&summary["frames"], &summary["repeated_frames"]), (&4.into(), &3.into()));
    // A moving clip has none.
    let (said, lines) = bench.judge_aloud(&face_clip(), &["--end", "1"]);
    assert_eq!(lines.last().expect("there is a summary")["repeated_frames"], 0);
    assert!(!said.contains("the same as"), "{said}");
}

#[test]
fn reports_say_it_too() {
    let bench = Bench::new();
    let report = bench.path("r.html");
    bench.judge(&triple(&bench), &["--report", &report.display().to_string()]);
    let report = fs::read_to_string(report).expect("it was written");
    assert!(report.contains("the same as the one before, and were not looked at again"));
}
