//! `cyborg-train import`: other people's weights become a checkpoint of this project, with a contract where they have
//! the two classes of a detector.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use cyborg_models::contract::{
    Alignment, Border, Calibration, CamClass, Contract, CropRule, ResizeFilter, Saliency, Thresholds, Training,
};
use cyborg_models::name;

use super::session::{margin, share_of_one};
use super::train::cut;
use crate::checkpoint::names::{Renamed, translate};
use crate::checkpoint::{self, Checkpoint};
use crate::loss::parse_cam_class;
use crate::network::{Architecture, Tap};
use crate::run_folder::set_depth;
use crate::torch::{ForeignWeights, LastLayer, Model};

const TOOL: &str = concat!("cyborg-train ", env!("CARGO_PKG_VERSION"), " import");
/// What a contract says where nothing is known.
const UNKNOWN: &str = "unknown";

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// Checkpoint of PyTorch (.pth, old or new format) or safetensors; nothing in it is executed
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    #[arg(long, value_name = "NAME", help = format!("Network that it holds: {}", Architecture::names()))]
    network: Architecture,
    /// Blocks of clip_vit_b16 that are taken, 1 to 12 [default: 6]
    #[arg(long, value_name = "BLOCKS", value_parser = super::train::depth)]
    depth: Option<usize>,
    /// File to write, safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    use_as: UseArgs,
}

/// What the checkpoint can't say of itself. Each of them changes a contract that it has already.
#[derive(Args, Debug)]
#[command(next_help_heading = "How a detector of two classes is to be used")]
struct UseArgs {
    /// Tensor of the activation map: head (what the pooled classifier sees) or reference (what the published CYBORG code
    /// takes) [default: reference, but head for efficientnet_lite0
    /// and clip_vit_b16]
    #[arg(long, value_name = "TAP")]
    cam_tap: Option<Tap>,
    /// Class whose map was trained: the face's own, or the one that the network chose [default: predicted, as in the
    /// published code]
    #[arg(long, value_name = "RULE", value_parser = parse_cam_class)]
    cam_class: Option<CamClass>,
    /// Share of the class loss in training, 0 to 1; 1 is without saliency [default: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one)]
    alpha: Option<f64>,
    /// Side of the square crop over the longer side of the detected face, 1 to 4 [default: 1.3]
    #[arg(long, value_name = "FACTOR", value_parser = margin)]
    margin: Option<f32>,
}

pub(super) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let network = cut(args.network, args.depth)?;
    let read = checkpoint::read(&args.checkpoint)?;
    let Renamed { state, left_out } = translate(network, read.state);
    let weight = state.get(&format!("{}.weight", network.describe(2).last_linear));
    ensure!(
        network.depth().is_none() || weight.is_some(),
        "{} holds no classifier, only a tower to begin with: give it to `train --weights`",
        name::of(&args.checkpoint)
    );
    let classes = weight.and_then(|array| array.shape.first().copied()).filter(|&classes| classes > 0).unwrap_or(2);
    let mut model = Model::new(network.describe(classes), 0);
    let loaded = model.load(&state).inspect_err(tell)?;
    debug_assert_eq!(loaded.last_layer, LastLayer::Loaded);
    if !left_out.is_empty() {
        log::info!("{} arrays are deliberately ignored: {}", left_out.len(), left_out.join(", "));
    }
    if !loaded.unused.is_empty() {
        log::warn!("{} arrays of the checkpoint are not used: {}", loaded.unused.len(), loaded.unused.join(", "));
    }
    let metadata = if classes == 2 {
        let contract = Contract::from_metadata(&read.metadata).ok();
        let mut metadata = args.use_as.apply(contract.unwrap_or_else(|| unknown(network))).to_metadata();
        set_depth(&mut metadata, network);
        metadata
    } else {
        ensure!(
            args.use_as.are_defaults(),
            "the checkpoint has {classes} classes, and a detector has 2: train it first, or leave out the flags that say \
             how it is to be used"
        );
        BTreeMap::from([("network".to_owned(), network.name().to_owned())])
    };
    checkpoint::write(&args.out, &Checkpoint { metadata, state: model.state() })?;
    log::info!("{}: {network} of {classes} classes", name::of(&args.out));
    Ok(())
}

/// All names that don't match, each with its like; the error itself names a few.
fn tell(foreign: &ForeignWeights) {
    let ForeignWeights { missing, misshapen, unused, .. } = foreign;
    for (what, names) in [("missing", missing), ("of another shape", misshapen), ("without a place", unused)] {
        if !names.is_empty() {
            log::error!("{what}, {}: {}", names.len(), names.join(", "));
        }
    }
}

impl UseArgs {
    fn are_defaults(&self) -> bool {
        let Self { cam_tap, cam_class, alpha, margin } = self;
        cam_tap.is_none() && cam_class.is_none() && alpha.is_none() && margin.is_none()
    }

    /// The contract with what the flags say.
    fn apply(&self, mut contract: Contract) -> Contract {
        if let Some(tap) = self.cam_tap {
            contract.saliency.tap = tap.name().to_owned();
        }
        if let Some(rule) = self.cam_class {
            contract.saliency.cam_class = rule;
        }
        if let Some(alpha) = self.alpha {
            contract.saliency.alpha = alpha;
        }
        if contract.saliency.alpha == 1.0 {
            contract.saliency.source = "none".to_owned();
        }
        if let Some(margin) = self.margin {
            contract.crop.margin = margin;
        }
        contract
    }
}

/// The contract of a checkpoint that comes from the published code, without anything measured.
fn unknown(network: Architecture) -> Contract {
    // The published code doesn't have these two.
    let is_ours = matches!(network.name(), "efficientnet_lite0" | "clip_vit_b16");
    let tap = if is_ours { Tap::Head } else { Tap::Reference };
    Contract {
        network: network.name().to_owned(),
        crop: CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate },
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency {
            tap: tap.name().to_owned(),
            cam_class: CamClass::Predicted,
            alpha: 0.5,
            source: "human".to_owned(),
        },
        calibration: Calibration::NONE,
        thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
        training: Training { data_digest: UNKNOWN.to_owned(), seed: 0, tool: TOOL.to_owned() },
        auc: BTreeMap::new(),
    }
}
