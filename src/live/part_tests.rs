//! What is looked at again of a picture, and who is scored again.

use super::*;
use crate::frame::{PixelPoint, PresentationTime};
use crate::verdict::{SyntheticProbability, Verdict};

const SIZE: (usize, usize) = (400, 300);

fn part(left: f32, top: f32, width: f32, height: f32) -> PixelBox {
    PixelBox { left, top, width, height }
}

fn face(left: f32, top: f32, side: f32) -> Face {
    let landmarks = [PixelPoint { x: left + side / 2.0, y: top + side / 2.0 }; 5];
    Face { bounds: part(left, top, side, side), landmarks, confidence: 0.9 }
}

/// Finds a face wherever a pixel is bright, and writes down the size of what it saw.
#[derive(Default)]
struct Bright(Vec<(usize, usize)>);

impl Locate for Bright {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        self.0.push((frame.width, frame.height));
        faces.clear();
        for (at, _) in frame.pixels.chunks_exact(3).enumerate().filter(|(_, pixel)| pixel[0] > 200) {
            faces.push(face((at % frame.width) as f32, (at / frame.width) as f32, 20.0));
        }
        Ok(())
    }
}

/// A picture that is dark but for these pixels.
fn picture(number: u64, bright: &[(usize, usize)], changed: Option<(u64, &[PixelBox])>) -> Frame {
    let mut frame = Frame::empty();
    frame.resize(SIZE.0, SIZE.1);
    for &(x, y) in bright {
        frame.pixels[(y * SIZE.0 + x) * 3] = 255;
    }
    frame.number = number;
    frame.time = PresentationTime(number as i64 * 100_000);
    frame.changed = changed.map(|(since, parts)| {
        let mut changed = Changed::nothing(since);
        parts.iter().for_each(|&part| changed.add(part));
        changed
    });
    frame
}

/// Where faces are: left and top.
type Places = Vec<(f32, f32)>;

/// Goes through pictures; gives where faces are in the last one, and the sizes of what was looked at in it.
fn looked(pictures: &[Frame]) -> (Places, Vec<(usize, usize)>) {
    let (mut part, mut detector, mut faces) = (Part::new(), Bright::default(), Vec::new());
    for frame in pictures {
        detector.0.clear();
        part.see(frame, false);
        part.locate(&mut detector, frame, &mut faces).expect("it finds");
    }
    (faces.iter().map(|face| (face.bounds.left, face.bounds.top)).collect(), detector.0)
}

#[test]
fn only_what_changed_is_looked_at_and_the_others_stay() {
    let first = || picture(0, &[(50, 50), (300, 200)], None);
    assert_eq!(looked(&[first()]), (vec![(50.0, 50.0), (300.0, 200.0)], vec![SIZE]));
    // The first is gone from a picture that says nothing of it: nobody looks there.
    let second = picture(1, &[(310, 210)], Some((0, &[part(305.0, 205.0, 20.0, 20.0)])));
    let (faces, sizes) = looked(&[first(), second]);
    assert_eq!(faces, [(50.0, 50.0), (310.0, 210.0)]);
    // The change with the face that was there, half a side around, and the margin.
    assert_eq!(sizes, [(2 * 32 + 40, 2 * 32 + 40)]);
}

#[test]
fn what_changed_is_looked_at_whole_when_it_stands_still() {
    let (mut looks, mut detector, mut faces) = (Part::new(), Bright::default(), Vec::new());
    let begun = Instant::now();
    let pictures = [(0, 0, None), (1, 100, Some((0, &[part(0.0, 0.0, 9.0, 9.0)][..]))), (2, 900, Some((1, &[][..])))];
    let later = [(3, 1100, Some((2, &[][..]))), (4, 5000, Some((3, &[][..])))];
    for (number, millis, changed) in pictures.into_iter().chain(later) {
        let mut frame = picture(number, &[(50, 50)], changed);
        frame.captured = begun + Duration::from_millis(millis);
        looks.see(&frame, false);
        looks.locate(&mut detector, &frame, &mut faces).expect("it finds");
    }
    // All, the change, all once it had stood for a second; and never again.
    assert_eq!(detector.0, [SIZE, (41, 41), SIZE]);
}

#[test]
fn where_nothing_changed_nobody_looks() {
    let (faces, sizes) = looked(&[picture(0, &[(50, 50)], None), picture(1, &[], Some((0, &[])))]);
    assert_eq!((faces, sizes), (vec![(50.0, 50.0)], vec![]));
}

#[test]
fn a_picture_that_was_missed_has_all_looked_at() {
    let changed = [part(0.0, 0.0, 10.0, 10.0)];
    let (first, later) = (picture(0, &[(300, 200)], None), picture(2, &[(50, 50)], Some((1, &changed))));
    assert_eq!(looked(&[first, later]), (vec![(50.0, 50.0)], vec![SIZE]));
    // One that says what changed since the last that was seen is no such.
    let (first, later) = (picture(0, &[(300, 200)], None), picture(2, &[], Some((0, &changed))));
    assert_eq!(looked(&[first, later]).0, [(300.0, 200.0)]);
}

#[test]
fn what_changed_in_pictures_that_were_not_looked_at_counts() {
    let (mut looks, mut detector, mut faces) = (Part::new(), Bright::default(), Vec::new());
    let first = picture(0, &[(50, 50)], None);
    looks.see(&first, false);
    looks.locate(&mut detector, &first, &mut faces).expect("it finds");
    looks.see(&picture(1, &[], Some((0, &[part(50.0, 50.0, 9.0, 9.0)]))), false);
    let third = picture(2, &[], Some((1, &[])));
    looks.see(&third, false);
    looks.locate(&mut detector, &third, &mut faces).expect("it finds");
    assert!(faces.is_empty(), "the face went in the second picture");
    // Of another scene all is looked at.
    looks.see(&picture(3, &[], Some((2, &[]))), true);
    looks.locate(&mut detector, &third, &mut faces).expect("it finds");
    assert_eq!(detector.0.last(), Some(&SIZE));
}

#[test]
fn a_face_at_the_edge_of_a_change_is_looked_at_whole_or_not_at_all() {
    let mut changed = Changed::nothing(0);
    changed.add(part(100.0, 100.0, 30.0, 30.0));
    let near = face(128.0, 110.0, 40.0);
    let found = cuts(&changed, &[near, face(300.0, 200.0, 40.0)], SIZE).expect("a part of it");
    assert_eq!(found[..], [part(68.0, 58.0, 152.0, 144.0)], "from 100 - 32 and 90 - 32 to 128 + 60 + 32");
    // A large change, and one at the very edge.
    changed.add(part(0.0, 0.0, 390.0, 290.0));
    assert_eq!(cuts(&changed, &[], SIZE), None);
    let mut changed = Changed::nothing(0);
    changed.add(part(390.0, 290.0, 10.0, 10.0));
    assert_eq!(cuts(&changed, &[], SIZE).expect("a part of it")[..], [part(358.0, 258.0, 42.0, 42.0)]);
}

#[test]
fn who_stays_as_seen_is_not_scored_again() {
    let (mut looks, begun) = (Part::new(), Instant::now());
    let at = |millis| begun + Duration::from_millis(millis);
    let faces = [face(50.0, 50.0, 20.0), face(300.0, 200.0, 20.0)];
    let tracks = [TrackId(1), TrackId(2)];
    let mut frame = picture(0, &[], None);
    frame.captured = at(0);
    looks.see(&frame, false);
    looks.note(&frame, &faces, &tracks);
    let opinion = |scored, reason| LiveOpinion {
        probability: SyntheticProbability::HALF,
        verdict: Verdict::Unsure,
        reason,
        at_first_sight: false,
        scored,
        map: [].into(),
        map_size: (0, 0),
        square: crate::face::crop::CropSquare { left: 0, top: 0, side: 1 },
    };
    let settled = opinion(at(0), None);
    assert!(looks.is_due(TrackId(1), None, at(0)) && !looks.is_due(TrackId(1), Some(&settled), at(0)));

    let mut frame = picture(1, &[], Some((0, &[part(60.0, 60.0, 5.0, 5.0)])));
    frame.captured = at(100);
    looks.see(&frame, false);
    looks.note(&frame, &faces, &tracks);
    let due = |track, opinion: &LiveOpinion| looks.is_due(TrackId(track), Some(opinion), at(100));
    assert!(due(1, &settled), "it moved since");
    assert!(!due(2, &settled), "it is as it was");
    assert!(!due(1, &opinion(at(100), None)), "that was seen");
    assert!(due(2, &opinion(at(0), Some(Reason::TooFewFrames))), "more looks are wanted");
    assert!(due(2, &LiveOpinion { at_first_sight: true, ..settled.clone() }), "the other model has still to speak");
    assert!(looks.is_due(TrackId(2), Some(&settled), at(5000)), "so that it isn't forgotten");
}
