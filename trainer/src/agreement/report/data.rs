//! What a report is made of.

use super::super::average::Averages;
use super::super::figures::Figures;
use crate::study::maps::Which;

/// All that a report is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// Name of the study.
    pub study: &'a str,
    /// Which answers the maps are made of.
    pub which: Which,
    /// Faces with a map.
    pub maps: usize,
    /// The figures.
    pub figures: &'a Figures,
    /// The mean maps.
    pub averages: &'a Averages,
}

/// A mean map as a picture.
pub(super) struct Drawn {
    /// File name without ending.
    pub(super) stem: String,
    pub(super) caption: String,
    pub(super) png: Vec<u8>,
}
