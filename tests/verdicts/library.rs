//! The library in few lines says what the program says.

use std::num::NonZeroUsize;

use cyborg_edge::analyzer::{Analyzer, AnalyzerSettings};
use cyborg_edge::classify::named::ModelName;
use cyborg_edge::frame::Frame;
use serde_json::Value;

use crate::support::{cyborg, face_clip, fetched};

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
    let mut analyzer = analyzer();
    let mut clip = analyzer.clip(&path).expect("it is a clip");
    let (mut frames, mut seen) = (Vec::<Frame>::new(), Vec::new());
    while let Some(frame) = clip.next() {
        let frame = frame.expect("it can be decoded");
        seen.push(frame.faces.iter().map(|face| (face.person.id, face.person.verdict)).collect::<Vec<_>>());
        frames.push(clip.picture().clone());
    }
    let persons = clip.finish();
    let expected = &said(&["video"], &path)["models"][0];
    assert_eq!(expected["tracks"].as_array().expect("a list").len(), persons.len());
    assert_eq!(expected["tracks"][0]["frames"], persons[0].frames);
    assert_eq!(expected["tracks"][0]["track_verdict"], persons[0].verdict.to_string());
    let p = expected["tracks"][0]["p_track"].as_f64().expect("a number");
    assert!((p - f64::from(persons[0].probability.value())).abs() < 1e-3, "{p}, not {:?}", persons[0].probability);

    let mut following = analyzer.follow();
    for (frame, seen) in frames.iter().zip(&seen) {
        let faces = following.frame(frame).expect("the networks run");
        assert_eq!(&faces.iter().map(|face| (face.person.id, face.person.verdict)).collect::<Vec<_>>(), seen);
    }
    assert_eq!(following.finish(), persons);
}
