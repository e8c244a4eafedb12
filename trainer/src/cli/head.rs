//! `cyborg-train head`: learns what a head makes of a tower that a package ships, and writes that alone.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::Training;
use cyborg_models::lock;
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen, not_negative, positive, share_of_one};
use crate::checkpoint;
use crate::data::augment::{Preset, video};
use crate::data::choice::Known;
use crate::data::faces::Faces;
use crate::data::inspect::Need;
use crate::data::list::{Label, Row, Split};
use crate::data::loader::evaluation;
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts};
use crate::head::features::TowerRunner;
use crate::head::generated::{Held, PartShare, only};
use crate::head::judge::{contract, judge, tell};
use crate::head::kept::{Describer, Kept};
use crate::head::learn::{BATCH, Learning};
use crate::head::settings::HeadSettings;
use crate::head::strangers::{FOUND, Stranger, unknown};
use crate::run_folder::TOOL;

#[derive(Args, Debug)]
pub(super) struct HeadArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Head to write, as safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Tower: the ONNX file of the package [default: the one that set-up fetched]
    #[arg(long, value_name = "FILE")]
    tower: Option<PathBuf>,
    /// Blocks of the tower whose tokens are looked at, with commas between them
    #[arg(long, value_name = "BLOCKS", value_delimiter = ',', default_value = "4,5,8")]
    blocks: Vec<usize>,
    /// Those of them that the layer for generated faces looks at, with commas between them: later blocks know more of what a picture
    /// shows [default: all of `--blocks`]
    #[arg(long, value_name = "BLOCKS", value_delimiter = ',')]
    generated_blocks: Vec<usize>,
    /// How the faces of pairs are varied: none, coded, robust or strong
    #[arg(long, value_name = "PRESET", default_value = "robust")]
    augment: Preset,
    /// Self-blended fakes over the number of real faces, for telling swapped faces
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = not_negative)]
    forge: f64,
    /// Faces of other people put on real ones, over the number of these, for telling swapped faces; with `--forge 0 --swap 0`
    /// swapped faces are not looked for
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = not_negative)]
    swap: f64,
    /// Share of the faces of pairs that are coded as video
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_of_one)]
    video_coding: f64,
    /// Ridge penalty on the layer for generated faces
    #[arg(long, value_name = "RIDGE", default_value_t = 2.0, value_parser = positive)]
    ridge: f64,
    /// How much a variant of each face counts, shrunk and coded at random, in making the layer for generated faces say the same of
    /// it as of the face as it is; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = share_of_one)]
    steady: f64,
    /// How much the weights are held back in making it steady
    #[arg(long, value_name = "RIDGE", default_value_t = 0.2, value_parser = positive)]
    steady_ridge: f64,
    /// Ridge penalty on the layer for swapped faces
    #[arg(long, value_name = "RIDGE", default_value_t = 0.5, value_parser = positive)]
    swap_ridge: f64,
    /// Sources of the training split to leave out, and to tell the AUC of, with commas between them
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    leave_out: Vec<String>,
    /// Training sources that a layer of their own is learnt from, with commas between them: generated faces are then told by the
    /// mean of its evidence and that of a layer of all others
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    part: Vec<String>,
    /// Share of that layer in the mean, in 0 to 1: one for all faces, or two with a comma between them, for faces whose content is
    /// least and most like that of these sources; a gate on the last of the blocks is then learnt to say which
    #[arg(long, value_name = "SHARE[,SHARE]", default_value = "0.43,0.68")]
    part_share: PartShare,
    /// Its share for faces that were coded as video: they get a layer of their own, which also says the same of a face once it was
    /// coded as video, and a gate on all of the blocks is learnt to say which they are
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, requires = "part")]
    video_share: Option<f64>,
    /// Ridge penalty on that layer [default: that of `--ridge`]
    #[arg(long, value_name = "RIDGE", value_parser = positive, requires = "video_share")]
    video_ridge: Option<f64>,
    /// How much the variants count in making it steady [default: that of `--steady`]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one, requires = "video_share")]
    video_steady: Option<f64>,
    /// How much its weights are held back in that [default: that of `--steady-ridge`]
    #[arg(long, value_name = "RIDGE", value_parser = positive, requires = "video_share")]
    video_steady_ridge: Option<f64>,
    /// Ridge penalty on the gate
    #[arg(long, value_name = "RIDGE", default_value_t = 0.2, value_parser = positive)]
    gate_ridge: f64,
    /// Training sources that both of these layers learn from, with commas between them
    #[arg(long, value_name = "SOURCES", value_delimiter = ',', requires = "part")]
    both: Vec<String>,
    /// Validation sources of real and of swapped faces, with commas between them: the layer for swapped faces is calibrated by
    /// these, and that for generated ones by the others
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    swapped: Vec<String>,
    /// Real faces of a validation collection that may be called synthetic, at most
    #[arg(long, value_name = "SHARE", default_value_t = 0.03, value_parser = share_of_one)]
    bpcer: f64,
    /// Synthetic validation faces that may be called authentic, at most
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share_of_one)]
    apcer: f64,
    /// How much the evidence for swapped faces counts, once both layers speak up equally seldom of real faces: more makes a
    /// layer that knows little say little
    #[arg(long, value_name = "WEIGHT", default_value_t = 2.0, value_parser = positive)]
    swap_weight: f64,
    /// Share of validation faces that may count as unfamiliar; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share_of_one)]
    unfamiliar: f64,
    /// Directions in which that is measured
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=768))]
    directions: u16,
    /// Also write a table for `cyborg-train train --taught-by`: what the layer for generated faces says of each training face when it
    /// didn't learn from its source, where that is right; where it is wrong, the label stands alone
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// In how many parts the sources are left out in turn for that
    #[arg(long, value_name = "N", default_value = "8", requires = "scores")]
    folds: NonZeroUsize,
    /// Also leave each real training source out in turn, and say how many of its faces, and of those of the validation sources, a layer
    /// that doesn't know them calls synthetic where it finds 50 to 20 % of the generated validation faces
    #[arg(long)]
    strangers: bool,
    /// Folder for what the tower gives of the faces, which takes nearly all of the time: a run with other ridges, shares or thresholds
    /// then takes seconds, and one that was ended goes on; 40 to 60 KB a face
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// Decides order, variants and fakes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads of the tower [default: all]
    #[command(flatten)]
    machine: MachineArgs,
}

pub(super) fn run(args: &HeadArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    ensure!(
        args.blocks.first().is_some_and(|&first| first > 0) && args.blocks.is_sorted_by(|one, next| one < next),
        "--blocks wants numbers from 1 in rising order, such as 4,5,8"
    );
    if let Some(unknown) = args.generated_blocks.iter().find(|block| !args.blocks.contains(block)) {
        return super::outcome::wrong_usage(&format!("`--generated-blocks` names {unknown}, which `--blocks` doesn't"));
    }
    if args.video_share.is_some() && args.part_share.varies() {
        return super::outcome::wrong_usage(
            "there is one gate, for content (`--part-share` with two numbers) or for video (`--video-share`): give \
             `--part-share` one number",
        );
    }
    if args.video_coding > 0.0 || args.video_share.is_some() {
        video::check()?;
    }
    let tower = read_tower(args.tower.as_deref())?;
    let runtime = Runtime::load()?;
    let threads = NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN);
    let mut runner = TowerRunner::open(&runtime, &tower, &args.blocks, threads)?;
    let mut read = args.data.read(&Known::default())?;
    read.config.left_out.clone_from(&args.leave_out);
    let crop = read.config.clone();
    let wanted = Wanted {
        side: runner.side(),
        cam: runner.side() / 16,
        splits: &[Split::Train, Split::Validation],
        landmarks: if args.forge + args.swap > 0.0 { Need::Needed } else { Need::Unneeded },
        memory: bytes(args.machine.memory),
    };
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(Outcome::Interrupted) };
    let is_out = |row: &Row| args.leave_out.contains(&row.source);
    let all = inspected.of_split(Split::Train);
    let (out, train): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&index| is_out(&inspected.faces.rows[index]));
    let validation = inspected.of_split(Split::Validation);
    both_classes(class_counts(&inspected.faces, &train), "training")?;
    both_classes(class_counts(&inspected.faces, &validation), "validation")?;
    let digest = inspected.digest.clone();
    let kept = match &args.cache {
        Some(folder) => {
            let tower = cyborg_models::digest::of_bytes(&tower);
            let of = format!("{tower} {:?} {} {} {:?}", args.blocks, digest, inspected.list_digest, crop.rule());
            Some(Kept::open(folder, &of)?)
        }
        None => None,
    };
    let mut describer = Describer { runner: &mut runner, kept, stop };
    let faces = Arc::new(inspected.faces);
    let settings = args.settings();
    let folds = args.scores.as_ref().map(|_| args.folds);
    let seen = describer.describe(&("validation", &validation), || evaluation(&faces, &validation, BATCH))?;
    let Some(seen) = seen else {
        return Ok(Outcome::Interrupted);
    };
    let is_fake = |row: &Row| row.label == Label::Synthetic && !args.swapped.contains(&row.source);
    let fakes = args.strangers.then(|| {
        let of = rows(&faces, &validation);
        only(&seen, describer.width(), |at| is_fake(of[at]))
    });
    let learning = Learning { settings: &settings, faces: &faces, train: &train, folds, fakes: fakes.as_ref() };
    let Some(learnt) = learning.learn(&mut describer)? else { return Ok(Outcome::Interrupted) };
    tell_strangers("left out", &learnt.strangers);
    if let (Some(fakes), Some((_, layer))) = (&fakes, learnt.layers.first()) {
        let sources: Vec<&str> = validation.iter().map(|&index| faces.rows[index].source.as_str()).collect();
        let clip = |&index: &usize| {
            let row = &faces.rows[index];
            row.group.as_deref().or(row.video.as_deref())
        };
        let clips: Vec<Option<&str>> = validation.iter().map(clip).collect();
        tell_strangers("unknown", &unknown(layer, &seen, describer.width(), (&sources, &clips), fakes));
    }
    if let (Some(path), Some(scores)) = (&args.scores, &learnt.crossed) {
        write_scores(path, &rows(&faces, &train), scores)?;
    }
    if !out.is_empty() {
        let left_out = describer.describe(&("left out", &out), || evaluation(&faces, &out, BATCH))?;
        let Some(left_out) = left_out else {
            return Ok(Outcome::Interrupted);
        };
        tell(&learnt.layers, &left_out, &rows(&faces, &out), describer.width(), &args.swapped);
    }
    let training = Training { data_digest: digest, seed: args.seed, tool: TOOL.to_owned() };
    let contract = contract(crop.rule(), training);
    let head = judge(&settings, learnt, contract, &seen, &rows(&faces, &validation), describer.width())?;
    checkpoint::replace(&args.out, &head.to_bytes()?)
        .with_context(|| format!("can't write {}", name::of(&args.out)))?;
    log::info!("wrote {}", name::of(&args.out));
    Ok(Outcome::Done)
}

/// The file of the tower: the one that is given, or that set-up fetched.
pub(super) fn read_tower(given: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => lock::cached(TOWER)
            .context("there is no cache folder for the tower: set CYBORG_CACHE, or give `--tower`")?,
    };
    fs::read(&path).with_context(|| {
        format!(
            "can't read the tower {}: `cargo xtask setup --trainer` fetches it, `--tower` names another",
            name::of(&path)
        )
    })
}

/// Writes what a teacher's table has of each face.
fn write_scores(path: &Path, rows: &[&Row], scores: &[f32]) -> anyhow::Result<()> {
    let fail = || format!("can't write {}", name::of(path));
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["path", "p_synthetic", "model"]).with_context(fail)?;
    let mut wrong = 0;
    for (row, &score) in rows.iter().zip(scores) {
        // A collection whose like the layers have never seen teaches nothing but that.
        let is_right = (score > 0.5) == (row.label == Label::Synthetic);
        wrong += usize::from(!is_right);
        let score = if is_right { score.to_string() } else { String::new() };
        table.write_record([&name::of(&row.path), &score, CROSSED]).with_context(fail)?;
    }
    checkpoint::replace(path, &table.into_inner().with_context(fail)?).with_context(fail)?;
    log::info!(
        "wrote {}: {wrong} of {} faces have no score, as the layers are wrong about them",
        name::of(path),
        rows.len()
    );
    Ok(())
}

fn tell_strangers(how: &str, strangers: &[Stranger]) {
    for Stranger { source, faces, called, clips } in strangers {
        tell_called(&format!("{source}, {how}"), "faces", *faces, called);
        if let Some(clips) = clips {
            tell_called(&format!("{source}, {how}"), "clips", clips.count, &clips.called);
        }
    }
}

fn tell_called(whose: &str, what: &str, count: usize, called: &[usize]) {
    let share = |(found, called): (f64, &usize)| {
        format!("{called} ({:.1} %) at {:.0} %", 100.0 * *called as f64 / count as f64, 100.0 * found)
    };
    let told: Vec<String> = FOUND.into_iter().zip(called).map(share).collect();
    log::info!("{whose}: of {count} {what} are called, by the share that is found: {}", told.join(", "));
}

/// Who says what is in the table of scores.
const CROSSED: &str = "clip_vit_b16, without the source of each face";
/// The package's file in models/lock.toml.
const TOWER: &str = "clip_vit_b16_int8";

impl HeadArgs {
    fn settings(&self) -> HeadSettings {
        let held = Held { ridge: self.ridge, steady: self.steady, steady_ridge: self.steady_ridge };
        HeadSettings {
            blocks: self.blocks.clone(),
            generated_blocks: if self.generated_blocks.is_empty() { &self.blocks } else { &self.generated_blocks }
                .clone(),
            augment: self.augment,
            forge: self.forge,
            swap: self.swap,
            video_coding: self.video_coding,
            held,
            video_held: Held {
                ridge: self.video_ridge.unwrap_or(held.ridge),
                steady: self.video_steady.unwrap_or(held.steady),
                steady_ridge: self.video_steady_ridge.unwrap_or(held.steady_ridge),
            },
            swap_ridge: self.swap_ridge,
            part: self.part.clone(),
            part_share: self.part_share,
            video_share: self.video_share,
            gate_ridge: self.gate_ridge,
            both: self.both.clone(),
            swapped: self.swapped.clone(),
            bpcer: self.bpcer,
            apcer: self.apcer,
            swap_weight: self.swap_weight,
            unfamiliar: self.unfamiliar,
            directions: self.directions.into(),
            seed: self.seed,
        }
    }
}

pub(super) fn rows<'a>(faces: &'a Faces, indices: &[usize]) -> Vec<&'a Row> {
    indices.iter().map(|&index| &faces.rows[index]).collect()
}
