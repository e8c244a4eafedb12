//! Flags of `train` that say what is made smaller: the loss, and the saliency in it.

use clap::Args;
use cyborg_models::contract::CamClass;

use crate::cli::session::{not_negative, positive, share_of_one};
use crate::loss::{LossSettings, parse_cam_class};
use crate::network::Tap;

#[derive(Args, Debug)]
pub(super) struct LossArgs {
    /// Share of the class loss, 0 to 1; the rest pulls the activation map to the saliency map; 1 is without saliency
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share_of_one)]
    alpha: f64,
    /// Class whose activation map the saliency term uses: true or predicted
    #[arg(long, value_name = "RULE", default_value = "true", value_parser = parse_cam_class)]
    cam_class: CamClass,
    /// Tensor that the activation map is made from: head (what the pooled classifier sees) or reference (the published
    /// code's)
    #[arg(long, value_name = "TAP", default_value = "head")]
    pub(super) cam_tap: Tap,
    /// Weight of the activation map's entropy in the loss (arXiv 2303.00818)
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, value_parser = not_negative)]
    cam_entropy: f64,
    /// Power that saliency maps are raised to: above 1 they are sharper, below 1 flatter
    #[arg(long, value_name = "POWER", default_value_t = 1.0, value_parser = positive)]
    map_power: f64,
}

impl LossArgs {
    /// The loss, with a teacher's share in what is wanted.
    pub(super) fn settings(&self, taught_share: f64) -> LossSettings {
        let Self { alpha, cam_class, cam_tap: _, cam_entropy, map_power } = *self;
        LossSettings { alpha, cam_class, cam_entropy, map_power, taught_share }
    }
}
