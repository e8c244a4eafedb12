//! The row of a table, in one place: CSV and JSONL carry the same fields.
//!
//! The version of these fields is [`SCHEMA`]; it changes when a field is added, renamed, removed or means something else.

use serde::Serialize;

use crate::face::follow::TrackId;
use crate::findings::{FrameView, OpinionSummary, Summary};
use crate::frame::PixelBox;
use crate::name;
use crate::photo_list::{Label, ListedPhoto, Split};
use crate::verdict::reason::Reason;
use crate::verdict::track::{Interval, TrackSummary};
use crate::verdict::{Judgement, SyntheticProbability, Verdict};

/// Version of the fields below.
pub const SCHEMA: u32 = 5;

/// A face in a frame, as one model sees it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FaceRecord<'a> {
    /// Path of the source, as the user wrote it.
    pub source: &'a str,
    /// Number of the frame, from 0.
    pub frame: u64,
    /// Presentation time in seconds, on the source's own clock.
    pub time_s: f64,
    /// Track of the person, from 1 in each source; empty where faces are not followed.
    pub track: Option<TrackId>,
    /// Left edge of the face box in pixels.
    pub left: f32,
    /// Upper edge of the face box in pixels.
    pub top: f32,
    /// Width of the face box in pixels.
    pub width: f32,
    /// Height of the face box in pixels.
    pub height: f32,
    /// p(synthetic) of this frame alone, 0 to 1.
    pub p_synthetic: SyntheticProbability,
    /// p(synthetic) fused over the last seconds of the track; empty where faces are not followed.
    pub p_track: Option<SyntheticProbability>,
    /// Verdict on `p_synthetic` by the model's thresholds.
    pub verdict: Verdict,
    /// Verdict on `p_track`, with hysteresis; empty where faces are not followed.
    pub track_verdict: Option<Verdict>,
    /// Why `track_verdict` is unsure, or what the person looks like where it is synthetic and that is known; else empty.
    pub reason: Option<Reason>,
    /// Age of the frame at its verdict, in milliseconds.
    pub age_ms: f64,
    /// Seconds from the source's first frame, with the jumps of its clock taken out. Behind the older fields, for whoever
    /// counts columns.
    pub running_s: f64,
    /// Whether `source` has `\xNN` for bytes that are no UTF-8, and `\\` for a backslash.
    pub source_escaped: bool,
    /// The model, as the user wrote it.
    pub model: &'a str,
}

/// A face in a photo; a photo without a face has one record without numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PhotoRecord<'a> {
    /// Path of the photo: as the user wrote it, as it was found in a folder, or the list's after its root.
    pub path: &'a str,
    /// What stands for the face, 0 to 1: p(synthetic), or what `--score` says.
    pub score: Option<f32>,
    /// What the list says that it is; empty without a list.
    pub label: Option<Label>,
    /// What the list says that it is used for; empty where it doesn't say.
    pub split: Option<Split>,
    /// Where the list says that it comes from.
    pub source: Option<&'a str>,
    /// p(synthetic), calibrated, 0 to 1.
    pub p_synthetic: Option<SyntheticProbability>,
    /// Verdict on `p_synthetic` by the model's thresholds.
    pub verdict: Option<Verdict>,
    /// Number of the face in the photo, from 0, the surest first; empty for a photo that was taken whole.
    pub face: Option<usize>,
    /// Left edge of the face box in pixels.
    pub left: Option<f32>,
    /// Upper edge of the face box in pixels.
    pub top: Option<f32>,
    /// Width of the face box in pixels.
    pub width: Option<f32>,
    /// Height of the face box in pixels.
    pub height: Option<f32>,
    /// Why `verdict` is unsure, or what the face looks like where it is synthetic and that is known; else empty.
    pub reason: Option<Reason>,
    /// Whether `path` has `\xNN` for bytes that are no UTF-8, and `\\` for a backslash.
    pub path_escaped: bool,
    /// The model, as the user wrote it; empty where nothing was judged.
    pub model: Option<&'a str>,
}

/// What a model says of a track as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct TrackRecord<'a> {
    /// Path of the source, as the user wrote it.
    pub source: &'a str,
    /// Number of the track, from 1 in each source.
    pub track: TrackId,
    /// Presentation time of its first frame in seconds.
    pub first_s: f64,
    /// Presentation time of its last frame in seconds.
    pub last_s: f64,
    /// Frames in which its face was found.
    pub frames: u64,
    /// Of these, frames in which it was seen well enough to be judged.
    pub usable_frames: u64,
    /// p(synthetic) fused over the whole track, 0 to 1.
    pub p_track: SyntheticProbability,
    /// Verdict on the track.
    pub track_verdict: Verdict,
    /// Why the verdict is unsure, or what the person looks like where it is synthetic and that is known; else empty.
    pub reason: Option<Reason>,
    /// When the running verdict was synthetic.
    pub intervals: Vec<IntervalRecord>,
    /// Whether `source` has `\xNN` for bytes that are no UTF-8, and `\\` for a backslash.
    pub source_escaped: bool,
    /// The model, as the user wrote it.
    pub model: &'a str,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IntervalRecord {
    /// Presentation time of its first frame in seconds.
    pub start_s: f64,
    /// Presentation time of its last frame in seconds.
    pub end_s: f64,
}

/// A live source was lost, or is back. `cyborg live` alone writes it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SourceRecord<'a> {
    /// Name of the source, without its secrets.
    pub source: &'a str,
    /// Seconds from the beginning of the run.
    pub time_s: f64,
    /// `playing` or `lost`.
    pub state: &'static str,
    /// Why it was lost; else empty.
    pub reason: Option<&'a str>,
    /// Whether `source` has `\xNN` for bytes that are no UTF-8, and `\\` for a backslash.
    pub source_escaped: bool,
}

/// The sum of a source by one model.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SummaryRecord<'a> {
    /// Path of the source, as the user wrote it.
    pub source: &'a str,
    /// Frames that went through.
    pub frames: u64,
    /// Frames that there were in the stretch, where of these key frames alone went through; else empty.
    pub all_frames: Option<u64>,
    /// Frames whose picture is the same as the one before: what was found there was repeated.
    pub repeated_frames: u64,
    /// Frames without a face.
    pub frames_without_face: u64,
    /// Frames that the decoder found damaged and patched up; they were judged all the same.
    pub patched_frames: u64,
    /// Frames that could not be decoded.
    pub damaged_frames: u64,
    /// Faces in all frames.
    pub faces: u64,
    /// Faces judged authentic.
    pub authentic: u64,
    /// Faces judged unsure.
    pub unsure: u64,
    /// Faces judged synthetic.
    pub synthetic: u64,
    /// Mean p(synthetic) over all faces; empty without a face.
    pub mean_p_synthetic: Option<f64>,
    /// `whole`, `interrupted` or `failed`.
    pub ended: &'static str,
    /// Whether `source` has `\xNN` for bytes that are no UTF-8, and `\\` for a backslash.
    pub source_escaped: bool,
    /// The model, as the user wrote it.
    pub model: &'a str,
}

impl<'a> FaceRecord<'a> {
    /// The rows of a frame: a face after the other, and of each face a row a model, by their names in `models`.
    pub fn of(view: &FrameView<'a>, models: &'a [String]) -> impl Iterator<Item = Self> {
        let view = *view;
        let faces = view.faces.iter().enumerate();
        faces.flat_map(move |(index, face)| {
            models.iter().enumerate().filter_map(move |(number, model)| {
                let (judgement, tracked) = view.said(number, index)?;
                Some(Self {
                    source: view.source,
                    frame: view.frame.number,
                    time_s: view.frame.time.seconds(),
                    track: tracked.map(|tracked| tracked.id),
                    left: tenth(face.bounds.left),
                    top: tenth(face.bounds.top),
                    width: tenth_side(face.bounds.width),
                    height: tenth_side(face.bounds.height),
                    p_synthetic: judgement.probability,
                    p_track: tracked.map(|tracked| tracked.probability),
                    verdict: judgement.verdict,
                    track_verdict: tracked.map(|tracked| tracked.verdict),
                    reason: tracked.and_then(|tracked| tracked.reason),
                    running_s: view.frame.running().seconds(),
                    age_ms: (view.age.as_secs_f64() * 1e4).round() / 10.0,
                    source_escaped: name::is_escaped(view.source),
                    model,
                })
            })
        })
    }
}

impl<'a> PhotoRecord<'a> {
    /// The record of a photo in which nothing was judged.
    #[must_use]
    pub fn without_face(path: &'a str, listed: Option<&'a ListedPhoto>) -> Self {
        Self {
            path,
            score: None,
            label: listed.map(|listed| listed.label),
            split: listed.and_then(|listed| listed.split),
            source: listed.map(|listed| listed.source.as_str()),
            p_synthetic: None,
            verdict: None,
            face: None,
            left: None,
            top: None,
            width: None,
            height: None,
            reason: None,
            path_escaped: name::is_escaped(path),
            model: None,
        }
    }

    /// The same with what a model says of a face, or of the whole photo.
    #[must_use]
    pub fn judged(self, model: &'a str, score: f32, judgement: &Judgement) -> Self {
        Self {
            score: Some(score),
            p_synthetic: Some(judgement.probability),
            verdict: Some(judgement.verdict),
            reason: judgement.reason,
            model: Some(model),
            ..self
        }
    }

    /// The same with the number and the place of the face.
    #[must_use]
    pub fn placed(self, index: usize, bounds: &PixelBox) -> Self {
        Self {
            face: Some(index),
            left: Some(tenth(bounds.left)),
            top: Some(tenth(bounds.top)),
            width: Some(tenth_side(bounds.width)),
            height: Some(tenth_side(bounds.height)),
            ..self
        }
    }
}

impl<'a> TrackRecord<'a> {
    /// What a model says of a source's tracks, in order of their numbers.
    pub fn of(summary: &'a Summary, model: &'a str, said: &'a OpinionSummary) -> impl Iterator<Item = Self> {
        said.tracks.iter().map(move |track| {
            let TrackSummary { id, frames, usable_frames, span, probability, verdict, reason, .. } = *track;
            Self {
                source: &summary.source.name,
                track: id,
                first_s: span.start.seconds(),
                last_s: span.end.seconds(),
                frames,
                usable_frames,
                p_track: probability,
                track_verdict: verdict,
                reason,
                intervals: track.intervals.iter().map(IntervalRecord::of).collect(),
                source_escaped: name::is_escaped(&summary.source.name),
                model,
            }
        })
    }
}

impl IntervalRecord {
    fn of(interval: &Interval) -> Self {
        Self { start_s: interval.start.seconds(), end_s: interval.end.seconds() }
    }
}

impl<'a> SummaryRecord<'a> {
    /// The row of a source by one model.
    #[must_use]
    pub fn of(summary: &'a Summary, model: &'a str, said: &OpinionSummary) -> Self {
        let of = |verdict: Verdict| said.count_of(verdict);
        Self {
            source: &summary.source.name,
            frames: summary.frames,
            all_frames: summary.came_by,
            repeated_frames: summary.repeated_frames,
            frames_without_face: summary.frames_without_face,
            patched_frames: summary.patched_frames,
            damaged_frames: summary.damaged_frames,
            faces: summary.faces,
            authentic: of(Verdict::Authentic),
            unsure: of(Verdict::Unsure),
            synthetic: of(Verdict::Synthetic),
            mean_p_synthetic: said.mean_probability(),
            ended: summary.ended.word(),
            source_escaped: name::is_escaped(&summary.source.name),
            model,
        }
    }
}

/// A detector's boxes are no finer than a tenth of a pixel. A broken one's are held within what a number of a table can be:
/// JSON has no word for infinity.
fn tenth(value: f32) -> f32 {
    if value.is_nan() {
        return 0.0;
    }
    let fine = (f64::from(value) * 10.0).round() / 10.0;
    fine.clamp(f32::MIN.into(), f32::MAX.into()) as f32
}

/// The same for a side of a box, which is not negative.
fn tenth_side(value: f32) -> f32 {
    // Not `max`, which may keep the sign of a zero.
    if value > 0.0 { tenth(value) } else { 0.0 }
}
