//! `cyborg video` on real clips: every frame goes through, in order, with its own time, into all outputs.

use std::fs;

use cyborg_edge::sink::record;
use serde_json::Value;

use crate::clip_bench::{Bench, TABLE, of_kind};
use crate::support::{cyborg, face_clip, fetched, make_clip, probe, run};

/// Frame counts of the table, the annotated video and the container are the same, and so are the times.
fn check_frames(clip_name: &str, arguments: &str) {
    let bench = Bench::new();
    let clip = bench.face_clip(clip_name, arguments);
    let annotated = bench.path("annotated.mp4");
    let lines = bench.judge(&clip, &["--annotate", &annotated.display().to_string()]);
    let expected: u64 = probe(&clip, "stream=nb_read_frames").parse().expect("a count");
    let summary = lines.last().expect("there is a summary");
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["frames"], expected, "frames of the container and of the table");
    assert_eq!(summary["damaged_frames"], 0);
    assert_eq!(probe(&annotated, "stream=nb_read_frames"), expected.to_string(), "frames of the annotated video");

    let times: Vec<f64> = probe(&clip, "frame=best_effort_timestamp_time")
        .lines()
        // Frames with side data have an empty line after them.
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(',').parse().expect("a time"))
        .collect();
    let faces = of_kind(&lines, "face");
    assert!(faces.len() as u64 * 10 >= expected * 9, "the face is seen in {} of {expected} frames", faces.len());
    let mut last = None;
    for face in faces {
        let number = face["frame"].as_u64().expect("a number");
        assert!(last.is_none_or(|last| last < number), "frame {number} comes after {last:?}");
        last = Some(number);
        let time = face["time_s"].as_f64().expect("a number");
        let expected = times[number as usize];
        assert!((time - expected).abs() < 1e-3, "frame {number} is at {time} s, ffprobe says {expected} s");
    }
}

#[test]
fn constant_frame_rate() {
    check_frames("clip.mp4", "-frames:v 40 -c:v libx264 -preset ultrafast");
}

#[test]
fn variable_frame_rate() {
    check_frames("clip.mp4", "-vf select='lt(mod(n,5),2)' -vsync vfr -c:v libx264 -preset ultrafast");
}

#[test]
fn another_container_codec_and_start() {
    check_frames("clip.mkv", "-frames:v 30 -vf setpts=PTS+3/TB -c:v mpeg4 -q:v 3");
}

#[test]
fn odd_sides() {
    check_frames("clip.mkv", "-frames:v 20 -vf crop=175:143 -c:v ffv1 -pix_fmt yuv444p");
}

#[test]
fn the_tables_agree() {
    let bench = Bench::new();
    let clip = bench.face_clip("clip.mp4", "-frames:v 12 -c:v libx264 -preset ultrafast");
    let csv = bench.path("table.csv");
    let lines = bench.judge(&clip, &["--csv", &csv.display().to_string()]);
    assert_eq!((&lines[0]["type"], &lines[0]["schema"]), (&"run".into(), &record::SCHEMA.into()));
    let mut reader = csv::Reader::from_path(&csv).expect("it was written");
    let header = reader.headers().expect("it has one").clone();
    let rows: Vec<_> = reader.records().map(|row| row.expect("each row is whole")).collect();
    let faces = of_kind(&lines, "face");
    assert_eq!(rows.len(), faces.len());
    for (row, face) in rows.iter().zip(faces) {
        for (name, field) in header.iter().zip(row) {
            let value = match &face[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let same = value == field || value.parse::<f64>().ok() == field.parse::<f64>().ok();
            assert!(same, "{name}: CSV has `{field}`, JSONL `{value}`");
        }
        assert_eq!(face["track"], 1, "one person");
        assert_eq!(face["reason"].is_null(), face["track_verdict"] != "unsure", "{face}");
    }
}

#[test]
fn one_person_is_one_track_over_the_whole_clip() {
    let bench = Bench::new();
    let lines = bench.judge(&fetched("selfie"), &[]);
    let (faces, tracks) = (of_kind(&lines, "face"), of_kind(&lines, "track"));
    assert_eq!((faces.len(), tracks.len()), (72, 1));
    assert!(faces.iter().all(|face| face["track"] == 1));
    let track = tracks[0];
    assert_eq!((&track["track"], &track["frames"], &track["usable_frames"]), (&1.into(), &72.into(), &72.into()));
    assert_eq!((&track["first_s"], &track["last_s"]), (&faces[0]["time_s"], &faces[71]["time_s"]));
    assert_eq!(lines[lines.len() - 2]["type"], "track", "the tracks stand before the summary");
    // The fused p lies among those of the frames.
    let p = |value: &Value| value.as_f64().expect("a number");
    let (lowest, highest) = faces
        .iter()
        .map(|face| p(&face["p_synthetic"]))
        .fold((1.0_f64, 0.0_f64), |(low, high), p| (low.min(p), high.max(p)));
    let fused = p(&track["p_track"]);
    assert!(lowest - 0.01 <= fused && fused <= highest + 0.01, "{lowest} {fused} {highest}");
    assert_eq!(faces[3]["reason"], "too_few_frames");
    assert_ne!(faces[4]["reason"], "too_few_frames");
}

#[test]
fn a_blurred_face_is_unsure_and_says_so() {
    let bench = Bench::new();
    let clip = bench.path("blurred.mp4");
    let filter = "-vf gblur=sigma=8 -frames:v 20 -c:v libx264 -preset ultrafast";
    make_clip(&clip, &format!("-i {} {filter}", fetched("selfie").display()));
    let lines = bench.judge(&clip, &["--detect-confidence", "0.2"]);
    let tracks = of_kind(&lines, "track");
    assert_eq!(tracks.len(), 1, "{tracks:?}");
    assert_eq!((&tracks[0]["track_verdict"], &tracks[0]["reason"]), (&"unsure".into(), &"too_blurred".into()));
}

#[test]
fn a_cut_between_two_clips_begins_new_tracks() {
    let bench = Bench::new();
    let clip = bench.path("cut.mp4");
    let part = "fps=25,trim=end_frame=20,scale=352:288,setsar=1,format=yuv420p";
    let filter = format!("[0:v]{part}[a];[1:v]{part}[b];[a][b]concat=n=2:v=1[v]");
    let inputs = format!("-i {} -i {}", fetched("selfie").display(), face_clip().display());
    make_clip(&clip, &format!("{inputs} -filter_complex {filter} -map [v] -c:v libx264 -preset ultrafast"));
    let lines = bench.judge(&clip, &[]);
    let found: Vec<_> = of_kind(&lines, "track").iter().map(|track| track["frames"].clone()).collect();
    assert_eq!(found, [20, 20]);
    assert_eq!(
        of_kind(&lines, "face").iter().rfind(|face| face["track"] == 1).map(|face| &face["frame"]),
        Some(&19.into())
    );
}

#[test]
fn frames_without_a_face_are_a_number_in_the_summary() {
    let bench = Bench::new();
    let clip = bench.path("grey.mp4");
    make_clip(&clip, "-f lavfi -i color=gray:s=160x120:r=25:d=0.4 -c:v libx264 -preset ultrafast");
    let lines = bench.judge(&clip, &[]);
    let summary = lines.last().expect("there is a summary");
    assert_eq!((&summary["frames"], &summary["frames_without_face"]), (&10.into(), &10.into()));
    assert_eq!((&summary["faces"], &summary["mean_p_synthetic"]), (&0.into(), &Value::Null));
}

#[test]
fn several_clips_share_the_tables_and_a_folder() {
    let bench = Bench::new();
    let first = bench.face_clip("first.mp4", "-frames:v 5 -c:v libx264 -preset ultrafast");
    let second = bench.face_clip("second.mkv", "-frames:v 7 -c:v mpeg4");
    let folder = bench.path("annotated");
    fs::create_dir(&folder).expect("it can be made");
    let table = bench.path(TABLE);
    let mut command = cyborg();
    command.arg("video").args([&first, &second]).arg("--annotate").arg(&folder).arg("--jsonl").arg(&table);
    let (code, stdout, stderr) = run(command.arg("--model").arg(&bench.model));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("first.mp4:") && stdout.contains("second.mkv:"), "{stdout}");
    assert_eq!(stdout.matches("  person 1: ").count(), 2, "a line a person: {stdout}");
    let lines = bench.lines(TABLE);
    let frames: Vec<_> = of_kind(&lines, "summary").iter().map(|line| &line["frames"]).collect();
    assert_eq!(frames, [&Value::from(5), &Value::from(7)]);
    assert_eq!(probe(&folder.join("first.annotated.mp4"), "stream=nb_read_frames"), "5");
    assert_eq!(probe(&folder.join("second.annotated.mp4"), "stream=nb_read_frames"), "7");
}

#[test]
fn the_annotated_video_may_be_scaled() {
    let bench = Bench::new();
    let clip = bench.face_clip("clip.mp4", "-vf setsar=1 -frames:v 3 -c:v libx264 -preset ultrafast");
    let annotated = bench.path("large.mp4");
    bench.judge(&clip, &["--annotate", &annotated.display().to_string(), "--annotate-width", "352"]);
    assert_eq!(probe(&annotated, "stream=width,height"), "352,288");
}

#[test]
fn the_provider_report_says_what_was_asked_and_got() {
    let bench = Bench::new();
    let clip = bench.face_clip("clip.mp4", "-frames:v 2 -c:v libx264 -preset ultrafast");
    let lines = bench.judge(&clip, &["--provider", "cpu"]);
    assert_eq!(lines[0]["provider"], "asked cpu, got cpu");
}
