//! How `video` and the workers of a fleet judge a clip that was opened.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;

use super::frames::FrameArgs;
use super::outcome::UsageError;
use super::workers::{Team, Workers};
use crate::capture::Source;
use crate::classify::classifier::Classify;
use crate::face::choice::{Choice, Chosen};
use crate::face::follow::DetectEvery;
use crate::findings::{Sink, Summary};
use crate::pipeline::{self, Stages, Worker};
use crate::sink::jsonl::RunRecord;

/// Refuses flags that contradict each other.
pub(super) fn check(frames: &FrameArgs, detect_every: NonZeroU32) -> Result<(), UsageError> {
    if frames.only_keys() && detect_every > NonZeroU32::MIN {
        let message = "--detect-every follows faces from frame to frame, but --every key leaves out most of them";
        return Err(UsageError(format!("{message}: drop one of the two")));
    }
    Ok(())
}

/// Adds to what a run was made with the flags on frames that change rows.
pub(super) fn add_settings(run: &mut RunRecord, frames: &FrameArgs, detect_every: NonZeroU32) {
    run.settings.extend(frames.settings());
    run.settings.insert("detect-every".to_owned(), detect_every.get().into());
}

/// Judges a clip to its end, or until `stop` becomes true: which of the faces, and in which frames they are looked for, says `how`.
pub(super) fn judge(
    source: &mut dyn Source,
    workers: &mut Workers,
    how: (Choice, NonZeroU32),
    sinks: &mut [Box<dyn Sink>],
    stop: &AtomicBool,
) -> Summary {
    let (choice, detect_every) = how;
    let Workers { teams, judges, .. } = workers;
    let mut chosen: Vec<_> = (teams.iter_mut())
        .map(|Team { detector, classifier, others }| (Chosen { locate: detector, choice }, classifier, others))
        .collect();
    let hired = chosen.iter_mut().map(|(locate, classifier, others)| Worker {
        locate,
        models: std::iter::once(&mut **classifier)
            .chain(others.iter_mut())
            .map(|model| model as &mut dyn Classify)
            .collect(),
    });
    let stages =
        Stages { workers: hired.collect(), detect: DetectEvery(detect_every), judges: judges.iter().collect(), sinks };
    pipeline::run(source, stages, stop)
}
