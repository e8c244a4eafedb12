//! The library in few lines says what the program says.

use std::num::NonZeroUsize;

use cyborg_edge::analyzer::{Analyzer, AnalyzerSettings, FollowedFace};
use cyborg_edge::classify::named::ModelName;
use cyborg_edge::frame::Frame;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{cyborg, face_clip, fetched};

/// What is compared of a row of the program's table.
#[derive(Debug, Deserialize)]
struct Row {
    frame: u64,
    track: u64,
    left: f32,
    p_synthetic: f32,
    p_track: f32,
    track_verdict: String,
}

fn analyzer() -> Analyzer {
    let mut settings = AnalyzerSettings::default();
    settings.model = ModelName::Small;
    settings.threads = NonZeroUsize::MIN;
    Analyzer::open_with(&settings).expect("set-up fetched all it needs")
}

fn said(arguments: &[&str], input: &std::path::Path) -> Value {
    let output = cyborg().args(arguments).args(["--model", "small", "--json"]).arg(input).output().expect("it runs");
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

#[test]
fn a_photo_is_judged_as_the_program_judges_it() {
    let photo = fetched("astronaut");
    let faces = analyzer().photo(&photo).expect("it is a photo");
    let expected = said(&["image"], &photo);
    let rows = expected["faces"].as_array().expect("a list");
    assert_eq!((faces.len(), rows.len()), (1, 1));
    let close = |found: f32, column: &str, by: f64| {
        let expected = rows[0][column].as_f64().expect("a number");
        assert!((f64::from(found) - expected).abs() < by, "{column}: {found}, not {expected}");
    };
    close(faces[0].probability, "p_synthetic", 1e-4);
    close(faces[0].bounds.left, "left", 0.1);
    close(faces[0].bounds.width, "width", 0.1);
    assert_eq!(faces[0].verdict.to_string(), rows[0]["verdict"]);
    assert_eq!((faces[0].map_size, faces[0].map.len()), ((7, 7), 49));
    let error = analyzer().photo("nowhere.jpg").expect_err("it isn't there");
    assert!(error.to_string().contains("nowhere.jpg"), "{error}");
}

#[test]
fn a_clip_and_frames_of_ones_own_are_judged_as_the_program_judges_a_clip() {
    let path = face_clip();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let table = folder.path().join("faces.csv");
    let said = said(&["video", "--csv", table.to_str().expect("a plain path")], &path);
    let mut rows = csv::Reader::from_path(table).expect("it was written").into_deserialize::<Row>();
    let mut analyzer = analyzer();
    let mut clip = analyzer.clip(&path).expect("it is a clip");
    let (mut frames, mut seen) = (Vec::<Frame>::new(), Vec::new());
    while let Some(frame) = clip.next() {
        let frame = frame.expect("it can be decoded");
        for FollowedFace { face, person, .. } in &frame.faces {
            let row = rows.next().expect("the program saw it too").expect("a row");
            assert_eq!((row.frame, row.track), (frame.number, person.id.0));
            // The table has tenths of a pixel.
            let close = (face.bounds.left - row.left).abs() < 0.06 && (face.probability - row.p_synthetic).abs() < 1e-4;
            assert!(close && (person.probability.value() - row.p_track).abs() < 1e-4, "{row:?}, not {face:?}");
            assert_eq!(person.verdict.to_string(), row.track_verdict, "{row:?}");
        }
        seen.push(frame.faces);
        frames.push(clip.picture().clone());
    }
    assert!(rows.next().is_none() && frames.len() == 120);
    let persons = clip.finish();
    let expected = &said["models"][0]["tracks"];
    assert_eq!(expected.as_array().expect("a list").len(), persons.len());
    assert_eq!(expected[0]["frames"], persons[0].frames);
    assert_eq!(expected[0]["track_verdict"], persons[0].verdict.to_string());

    let mut following = analyzer.follow();
    for (frame, seen) in frames.iter().zip(&seen) {
        assert_eq!(&following.frame(frame).expect("the networks run"), seen);
    }
    assert_eq!(following.finish(), persons);
}
