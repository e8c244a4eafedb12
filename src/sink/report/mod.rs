//! The report: a page a source that a person reads in a browser, with all that it needs in one HTML file.
//!
//! [`ReportSink`] collects [`ReportData`] frame by frame in bounded memory; [`render`] makes the page of it.

mod ages;
mod chart;
mod data;
mod file;
mod page;
mod people;
mod still;
mod tables;
mod text;
mod timeline;

use std::path::Path;

pub use data::{Conclusion, Loss, PersonFrame, SyntheticSpan};
pub use data::{FrameCounts, MadeWith, OtherVerdict, PersonReport, ReportData, ReportEnd, StillReport, Timing};
pub use file::ReportError;
pub use page::{POLICY, STYLE, render};
pub use text::{Clock, Escaped, base64};
pub use timeline::{Bucket, Timeline};

use ages::Ages;
use file::ReportFile;
use people::People;

use super::jsonl::{ModelRecord, RunRecord};
use crate::BoxError;
use crate::explain::explain;
use crate::face::follow::TrackId;
use crate::findings::{Ended, FrameView, Sink, Summary};
use crate::frame::PresentationTime;
use crate::verdict::track::TrackSummary;

/// Side of the square that is shown of a face, over the longer side of its box: with what is around it, or the face alone.
const SURROUNDINGS: f32 = 2.0;
const FACE_ALONE: f32 = 1.3;
/// Losses of a source that are told one by one.
const MOST_LOSSES: usize = 100;

/// Writes the report on one source.
#[derive(Debug)]
pub struct ReportSink {
    file: ReportFile,
    made_with: MadeWith,
    people: People,
    ages: Ages,
    span: Option<(f64, f64)>,
    losses: Vec<Loss>,
    further_losses: u64,
}

impl ReportSink {
    /// Makes the file at `path`, or replaces it by a page that says that the report is not finished.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn create(path: &Path, made_with: MadeWith) -> Result<Self, ReportError> {
        let file = ReportFile::create(path)?;
        let people = People::new(SURROUNDINGS);
        Ok(Self { file, made_with, people, ages: Ages::new(), span: None, losses: Vec::new(), further_losses: 0 })
    }

    /// The same, whose pictures show the faces and nothing of what is around them.
    #[must_use]
    pub fn of_faces_alone(self) -> Self {
        Self { people: People::new(FACE_ALONE), ..self }
    }

    /// Whether the picture of a face is of use: with this p(synthetic) at this time on the running clock, it would be among the
    /// strongest of its track. A frame without pixels is taken too, and never shown.
    #[must_use]
    pub fn wants_picture(&self, track: TrackId, time: PresentationTime, probability: f32) -> bool {
        self.people.wants(number(track), time.0, probability)
    }

    /// The source was lost.
    pub fn lost(&mut self, loss: Loss) {
        if self.losses.len() < MOST_LOSSES {
            self.losses.push(loss);
        } else {
            self.further_losses += 1;
        }
    }

    /// The source that was lost last is back, this many seconds after its first frame.
    pub fn found_again(&mut self, time: f64) {
        if let Some(loss) = self.losses.last_mut().filter(|_| self.further_losses == 0) {
            loss.until.get_or_insert(time);
        }
    }

    fn data(&self, summary: &Summary) -> anyhow::Result<ReportData> {
        let ages = [("median", 0.5), ("95 %", 0.95), ("99 %", 0.99)];
        let mut ages_ms: Vec<_> =
            ages.into_iter().filter_map(|(name, share)| Some((name, self.ages.percentile(share)?))).collect();
        ages_ms.extend(self.ages.longest().map(|longest| ("longest", longest)));
        let times = &summary.times;
        let stages = [
            ("decode", times.decode),
            ("find faces", times.locate),
            ("cut and classify", times.classify),
            ("write outputs", times.write),
        ];
        Ok(ReportData {
            source: summary.source.name.clone(),
            ended: match &summary.ended {
                Ended::Whole => ReportEnd::Whole,
                Ended::Interrupted => ReportEnd::Interrupted,
                Ended::Failed(error) => ReportEnd::Failed(explain(error)),
            },
            span: self.span,
            losses: self.losses.clone(),
            further_losses: self.further_losses,
            people: self.people.reports(&conclusions(summary, &self.made_with.run))?,
            faces_left_out: self.people.left_out(),
            quality: FrameCounts {
                frames: summary.frames,
                all_frames: summary.came_by,
                repeated_frames: summary.repeated_frames,
                claimed_frames: summary.source.claimed_frames,
                frames_without_face: summary.frames_without_face,
                patched_frames: summary.patched_frames,
                damaged_frames: summary.damaged_frames,
                first_damage: summary.first_damage.clone(),
                faces: summary.faces,
                verdicts: summary.opinions.first().map_or([0; 3], |first| first.verdicts),
                size: summary.source.size,
                milli_rate: summary.source.rate.map(|rate| (rate * 1e3).round() as u64),
            },
            timing: Timing {
                wall: summary.wall.as_secs_f64(),
                // A live run has no times of stages.
                stages: match stages.iter().all(|(_, time)| time.is_zero()) {
                    true => Vec::new(),
                    false => stages.map(|(name, time)| (name, time.as_secs_f64())).to_vec(),
                },
                ages_ms,
            },
            made_with: self.made_with.clone(),
        })
    }
}

/// The people of a frame: the tracks of its faces. What is drawn over time is what each frame said by itself.
fn people_of(view: &FrameView<'_>) -> impl Iterator<Item = PersonFrame> {
    let first = view.first().into_iter();
    let tracks = first.flat_map(|first| first.tracked.iter().zip(&first.judgements).enumerate());
    tracks.map(|(face, (track, &judgement))| PersonFrame { person: number(track.id), face, judgement })
}

/// What the run says of each person.
fn conclusions(summary: &Summary, run: &RunRecord) -> Vec<Conclusion> {
    let Some((first, others)) = summary.opinions.split_first() else {
        return Vec::new();
    };
    let reason = |track: &TrackSummary| track.reason.map(|reason| reason.to_string());
    let other = |(model, track): (&ModelRecord, &TrackSummary)| OtherVerdict {
        model: model.model.clone(),
        verdict: track.verdict,
        probability: track.probability.value(),
        reason: reason(track),
    };
    let conclusion = |(index, track): (usize, &TrackSummary)| Conclusion {
        person: number(track.id),
        verdict: track.verdict,
        probability: track.probability.value(),
        basis: format!("fused over {} frames that could be judged", track.usable_frames),
        reason: reason(track),
        intervals: track
            .intervals
            .iter()
            .map(|span| SyntheticSpan { first: span.running_start.0, last: span.running_end.0 })
            .collect(),
        // The models judge the same tracks.
        others: (run.others.iter().zip(others))
            .filter_map(|(model, said)| Some(other((model, said.tracks.get(index)?))))
            .collect(),
    };
    first.tracks.iter().enumerate().map(conclusion).collect()
}

/// Numbers beyond 32 bits are those of no clip.
fn number(track: TrackId) -> u32 {
    u32::try_from(track.0).unwrap_or(u32::MAX)
}

impl Sink for ReportSink {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        let time = view.frame.running().seconds();
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        self.ages.add(view.age);
        for person in people_of(view) {
            self.people.add(view, &person)?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), BoxError> {
        let page = render(&self.data(summary)?);
        Ok(self.file.complete(&page)?)
    }
}
