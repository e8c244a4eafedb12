//! Reliability diagram: does a score of 0.8 mean that 80 of 100 such faces are synthetic?

use std::path::Path;

use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;

use super::axis::Axis;
use super::chart::{
    BLUE, Entry, Frame, GREY, Ink, Mark, Stroke, band, dot, empty, framed, head_height, ink, line, titled,
};
use super::{PlotError, save};

/// Faces with scores close to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Their mean score, 0 to 1.
    pub mean_score: f64,
    /// Share of synthetic faces among them, 0 to 1.
    pub share_synthetic: f64,
    /// How many faces. A bin of 0 is left out.
    pub count: u64,
}

/// Mean score against share of synthetic faces, with the diagonal of a perfect score; below, how many faces each point
/// stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// Title; the calibration error is added to it.
    pub title: String,
    /// The bins, in any order.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error, 0 to 1.
    pub ece: f64,
}

const WIDTH: usize = 720;
const CHARTS_HEIGHT: usize = 860;
/// Of the upper chart.
const UPPER_HEIGHT: i32 = 610;
const UPPER_LABELS: (&str, &str) = ("mean p(synthetic) of the bin", "share of synthetic faces");
const LOWER_LABELS: (&str, &str) = ("mean p(synthetic) of the bin", "faces");

impl Reliability {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        let ideal = Ink { colour: GREY, stroke: Stroke::Dashed };
        let legend = [
            Entry { mark: Mark::Line(ink(0)), name: "measured".to_owned() },
            Entry { mark: Mark::Line(ideal), name: "perfectly calibrated".to_owned() },
        ];
        let ece = if self.ece.is_finite() { format!("{:.4}", self.ece) } else { "unknown".to_owned() };
        let title = format!("{} (ECE {ece})", self.title);
        let bins = usable(&self.bins);
        let height = head_height(&legend, WIDTH) + CHARTS_HEIGHT;
        save(stem, (WIDTH, height), &|page| {
            let (upper, lower) = titled(page, &title, &legend)?.split_vertically(UPPER_HEIGHT);
            let Some(most) = bins.iter().map(|bin| bin.count).max() else {
                empty(&upper, "", UPPER_LABELS)?;
                return empty(&lower, "", LOWER_LABELS);
            };
            let share = Axis::linear(0.0, 1.0, 10);
            let y = (share.clone(), UPPER_LABELS.1);
            let mut chart = framed(&upper, Frame { caption: "", x: (share.clone(), UPPER_LABELS.0), y })?;
            line(&mut chart, &[(0.0, 0.0), (1.0, 1.0)], ideal)?;
            let points: Vec<_> = bins.iter().map(|bin| (bin.mean_score, bin.share_synthetic)).collect();
            line(&mut chart, &points, ink(0))?;
            for point in points {
                dot(&mut chart, point, BLUE)?;
            }
            let y = (Axis::whole(0.0, most as f64 * 1.05, 6), LOWER_LABELS.1);
            let mut chart = framed(&lower, Frame { caption: "", x: (share, LOWER_LABELS.0), y })?;
            for bin in &bins {
                let (left, right) = (bin.mean_score - 0.012, bin.mean_score + 0.012);
                let corners = [(left, bin.count as f64), (right, 0.0)];
                let outline = [(left, 0.0), (left, corners[0].1), (right, corners[0].1), (right, 0.0)];
                chart.draw_series([Rectangle::new(corners, band(BLUE))])?;
                chart.draw_series([PathElement::new(outline.to_vec(), BLUE.stroke_width(1))])?;
            }
            Ok(())
        })
    }
}

/// The bins that hold faces and have a place, by rising score.
fn usable(bins: &[ReliabilityBin]) -> Vec<ReliabilityBin> {
    let is_share = |value: f64| (0.0..=1.0).contains(&value);
    let mut bins = bins.to_vec();
    bins.retain(|bin| bin.count > 0 && is_share(bin.mean_score) && is_share(bin.share_synthetic));
    bins.sort_by(|a, b| a.mean_score.total_cmp(&b.mean_score));
    bins
}
