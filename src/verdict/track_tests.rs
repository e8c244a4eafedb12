//! Tests of the verdict on a track: tracks as lists of logits, with what a person would say of them.

use super::*;
use crate::face::crop::CropSquare;
use crate::verdict::{Judge, Logits};
use cyborg_models::contract::{Calibration, Kind, Thresholds};

const GOOD: Quality = Quality { side: 200.0, sharpness: 1.0, yaw: 0.0, roll: 0.0 };

fn judge() -> Judge {
    Judge {
        calibration: Calibration { temperature: 1.0, bias: 0.0 },
        thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
    }
}

fn stretch(start: i64, end: i64) -> Interval {
    let (start, end) = (PresentationTime(start), PresentationTime(end));
    Interval { start, end, running_start: start, running_end: end }
}

/// A face of a frame: its track, its evidence, its quality.
type Seen = (u64, f32, Quality);

/// Judges frames 0.1 s apart; gives what was said of each face, and at the end.
fn run(frames: &[Vec<Seen>]) -> (Vec<Vec<TrackedFace>>, Vec<TrackSummary>) {
    let scored = |&(track, evidence, quality): &Seen| (track, score(evidence), quality);
    run_scored(&frames.iter().map(|seen| seen.iter().map(scored).collect()).collect::<Vec<_>>())
}

fn score(synthetic: f32) -> Score {
    Score::new(CropSquare { left: 0, top: 0, side: 1 }, Logits { authentic: 0.0, synthetic })
}

/// The same with whole scores.
fn run_scored(frames: &[Vec<(u64, Score, Quality)>]) -> (Vec<Vec<TrackedFace>>, Vec<TrackSummary>) {
    run_apart(judge().tracks(), 100_000, frames)
}

/// The same by another judge, with so many microseconds from frame to frame.
fn run_apart(
    mut tracks: TrackJudge,
    step: i64,
    frames: &[Vec<(u64, Score, Quality)>],
) -> (Vec<Vec<TrackedFace>>, Vec<TrackSummary>) {
    let mut tracked = Vec::new();
    let mut said = Vec::new();
    for (frame, seen) in frames.iter().enumerate() {
        let scores: Vec<_> = seen.iter().map(|seen| seen.1).collect();
        let look = Look {
            time: PresentationTime(frame as i64 * step),
            running: PresentationTime(frame as i64 * step),
            tracks: &seen.iter().map(|seen| TrackId(seen.0)).collect::<Vec<_>>(),
            qualities: &seen.iter().map(|seen| seen.2).collect::<Vec<_>>(),
            scores: &scores,
        };
        tracks.judge(&look, &mut tracked);
        said.push(tracked.clone());
    }
    (said, tracks.finish())
}

/// One track with this evidence and quality in its frames.
fn one(series: &[f32], quality: Quality) -> (Vec<Vec<TrackedFace>>, TrackSummary) {
    let frames: Vec<_> = series.iter().map(|&evidence| vec![(1, evidence, quality)]).collect();
    let (said, mut summaries) = run(&frames);
    assert_eq!(summaries.len(), 1);
    (said, summaries.remove(0))
}

fn check(series: &[f32], quality: Quality, verdict: Verdict, reason: Option<Reason>) {
    let (said, summary) = one(series, quality);
    assert_eq!((summary.verdict, summary.reason), (verdict, reason), "{series:?}: {summary:?}");
    assert_eq!(summary.frames, series.len() as u64);
    for face in said.iter().flatten() {
        assert_eq!(face.reason.is_some(), face.verdict == Verdict::Unsure, "{face:?}");
        assert!((0.0..=1.0).contains(&face.probability.value()), "{face:?}");
    }
}

#[test]
fn clear_evidence_gives_a_clear_verdict() {
    check(&[2.0; 20], GOOD, Verdict::Synthetic, None);
    check(&[-2.0; 20], GOOD, Verdict::Authentic, None);
    check(&[0.1; 20], GOOD, Verdict::Unsure, Some(Reason::BetweenThresholds));
}

#[test]
fn a_few_bad_frames_do_not_turn_it() {
    let mut series = [-2.0; 40];
    (series[10], series[20], series[21]) = (9.0, 9.0, f32::INFINITY);
    check(&series, GOOD, Verdict::Authentic, None);
}

#[test]
fn a_face_that_is_not_seen_well_gets_a_reason() {
    check(&[5.0; 4], GOOD, Verdict::Unsure, Some(Reason::TooFewFrames));
    check(&[5.0; 5], GOOD, Verdict::Synthetic, None);
    check(&[f32::NAN; 20], GOOD, Verdict::Unsure, Some(Reason::TooFewFrames));
    check(&[5.0; 20], Quality { side: 20.0, ..GOOD }, Verdict::Unsure, Some(Reason::TooSmall));
    check(&[5.0; 20], Quality { sharpness: 0.01, ..GOOD }, Verdict::Unsure, Some(Reason::TooBlurred));
    check(&[5.0; 20], Quality { yaw: 2.0, ..GOOD }, Verdict::Unsure, Some(Reason::TooTurned));
}

/// One track, seen well, with these scores; what is said of it at the end and in its last frame.
fn marked(scores: impl Iterator<Item = Score>) -> (TrackSummary, TrackedFace) {
    let frames: Vec<_> = scores.map(|score| vec![(1, score, GOOD)]).collect();
    let (said, mut summaries) = run_scored(&frames);
    (summaries.remove(0), said.last().expect("there are frames")[0])
}

fn of_kind(evidence: f32, kind: Kind) -> Score {
    Score { kind: Some(kind), ..score(evidence) }
}

fn unfamiliar(evidence: f32) -> Score {
    Score { unfamiliar: true, ..score(evidence) }
}

#[test]
fn a_synthetic_person_looks_like_what_decided_most() {
    use Kind::{Generated, Swapped};
    let check = |series: &[(usize, f32, Kind)], expected: [Option<Reason>; 2]| {
        let scores = series.iter().flat_map(|&(count, evidence, kind)| vec![of_kind(evidence, kind); count]);
        let (summary, last) = marked(scores);
        assert_eq!([summary.reason, last.reason], expected, "{series:?}: {summary:?}");
    };
    let [made, swap] = [Some(Reason::LooksGenerated), Some(Reason::LooksSwapped)];
    check(&[(20, 3.0, Generated)], [made, made]);
    check(&[(20, 3.0, Swapped)], [swap, swap]);
    check(&[(14, 3.0, Swapped), (6, 3.0, Generated)], [swap, swap]);
    // The running word is that of the last seconds.
    check(&[(70, 3.0, Swapped), (40, 3.0, Generated)], [swap, made]);
    // Nothing is said of what is not synthetic.
    check(&[(20, -3.0, Swapped)], [None, None]);
    check(&[(20, 0.0, Swapped)], [Some(Reason::BetweenThresholds); 2]);
}

#[test]
fn of_an_unfamiliar_person_nothing_certain_is_said() {
    for evidence in [5.0, -5.0] {
        let (summary, last) = marked(std::iter::repeat_n(unfamiliar(evidence), 20));
        assert_eq!((summary.verdict, summary.reason), (Verdict::Unsure, Some(Reason::Unfamiliar)), "{summary:?}");
        assert_eq!((last.verdict, last.reason), (Verdict::Unsure, Some(Reason::Unfamiliar)));
        assert!(summary.intervals.is_empty(), "{summary:?}");
        assert_eq!(summary.usable_frames, 20);
    }
    // Too few frames are too few, whatever is in them.
    assert_eq!(marked(std::iter::repeat_n(unfamiliar(5.0), 4)).0.reason, Some(Reason::TooFewFrames));
}

#[test]
fn a_few_unfamiliar_looks_neither_turn_a_verdict_nor_make_an_interval() {
    let (summary, _) = marked((0..40).map(|n| if n % 3 == 0 { unfamiliar(8.0) } else { score(-3.0) }));
    assert_eq!((summary.verdict, summary.reason), (Verdict::Authentic, None), "{summary:?}");
    assert!(summary.intervals.is_empty());
    // Synthetic before and after a stretch in which nothing is known: two intervals, neither of which reaches into it.
    let (summary, _) = marked((0..150).map(|n| if (50..100).contains(&n) { unfamiliar(8.0) } else { score(4.0) }));
    assert_eq!(summary.verdict, Verdict::Synthetic, "{summary:?}");
    let ends: Vec<_> = summary.intervals.iter().map(|span| (span.start.0 / 100_000, span.end.0 / 100_000)).collect();
    assert_eq!(ends, [(0, 49), (100, 149)]);
}

#[test]
fn good_frames_outweigh_poor_ones() {
    let poor = Quality { sharpness: 0.01, ..GOOD };
    let frames: Vec<_> = (0..40).map(|n| if n < 10 { vec![(1, -2.0, GOOD)] } else { vec![(1, 3.0, poor)] }).collect();
    let (_, summaries) = run(&frames);
    assert_eq!((summaries[0].verdict, summaries[0].usable_frames), (Verdict::Authentic, 10), "{summaries:?}");
}

#[test]
fn a_part_that_is_synthetic_is_told_with_its_times() {
    let series: Vec<f32> = (0..300).map(|n| if (100..150).contains(&n) { 4.0 } else { -4.0 }).collect();
    let (said, summary) = one(&series, GOOD);
    assert_eq!((summary.verdict, summary.reason), (Verdict::Unsure, Some(Reason::SyntheticInParts)));
    assert_eq!(summary.intervals.len(), 1, "{summary:?}");
    let interval = summary.intervals[0];
    // The running verdict follows within two of its time constants.
    let (start, end) = (interval.start.seconds(), interval.end.seconds());
    assert!((10.0..14.0).contains(&start) && (14.9..19.0).contains(&end), "{interval:?}");
    assert_eq!(said[149][0].verdict, Verdict::Synthetic);
    assert_eq!(said[299][0].verdict, Verdict::Authentic);
    assert_eq!(one(&[4.0; 30], GOOD).1.intervals, [stretch(0, 2_900_000)]);
}

#[test]
fn the_first_frames_are_not_clung_to() {
    // Of the first five the running p is 0.5: what the first frame alone says is not kept.
    check(&[3.0, -3.0, 0.0, 0.0, 0.0, 0.0, 0.0], GOOD, Verdict::Unsure, Some(Reason::BetweenThresholds));
    assert!(one(&[3.0, -3.0, 0.0, 0.0, 0.0, 0.0, 0.0], GOOD).1.intervals.is_empty());
}

#[test]
fn a_track_that_was_synthetic_throughout_is_so_as_a_whole() {
    // Synthetic is entered above evidence of 0.847 and left below 0.447; the whole comes to about 0.8.
    let series: Vec<f32> = (0..60).map(|n| if n < 10 { 2.0 } else { 0.6 }).collect();
    let (_, summary) = one(&series, GOOD);
    assert_eq!(summary.intervals, [summary.span]);
    check(&series, GOOD, Verdict::Synthetic, None);
}

#[test]
fn tracks_are_apart_and_told_in_order() {
    let frames: Vec<_> = (0..300)
        .map(|n| match n {
            0..100 => vec![(2, 3.0, GOOD), (1, -3.0, GOOD)],
            _ => vec![(3, 0.0, GOOD), (1, -3.0, GOOD)],
        })
        .collect();
    let (said, summaries) = run(&frames);
    let found: Vec<_> = summaries.iter().map(|track| (track.id.0, track.frames, track.verdict)).collect();
    assert_eq!(found, [(1, 300, Verdict::Authentic), (2, 100, Verdict::Synthetic), (3, 200, Verdict::Unsure)]);
    assert_eq!(summaries[1].span, stretch(0, 9_900_000));
    assert_eq!((said[50][0].id, said[50][1].id), (TrackId(2), TrackId(1)), "in the order of the faces");
}

/// Somebody takes over the track of another: for how long are they called what the other one was?
#[test]
fn the_verdict_on_whoever_takes_over_a_track_is_their_own_within_three_seconds() {
    for evidence in [2.0, 4.0] {
        let mut series = vec![-evidence; 100];
        series.extend([evidence; 40]);
        let (said, _) = one(&series, GOOD);
        let first = |verdict| said.iter().position(|faces| faces[0].verdict == verdict).map(|at| at as i64 - 100);
        let unsure = said[100..].iter().position(|faces| faces[0].verdict != Verdict::Authentic);
        let synthetic = first(Verdict::Synthetic);
        // Seen ten times a second: after 1.5 s the old verdict is given up.
        assert!(unsure.is_some_and(|frame| frame <= 15), "{evidence}: {unsure:?}");
        assert!(synthetic.is_some_and(|frame| (0..=30).contains(&frame)), "{evidence}: {synthetic:?}");
    }
}

/// Key frames ten seconds apart: verdict and reason of each track.
fn key_frames(series: &[f32]) -> Vec<(u64, Verdict, Option<Reason>)> {
    let frames: Vec<_> = series.iter().map(|&evidence| vec![(1, score(evidence), GOOD)]).collect();
    let (_, summaries) = run_apart(judge().tracks().over_gaps(), 10_400_000, &frames);
    summaries.iter().map(|track| (track.frames, track.verdict, track.reason)).collect()
}

#[test]
fn a_track_goes_on_over_the_gaps_between_key_frames() {
    assert_eq!(key_frames(&[-2.0; 8]), [(8, Verdict::Authentic, None)]);
    assert_eq!(key_frames(&[2.0; 8]), [(8, Verdict::Synthetic, None)]);
    assert_eq!(key_frames(&[2.0; 3]), [(3, Verdict::Unsure, Some(Reason::TooFewFrames))]);
    // One bad frame among them is no time in which the person was synthetic.
    assert_eq!(key_frames(&[-2.0, -2.0, -2.0, -2.0, -2.0, 9.0, -2.0, -2.0]), [(8, Verdict::Authentic, None)]);
}
