//! The networks of a live run, one set for all that is watched, and the thresholds by which they judge.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::thresholds::ThresholdArgs;
use crate::BoxError;
use crate::classify::named::ModelName;
use crate::classify::panel::Panel;
use crate::cli::outcome::{UsageError, note};
use crate::cli::workers::{Team, WorkerArgs};
use crate::clock::Clock;
use crate::face::detector::Detector;
use crate::face::follow::DetectEvery;
use crate::live::limits::{SharedLimits, ThresholdSwitch as _};
use crate::live::watch::{Feed, FirstSight, LiveStages};
use crate::verdict::Judge;

/// Who scores and judges.
pub(in crate::cli) struct LiveNetworks {
    pub(in crate::cli) classifier: Panel,
    judge: Judge,
    /// Speaks until that one has seen enough of a person.
    quick: Option<(Panel, Judge)>,
    pub(in crate::cli) limits: Arc<SharedLimits>,
}

/// What comes and goes while a run is on.
pub(in crate::cli) struct Coming<'a> {
    /// What is watched from the beginning.
    pub(in crate::cli) feeds: Vec<Feed<'a>>,
    /// What comes later.
    pub(in crate::cli) joining: Option<Receiver<Feed<'static>>>,
}

/// The flags of the networks as a live run takes them: one model, and where nobody is named the set that judges best decides,
/// where it is installed, and the small model, which keeps up with a camera, speaks until that one has seen enough of a person.
pub(in crate::cli) fn live_workers(asked: &WorkerArgs, command: &str) -> Result<WorkerArgs, UsageError> {
    if asked.model.len() > 1 {
        return Err(UsageError(format!("--model is given several times: `cyborg {command}` takes one model")));
    }
    let model = match &*asked.model {
        [] | [ModelName::Auto] => match ModelName::Auto.resolved() {
            ModelName::Accurate => vec![ModelName::Accurate, ModelName::Small],
            other => vec![other],
        },
        named => named.to_vec(),
    };
    Ok(WorkerArgs { model, ..asked.clone() })
}

impl LiveNetworks {
    /// Opens them, and a detector for each of so many sources.
    pub(in crate::cli) fn open(
        workers: &WorkerArgs,
        thresholds: &ThresholdArgs,
        sources: NonZeroUsize,
    ) -> anyhow::Result<(Self, Vec<Detector>)> {
        let (Team { detector, classifier, mut others }, more) = workers.open_live_team(sources)?;
        let quick = others.pop();
        if let Some(quick) = &quick {
            let (quick, name) = (quick.name(), classifier.name());
            note(&format!("model at first sight: {quick}, until {name} has seen enough of a person"));
        }
        let quick = quick.map(|quick| {
            let judge = Judge::new(quick.contract());
            (quick, judge)
        });
        let limits = Arc::new(SharedLimits::of(classifier.contract()));
        limits.switch(thresholds.limits(limits.own())?);
        let judge = Judge::new(classifier.contract());
        let detectors = std::iter::once(detector).chain(more).collect();
        Ok((Self { classifier, judge, quick, limits }, detectors))
    }

    /// Who does the work of a run. `failed` is told of a source that ended by a failure, by its number.
    pub(in crate::cli) fn stages<'a>(
        &'a mut self,
        Coming { feeds, joining }: Coming<'a>,
        detect: DetectEvery,
        failed: &'a (dyn Fn(usize, BoxError) + Sync),
    ) -> LiveStages<'a> {
        let Self { classifier, judge, quick, limits } = self;
        let first_sight = quick.as_mut().map(|(quick, judge)| {
            let own = SharedLimits::of(quick.contract()).own();
            FirstSight { classifier: quick, judge, own }
        });
        LiveStages {
            feeds,
            joining,
            detect,
            classifier,
            judge,
            first_sight,
            limits: Arc::clone(limits),
            clock: Clock::machine(),
            failed,
        }
    }
}
