//! Standard output for programs: with `--json`, one JSON object per line and nothing else.

use serde::Serialize;

use super::outcome::say;
use crate::cli::cure;
use crate::name;
use crate::sink::record::{PhotoRecord, SCHEMA};

/// Writes a value as one line.
pub(super) fn print(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(say(&serde_json::to_string(value)?)?)
}

/// A clip that can't be opened, or a photo that can't be read.
#[derive(Serialize)]
struct Failed<'a> {
    schema: u32,
    source: &'a str,
    source_escaped: bool,
    ended: &'static str,
    error: String,
}

/// Says that nothing came of an input.
pub(super) fn print_failed(source: &str, error: &anyhow::Error) -> anyhow::Result<()> {
    let source_escaped = name::is_escaped(source);
    print(&Failed { schema: SCHEMA, source, source_escaped, ended: "failed", error: cure::in_words(error) })
}

/// What is said of a photo.
#[derive(Serialize)]
struct Photo<'a> {
    schema: u32,
    source: &'a str,
    source_escaped: bool,
    ended: &'static str,
    /// The rows of the tables: one a face and model, none without a face.
    faces: &'a [PhotoRecord<'a>],
}

/// Says what came of a photo.
pub(super) fn print_photo(source: &str, records: &[PhotoRecord<'_>]) -> anyhow::Result<()> {
    // A photo without a face has an empty row in the tables.
    let faces = if records.iter().all(|record| record.verdict.is_none()) { &[] } else { records };
    let source_escaped = name::is_escaped(source);
    print(&Photo { schema: SCHEMA, source, source_escaped, ended: "whole", faces })
}

#[cfg(feature = "video")]
pub(super) use clip::print_clip;

#[cfg(feature = "video")]
mod clip {
    use serde::Serialize;

    use super::super::persons;
    use super::super::side_by_side::{self, Voice};
    use super::print;
    use crate::cli::cure;
    use crate::findings::{Ended, Summary};
    use crate::name;
    use crate::sink::jsonl::RunRecord;
    use crate::sink::record::{SCHEMA, TrackRecord};
    use crate::verdict::Verdict;

    /// What is said of a clip.
    #[derive(Serialize)]
    struct Clip<'a> {
        schema: u32,
        source: &'a str,
        source_escaped: bool,
        ended: &'static str,
        error: Option<String>,
        frames: u64,
        /// Frames of the clip, where key frames alone were judged.
        all_frames: Option<u64>,
        repeated_frames: u64,
        frames_without_face: u64,
        patched_frames: u64,
        damaged_frames: u64,
        faces: u64,
        /// From the start to the last frame.
        seconds: f64,
        /// Whether all models say the same of every person; nothing where one was asked.
        agree: Option<bool>,
        models: Vec<ModelWords<'a>>,
    }

    /// What a model says of it.
    #[derive(Serialize)]
    struct ModelWords<'a> {
        model: &'a str,
        model_sha256: &'a str,
        /// The gravest verdict on a person; nothing without a face.
        verdict: Option<Verdict>,
        authentic: u64,
        unsure: u64,
        synthetic: u64,
        mean_p_synthetic: Option<f64>,
        tracks: Vec<TrackRecord<'a>>,
    }

    /// Says what came of a clip.
    pub(in crate::cli) fn print_clip(summary: &Summary, run: &RunRecord) -> anyhow::Result<()> {
        let others = run.others.iter().map(|other| (&other.model, &other.model_sha256));
        let models = std::iter::once((&run.model, &run.model_sha256)).chain(others);
        let voices: Vec<Voice<'_>> = summary.opinions.iter().map(|said| ("", &*said.tracks)).collect();
        let error = match &summary.ended {
            Ended::Failed(error) => Some(cure::in_words(error)),
            Ended::Whole | Ended::Interrupted => None,
        };
        let models = models
            .zip(&summary.opinions)
            .map(|((model, model_sha256), said)| {
                let [authentic, unsure, synthetic] = said.verdicts;
                ModelWords {
                    model,
                    model_sha256,
                    verdict: persons::gravest(&said.tracks),
                    authentic,
                    unsure,
                    synthetic,
                    mean_p_synthetic: said.mean_probability(),
                    tracks: TrackRecord::of(summary, model, said).collect(),
                }
            })
            .collect();
        print(&Clip {
            schema: SCHEMA,
            source: &summary.source.name,
            source_escaped: name::is_escaped(&summary.source.name),
            ended: summary.ended.word(),
            error,
            frames: summary.frames,
            all_frames: summary.came_by,
            repeated_frames: summary.repeated_frames,
            frames_without_face: summary.frames_without_face,
            patched_frames: summary.patched_frames,
            damaged_frames: summary.damaged_frames,
            faces: summary.faces,
            seconds: summary.wall.as_secs_f64(),
            agree: (voices.len() > 1).then(|| side_by_side::agree(&voices)),
            models,
        })
    }
}
