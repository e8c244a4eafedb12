//! Flags of `train` that say what is done to the faces, which are made, and how often they are shown.

use clap::Args;

use crate::cli::session::share_of_one;
use crate::data::augment::Preset;
use crate::data::balance::Balance;
use crate::fit::MOST_FORGED;

#[derive(Args, Debug)]
pub(super) struct VarietyArgs {
    /// What is done to the faces: none (the paper), robust (jitter, mirror, scale, blur, colour, grey, noise, JPEG) or strong
    /// (more of it, parts of faces, colours of other faces, and nothing around the face)
    #[arg(long, value_name = "PRESET", default_value = "none")]
    pub(super) augment: Preset,
    /// Self-blended fakes forged in each epoch, over the number of real faces, 0 to 10; each with its real face beside it
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = forge_share)]
    pub(super) forge: f64,
    /// Fakes made in each epoch by putting the face of one real training face on another, over the number of real faces, 0 to
    /// 10; each with its real face beside it
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = forge_share)]
    pub(super) swap: f64,
    /// Share of the faces that go through a video encoder of random quality, of either class alike, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_of_one)]
    pub(super) video_coding: f64,
    /// How often the faces of a source are shown: listed (each once) or sources (both classes alike, and the sources of a class
    /// by the root of their size)
    #[arg(long, value_name = "HOW", default_value = "listed")]
    pub(super) balance: Balance,
}

fn forge_share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=MOST_FORGED).contains(number));
    number.ok_or_else(|| format!("expected a number in 0 to {MOST_FORGED}"))
}
