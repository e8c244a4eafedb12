//! Measuring networks on the faces of a list: their scores, the same under disturbances, their worst mistakes, and the probe.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cyborg_models::contract::Contract;
use rayon::prelude::*;

use super::disturb::SWEEP;
use super::people::Seen;
use super::pictures::{Look, Mistake};
use super::probe::{FEATURES, Probe, features};
use super::probed::Probed;
use super::report::{Robustness, RunReport};
use super::{RunScores, Said, ScoreKind, ScoredFace, score};
use crate::data::faces::{Cutter, Extent, Faces};
use crate::data::list::Label;
use crate::data::loader::{evaluation, evaluation_of};
use crate::torch::Model;

/// Faces that are scored at once.
const BATCH: usize = 20;
/// Mistakes on the contact sheet, at most.
const MISTAKES: usize = 30;

/// What the runs are measured on, and how.
#[derive(Clone, Copy, Debug)]
pub struct Measuring<'a> {
    /// All faces.
    pub faces: &'a Arc<Faces>,
    /// Those that are measured on.
    pub indices: &'a [usize],
    /// The same, as the tables have them.
    pub scored_faces: &'a [ScoredFace],
    /// The score of a face.
    pub kind: ScoreKind,
    /// Sources that are in no pooled number.
    pub apart: &'a [String],
    /// Ends the work early when it becomes true.
    pub stop: &'a AtomicBool,
}

impl Measuring<'_> {
    /// What a network says of all faces, under its name and by its own contract; nothing when the user ended it.
    ///
    /// # Errors
    ///
    /// As [`score`].
    pub fn scores(&self, name: &str, contract: &Contract, model: &Model) -> anyhow::Result<Option<(RunScores, Said)>> {
        let Some(said) = score(model, evaluation(self.faces, self.indices, BATCH), self.stop)? else { return Ok(None) };
        let run = RunScores {
            name: name.to_owned(),
            calibration: contract.calibration,
            thresholds: contract.thresholds.clone(),
            logits: said.logits.clone(),
        };
        Ok(Some((run, said)))
    }

    /// Adds the sweep over all disturbances; tells whether it came to its end.
    ///
    /// # Errors
    ///
    /// As [`score`].
    pub fn sweep(&self, run: &RunScores, model: &Model, measured: &mut RunReport) -> anyhow::Result<bool> {
        let side = self.faces.settings().side;
        for disturbance in SWEEP {
            let disturb = move |sample| disturbance.apply(sample, side);
            let batches = evaluation_of(self.faces, self.indices, BATCH, disturbance.extent(), disturb);
            let Some(said) = score(model, batches, self.stop)? else { return Ok(false) };
            let disturbed = RunScores { logits: said.logits, ..run.clone() };
            let scored = disturbed.scored(self.scored_faces, self.kind, |face| !self.apart.contains(&face.source));
            measured.robustness.push(Robustness::new(disturbance, &scored));
            log::info!("{}: {} {} done", run.name, disturbance.kind(), disturbance.strength());
        }
        Ok(true)
    }

    /// Faces with people's map and, beside it, the network's.
    ///
    /// # Errors
    ///
    /// When a photo can't be read any more.
    pub fn looked(&self, examples: &[Seen<'_>]) -> anyhow::Result<Vec<Look>> {
        let mut cutter = Cutter::default();
        let look = |seen: &Seen<'_>| {
            let view = self.faces.view(self.indices[seen.at], Extent::Exact, &mut cutter)?;
            Ok(Look {
                pixels: view.pixels.into_owned(),
                people: seen.people.to_vec(),
                cam: seen.cam.to_vec(),
                words: [
                    [format!("people, {}", seen.face.label.name()), seen.face.source.clone()],
                    [format!("correlation {:.2}", seen.likeness.correlation), format!("IoU {:.2}", seen.likeness.iou)],
                ],
            })
        };
        examples.iter().map(look).collect()
    }

    /// The faces whose score is farthest on the wrong side of one half.
    ///
    /// # Errors
    ///
    /// When a photo can't be read any more.
    pub fn mistakes(&self, run: &RunScores, said: &Said) -> anyhow::Result<Vec<Mistake>> {
        let scored = run.scored(self.scored_faces, self.kind, |_| true);
        let wrong = |at: usize| match scored[at].label {
            Label::Authentic => scored[at].score,
            Label::Synthetic => 1.0 - scored[at].score,
        };
        let mut worst: Vec<usize> = (0..scored.len()).filter(|&at| wrong(at) > 0.5).collect();
        worst.sort_by(|&a, &b| wrong(b).total_cmp(&wrong(a)));
        worst.truncate(MISTAKES);
        let mut cutter = Cutter::default();
        let mistake = |at: usize| {
            let view = self.faces.view(self.indices[at], Extent::Exact, &mut cutter)?;
            Ok(Mistake {
                pixels: view.pixels.into_owned(),
                map: said.maps[at].clone(),
                source: self.scored_faces[at].source.clone(),
                label: scored[at].label,
                score: scored[at].score,
            })
        };
        worst.into_iter().map(mistake).collect()
    }
}

/// What the probe comes to, learnt from some faces and measured on others; nothing where there is none to learn from.
///
/// # Errors
///
/// When a photo can't be read any more.
pub fn probed(
    faces: &Faces,
    learnt: &[usize],
    indices: &[usize],
    scored: &[ScoredFace],
    apart: &[String],
) -> anyhow::Result<Option<Probed>> {
    if learnt.is_empty() {
        return Ok(None);
    }
    Ok(Some(Probed::new(scored, &probe_scores(faces, learnt, indices)?, apart)))
}

/// What the probe says of the faces `indices`, learnt from the faces `learnt`: the higher, the more synthetic.
///
/// # Errors
///
/// When a photo can't be read any more.
pub fn probe_scores(faces: &Faces, learnt: &[usize], indices: &[usize]) -> anyhow::Result<Vec<f64>> {
    let side = faces.side_of(Extent::Exact);
    let known = |indices: &[usize]| -> anyhow::Result<Vec<[f64; FEATURES]>> {
        let one = |cutter: &mut Cutter, &index: &usize| -> anyhow::Result<[f64; FEATURES]> {
            Ok(features(&faces.view(index, Extent::Exact, cutter)?.pixels, side))
        };
        indices.par_iter().map_init(Cutter::default, one).collect()
    };
    let labels = learnt.iter().map(|&index| faces.rows[index].label);
    let probe = Probe::learn(&known(learnt)?.into_iter().zip(labels).collect::<Vec<_>>());
    Ok(known(indices)?.iter().map(|features| probe.score(features)).collect())
}
