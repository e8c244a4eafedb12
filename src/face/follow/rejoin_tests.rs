//! Tests of rejoining: tiles with people of different patterns, arranged anew.

use super::{Rejoiner, Whose};
use crate::face::Face;
use crate::face::follow::{Follower, Plan, TrackId};
use crate::frame::{Frame, PixelBox, PixelPoint, PresentationTime};

/// Tiles beside each other and their side, in pixels.
const TILES: usize = 4;
const TILE: usize = 200;

/// A picture of tiles in a row: in each the person of that number, or nobody.
fn picture(persons: &[Option<u8>]) -> (Frame, Vec<Face>) {
    let mut frame = Frame::empty();
    frame.resize(TILES * TILE, TILE);
    frame.pixels.fill(30);
    let mut faces = Vec::new();
    for (tile, person) in persons.iter().enumerate() {
        let Some(person) = person else { continue };
        for (y, row) in frame.pixels.chunks_exact_mut(TILES * TILE * 3).enumerate() {
            for (x, pixel) in row[tile * TILE * 3..(tile + 1) * TILE * 3].chunks_exact_mut(3).enumerate() {
                pixel.copy_from_slice(&paint(*person, x as f32 / 100.0, y as f32 / 100.0));
            }
        }
        let bounds = PixelBox { left: (tile * TILE) as f32 + 60.0, top: 50.0, width: 80.0, height: 100.0 };
        faces.push(Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 });
    }
    (frame, faces)
}

/// Added to a person's number: in the dark for a moment, too little like that person to be known.
const DARK: u8 = 100;
/// The same in dim light, in which the person is known, and is like the one in the dark too.
const DIM: u8 = 200;

/// A pattern of a person's own, and a colour.
fn paint(person: u8, x: f32, y: f32) -> [u8; 3] {
    for (light, added) in [(0.85, DIM), (0.7, DARK)] {
        if let Some(person) = person.checked_sub(added) {
            return paint(person, x, y).map(|value| (f32::from(value) * light) as u8);
        }
    }
    let number = f32::from(person);
    let wave = (3.0 + number) * x + (7.0 - number) * y;
    let grey = 120.0 + 70.0 * wave.sin();
    let colour = 40.0 * (2.0 * number).sin();
    [grey + colour, grey - colour, grey + 20.0].map(|value| value as u8)
}

/// Scenes ten times a second, each with its tiles from the left and whether it is a cut; gives the tracks in each.
fn check_with(follower: Follower, scenes: &[(&[Option<u8>], bool)]) -> Vec<Vec<u64>> {
    check_apart(follower, 100_000, scenes)
}

/// The same with so many microseconds from scene to scene.
fn check_apart(mut follower: Follower, step: i64, scenes: &[(&[Option<u8>], bool)]) -> Vec<Vec<u64>> {
    let mut tracks = Vec::new();
    scenes
        .iter()
        .enumerate()
        .map(|(number, (persons, cut))| {
            let (mut frame, mut faces) = picture(persons);
            frame.time = PresentationTime(number as i64 * step);
            follower.follow(&frame, Plan { cut: *cut, ..Plan::LOOK }, &mut faces, &mut tracks);
            tracks.iter().map(|track| track.0).collect()
        })
        .collect()
}

fn check(scenes: &[(&[Option<u8>], bool)], expected: &[u64]) {
    let found = check_with(Follower::rejoining(), scenes);
    assert_eq!(found.last().map(Vec::as_slice), Some(expected), "{found:?}");
}

const FOUR: [Option<u8>; 4] = [Some(0), Some(1), Some(2), Some(3)];
const MIXED: [Option<u8>; 4] = [Some(2), Some(0), Some(3), Some(1)];

#[test]
fn who_moves_from_tile_to_tile_keeps_the_number() {
    check(&[(&FOUR, false), (&FOUR, false), (&MIXED, false)], &[3, 1, 4, 2]);
    check(&[(&FOUR, false), (&FOUR, false), (&MIXED, true)], &[3, 1, 4, 2]);
    check(&[(&FOUR, false), (&[Some(1), Some(0), Some(2), Some(3)], false)], &[2, 1, 3, 4]);
    // Two make room for a third.
    check(&[(&[Some(0), Some(1)], false), (&[Some(5), Some(0), Some(1)], false)], &[3, 1, 2]);
}

#[test]
fn without_rejoining_a_cut_ends_all_and_places_count() {
    let scenes: [(&[_], _); 3] = [(&FOUR, false), (&MIXED, false), (&MIXED, true)];
    assert_eq!(check_with(Follower::new(), &scenes), [vec![1, 2, 3, 4], vec![1, 2, 3, 4], vec![5, 6, 7, 8]]);
}

#[test]
fn who_takes_a_persons_place_is_another() {
    check(&[(&[Some(0), Some(1)], false), (&[Some(0), Some(5)], false)], &[1, 3]);
    check(&[(&[Some(0), Some(1)], false), (&[Some(4), Some(5)], true)], &[3, 4]);
}

#[test]
fn a_lost_person_is_found_for_three_seconds() {
    let away = |count: usize| {
        let mut scenes: Vec<(&[Option<u8>], bool)> = vec![(&[Some(0), Some(1)], false)];
        scenes.extend(vec![(&[Some(0_u8)] as &[_], false); count]);
        scenes.push((&[Some(0), None, Some(1)], false));
        scenes
    };
    check(&away(5), &[1, 2]);
    check(&away(28), &[1, 2]);
    check(&away(31), &[1, 3]);
}

#[test]
fn of_people_who_look_alike_nobody_is_found() {
    // Two lost ones, one face; then one lost one, two faces.
    check(
        &[(&[Some(0), Some(1), Some(1)], false), (&[Some(0)], false), (&[Some(0), None, None, Some(1)], false)],
        &[1, 4],
    );
    check(
        &[(&[Some(0), None, Some(1)], false), (&[Some(0)], false), (&[Some(0), Some(1), None, Some(1)], false)],
        &[1, 3, 4],
    );
    // Somebody who is still there is shown a second time.
    check(&[(&[Some(0), Some(1)], false), (&[Some(0), Some(1), Some(1)], false)], &[1, 2, 3]);
}

#[test]
fn who_is_known_a_moment_later_takes_the_number_back() {
    let there: (&[_], _) = (&[Some(0), Some(1)], false);
    let dark: (&[_], _) = (&[Some(0), None, None, Some(1 + DARK)], false);
    let dim: (&[_], _) = (&[Some(0), None, None, Some(1 + DIM)], false);
    check(&[there, there, dark], &[1, 3]);
    check(&[there, there, dim], &[1, 2]);
    check(&[there, there, dark, dim], &[1, 2]);
    // And keeps it.
    check(&[there, there, dark, dim, dark, dim, dim], &[1, 2]);
    // Not for long, as somebody has the new one by then.
    check(&[&[there][..], &[dark; 17], &[dim; 2]].concat(), &[1, 3]);
    // Two people who were seen together are two.
    let both: (&[_], _) = (&[Some(0), Some(1), None, Some(1 + DARK)], false);
    check(&[there, both, dim, dim], &[1, 3]);
}

#[test]
fn after_the_end_of_all_nobody_is_known() {
    let (mut follower, mut tracks) = (Follower::rejoining(), Vec::new());
    for expected in [[TrackId(1)], [TrackId(2)]] {
        let (frame, mut faces) = picture(&[Some(0)]);
        follower.follow(&frame, Plan::LOOK, &mut faces, &mut tracks);
        assert_eq!(tracks, expected);
        follower.end_all();
    }
}

#[test]
fn who_has_a_number_and_is_not_remembered_keeps_it() {
    let (frame, faces) = picture(&[Some(1)]);
    for (number, found) in [(TrackId::default(), vec![(0, TrackId(7))]), (TrackId(9), vec![])] {
        let (mut rejoiner, mut rejoined) = (Rejoiner::new(), Vec::new());
        rejoiner.see(&frame, false, &faces);
        rejoiner.learn(frame.running(), &[TrackId(7)]);
        rejoiner.see(&frame, false, &faces);
        rejoiner.rejoin(&[number], &mut rejoined);
        assert_eq!(rejoined, found);
    }
}

#[test]
fn memory_is_bounded_and_odd_boxes_do_no_harm() {
    let (mut follower, mut tracks) = (Follower::rejoining(), Vec::new());
    let (frame, faces) = picture(&FOUR);
    let mut many: Vec<Face> =
        (0..300).map(|at| Face { bounds: PixelBox { left: at as f32 * 2.5, ..faces[0].bounds }, ..faces[0] }).collect();
    many[3].bounds.width = f32::NAN;
    many[4].bounds.left = f32::INFINITY;
    for _ in 0..3 {
        follower.follow(&frame, Plan::LOOK, &mut many, &mut tracks);
        let mut once = tracks.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), many.len(), "no number is given to two faces");
    }
}

#[test]
fn over_the_gaps_between_key_frames_looks_say_who_is_who() {
    let check = |scenes: &[(&[Option<u8>], bool)], expected: &[u64]| {
        let found = check_apart(Follower::over_gaps(), 10_000_000, scenes);
        assert_eq!(found.last().map(Vec::as_slice), Some(expected), "{found:?}");
    };
    check(&[(&FOUR, false), (&FOUR, false), (&FOUR, false)], &[1, 2, 3, 4]);
    check(&[(&FOUR, false), (&MIXED, false)], &[3, 1, 4, 2]);
    check(&[(&FOUR, false), (&MIXED, true)], &[3, 1, 4, 2]);
    // Somebody else took the place meanwhile, with a cut or without.
    check(&[(&[Some(0)], false), (&[Some(5)], false)], &[2]);
    check(&[(&[Some(0)], false), (&[Some(5)], true)], &[2]);
}
