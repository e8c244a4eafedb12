//! `cyborg-train evaluate`: how well networks tell the faces of a list, by source, pooled, by video and under disturbances.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, ensure};
use clap::Args;
use rayon::prelude::*;

use super::outcome::Outcome;
use super::parted::part;
use super::runs::judged_by;
use super::session::{DataArgs, MachineArgs, TOOL, Wanted, both_classes, bytes, listen, look, of_split, share};
use super::target::{Target, Trained};
use crate::checkpoint;
use crate::data::faces::{Cutter, Extent, Faces};
use crate::data::inspect::{Inspected, Need};
use crate::data::list::{Label, Split};
use crate::data::loader::{evaluation, evaluation_of};
use crate::evaluation::disturb::SWEEP;
use crate::evaluation::pictures::{self, AverageMaps, CAMS, Mistake};
use crate::evaluation::probe::{FEATURES, Probe, Probed, features};
use crate::evaluation::report::{Report, Robustness, RunReport, measure};
use crate::evaluation::{RunScores, Said, ScoreKind, ScoredFace, mean_map, score, table};
use crate::fit::class_counts;
use crate::run_folder::Config;
use crate::torch::Model;
use cyborg_models::name;

/// Faces that are scored at once.
const BATCH: usize = 20;
/// Mistakes on the contact sheet, at most.
const MISTAKES: usize = 30;

#[derive(Args, Debug)]
pub(super) struct EvaluateArgs {
    /// Folder of runs, one run of it, or a checkpoint
    #[arg(value_name = "RUNS")]
    pub(super) target: PathBuf,
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Part of the list to measure on
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    pub(super) split: Split,
    /// Measure on the faces that the epochs were judged by instead: the left-out sources, or the held-out faces
    #[arg(long, conflicts_with = "split")]
    pub(super) judged: bool,
    /// Sources to report apart, with commas between them: they are in no pooled number
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    pub(super) apart: Vec<String>,
    /// Folder to write to [default: `evaluation` in the folder of runs]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// Score of a face: softmax (calibrated, as `cyborg` shows it) or reference (sigmoid of logit 1)
    #[arg(long, value_name = "SCORE", default_value = "softmax")]
    pub(super) score: ScoreKind,
    /// Measure under JPEG, shrinking, blur and crop offset too, which takes fifteen times as long
    #[arg(long)]
    pub(super) robustness: bool,
    /// Also measure the shortcut probe, a model that can't see the face, trained on the same list
    #[arg(long)]
    pub(super) probe: bool,
    #[command(flatten)]
    pub(super) machine: MachineArgs,
}

pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    args.machine.device.check()?;
    let target = Target::open(&args.target)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None if args.target.is_dir() => args.target.join("evaluation"),
        None => return super::outcome::wrong_usage("give the folder to write to with `--out`"),
    };
    let plots = out.join("plots");
    fs::create_dir_all(&plots).with_context(|| format!("can't make {}", name::of(&plots)))?;
    let (first, _) = target.trained[0].load()?;
    let read = args.data.read(&target.known())?;
    let part_of = Part::of(args, &target)?;
    let data = format!("{}, {part_of}", read.list.path.file_name().unwrap_or_default().to_string_lossy());
    let network = first.network().clone();
    drop(first);
    let with_training = [part_of.split(), Split::Train];
    let wanted = Wanted {
        network: &network,
        splits: if args.probe { &with_training } else { &with_training[..1] },
        landmarks: Need::Unneeded,
        memory: bytes(args.machine.memory),
    };
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(Outcome::Interrupted) };
    let data_sha256 = inspected.digest.clone();
    let indices = part_of.indices(&inspected)?;
    both_classes(class_counts(&inspected.faces, &indices), &part_of.to_string())?;
    let learnt = if args.probe { part_of.learnt(&inspected)? } else { Vec::new() };
    let scored_faces: Vec<ScoredFace> = indices.iter().map(|&index| (&inspected.faces.rows[index]).into()).collect();
    let faces = share(inspected);

    let mut report = Report {
        tool: TOOL.to_owned(),
        target: target.name.clone(),
        data,
        data_sha256,
        score: args.score.to_string(),
        apart: args.apart.clone(),
        probe: probed(&faces, &learnt, &indices, &scored_faces, &args.apart)?,
        runs: Vec::new(),
    };
    let mut runs = Vec::new();
    let mut averages = AverageMaps { side: network.cam_size().0, saliency: None, runs: Vec::new() };
    for trained in &target.trained {
        let (mut model, _) = trained.load()?;
        ensure!(model.network() == &network, "{} is of another network than the first run", name::of(&trained.path));
        model.move_to(args.machine.device)?;
        let how = Measuring {
            faces: &faces,
            indices: &indices,
            scored_faces: &scored_faces,
            kind: args.score,
            apart: &args.apart,
            stop,
        };
        let Some((run, said)) = how.scores(trained, &model)? else { return Ok(Outcome::Interrupted) };
        table::write(&out.join(format!("scores-{}.csv", run.name)), &scored_faces, &run, args.score)?;
        let mut measured = measure(&scored_faces, &run, args.score, &args.apart)?;
        if args.robustness && !how.sweep(&run, &model, &mut measured)? {
            return Ok(Outcome::Interrupted);
        }
        let mistakes = how.mistakes(&run, &said)?;
        pictures::of_mistakes(&plots, &run.name, (network.input_side, network.cam_size().0), mistakes)?;
        averages.saliency = averages.saliency.or_else(|| mean_map(said.saliency.iter().flatten().map(Vec::as_slice)));
        if let Some(mean) = mean_map(said.maps.iter().map(Vec::as_slice)) {
            averages.runs.push((run.name.clone(), mean));
        }
        report.runs.push(measured);
        runs.push(run);
        // After each run, so that what was measured is kept whatever happens.
        write(&out, &report)?;
    }
    pictures::of_scores(&plots, &report, &scored_faces, &runs, args.score)?;
    pictures::of_robustness(&plots, &report)?;
    pictures::of_maps(&plots, &[(target.name.as_str(), &averages)])?;
    averages.write(&out.join(CAMS))?;
    let mut stdout = std::io::stdout().lock();
    // A reader that has gone is no failure: the report is in its file.
    let _ = writeln!(stdout, "{}", report.to_markdown());
    log::info!("report, scores and pictures: {}", name::of(out));
    Ok(Outcome::Done)
}

/// Which faces are measured on.
enum Part {
    Split(Split),
    /// What the epochs were judged by.
    Judged(Box<Config>),
}

impl Part {
    fn of(args: &EvaluateArgs, target: &Target) -> anyhow::Result<Self> {
        if !args.judged {
            return Ok(Self::Split(args.split));
        }
        let folder =
            target.folder.as_ref().context("`--judged` needs a folder of runs, which says what was left out")?;
        Ok(Self::Judged(Box::new(folder.config.clone())))
    }

    /// The split that its faces are of.
    fn split(&self) -> Split {
        match self {
            Self::Split(split) => *split,
            Self::Judged(config) => config.data.validation.unwrap_or(Split::Train),
        }
    }

    /// Faces that the network learnt from, as far as the list says it.
    fn learnt(&self, inspected: &Inspected) -> anyhow::Result<Vec<usize>> {
        match self {
            Self::Split(split) if *split == Split::Train => Ok(Vec::new()),
            Self::Split(_) => Ok(of_split(inspected, Split::Train)),
            Self::Judged(config) => Ok(part(inspected, &config.data, config.fit.seed)?.0),
        }
    }

    fn indices(&self, inspected: &Inspected) -> anyhow::Result<Vec<usize>> {
        match self {
            Self::Split(split) => Ok(of_split(inspected, *split)),
            Self::Judged(config) => Ok(part(inspected, &config.data, config.fit.seed)?.1),
        }
    }
}

/// What the probe comes to, learnt from some faces and measured on others; nothing where there is none to learn from.
fn probed(
    faces: &Faces,
    learnt: &[usize],
    indices: &[usize],
    scored: &[ScoredFace],
    apart: &[String],
) -> anyhow::Result<Option<Probed>> {
    if learnt.is_empty() {
        return Ok(None);
    }
    let side = faces.side_of(Extent::Exact);
    let known = |indices: &[usize]| -> anyhow::Result<Vec<[f64; FEATURES]>> {
        let one = |cutter: &mut Cutter, &index: &usize| -> anyhow::Result<[f64; FEATURES]> {
            Ok(features(&faces.view(index, Extent::Exact, cutter)?.pixels, side))
        };
        indices.par_iter().map_init(Cutter::default, one).collect()
    };
    let labels = learnt.iter().map(|&index| faces.rows[index].label);
    let probe = Probe::learn(&known(learnt)?.into_iter().zip(labels).collect::<Vec<_>>());
    let scores: Vec<f64> = known(indices)?.iter().map(|features| probe.score(features)).collect();
    Ok(Some(Probed::new(scored, &scores, apart)))
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split(split) => write!(f, "split {split}"),
            Self::Judged(config) => f.write_str(&judged_by(&config.data)),
        }
    }
}

fn write(out: &Path, report: &Report) -> anyhow::Result<()> {
    let fail = |path: &Path| format!("can't write {}", name::of(path));
    let path = out.join("report.json");
    checkpoint::replace(&path, (serde_json::to_string_pretty(report)? + "\n").as_bytes())
        .with_context(|| fail(&path))?;
    let path = out.join("report.md");
    checkpoint::replace(&path, report.to_markdown().as_bytes()).with_context(|| fail(&path))
}

/// What the runs are measured on, and how.
struct Measuring<'a> {
    faces: &'a Arc<Faces>,
    indices: &'a [usize],
    scored_faces: &'a [ScoredFace],
    kind: ScoreKind,
    /// Sources that are in no pooled number.
    apart: &'a [String],
    stop: &'a AtomicBool,
}

impl Measuring<'_> {
    /// What a network says of all faces; nothing when the user ended it.
    fn scores(&self, trained: &Trained, model: &Model) -> anyhow::Result<Option<(RunScores, Said)>> {
        let Some(said) = score(model, evaluation(self.faces, self.indices, BATCH), self.stop)? else { return Ok(None) };
        let run = RunScores {
            name: trained.name.clone(),
            calibration: trained.contract.calibration,
            thresholds: trained.contract.thresholds.clone(),
            logits: said.logits.clone(),
        };
        Ok(Some((run, said)))
    }

    /// Adds the sweep over all disturbances; tells whether it came to its end.
    fn sweep(&self, run: &RunScores, model: &Model, measured: &mut RunReport) -> anyhow::Result<bool> {
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

    /// The faces whose score is farthest on the wrong side of one half.
    fn mistakes(&self, run: &RunScores, said: &Said) -> anyhow::Result<Vec<Mistake>> {
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
