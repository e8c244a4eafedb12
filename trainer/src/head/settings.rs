//! How a head is learnt and judged.

use super::generated::{Held, PartShare};
use crate::data::augment::Preset;

/// How a head is learnt and judged.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadSettings {
    /// Blocks of the tower whose tokens are looked at, in rising order.
    pub blocks: Vec<usize>,
    /// Those of them that the layer for generated faces looks at.
    pub generated_blocks: Vec<usize>,
    /// How the faces of pairs are varied.
    pub augment: Preset,
    /// Self-blended fakes over the number of real faces.
    pub forge: f64,
    /// Faces of other people put on real ones, over the number of these.
    pub swap: f64,
    /// Share of the faces of pairs that are coded as video.
    pub video_coding: f64,
    /// How far the layer for generated faces is held back.
    pub held: Held,
    /// How far that for faces that were coded as video is held back.
    pub video_held: Held,
    /// Ridge penalty on the layer for swapped faces.
    pub swap_ridge: f64,
    /// Sources that a layer of their own is learnt from.
    pub part: Vec<String>,
    /// Share of that layer in the mean.
    pub part_share: PartShare,
    /// Its share for faces that were coded as video, where these get a layer of their own.
    pub video_share: Option<f64>,
    /// Ridge penalty on the gate.
    pub gate_ridge: f64,
    /// Sources that both of these layers learn from.
    pub both: Vec<String>,
    /// Validation sources of real and of swapped faces, which the layer for swapped faces is calibrated by.
    pub swapped: Vec<String>,
    /// Real faces of a validation collection that may be called synthetic, at most.
    pub bpcer: f64,
    /// Synthetic validation faces that may be called authentic, at most.
    pub apcer: f64,
    /// How much the evidence for swapped faces counts.
    pub swap_weight: f64,
    /// Share of validation faces that may count as unfamiliar; 0 for none.
    pub unfamiliar: f64,
    /// Directions in which that is measured.
    pub directions: usize,
    /// Decides order, variants and fakes.
    pub seed: u64,
}
