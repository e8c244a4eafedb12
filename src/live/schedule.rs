//! Which faces are scored next. A function of what was seen and scored, with no clock of its own.
//!
//! Who was never scored goes first, then who was scored too seldom for a verdict, so that everybody gets one soon. Of the others it
//! is the one whose score is oldest, where age counts double for a large face. Nobody starves: with `n` faces in the
//! pictures, one that was scored before waits for no more than `2 n` others, and for `8 n` while persons come and go.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::face::Face;
use crate::face::follow::TrackId;
use crate::verdict::track::LEAST_FRAMES;

/// A track that was not seen for so long is forgotten; its number doesn't come again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// A face whose longer side is this, in pixels, or less counts once.
const SMALL: f32 = 64.0;
/// Its age counts at most so often for a larger one. No face waits for more than so many rounds.
const MOST_WEIGHT: f32 = 2.0;
/// So many picks in a row are for who is new, and the next one is for whoever waits longest: a detector that sees new faces all the
/// time keeps nobody from being scored.
const NEW_IN_A_ROW: u32 = 3;

/// A face that may be scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offered {
    /// Its track.
    pub track: TrackId,
    /// Longer side of its box in pixels. One that is no number is small.
    pub side: f32,
}

impl Offered {
    /// A face on its track.
    #[must_use]
    pub fn new(track: TrackId, face: &Face) -> Self {
        Self { track, side: face.bounds.width.max(face.bounds.height) }
    }

    /// How often its age counts, 1 to [`MOST_WEIGHT`].
    fn weight(&self) -> f32 {
        // Written so that NaN is small.
        if self.side > SMALL { (self.side / SMALL).min(MOST_WEIGHT) } else { 1.0 }
    }
}

/// Remembers when each track was scored last.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// In order of their numbers.
    known: Vec<Candidate>,
    /// Faces that were picked so far: age is counted in these.
    picks: u64,
    /// How many of the last ones in a row were picked because they were new.
    new_in_a_row: u32,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    track: TrackId,
    /// How often it was scored.
    scores: u64,
    /// When the frame was captured in which it was scored last.
    scored: Option<Instant>,
    /// What `picks` was then.
    picked: u64,
    /// When the frame was captured in which it was last offered.
    seen: Instant,
}

impl Schedule {
    /// A schedule that knows no track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the places in `offered` of the faces to score next into `picked`, `most` at most, in place of what it held; none
    /// when all were scored in this frame or a later one. They count as scored from now on.
    ///
    /// `captured` is when the frame with these faces was captured. Of those that were never scored the lowest number comes
    /// first.
    pub fn pick(&mut self, offered: &[Offered], captured: Instant, most: usize, picked: &mut Vec<usize>) {
        self.known.retain(|known| captured.saturating_duration_since(known.seen) < FORGOTTEN_AFTER);
        for &Offered { track, .. } in offered {
            match self.place(track) {
                Ok(at) => self.known[at].seen = self.known[at].seen.max(captured),
                Err(at) => {
                    let new = Candidate { track, scores: 0, scored: None, picked: 0, seen: captured };
                    self.known.insert(at, new);
                }
            }
        }
        picked.clear();
        while picked.len() < most {
            let turn = if self.new_in_a_row < NEW_IN_A_ROW { Turn::New } else { Turn::Oldest };
            let Some(Waiting { at, known, .. }) = self.next(offered, captured, turn) else { break };
            picked.push(at);
            self.picks += 1;
            let known = &mut self.known[known];
            let because_new = turn == Turn::New && known.scores < LEAST_FRAMES;
            self.new_in_a_row = if because_new { self.new_in_a_row + 1 } else { 0 };
            (known.scores, known.scored, known.picked) = (known.scores + 1, Some(captured), self.picks);
        }
    }

    /// Where a track is in `known`, or would be.
    fn place(&self, track: TrackId) -> Result<usize, usize> {
        self.known.binary_search_by_key(&track, |known| known.track)
    }

    /// The face whose turn it is.
    fn next(&self, offered: &[Offered], captured: Instant, turn: Turn) -> Option<Waiting> {
        let waiting = offered.iter().enumerate().filter_map(|(at, offered)| {
            let known = self.place(offered.track).ok()?;
            let Candidate { track, scores, scored, picked, .. } = self.known[known];
            let age = (self.picks - picked) as f32 * offered.weight();
            let waits = scored.is_none_or(|scored| scored < captured);
            waits.then_some(Waiting { at, known, track, scores, age })
        });
        waiting.min_by(|a, b| a.order(b, turn))
    }
}

/// For whom a pick is.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    /// Who is new comes first.
    New,
    /// Who has waited longest since the last score.
    Oldest,
}

/// A face that may be picked.
struct Waiting {
    /// Its places in what is offered and in what is known.
    at: usize,
    known: usize,
    track: TrackId,
    scores: u64,
    /// Picks since its last score, large faces' ones counting more.
    age: f32,
}

impl Waiting {
    /// The one that comes first is the lesser.
    fn order(&self, other: &Self, turn: Turn) -> Ordering {
        let group = |waiting: &Self| match (turn, waiting.scores) {
            (Turn::New, 0) => 0,
            (Turn::New, 1..LEAST_FRAMES) => 1,
            (Turn::New, _) => 2,
            (Turn::Oldest, 0) => 1,
            (Turn::Oldest, _) => 0,
        };
        // Numbers go up: of those that were never scored, who came first goes first.
        let by_age = if self.scores == 0 { Ordering::Equal } else { other.age.total_cmp(&self.age) };
        group(self).cmp(&group(other)).then(by_age).then(self.track.cmp(&other.track))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::RangeInclusive;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// A frame, and the tracks that are picked in it, one call after the other.
    struct Case {
        millis: u64,
        tracks: &'static [u64],
        most: usize,
        expected: &'static [u64],
    }

    fn offered(tracks: &[u64], side: f32) -> Vec<Offered> {
        tracks.iter().map(|&track| Offered { track: TrackId(track), side }).collect()
    }

    fn check(cases: &[Case]) {
        let (mut schedule, begun, mut picked) = (Schedule::new(), Instant::now(), vec![9]);
        for (number, case) in cases.iter().enumerate() {
            let offered = offered(case.tracks, 100.0);
            schedule.pick(&offered, begun + Duration::from_millis(case.millis), case.most, &mut picked);
            let found: Vec<u64> = picked.iter().map(|&at| offered[at].track.0).collect();
            assert_eq!(found, case.expected, "case {number}");
        }
    }

    fn case(millis: u64, tracks: &'static [u64], most: usize, expected: &'static [u64]) -> Case {
        Case { millis, tracks, most, expected }
    }

    #[test]
    fn the_oldest_score_goes_first() {
        check(&[
            case(0, &[3, 1, 2], 1, &[1]),
            case(0, &[3, 1, 2], 1, &[2]),
            case(33, &[3, 1, 2], 1, &[3]),
            case(33, &[3, 1, 2], 1, &[1]),
            case(66, &[3, 1, 2], 1, &[2]),
            case(99, &[3, 1, 2], 2, &[3, 1]),
        ]);
    }

    #[test]
    fn a_new_face_is_not_kept_waiting() {
        check(&[
            case(0, &[1, 2], 1, &[1]),
            case(33, &[1, 2], 1, &[2]),
            case(66, &[1, 2, 3], 1, &[3]),
            case(99, &[1, 2, 3], 1, &[1]),
        ]);
    }

    #[test]
    fn no_face_is_scored_twice_in_a_frame_or_in_an_older_one() {
        check(&[
            case(0, &[1], 1, &[1]),
            case(0, &[1], 1, &[]),
            case(33, &[], 1, &[]),
            case(66, &[1, 2], 9, &[2, 1]),
            case(66, &[1, 2], 9, &[]),
            case(33, &[1, 2], 9, &[]),
        ]);
    }

    #[test]
    fn who_left_is_forgotten() {
        let (mut schedule, begun, mut picked) = (Schedule::new(), Instant::now(), Vec::new());
        for second in 0..1000 {
            schedule.pick(&offered(&[second], 50.0), begun + Duration::from_secs(second), 1, &mut picked);
        }
        assert_eq!(schedule.known.len(), 30);
    }

    /// A live run on paper: one look each `look` of a second, and a scorer that takes `face` for each face.
    struct Run {
        schedule: Schedule,
        begun: Instant,
        now: Duration,
        look: Duration,
        face: Duration,
        /// When each track was scored.
        scored: BTreeMap<u64, Vec<Duration>>,
    }

    impl Run {
        fn new(look: Duration, face: Duration) -> Self {
            let (schedule, begun, now) = (Schedule::new(), Instant::now(), Duration::ZERO);
            Self { schedule, begun, now, look, face, scored: BTreeMap::new() }
        }

        /// Scores these faces until `end`.
        fn until(&mut self, end: Duration, faces: &[Offered]) {
            let mut picked = Vec::new();
            while self.now < end {
                let frame = self.look * (self.now.as_nanos() / self.look.as_nanos()) as u32;
                self.schedule.pick(faces, self.begun + frame, 1, &mut picked);
                match picked.first() {
                    Some(&at) => {
                        self.now += self.face;
                        self.scored.entry(faces[at].track.0).or_default().push(self.now);
                    }
                    None => self.now = frame + self.look,
                }
            }
        }

        /// When the last of these was scored often enough for a verdict.
        fn verdict_on_all(&self, tracks: RangeInclusive<u64>) -> Duration {
            let verdict = |track| self.scored.get(&track).and_then(|scores| scores.get(LEAST_FRAMES as usize - 1));
            tracks.map(|track| verdict(track).copied().unwrap_or(Duration::MAX)).max().expect("there are some")
        }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// 25 faces need five scores each: 125 of 6 ms are 0.75 s of the 3 s that there are, if nothing else is scored meanwhile.
    #[test]
    fn everybody_in_a_gallery_of_25_gets_a_verdict_within_three_seconds() {
        let gallery = offered(&(1..=25).collect::<Vec<_>>(), 100.0);
        for look in [0.033, 0.1, 0.3] {
            let mut run = Run::new(seconds(look), seconds(0.006));
            run.until(seconds(3.0), &gallery);
            let all = run.verdict_on_all(1..=25);
            assert!(all < seconds(0.8_f64.max(4.0 * look + 0.16)), "{all:?} at {look}");
        }
        // At 20 ms a face it is the scorer that has no time to spare: 125 scores are 2.5 s.
        let mut run = Run::new(seconds(0.1), seconds(0.02));
        run.until(seconds(3.0), &gallery);
        let all = run.verdict_on_all(1..=25);
        assert!(all <= seconds(3.0), "{all:?}");
    }

    #[test]
    fn who_is_new_gets_a_verdict_before_the_others_are_scored_again() {
        let (old, all) = ((1..=20).collect::<Vec<_>>(), (1..=25).collect::<Vec<_>>());
        let mut run = Run::new(seconds(0.1), seconds(0.006));
        run.until(seconds(5.0), &offered(&old, 100.0));
        run.until(seconds(8.0), &offered(&all, 100.0));
        // One score in each of five frames: none of them was kept waiting in a frame.
        let verdict = run.verdict_on_all(21..=25);
        assert!(verdict < seconds(5.0 + 4.0 * 0.1 + 7.0 * 0.006), "{verdict:?}");
        for (track, scores) in run.scored {
            let longest = scores.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(longest < Some(seconds(0.4)), "{track} waited for {longest:?}");
        }
    }

    #[test]
    fn large_faces_are_scored_twice_as_often() {
        let mut faces = offered(&(1..=25).collect::<Vec<_>>(), 50.0);
        faces[7].side = 400.0;
        faces[9].side = f32::NAN;
        let mut run = Run::new(seconds(0.01), seconds(0.01));
        run.until(seconds(60.0), &faces);
        let count = |track: u64| run.scored[&track].len() as f64;
        for small in (1..=25).filter(|&track| track != 8) {
            let ratio = count(8) / count(small);
            assert!((1.8..2.2).contains(&ratio), "{ratio} times as often as {small}");
        }
    }

    /// Faces of all sizes, a few of them at once new where `comes` says so: how many others are scored while one that was scored
    /// before waits, at most, for each face there is.
    fn longest_wait(faces: usize, comes: bool) -> f64 {
        let mut chance = ChaCha8Rng::seed_from_u64(faces as u64);
        let (mut schedule, begun, mut picked) = (Schedule::new(), Instant::now(), Vec::new());
        let mut random = move || chance.next_u32() as f32 / u32::MAX as f32;
        let mut there: Vec<_> = offered(&(1..=faces as u64).collect::<Vec<_>>(), 0.0);
        there.iter_mut().for_each(|face| face.side = 200.0 * random());
        let (mut waited, mut born, mut longest) = (BTreeMap::<TrackId, usize>::new(), faces as u64, 0);
        for frame in 0..400 {
            if comes {
                // Whoever is in these places is somebody else in each frame.
                for face in &mut there[faces / 2..] {
                    born += 1;
                    face.track = TrackId(born);
                }
            }
            let captured = begun + Duration::from_millis(100 * frame);
            for _ in 0..1 + (random() * faces as f32) as usize {
                schedule.pick(&there, captured, 1, &mut picked);
                for &at in &picked {
                    waited.values_mut().for_each(|count| *count += 1);
                    waited.insert(there[at].track, 0);
                }
                longest = waited
                    .iter()
                    .filter(|(id, _)| there.iter().any(|face| face.track == **id))
                    .map(|(_, count)| *count)
                    .max()
                    .unwrap_or(0)
                    .max(longest);
            }
            waited.retain(|id, _| there.iter().any(|face| face.track == *id));
        }
        longest as f64 / faces as f64
    }

    #[test]
    fn nobody_starves() {
        for faces in [2, 3, 7, 25, 60] {
            let (same, changing) = (longest_wait(faces, false), longest_wait(faces, true));
            assert!(same <= 2.0, "{same} rounds of {faces}");
            assert!(changing <= 8.0, "{changing} rounds of {faces} while others come and go");
        }
    }
}
