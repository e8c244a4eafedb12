//! The verdict on a track: what many frames of one person come to, while it lasts and at its end.
//!
//! Two fusions run side by side. The running one forgets within seconds: it gives each frame's verdict and the intervals.
//! The whole one forgets nothing: it gives the verdict on the person.
//!
//! What a synthetic person looks like is the kind that decided with most of the weight of the looks. A look at a face that is
//! unlike anything that was trained on weighs next to nothing, turns no verdict and makes no interval; a person most of whose
//! usable looks are such is one of whom nothing certain is said.

use cyborg_models::contract::{Calibration, Thresholds};

use super::fusion::{Fading, Fusion};
use super::judgement::{SyntheticProbability, Verdict, evidence};
use super::marks::{Mark, Marks};
use super::quality::Weight;
use super::reason::Reason;
use super::score::Score;
use crate::face::follow::{LONGEST_GAP, LONGEST_SPARSE_GAP, TrackId};
use crate::face::quality::Quality;
use crate::frame::PresentationTime;

/// Time constant of the running verdict, in seconds.
const MEMORY: f64 = 2.0;
/// Frames in which a face must be seen well before anything is said of it.
pub const LEAST_FRAMES: u64 = 5;
/// Where many seconds may lie between two frames, looks fade as if no more than this did, in seconds: so the running verdict is
/// one of several frames there too.
const LONGEST_FADE: f64 = MEMORY / LEAST_FRAMES as f64;
/// Tracks for which there is room from the start.
const ROOM: usize = 16;

/// A face of a frame as a part of its track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackedFace {
    /// Its track.
    pub id: TrackId,
    /// How well it is seen in this frame.
    pub quality: Quality,
    /// p(synthetic) fused over the last seconds of the track.
    pub probability: SyntheticProbability,
    /// The verdict on that, with hysteresis.
    pub verdict: Verdict,
    /// Why the verdict is unsure; of one that is synthetic, what it looks like, where that is known.
    pub reason: Option<Reason>,
}

/// A stretch of time, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Presentation time of its first frame.
    pub start: PresentationTime,
    /// Presentation time of its last frame; before that of the first where the source's clock has stepped back.
    pub end: PresentationTime,
    /// When the first frame is shown on the running clock.
    pub running_start: PresentationTime,
    /// When the last frame is shown on the running clock.
    pub running_end: PresentationTime,
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
struct Moment {
    time: PresentationTime,
    running: PresentationTime,
}

/// What is said of a track as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackSummary {
    /// Its number.
    pub id: TrackId,
    /// Frames in which its face was found.
    pub frames: u64,
    /// Of these, frames in which it was seen well enough to be judged.
    pub usable_frames: u64,
    /// From the first to the last frame with it.
    pub span: Interval,
    /// p(synthetic) fused over the whole track.
    pub probability: SyntheticProbability,
    /// The verdict on the person.
    pub verdict: Verdict,
    /// Why the verdict is unsure; of one that is synthetic, what it looks like, where that is known.
    pub reason: Option<Reason>,
    /// When the running verdict was synthetic, in order of time. Empty where too few frames were usable.
    pub intervals: Vec<Interval>,
}

/// What is known of a frame when its tracks are judged. The slices run in step.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Its presentation time.
    pub time: PresentationTime,
    /// The same on the running clock, by which all that fades and ends is counted.
    pub running: PresentationTime,
    /// The track of each of its faces.
    pub tracks: &'a [TrackId],
    /// How well each is seen.
    pub qualities: &'a [Quality],
    /// What the classifier saw in each.
    pub scores: &'a [Score],
}

/// Judges the tracks of one source.
#[derive(Clone, Debug)]
pub struct TrackJudge {
    calibration: Calibration,
    thresholds: Thresholds,
    /// How fast looks fade in the running verdict.
    fades: Fading,
    /// The longest gap over which a face may be followed, in seconds.
    longest_gap: f64,
    /// In order of their numbers.
    running: Vec<Track>,
    ended: Vec<TrackSummary>,
}

/// A track that may go on.
#[derive(Clone, Debug)]
struct Track {
    id: TrackId,
    frames: u64,
    usable_frames: u64,
    /// Frames that are too small, too blurred, too turned.
    faults: [u64; 3],
    span: Interval,
    recent: Fusion,
    whole: Fusion,
    /// The same looks, with what else they say.
    recent_marks: Marks,
    whole_marks: Marks,
    /// By the running fusion alone, whatever the quality.
    verdict: Verdict,
    intervals: Vec<Interval>,
}

impl TrackJudge {
    pub(super) fn new(calibration: Calibration, thresholds: Thresholds) -> Self {
        let (running, ended) = (Vec::with_capacity(ROOM), Vec::with_capacity(ROOM));
        let fades = Fading::Seconds(MEMORY);
        Self { calibration, thresholds, fades, longest_gap: LONGEST_GAP, running, ended }
    }

    /// The same for a source of which key frames alone are seen, with seconds between them: a track goes on over these, and the
    /// running verdict remembers the last five frames or so, however far they are apart.
    #[must_use]
    pub fn over_gaps(self) -> Self {
        let fades = Fading::Looks { seconds: MEMORY, most: LONGEST_FADE };
        Self { fades, longest_gap: LONGEST_SPARSE_GAP, ..self }
    }

    /// Judges by these thresholds from now on; what was said stays said.
    pub fn switch(&mut self, authentic_below: f32, synthetic_above: f32) {
        (self.thresholds.authentic_below, self.thresholds.synthetic_above) = (authentic_below, synthetic_above);
    }

    /// Adds a frame, and puts what is now said of each face's track in place of what `tracked` held.
    pub fn judge(&mut self, look: &Look<'_>, tracked: &mut Vec<TrackedFace>) {
        tracked.clear();
        self.retire(look.running);
        let now = Moment { time: look.time, running: look.running };
        let faces = look.tracks.iter().zip(look.qualities).zip(look.scores);
        for ((&id, &quality), score) in faces {
            let at = match self.running.binary_search_by_key(&id, |track| track.id) {
                Ok(at) => at,
                Err(at) => {
                    self.running.insert(at, Track::new(id, now, self.fades));
                    at
                }
            };
            let track = &mut self.running[at];
            track.add(now, evidence(score.logits, &self.calibration), Weight::of(&quality), score);
            let probability = probability(&track.recent);
            match score.unfamiliar {
                false => track.turn(now, track.verdict.next(probability, &self.thresholds)),
                true if track.recent_marks.mostly_unfamiliar() => track.verdict = Verdict::Unsure,
                true => {}
            }
            let (verdict, reason) = track.gated(track.verdict, &track.recent_marks);
            tracked.push(TrackedFace { id, quality, probability, verdict, reason });
        }
    }

    /// Forgets the tracks that ended, for a source that may go on for days. They are then not among those of
    /// [`TrackJudge::finish`].
    pub fn forget_ended(&mut self) {
        self.ended.clear();
    }

    /// Hands over what is said of the tracks that ended, which are then not among those of [`TrackJudge::finish`].
    pub fn take_ended(&mut self, into: &mut Vec<TrackSummary>) {
        into.append(&mut self.ended);
    }

    /// Ends all tracks; gives what is said of each, in order of their numbers.
    #[must_use]
    pub fn finish(mut self) -> Vec<TrackSummary> {
        self.ended.extend(self.running.iter().map(|track| track.summary(&self.thresholds)));
        self.ended.sort_unstable_by_key(|track| track.id);
        self.ended
    }

    /// Keeps of tracks that can't go on no more than their summary.
    fn retire(&mut self, now: PresentationTime) {
        let (ended, thresholds, longest) = (&mut self.ended, &self.thresholds, self.longest_gap);
        self.running.retain(|track| {
            // The tracker gave it up before.
            let over = now.0.abs_diff(track.span.running_end.0) as f64 / 1e6 > 2.0 * longest;
            if over {
                ended.push(track.summary(thresholds));
            }
            !over
        });
    }
}

impl Interval {
    fn at(now: Moment) -> Self {
        let Moment { time, running } = now;
        Self { start: time, end: time, running_start: running, running_end: running }
    }

    /// Looks may come in any order of time.
    fn reach(&mut self, now: Moment) {
        if now.running < self.running_start {
            (self.start, self.running_start) = (now.time, now.running);
        }
        if now.running >= self.running_end {
            (self.end, self.running_end) = (now.time, now.running);
        }
    }
}

impl Track {
    fn new(id: TrackId, now: Moment, fades: Fading) -> Self {
        Self {
            id,
            frames: 0,
            usable_frames: 0,
            faults: [0; 3],
            span: Interval::at(now),
            recent: Fusion::new(fades),
            whole: Fusion::new(Fading::Never),
            recent_marks: Marks::new(fades),
            whole_marks: Marks::new(Fading::Never),
            verdict: Verdict::Unsure,
            intervals: Vec::new(),
        }
    }

    fn add(&mut self, now: Moment, evidence: f32, weight: Weight, score: &Score) {
        self.frames += 1;
        self.span.reach(now);
        match weight.fault {
            Some(Reason::TooSmall) => self.faults[0] += 1,
            Some(Reason::TooBlurred) => self.faults[1] += 1,
            Some(_) => self.faults[2] += 1,
            // A network that gives no number has not seen the face.
            None => self.usable_frames += u64::from(!evidence.is_nan()),
        }
        let weight = if score.unfamiliar { weight.of_unfamiliar() } else { weight };
        self.recent.add(now.running, evidence, weight.value);
        self.whole.add(now.running, evidence, weight.value);
        if !evidence.is_nan() {
            let Score { kind, unfamiliar, .. } = *score;
            let mark = Mark { kind, weight: weight.value, usable: weight.fault.is_none(), unfamiliar };
            self.recent_marks.add(now.running, mark);
            self.whole_marks.add(now.running, mark);
        }
    }

    /// Goes on with a verdict, and notes when it was synthetic.
    ///
    /// The first frames, which are too few for a verdict, are not clung to; once there are enough, theirs is the same.
    fn turn(&mut self, now: Moment, verdict: Verdict) {
        if self.usable_frames < LEAST_FRAMES {
            return;
        }
        let new = if self.usable_frames == LEAST_FRAMES { self.span } else { Interval::at(now) };
        if verdict == Verdict::Synthetic {
            match self.intervals.last_mut().filter(|_| self.verdict == Verdict::Synthetic) {
                Some(interval) => interval.reach(now),
                None => self.intervals.push(new),
            }
        }
        self.verdict = verdict;
    }

    /// The verdict and a word on it; unsure where the face was not seen well enough for another, or is unfamiliar.
    fn gated(&self, verdict: Verdict, marks: &Marks) -> (Verdict, Option<Reason>) {
        if self.usable_frames < LEAST_FRAMES {
            return (Verdict::Unsure, Some(self.hindrance()));
        }
        if marks.mostly_unfamiliar() {
            return (Verdict::Unsure, Some(Reason::Unfamiliar));
        }
        match verdict {
            Verdict::Authentic => (verdict, None),
            Verdict::Unsure => (verdict, Some(Reason::BetweenThresholds)),
            Verdict::Synthetic => (verdict, Reason::looks(marks.kind())),
        }
    }

    /// What kept the face from being judged: what was wrong with most of its frames, if anything was.
    fn hindrance(&self) -> Reason {
        let reasons = [Reason::TooSmall, Reason::TooBlurred, Reason::TooTurned];
        let faults: u64 = self.faults.iter().sum();
        let most = reasons.into_iter().zip(self.faults).rev().max_by_key(|(_, count)| *count);
        match most {
            Some((reason, _)) if 2 * faults > self.frames => reason,
            _ => Reason::TooFewFrames,
        }
    }

    fn summary(&self, thresholds: &Thresholds) -> TrackSummary {
        let probability = probability(&self.whole);
        // With hysteresis, so that a track that was synthetic throughout is not called so in parts.
        let (mut verdict, mut reason) = self.gated(self.verdict.next(probability, thresholds), &self.whole_marks);
        let intervals = self.intervals.clone();
        if verdict != Verdict::Synthetic && !intervals.is_empty() {
            // Most of the track speaks against it, a part of it for it: a person has to look.
            (verdict, reason) = (Verdict::Unsure, Some(Reason::SyntheticInParts));
        }
        TrackSummary {
            id: self.id,
            frames: self.frames,
            usable_frames: self.usable_frames,
            span: self.span,
            probability,
            verdict,
            reason,
            intervals,
        }
    }
}

fn probability(fusion: &Fusion) -> SyntheticProbability {
    fusion.evidence().map_or(SyntheticProbability::HALF, SyntheticProbability::of_evidence)
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
