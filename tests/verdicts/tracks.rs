//! Faces are followed through the whole pipeline: crossing, hidden, and over a scene cut.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use cyborg_edge::BoxError;
use cyborg_edge::capture::{Read, Source, SourceInfo};
use cyborg_edge::classify::classifier::{Classify, Seen};
use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::face::follow::DetectEvery;
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::findings::{FrameView, Sink, Summary};
use cyborg_edge::frame::{Frame, PixelBox, PixelPoint, PresentationTime};
use cyborg_edge::pipeline::{self, Stages, Worker};
use cyborg_edge::verdict::reason::Reason;
use cyborg_edge::verdict::{Judge, Logits, Score, Verdict};

use crate::support::model::contract;

const SIZE: (usize, usize) = (320, 180);
const SIDE: f32 = 64.0;

/// A person in a frame: the centre of the face, and the evidence that the network finds in it.
#[derive(Clone, Copy)]
struct Person {
    x: f32,
    evidence: f32,
}

/// What happens in a clip of 25 frames a second.
#[derive(Clone, Copy)]
struct Script {
    frames: u64,
    /// The persons that the detector sees in a frame.
    people: fn(u64) -> Vec<Person>,
    /// Grey of the background; speckles come on top, so that the faces have detail.
    background: fn(u64) -> u8,
}

struct Clip {
    info: SourceInfo,
    script: Script,
    next: u64,
}

impl Source for Clip {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        if self.next == self.script.frames {
            return Ok(Read::End);
        }
        frame.resize(SIZE.0, SIZE.1);
        let grey = (self.script.background)(self.next);
        for (index, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
            pixel.fill(grey + ((index as u32).wrapping_mul(0x9E37_79B1) >> 26) as u8);
        }
        frame.number = self.next;
        frame.time = PresentationTime(self.next as i64 * 40_000);
        frame.captured = Instant::now();
        frame.patched = false;
        self.next += 1;
        Ok(Read::Frame)
    }
}

/// Sees what the script says, the persons in another order in every other frame.
struct Seer(Script);

impl Locate for Seer {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        faces.clear();
        faces.extend((self.0.people)(frame.number).iter().map(|person| Face {
            bounds: PixelBox { left: person.x - SIDE / 2.0, top: 50.0, width: SIDE, height: SIDE },
            landmarks: [PixelPoint::default(); 5],
            // The classifier below reads it here: its answer goes with the person, not with the place.
            confidence: person.evidence,
        }));
        if frame.number % 2 == 1 {
            faces.reverse();
        }
        Ok(())
    }
}

struct Knower;

impl Classify for Knower {
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError> {
        let square = CropSquare { left: 0, top: 0, side: 1 };
        let logits = |face: &Face| Logits { authentic: 0.0, synthetic: face.confidence };
        for Seen { faces, scores, maps, .. } in seen {
            scores.clear();
            scores.extend(faces.iter().map(|face| Score::new(square, logits(face))));
            maps.values.clear();
        }
        Ok(())
    }
}

/// Notes the track of each face of each frame, with the evidence that tells who it is.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<(u64, u64, f32)>>>);

impl Sink for Notes {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        let tracks = &view.first().expect("there is a model").tracked;
        assert_eq!(view.faces.len(), tracks.len(), "faces and tracks run in step");
        let mut notes = self.0.lock().expect("no test thread panics here");
        for (face, tracked) in view.faces.iter().zip(tracks) {
            notes.push((view.frame.number, tracked.id.0, face.confidence));
        }
        Ok(())
    }
}

/// Runs a script; gives the summary, and for each track its number and the evidence of its faces.
fn run(script: Script) -> (Summary, Vec<(u64, Vec<f32>)>) {
    let info = SourceInfo { name: "script".into(), size: SIZE, rate: Some(25.0), claimed_frames: None };
    let notes = Notes::default();
    let (mut seer, mut knower) = (Seer(script), Knower);
    let judge = Judge::new(&contract());
    let stages = Stages {
        workers: vec![Worker { locate: &mut seer, models: vec![&mut knower] }],
        detect: DetectEvery::FRAME,
        judges: vec![&judge],
        sinks: &mut [Box::new(notes.clone())],
    };
    let summary = pipeline::run(&mut Clip { info, script, next: 0 }, stages, &AtomicBool::new(false));
    let notes = notes.0.lock().expect("the run is over");
    let mut tracks: Vec<(u64, Vec<f32>)> = Vec::new();
    for &(_, track, evidence) in notes.iter() {
        match tracks.iter_mut().find(|(id, _)| *id == track) {
            Some((_, faces)) => faces.push(evidence),
            None => tracks.push((track, vec![evidence])),
        }
    }
    tracks.sort_by_key(|(id, _)| *id);
    (summary, tracks)
}

/// Number, frames, verdict and reason of each track.
fn told(summary: &Summary) -> Vec<(u64, u64, Verdict, Option<Reason>)> {
    summary.opinions[0].tracks.iter().map(|track| (track.id.0, track.frames, track.verdict, track.reason)).collect()
}

const LEFT: Person = Person { x: 40.0, evidence: -3.0 };
const RIGHT: Person = Person { x: 280.0, evidence: 3.0 };

fn walk(person: Person, speed: f32, frame: u64) -> Person {
    Person { x: person.x + speed * frame as f32, ..person }
}

#[test]
fn two_persons_who_cross_keep_their_own_verdicts() {
    let people = |frame| vec![walk(LEFT, 4.0, frame), walk(RIGHT, -4.0, frame)];
    let (summary, tracks) = run(Script { frames: 60, people, background: |_| 60 });
    assert_eq!(told(&summary), [(1, 60, Verdict::Authentic, None), (2, 60, Verdict::Synthetic, None)]);
    assert_eq!(tracks, [(1, vec![-3.0; 60]), (2, vec![3.0; 60])]);
    let synthetic = &summary.opinions[0].tracks[1];
    assert_eq!(synthetic.intervals, [synthetic.span]);
    assert!((synthetic.probability.value() - 0.952_57).abs() < 1e-4, "{synthetic:?}");
    assert_eq!((synthetic.span.start.seconds(), synthetic.span.end.seconds()), (0.0, 2.36));
}

#[test]
fn a_person_who_is_hidden_for_a_moment_stays_the_same() {
    // The right one disappears behind the left one while their boxes overlap.
    let people = |frame| {
        let both = [walk(LEFT, 4.0, frame), walk(RIGHT, -4.0, frame)];
        if (both[0].x - both[1].x).abs() < 40.0 { both[..1].to_vec() } else { both.to_vec() }
    };
    let (_, tracks) = run(Script { frames: 60, people, background: |_| 60 });
    assert_eq!(tracks, [(1, vec![-3.0; 60]), (2, vec![3.0; 51])]);
    // One who is away for longer is another track.
    let people = |frame| if (20..60).contains(&frame) { vec![] } else { vec![LEFT] };
    let (summary, _) = run(Script { frames: 80, people, background: |_| 60 });
    assert_eq!(told(&summary), [(1, 20, Verdict::Authentic, None), (2, 20, Verdict::Authentic, None)]);
}

#[test]
fn a_cut_ends_the_tracks_also_where_the_faces_are_in_the_same_place() {
    let people = |frame| vec![Person { x: 160.0, evidence: if frame < 30 { -3.0 } else { 3.0 } }];
    let script = Script { frames: 60, people, background: |frame| if frame < 30 { 20 } else { 150 } };
    let (summary, tracks) = run(script);
    assert_eq!(told(&summary), [(1, 30, Verdict::Authentic, None), (2, 30, Verdict::Synthetic, None)]);
    assert_eq!(tracks, [(1, vec![-3.0; 30]), (2, vec![3.0; 30])]);
    // Without the cut it is one track, of which a part was synthetic.
    let (summary, _) = run(Script { background: |_| 20, ..script });
    assert_eq!(told(&summary).len(), 1);
}

#[test]
fn a_face_that_comes_and_goes_is_too_short_to_be_judged() {
    let people = |frame| if frame % 40 < 3 { vec![RIGHT] } else { vec![] };
    let (summary, _) = run(Script { frames: 80, people, background: |_| 60 });
    let short = (Verdict::Unsure, Some(Reason::TooFewFrames));
    assert_eq!(told(&summary), [(1, 3, short.0, short.1), (2, 3, short.0, short.1)]);
    assert!(summary.opinions[0].tracks.iter().all(|track| track.intervals.is_empty()));
}

#[test]
fn each_source_counts_from_one() {
    let script = Script { frames: 10, people: |_| vec![LEFT], background: |_| 60 };
    assert_eq!(told(&run(script).0)[0].0, 1);
    assert_eq!(told(&run(script).0)[0].0, 1);
}
