//! The JSONL table: whatever a run comes to, each line is one of those that the schema describes.
//!
//! Free are the values that come from outside: names, times, boxes of the detector, logits, qualities. What the program
//! makes itself (a track's number from 1 on, a probability) goes through the functions that make it.

use std::time::Duration;

use cyborg_edge::face::Face;
use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::face::follow::TrackId;
use cyborg_edge::face::quality::Quality;
use cyborg_edge::findings::{FrameView, Opinion};
use cyborg_edge::frame::{Frame, PixelBox, PixelPoint, PresentationTime};
use cyborg_edge::photo_list::{Label, ListedPhoto, Split};
use cyborg_edge::sink::jsonl::{ExpertRecord, Line, ModelRecord, RunRecord};
use cyborg_edge::sink::record::{FaceRecord, IntervalRecord, PhotoRecord, SCHEMA, SummaryRecord, TrackRecord};
use cyborg_edge::verdict::reason::Reason;
use cyborg_edge::verdict::score_kind::ScoreKind;
use cyborg_edge::verdict::track::TrackedFace;
use cyborg_edge::verdict::{Judgement, Logits, Score, SyntheticProbability, Verdict, evidence};
use cyborg_models::contract::{Calibration, Kind, Thresholds};
use serde_json::Value;

use super::schema;
use super::values::Values;

const VERDICTS: [Verdict; 3] = [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic];
const REASONS: [Reason; 9] = [
    Reason::TooSmall,
    Reason::TooBlurred,
    Reason::TooTurned,
    Reason::TooFewFrames,
    Reason::BetweenThresholds,
    Reason::SyntheticInParts,
    Reason::Unfamiliar,
    Reason::LooksGenerated,
    Reason::LooksSwapped,
];

/// Writes lines of the kinds and values that the bytes say; whether there was one with a face in it.
pub fn holds(bytes: &[u8]) -> bool {
    let mut values = Values(bytes);
    let mut with_face = false;
    while !values.is_empty() {
        match values.byte() % 5 {
            0 => run(&mut values),
            1 => with_face |= frame(&mut values),
            2 => with_face |= photo(&mut values),
            3 => track(&mut values),
            _ => summary(&mut values),
        }
    }
    assert!(values.rest().is_empty());
    with_face
}

/// Writes a line and reads it again; it is of this kind, and names this source.
fn check(line: &Line<'_>, kind: &str, named: Option<(&str, &str)>) {
    let mut text = Vec::new();
    line.write(&mut text).expect("there is room in memory");
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    let ends = text.matches(['\n', '\r']).count();
    assert!(ends == 1 && text.ends_with('\n'), "one line, at its end: {text:?}");
    let read: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(read["type"], kind);
    if let Some((field, name)) = named {
        assert_eq!(read[field], name);
    }
    assert_eq!(schema::check(&read), Ok(()), "{text}");
}

fn run(values: &mut Values<'_>) {
    let digest: String = (0..64).map(|_| format!("{:x}", values.byte() % 16)).collect();
    let run = RunRecord {
        tool: format!("cyborg {}", values.text()),
        model: values.text(),
        model_sha256: digest,
        experts: experts(values),
        provider: values.text(),
        detector_provider: values.text(),
        others: (0..values.below(3))
            .map(|_| ModelRecord {
                model: values.text(),
                model_sha256: "0".repeat(64),
                experts: experts(values),
                provider: values.text(),
            })
            .collect(),
        settings: (0..values.below(3)).map(|_| (values.text(), Value::from(values.float()))).collect(),
    };
    check(&Line::Run { schema: SCHEMA, run: &run }, "run", Some(("model", &run.model)));
}

fn experts(values: &mut Values<'_>) -> Vec<ExpertRecord> {
    let expert = |values: &mut Values<'_>| ExpertRecord {
        file: values.text(),
        sha256: "1".repeat(64),
        looks_for: values.maybe(|values| values.pick(&[Kind::Generated, Kind::Swapped])),
        weight: f32::from(values.byte()) / 16.0 + 0.5,
    };
    (0..values.below(3)).map(|_| expert(values)).collect()
}

fn frame(values: &mut Values<'_>) -> bool {
    let source = values.text();
    let mut frame = Frame::empty();
    frame.number = values.whole();
    frame.time = PresentationTime(values.signed());
    let calibration = calibration(values);
    let thresholds = Thresholds::UNCALIBRATED;
    let count = values.below(4);
    let faces: Vec<Face> = (0..count).map(|_| face(values)).collect();
    let judged = |score: &Score| judgement(score.logits, &calibration, &thresholds);
    let followed = values.below(4) > 0;
    let age = Duration::from_nanos(values.whole());
    let opinions: Vec<Opinion> = (0..=values.below(3))
        .map(|_| Opinion {
            judgements: (0..count).map(|_| judged(&score(values))).collect(),
            tracked: if followed { (0..count).map(|_| tracked(values)).collect() } else { Vec::new() },
            ..Opinion::default()
        })
        .collect();
    let models: Vec<String> = (0..opinions.len()).map(|_| values.text()).collect();
    let view = FrameView { source: &source, frame: &frame, faces: &faces, opinions: &opinions, age };
    let mut rows = 0;
    for record in FaceRecord::of(&view, &models) {
        check(&Line::Face(record), "face", Some(("source", &source)));
        rows += 1;
    }
    assert_eq!(rows, count * models.len(), "a row a face and model");
    count > 0
}

fn photo(values: &mut Values<'_>) -> bool {
    let path = values.text();
    let listed = values.maybe(|values| ListedPhoto {
        path: path.clone().into(),
        label: values.pick(&[Label::Authentic, Label::Synthetic]),
        split: values.maybe(|values| values.pick(&[Split::Train, Split::Validation, Split::Test])),
        source: values.text(),
        face: None,
    });
    let mut record = PhotoRecord::without_face(&path, listed.as_ref());
    let judged = values.maybe(|values| {
        let (calibration, logits) = (calibration(values), score(values).logits);
        let judgement = judgement(logits, &calibration, &Thresholds::UNCALIBRATED);
        let kind = values.pick(&[ScoreKind::Softmax, ScoreKind::Reference]);
        (kind.of(logits, judgement.probability), judgement)
    });
    let model = values.text();
    if let Some((score, judgement)) = &judged {
        record = record.judged(&model, *score, judgement);
        if values.byte() % 2 == 1 {
            record = record.placed(values.whole() as usize, &face(values).bounds);
        }
    }
    check(&Line::Photo(record), "photo", Some(("path", &path)));
    judged.is_some()
}

fn track(values: &mut Values<'_>) {
    let (source, model) = (values.text(), values.text());
    let tracked = tracked(values);
    let record = TrackRecord {
        source_escaped: false,
        source: &source,
        track: tracked.id,
        first_s: PresentationTime(values.signed()).seconds(),
        last_s: PresentationTime(values.signed()).seconds(),
        frames: values.whole(),
        usable_frames: values.whole(),
        p_track: tracked.probability,
        track_verdict: tracked.verdict,
        reason: tracked.reason,
        intervals: (0..values.below(4))
            .map(|_| IntervalRecord {
                start_s: PresentationTime(values.signed()).seconds(),
                end_s: PresentationTime(values.signed()).seconds(),
            })
            .collect(),
        model: &model,
    };
    check(&Line::Track(record), "track", Some(("source", &source)));
}

fn summary(values: &mut Values<'_>) {
    let (source, model) = (values.text(), values.text());
    let p = SyntheticProbability::of_evidence(values.float());
    let record = SummaryRecord {
        source_escaped: false,
        source: &source,
        frames: values.whole(),
        all_frames: values.maybe(|values| values.whole()),
        repeated_frames: values.whole(),
        frames_without_face: values.whole(),
        patched_frames: values.whole(),
        damaged_frames: values.whole(),
        faces: values.whole(),
        authentic: values.whole(),
        unsure: values.whole(),
        synthetic: values.whole(),
        mean_p_synthetic: values.maybe(|_| f64::from(p.value())),
        ended: values.pick(&["whole", "interrupted", "failed"]),
        model: &model,
    };
    check(&Line::Summary(record), "summary", Some(("source", &source)));
}

fn face(values: &mut Values<'_>) -> Face {
    let [left, top, width, height] = std::array::from_fn(|_| values.float());
    Face {
        bounds: PixelBox { left, top, width, height },
        landmarks: [PixelPoint::default(); 5],
        confidence: values.float(),
    }
}

fn score(values: &mut Values<'_>) -> Score {
    let logits = Logits { authentic: values.float(), synthetic: values.float() };
    Score::new(CropSquare { left: 0, top: 0, side: 1 }, logits)
}

/// As a contract has it: the temperature finite and above 0, the bias finite.
fn calibration(values: &mut Values<'_>) -> Calibration {
    let (temperature, bias) = (values.float().abs(), values.float());
    Calibration {
        temperature: if temperature.is_finite() && temperature > 0.0 { temperature } else { 1.0 },
        bias: if bias.is_finite() { bias } else { 0.0 },
    }
}

fn judgement(logits: Logits, calibration: &Calibration, thresholds: &Thresholds) -> Judgement {
    let probability = SyntheticProbability::of_evidence(evidence(logits, calibration));
    Judgement { probability, verdict: Verdict::new(probability, thresholds), reason: None }
}

fn tracked(values: &mut Values<'_>) -> TrackedFace {
    let quality = Quality { side: values.float(), sharpness: values.float(), yaw: values.float(), roll: 0.0 };
    TrackedFace {
        id: TrackId(values.whole().max(1)),
        quality,
        probability: SyntheticProbability::of_evidence(values.float()),
        verdict: values.pick(&VERDICTS),
        reason: values.maybe(|values| values.pick(&REASONS)),
    }
}
