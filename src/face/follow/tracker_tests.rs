//! Tests of the tracker: scenes as lists of boxes, with the tracks that a person would see in them.

use super::*;
use crate::frame::PixelPoint;

fn face(x: f32, y: f32, side: f32) -> Face {
    let bounds = PixelBox { left: x - side / 2.0, top: y - side / 2.0, width: side, height: side };
    Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 }
}

/// Follows scenes of faces (centre x, y, side), one every `step` seconds, and gives the tracks of each.
fn follow(step: f64, scenes: &[Vec<(f32, f32, f32)>]) -> Vec<Vec<u64>> {
    follow_with(Tracker::new(), step, scenes)
}

fn follow_with(mut tracker: Tracker, step: f64, scenes: &[Vec<(f32, f32, f32)>]) -> Vec<Vec<u64>> {
    let mut ids = Vec::new();
    scenes
        .iter()
        .enumerate()
        .map(|(index, scene)| {
            let faces: Vec<_> = scene.iter().map(|&(x, y, side)| face(x, y, side)).collect();
            tracker.follow(PresentationTime((index as f64 * step * 1e6) as i64), &faces, &mut ids);
            ids.iter().map(|id| id.0).collect()
        })
        .collect()
}

/// A walk at `speed` pixels a frame with boxes that tremble by a pixel or two.
fn walk(from: f32, speed: f32, frame: usize) -> (f32, f32, f32) {
    let tremble = [0.0, 1.5, -1.0, 0.5, -1.5][frame % 5];
    (from + speed * frame as f32 + tremble, 100.0 - tremble, 60.0 + tremble)
}

#[test]
fn a_walking_face_is_one_track() {
    let scenes: Vec<_> = (0..100).map(|frame| vec![walk(50.0, 12.0, frame)]).collect();
    assert!(follow(0.04, &scenes).iter().all(|ids| ids == &[1]));
}

#[test]
fn two_faces_that_cross_keep_their_numbers() {
    let scenes: Vec<_> = (0..60).map(|n| vec![walk(50.0, 8.0, n), walk(520.0, -8.0, n)]).collect();
    let found = follow(0.04, &scenes);
    assert!(found.iter().all(|ids| ids == &[1, 2]), "{found:?}");
}

#[test]
fn two_faces_that_cross_while_one_hides_the_other_keep_their_numbers() {
    // From frame 27 to 32 the boxes overlap so much that the detector tells of the front one alone.
    let scene = |n| match n {
        27..=32 => vec![walk(50.0, 8.0, n)],
        _ => vec![walk(50.0, 8.0, n), walk(520.0, -8.0, n)],
    };
    let found = follow(0.04, &(0..60).map(scene).collect::<Vec<_>>());
    assert_eq!(
        (&found[26][..], &found[30][..], &found[33][..], &found[59][..]),
        (&[1, 2][..], &[1][..], &[1, 2][..], &[1, 2][..])
    );
}

/// A face that stands for ten frames, is hidden for `gap` seconds, and comes back `moved` pixels away.
fn check_gap(gap: f64, moved: f32, expected: u64) {
    let step = 0.1;
    let hidden = (gap / step).round() as usize - 1;
    let mut scenes = vec![vec![(100.0, 100.0, 60.0)]; 10];
    scenes.extend(vec![vec![]; hidden]);
    scenes.push(vec![(100.0 + moved, 100.0, 60.0)]);
    let found = follow(step, &scenes);
    assert_eq!(found.last(), Some(&vec![expected]), "hidden for {gap} s, moved by {moved} pixels");
}

#[test]
fn a_hidden_face_is_awaited_for_a_second() {
    check_gap(0.5, 0.0, 1);
    check_gap(1.0, 0.0, 1);
    check_gap(1.2, 0.0, 2);
    check_gap(0.5, 35.0, 1);
    check_gap(0.5, 90.0, 2);
}

#[test]
fn frames_that_are_far_apart_are_followed_too() {
    let still = vec![vec![(100.0, 100.0, 60.0), (300.0, 100.0, 60.0)]; 5];
    assert!(follow(2.0, &still).iter().all(|ids| ids == &[1, 2]));
    // But not across minutes.
    assert_eq!(follow(60.0, &still)[1], [3, 4]);
    assert_eq!(follow(10.4, &still)[1], [3, 4]);
    // The key frames of most encoders are ten seconds apart.
    assert!(follow_with(Tracker::over_gaps(), 10.4, &still).iter().all(|ids| ids == &[1, 2]));
    assert_eq!(follow_with(Tracker::over_gaps(), 60.0, &still)[1], [3, 4]);
}

#[test]
fn a_new_face_and_another_size_begin_tracks() {
    let found = follow(
        0.04,
        &[
            vec![(100.0, 100.0, 60.0)],
            vec![(300.0, 100.0, 60.0), (100.0, 100.0, 60.0)],
            vec![(300.0, 100.0, 150.0), (100.0, 100.0, 60.0)],
        ],
    );
    assert_eq!(found, [vec![1], vec![2, 1], vec![3, 1]]);
}

#[test]
fn a_cut_ends_all_tracks_and_no_number_comes_twice() {
    let mut tracker = Tracker::new();
    let mut ids = Vec::new();
    tracker.follow(PresentationTime(0), &[face(100.0, 100.0, 60.0)], &mut ids);
    tracker.end_all();
    tracker.follow(PresentationTime(40_000), &[face(100.0, 100.0, 60.0)], &mut ids);
    assert_eq!(ids, [TrackId(2)]);
}

#[test]
fn the_order_of_the_faces_does_not_matter() {
    let scenes: Vec<_> = (0..60)
        .map(|n| vec![walk(50.0, 8.0, n), walk(520.0, -8.0, n), (200.0, 300.0, 50.0), (230.0, 300.0, 50.0)])
        .collect();
    let turned: Vec<Vec<_>> =
        scenes.iter().enumerate().map(|(n, scene)| (0..4).map(|at| scene[(at + n + 1) % 4]).collect()).collect();
    let (straight, turned) = (follow(0.04, &scenes), follow(0.04, &turned));
    for (n, (straight, turned)) in straight.iter().zip(&turned).enumerate() {
        let back: Vec<_> = (0..4).map(|at| turned[(at + 3 - n % 4) % 4]).collect();
        assert_eq!(straight, &back, "frame {n}");
    }
}

#[test]
fn boxes_that_are_no_boxes_do_no_harm() {
    let odd = [f32::NAN, f32::INFINITY, 0.0, -5.0, f32::MAX];
    let scenes: Vec<_> =
        (0..20).map(|n| vec![(100.0, 100.0, 60.0), (odd[n % 5], odd[(n / 2) % 5], odd[(n + 1) % 5])]).collect();
    assert!(follow(0.04, &scenes).iter().all(|ids| ids[0] == 1));
    let mut tracker = Tracker::new();
    let mut ids = Vec::new();
    for time in [i64::MIN, i64::MAX, 0, -1] {
        tracker.follow(PresentationTime(time), &[face(100.0, 100.0, 60.0)], &mut ids);
        assert_eq!(ids.len(), 1);
    }
}

/// A face in pictures of one size, then one in those of another: whether it is the same person.
fn check_resized(from: (usize, usize), to: (usize, usize), before: PixelBox, after: PixelBox, same: bool) {
    let mut tracker = Tracker::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let face = |bounds| Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 };
    for frame in 0..10 {
        tracker.follow(PresentationTime(frame * 40_000), &[face(before)], &mut first);
    }
    tracker.resize(from, to);
    tracker.follow(PresentationTime(400_000), &[face(after)], &mut second);
    assert_eq!(first == second, same, "{from:?} {to:?} {after:?}");
    tracker.follow(PresentationTime(440_000), &[face(after)], &mut first);
    assert_eq!(first, second);
}

#[test]
fn a_track_lives_on_when_the_pictures_change_their_size() {
    let bounds = |left, top, width, height| PixelBox { left, top, width, height };
    let before = bounds(100.0, 100.0, 60.0, 80.0);
    check_resized((640, 360), (1280, 720), before, bounds(205.0, 198.0, 122.0, 158.0), true);
    check_resized((640, 360), (320, 180), before, bounds(50.0, 51.0, 30.0, 40.0), true);
    check_resized((640, 360), (640, 480), before, bounds(100.0, 160.0, 60.0, 80.0), true);
    check_resized((640, 360), (360, 640), bounds(290.0, 100.0, 60.0, 80.0), bounds(150.0, 240.0, 60.0, 80.0), true);
    check_resized((640, 360), (1280, 720), before, bounds(1000.0, 500.0, 120.0, 160.0), false);
    check_resized((640, 360), (1280, 720), before, bounds(200.0, 200.0, 20.0, 30.0), false);
}
