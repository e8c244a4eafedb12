//! `cyborg-train head`: learns what a head makes of a tower that a package ships, and writes that alone.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::{
    Calibration, CamClass, Contract, Expertise, Kind, Thresholds, Training, Unfamiliar, UnfamiliarRate,
};
use cyborg_models::head::{Familiar, Head};
use cyborg_models::lock;
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen, not_negative, positive, share_of_one};
use crate::checkpoint;
use crate::data::augment::{Preset, video};
use crate::data::balance::Balance;
use crate::data::choice::Known;
use crate::data::faces::Faces;
use crate::data::forge::swap::donor::Donors;
use crate::data::inspect::Need;
use crate::data::list::{Label, Row, Split};
use crate::data::loader::{Plan, View, evaluation, order_of_photos, training, views};
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts};
use crate::head::features::{Described, TowerRunner};
use crate::head::generated::{PartShare, Recipe, alike};
use crate::head::judged::Judged;
use crate::head::layer::KindLayer;
use crate::head::{familiar, generated, judged};
use crate::metrics::{Scored, auc};
use crate::run_folder::TOOL;
use crate::torch::logistic;

/// Faces in a batch.
const BATCH: usize = 32;

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
    /// How much the weights are held back in that
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
    #[arg(long, value_name = "SHARE[,SHARE]", default_value = "0.17,0.67")]
    part_share: PartShare,
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
    if args.video_coding > 0.0 {
        video::check()?;
    }
    let path = match &args.tower {
        Some(path) => path.clone(),
        None => lock::cached(TOWER)
            .context("there is no cache folder for the tower: set CYBORG_CACHE, or give `--tower`")?,
    };
    let tower = fs::read(&path).with_context(|| {
        format!(
            "can't read the tower {}: `cargo xtask setup --trainer` fetches it, `--tower` names another",
            name::of(path)
        )
    })?;
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
    let faces = Arc::new(inspected.faces);
    let work = Work { args, faces: &faces, train: &train, stop };
    let Some(learnt) = work.learn(&mut runner)? else { return Ok(Outcome::Interrupted) };
    let Some(seen) = runner.describe(evaluation(&faces, &validation, BATCH), stop)? else {
        return Ok(Outcome::Interrupted);
    };
    if !out.is_empty() {
        let Some(seen) = runner.describe(evaluation(&faces, &out, BATCH), stop)? else {
            return Ok(Outcome::Interrupted);
        };
        tell(&learnt.layers, &seen, &rows(&faces, &out), runner.width(), &args.swapped);
    }
    let contract = Contract {
        network: "clip_vit_b16".to_owned(),
        crop: crop.rule(),
        resize: cyborg_models::contract::ResizeFilter::BilinearAntialias,
        saliency: cyborg_models::contract::Saliency {
            tap: "head".to_owned(),
            cam_class: CamClass::True,
            alpha: 1.0,
            source: "none".to_owned(),
        },
        calibration: Calibration::NONE,
        thresholds: Thresholds::UNCALIBRATED,
        training: Training { data_digest: digest, seed: args.seed, tool: TOOL.to_owned() },
        auc: BTreeMap::new(),
    };
    let head = judge(args, learnt, contract, &seen, &rows(&faces, &validation), runner.width())?;
    checkpoint::replace(&args.out, &head.to_bytes()?)
        .with_context(|| format!("can't write {}", name::of(&args.out)))?;
    log::info!("wrote {}", name::of(&args.out));
    Ok(Outcome::Done)
}

/// The package's file in models/lock.toml.
const TOWER: &str = "clip_vit_b16_int8";

/// What is learnt from.
struct Work<'a> {
    args: &'a HeadArgs,
    faces: &'a Arc<Faces>,
    train: &'a [usize],
    stop: &'a AtomicBool,
}

/// What was learnt.
struct Learnt {
    layers: Vec<(Kind, KindLayer)>,
    familiar: Option<Familiar>,
}

impl Work<'_> {
    /// Learns a layer for each kind; nothing when the user ended it.
    fn learn(&self, runner: &mut TowerRunner) -> anyhow::Result<Option<Learnt>> {
        let Self { args, faces, train, stop } = self;
        let plan = Plan {
            indices: train.to_vec(),
            forged: 0,
            swapped: 0,
            donors: Arc::new(Donors::among(faces, &[])),
            video_coding: 0.0,
            augment: Preset::None,
            balance: Balance::Sources,
            batch: BATCH,
            seed: args.seed,
        };
        let order = order_of_photos(faces, &plan, 0);
        let Some(seen) = runner.describe(training(faces, &plan, 0), stop)? else { return Ok(None) };
        log::info!("computed features of {} faces for the generated-face layer", seen.labels.len());
        // A face beside another's features would part them wrongly, and nothing would tell.
        ensure!(order.len() == seen.labels.len(), "{} faces were described of {}", seen.labels.len(), order.len());
        let varied = if args.steady > 0.0 {
            let variants = views(faces, &order, Preset::Coded, View::Varied(args.seed), BATCH);
            let Some(varied) = runner.describe(variants, stop)? else { return Ok(None) };
            log::info!("described a variant of each");
            Some(varied)
        } else {
            None
        };
        let sources: Vec<&str> = order.iter().map(|&index| faces.rows[index].source.as_str()).collect();
        let recipe = Recipe {
            ridge: args.ridge,
            steady: args.steady,
            steady_ridge: args.steady_ridge,
            part: &args.part,
            both: &args.both,
            part_share: args.part_share,
            gate_ridge: args.gate_ridge,
        };
        let width = runner.width();
        let last = width / args.blocks.len();
        let known = generated::Examples { plain: &seen, varied: varied.as_ref(), sources: &sources, width, last };
        let mut layers = vec![(Kind::Generated, generated::learn(&recipe, &known)?)];
        let familiar = match args.unfamiliar > 0.0 {
            true => Some(familiar::learn(&seen.features, runner.width(), args.directions.into())?),
            false => None,
        };
        let real: Vec<usize> =
            train.iter().copied().filter(|&index| faces.rows[index].label == Label::Authentic).collect();
        let [forged, swapped] = [args.forge, args.swap].map(|share| (share * real.len() as f64).round() as usize);
        if forged + swapped > 0 {
            let plan = Plan {
                donors: Arc::new(Donors::among(faces, &real)),
                indices: real,
                forged,
                swapped,
                augment: args.augment,
                video_coding: args.video_coding,
                balance: Balance::Listed,
                ..plan
            };
            let Some(seen) = runner.describe(training(faces, &plan, 0), stop)? else { return Ok(None) };
            log::info!("described {} faces to tell swapped ones by", seen.labels.len());
            let layer = logistic::fit(&seen.features, &seen.labels, &alike(&seen.labels), args.swap_ridge)?;
            layers.push((Kind::Swapped, KindLayer::plain(layer)));
        }
        Ok(Some(Learnt { layers, familiar }))
    }
}

fn rows<'a>(faces: &'a Faces, indices: &[usize]) -> Vec<&'a Row> {
    indices.iter().map(|&index| &faces.rows[index]).collect()
}

/// Says how well each layer tells its kind on some faces, by source.
fn tell(layers: &[(Kind, KindLayer)], seen: &Described, rows: &[&Row], width: usize, swapped: &[String]) {
    for (kind, layer) in layers {
        let scored = |wanted: &dyn Fn(&Row) -> bool| -> Vec<Scored> {
            let faces = rows.iter().zip(seen.features.chunks_exact(width)).filter(|(row, _)| wanted(row));
            faces.map(|(row, features)| Scored { score: layer.evidence(features), label: row.label }).collect()
        };
        let of_kind = |row: &Row| swapped.contains(&row.source) == (*kind == Kind::Swapped);
        let mut sources: Vec<&str> = rows.iter().filter(|row| of_kind(row)).map(|row| row.source.as_str()).collect();
        sources.sort_unstable();
        sources.dedup();
        for source in sources {
            let label = rows.iter().find(|row| row.source == source).map(|row| row.label);
            let wanted = |row: &Row| of_kind(row) && (row.source == source || Some(row.label) != label);
            if let Some(auc) = auc(&scored(&wanted)) {
                log::info!("{kind}: {source} against the other class: AUC {auc:.3}");
            }
        }
        if let Some(auc) = auc(&scored(&of_kind)) {
            log::info!("{kind}: all of them: AUC {auc:.3}");
        }
    }
}

fn judged(row: &Row, evidence: f64) -> Judged<'_> {
    Judged { source: &row.source, label: row.label, evidence }
}

/// Calibrates the layers and sets the thresholds by the validation faces.
fn judge(
    args: &HeadArgs,
    learnt: Learnt,
    mut contract: Contract,
    seen: &Described,
    rows: &[&Row],
    width: usize,
) -> anyhow::Result<Head> {
    tell(&learnt.layers, seen, rows, width, &args.swapped);
    let swapped = &args.swapped;
    let mut layers = Vec::new();
    for (kind, layer) in &learnt.layers {
        let of_kind = |row: &Row| swapped.contains(&row.source) == (*kind == Kind::Swapped);
        let features = || rows.iter().zip(seen.features.chunks_exact(width));
        let faces: Vec<(&[f32], Label)> =
            features().filter(|(row, _)| of_kind(row)).map(|(row, features)| (features, row.label)).collect();
        let calibrated = judged::calibrated(layer, &faces).with_context(|| {
            format!("the validation split has no faces of both classes to calibrate the layer for {kind} faces by")
        })?;
        // A layer may speak up wherever real faces are seen; that for generated faces isn't held to those who were filmed to be
        // swapped, which other layers judge.
        let bound: Vec<Judged<'_>> = features()
            .filter(|(row, _)| *kind == Kind::Swapped || of_kind(row))
            .map(|(row, features)| judged(row, calibrated.evidence(features)))
            .collect();
        let highest = judged::above(&bound, args.bpcer).with_context(|| {
            format!("no validation collection has {} real faces to set a threshold by", judged::LEAST_FACES)
        })?;
        let steep = if *kind == Kind::Swapped { args.swap_weight } else { 1.0 };
        layers.push((*kind, judged::moved(&calibrated, highest, steep)));
    }
    let evidence = |features: &[f32]| layers.iter().map(|(_, layer)| layer.evidence(features)).fold(f64::MIN, f64::max);
    let faces = rows.iter().zip(seen.features.chunks_exact(width));
    let all: Vec<Judged<'_>> = faces.map(|(row, features)| judged(row, evidence(features))).collect();
    let generated: Vec<Judged<'_>> =
        all.iter().filter(|face| !swapped.iter().any(|source| source == face.source)).copied().collect();
    contract.thresholds = judged::thresholds(&generated, &all, 0.0, args.apcer, judged::SYNTHETIC_ABOVE);
    let Thresholds { authentic_below, synthetic_above, .. } = contract.thresholds;
    log::info!("authentic below {authentic_below:.3}, synthetic above {synthetic_above:.3}");
    let unfamiliar = learnt.familiar.as_ref().map(|familiar| {
        let mut distances: Vec<f32> =
            seen.features.chunks_exact(width).map(|features| familiar::distance(familiar, features)).collect();
        distances.sort_unstable_by(|one, other| other.total_cmp(one));
        let at = (distances.len() as f64 * args.unfamiliar) as usize;
        Unfamiliar {
            distance_above: distances[at.min(distances.len() - 1)],
            rate: Some(UnfamiliarRate { share: args.unfamiliar, measured_on: "split validation".to_owned() }),
        }
    });
    let mut metadata = contract.to_metadata();
    let kinds: Vec<Kind> = layers.iter().map(|(kind, _)| *kind).collect();
    let expertise = match kinds[..] {
        [only] => Expertise { looks_for: Some(only), tells_apart: Vec::new(), unfamiliar },
        _ => Expertise { looks_for: None, tells_apart: kinds, unfamiliar },
    };
    expertise.add_to(&mut metadata);
    let kinds = layers.iter().map(|(_, layer)| layer.to_kind());
    Ok(Head { blocks: args.blocks.clone(), kinds: kinds.collect(), familiar: learnt.familiar, contract: metadata })
}
