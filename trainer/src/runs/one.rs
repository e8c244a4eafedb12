//! One run: from where it stopped to its model file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use cyborg_edge::BoxError;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::name;

use super::contract::{contract, measured};
use super::crops::check_crops;
use super::follow::FollowRuns;
use super::setting::Runs;
use crate::export::{Precision, export};
use crate::fit::{self, EpochReport, FitSettings, Keeping, Learner, Progress, TrunkFaces, Watch, fit, trunk_digest};
use crate::run_folder::{Build, Config, METRICS, RunSummary, SeedFolder, read_metrics};
use crate::torch::{ComputeDevice, Model};

/// Faces as the trunk sees them, from the run before: most start from the same weights.
pub(super) type LastTrunk = Option<Arc<TrunkFaces>>;

/// Trains a run to its end; nothing when the user ended it.
pub(super) fn run(
    runs: &Runs<'_>,
    seed: u64,
    trunk: &mut LastTrunk,
    follow: &mut impl FollowRuns,
) -> anyhow::Result<Option<RunSummary>> {
    let settings = FitSettings { seed, ..runs.folder.config.fit.clone() };
    let place = runs.folder.of_seed(seed);
    let build = Build {
        side: runs.network.input_side,
        smooth: runs.folder.config.smooth,
        depth: runs.network.architecture.depth(),
        tune: settings.tune,
    };
    let (mut folder, resumed) = SeedFolder::open(&place, build)?;
    if resumed.progress.is_whole(&settings) && folder.is_finished()? {
        return summarised(&place, seed).map(Some);
    }
    let mut model = Model::new(runs.network.clone(), seed);
    if let Some(start) = &runs.start {
        model.load_start(start)?;
    }
    let progress = resumed.progress;
    model.move_to(runs.device)?;
    let mut learner = Learner::new(model, &settings)?;
    if progress.epoch > 0 {
        learner.load(&resumed.state, &resumed.optimiser)?;
    }
    let mut data = runs.data.clone();
    if let Some(cache) = &runs.folder.config.cache {
        let Some(faces) = through_trunk(runs, &learner, cache, trunk.take())? else { return Ok(None) };
        *trunk = Some(Arc::clone(&faces));
        data.trunk = Some(faces);
    }
    let contract = contract(&runs.folder.config, seed);
    if !progress.is_whole(&settings) {
        follow.begins(seed, &settings, &progress);
        let mut watch = Keep { folder: &mut folder, contract: &contract, follow };
        let how = fit(&mut learner, &data, &settings, progress, runs.stop, &mut watch)?;
        follow.trained();
        if how == fit::Ended::Interrupted {
            return Ok(None);
        }
    }
    let mut model = learner.into_model();
    let best = folder.best()?;
    model.load(&best.state)?;
    let Some(evaluation) = fit::evaluate(&model, &data, &settings, runs.stop)? else {
        return Ok(None);
    };
    folder.validation(&runs.data.faces, &runs.data.validation, &evaluation.scored)?;
    let contract = measured(contract, &evaluation, &runs.folder.config);
    folder.rewrite_best(best, &contract)?;
    model.move_to(ComputeDevice::Cpu)?;
    let crops = check_crops(&runs.data.faces, &runs.data.validation)?;
    let bytes = export(&Runtime::load()?, &model, &contract, Precision::Float32, &crops)?;
    follow.model(&folder.model(&bytes)?);
    summarised(&place, seed).map(Some)
}

/// All faces as the trunk of a network sees them, or those of the run before where its trunk was the same; nothing when the user
/// ended it.
fn through_trunk(runs: &Runs<'_>, learner: &Learner, cache: &Path, before: LastTrunk) -> anyhow::Result<LastTrunk> {
    let model = learner.model();
    if let Some(before) = before.filter(|before| before.trunk() == trunk_digest(model)) {
        return Ok(Some(before));
    }
    let Config { fit, views, .. } = &runs.folder.config;
    let keeping = Keeping { cache, augment: fit.augment, views: views.unwrap_or(1), batch: fit.batch };
    Ok(TrunkFaces::gather(model, &runs.data, &keeping, runs.stop)?.map(Arc::new))
}

/// What a run that has ended came to.
fn summarised(place: &Path, seed: u64) -> anyhow::Result<RunSummary> {
    let path = place.join(METRICS);
    let best = read_metrics(&path)?.into_iter().rev().find(|row| row.best);
    let best = best.with_context(|| format!("{} has lost the row of the best epoch", name::of(path)))?;
    Ok(RunSummary { seed, best })
}

/// Writes each epoch to the run's folder.
struct Keep<'a, F> {
    folder: &'a mut SeedFolder,
    contract: &'a Contract,
    follow: &'a mut F,
}

impl<F: FollowRuns> Watch for Keep<'_, F> {
    fn batch(&mut self, epoch: u64, faces: usize, of: usize) {
        self.follow.batch(epoch, faces, of);
    }

    fn epoch(&mut self, report: &EpochReport, progress: &Progress, learner: &Learner) -> Result<(), BoxError> {
        self.follow.epoch(report);
        Ok(self.folder.epoch(report, progress, learner.state(), self.contract)?)
    }
}
