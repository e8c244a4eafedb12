//! `cyborg-train evaluate`: how well networks tell the faces of a list, by source, pooled, by video and under disturbances.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen};
use crate::data::inspect::Need;
use crate::data::list::Split;
use crate::data::look::{Wanted, look};
use crate::data::part::{Part, both_classes, class_counts};
use crate::evaluation::measuring::{Measuring, probed};
use crate::evaluation::people::Looks;
use crate::evaluation::pictures::{self, AverageMaps, CAMS, PeopleMaps};
use crate::evaluation::report::{Report, measure};
use crate::evaluation::{ScoreKind, ScoredFace, mean_map, table};
use crate::run_folder::TOOL;
use crate::runs::trained::Target;
use cyborg_models::name;

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
    let mut read = args.data.read(&target.known())?;
    // Whatever training made of them: where people looked is measured against.
    read.config.saliency = read.config.saliency.with_maps();
    let of_maps = if read.config.maps.is_some() { "human" } else { "maps" };
    let part_of = part_of(args, &target)?;
    let data = format!("{}, {part_of}", read.list.path.file_name().unwrap_or_default().to_string_lossy());
    let network = first.network().clone();
    drop(first);
    let with_training = [part_of.split(), Split::Train];
    let splits = if args.probe { &with_training[..] } else { &with_training[..1] };
    let wanted = Wanted::by(&network, splits, Need::Unneeded, bytes(args.machine.memory));
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(Outcome::Interrupted) };
    let data_sha256 = inspected.digest.clone();
    let indices = part_of.indices(&inspected)?;
    both_classes(class_counts(&inspected.faces, &indices), &part_of.to_string())?;
    let learnt = if args.probe { part_of.learnt(&inspected)? } else { Vec::new() };
    let scored_faces: Vec<ScoredFace> = indices.iter().map(|&index| (&inspected.faces.rows[index]).into()).collect();
    let has_map: Vec<bool> = indices.iter().map(|&index| inspected.faces.rows[index].map.is_some()).collect();
    let faces = Arc::new(inspected.faces);

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
    let mut people = PeopleMaps::default();
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
        let Some((run, said)) = how.scores(&trained.name, &trained.contract, &model)? else {
            return Ok(Outcome::Interrupted);
        };
        table::write(&out.join(format!("scores-{}.csv", run.name)), &scored_faces, &run, args.score)?;
        let mut measured = measure(&scored_faces, &run, args.score, &args.apart)?;
        if args.robustness && !how.sweep(&run, &model, &mut measured)? {
            return Ok(Outcome::Interrupted);
        }
        let looks = Looks::new(&scored_faces, &said, &has_map);
        measured.people = looks.figures(of_maps, &args.apart);
        if measured.people.is_some() {
            looks.write(&out.join(format!("people-{}.csv", run.name)))?;
            let sizes = (network.input_side, network.cam_size().0);
            pictures::of_looks(&plots, &run.name, sizes, how.looked(&looks.examples())?)?;
            people.add(network.cam_size().0, &run.name, looks.averages(&args.apart));
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
        report.write(&out)?;
    }
    pictures::of_scores(&plots, &report, &scored_faces, &runs, args.score)?;
    pictures::of_robustness(&plots, &report)?;
    pictures::of_maps(&plots, &[(target.name.as_str(), &averages)])?;
    averages.write(&out.join(CAMS))?;
    people.save(&out, &plots)?;
    let mut stdout = std::io::stdout().lock();
    // A reader that has gone is no failure: the report is in its file.
    let _ = writeln!(stdout, "{}", report.to_markdown());
    log::info!("report, scores and pictures: {}", name::of(out));
    Ok(Outcome::Done)
}

/// Which faces are measured on.
fn part_of(args: &EvaluateArgs, target: &Target) -> anyhow::Result<Part> {
    if !args.judged {
        return Ok(Part::Split(args.split));
    }
    let folder = target.folder.as_ref().context("`--judged` needs a folder of runs, which says what was left out")?;
    Ok(Part::Judged { config: Box::new(folder.config.data.clone()), seed: folder.config.fit.seed })
}
