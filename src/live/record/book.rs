//! What is recorded of one source: its faces as rows of tables, and at the end what is said of it and of each person.
//!
//! A judge of the record's own goes along with the one of the run: a live run forgets who left, a record sums them up.

use std::time::Instant;

use super::files::Files;
use super::row::Row;
use crate::capture::SourceInfo;
use crate::classify::classifier::ActivationMaps;
use crate::face::Face;
use crate::findings::{FrameView, Opinion, StageTimes, Summary};
use crate::frame::{Frame, PixelPoint, PresentationTime};
use crate::live::limits::Limits;
use crate::verdict::track::{TrackSummary, TrackedFace};
use crate::verdict::{Followed, Judge, ModelJudge};

/// Persons who left and are summed up, at most. Of more, those that were seen least are left out.
const MOST_PERSONS: usize = 4096;

/// Writes down one source.
pub(super) struct Book<'a> {
    feed: usize,
    judge: ModelJudge<'a>,
    summary: Summary,
    /// Who left.
    ended: Vec<TrackSummary>,
    left_out: u64,
    /// Numbers of frames go on where the source's begin anew.
    base: u64,
    last: u64,
    frame: Frame,
    opinion: Opinion,
}

/// What was counted of the frames themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameNumbers {
    pub(super) shown: u64,
    pub(super) without_face: u64,
    pub(super) patched: u64,
    pub(super) damaged: u64,
}

/// A moment in microseconds from the beginning of the run.
pub(super) fn since(begun: Instant, moment: Instant) -> PresentationTime {
    let micros = moment.saturating_duration_since(begun).as_micros();
    PresentationTime(i64::try_from(micros).unwrap_or(i64::MAX))
}

impl<'a> Book<'a> {
    /// The book of the source of this number.
    pub(super) fn new(feed: usize, name: String, judge: &'a Judge) -> Self {
        let source = SourceInfo { name, size: (0, 0), rate: None, claimed_frames: None };
        Self {
            feed,
            judge: ModelJudge::new(judge),
            summary: Summary::new(source, 1),
            ended: Vec::new(),
            left_out: 0,
            base: 0,
            last: 0,
            frame: Frame::empty(),
            opinion: Opinion::default(),
        }
    }

    /// The source's name.
    pub(super) fn name(&self) -> &str {
        &self.summary.source.name
    }

    /// Writes a face into all files; gives whether all took it.
    pub(super) fn row(&mut self, row: &Row, begun: Instant, limits: Limits, files: &mut Files) -> bool {
        let time = since(begun, row.captured);
        self.judge_face(row, time, limits);
        self.take_frame(row, time, files);
        let face = Face { bounds: row.bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 };
        let view = FrameView {
            source: &self.summary.source.name,
            frame: &self.frame,
            faces: &[face],
            opinions: std::slice::from_ref(&self.opinion),
            age: row.age,
        };
        let whole = files.row(self.feed, &view);
        self.summary.count(&self.frame, 1, std::slice::from_ref(&self.opinion), StageTimes::default());
        whole
    }

    /// What the face says by itself, and what was said of the person.
    fn judge_face(&mut self, row: &Row, time: PresentationTime, limits: Limits) {
        let Opinion { scores, judgements, tracked, .. } = &mut self.opinion;
        scores.clear();
        scores.push(row.score);
        let (tracks, qualities) = ([row.track], [row.quality]);
        let followed = Followed { time, running: time, tracks: &tracks, qualities: &qualities };
        self.judge.switch(limits.authentic_below, limits.synthetic_above);
        self.judge.judge(&followed, scores, judgements, tracked);
        self.judge.take_ended(&mut self.ended);
        // People were told this, whatever a judge says who may have missed a row.
        let Row { probability, verdict, reason, .. } = *row;
        tracked.clear();
        tracked.push(TrackedFace { id: row.track, quality: row.quality, probability, verdict, reason });
        if self.ended.len() > MOST_PERSONS {
            self.leave_out();
        }
    }

    /// Forgets half of those who left, who were seen least. Who was called synthetic goes last.
    fn leave_out(&mut self) {
        self.ended.sort_by_key(|track| std::cmp::Reverse((!track.intervals.is_empty(), track.frames)));
        let kept = MOST_PERSONS / 2;
        self.left_out += (self.ended.len() - kept) as u64;
        self.ended.truncate(kept);
    }

    /// The frame as the record has it, with its pixels where a report shows them.
    fn take_frame(&mut self, row: &Row, time: PresentationTime, files: &Files) {
        if row.frame < self.last {
            self.base += self.last + 1;
        }
        self.last = row.frame;
        let Self { frame, opinion, .. } = self;
        (frame.number, frame.time, frame.captured) = (self.base + row.frame, time, row.captured);
        (frame.width, frame.height) = row.size;
        let probability = opinion.judgements.first().map_or(0.0, |judgement| judgement.probability.value());
        let shows = |picture: &&super::row::Picture| {
            let fits = picture.view.frame.pixels.len() == row.size.0 * row.size.1 * 3;
            fits && files.reports(self.feed).any(|report| report.wants_picture(row.track, time, probability))
        };
        frame.pixels.clear();
        opinion.maps = ActivationMaps::default();
        if let Some(picture) = row.picture.as_ref().filter(shows) {
            frame.pixels.extend_from_slice(&picture.view.frame.pixels);
            let (height, width) = picture.map_size;
            opinion.maps = ActivationMaps { height, width, values: picture.map.to_vec() };
        }
    }

    /// Completes the files, and gives whether all could be; `failure` is why the run ended, where it failed.
    pub(super) fn finish(self, numbers: FrameNumbers, failure: Option<&str>, files: &mut Files) -> bool {
        let Self { feed, judge, mut summary, mut ended, left_out, .. } = self;
        ended.extend(judge.finish());
        ended.sort_unstable_by_key(|track| track.id);
        if left_out > 0 {
            log::warn!("record: {}: {left_out} persons who were seen least are not summed up", summary.source.name);
        }
        if let Some(first) = summary.opinions.first_mut() {
            first.tracks = ended;
        }
        // Several faces of a frame were counted as frames each.
        let FrameNumbers { shown, without_face, patched, damaged } = numbers;
        (summary.frames, summary.frames_without_face) = (shown, without_face);
        (summary.patched_frames, summary.damaged_frames) = (patched, damaged);
        if let Some(failure) = failure {
            summary.fail(failure.into());
        }
        files.finish(feed, &summary)
    }
}
