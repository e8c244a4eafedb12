//! Histograms of scores: where the two classes lie, and how many cross the thresholds.

use std::path::Path;

use plotters::style::RGBColor;

use super::axis::Axis;
use super::chart::{
    BLACK, Chart, Entry, Frame, GREEN, Ink, Mark, Stroke, VERMILLION, empty, fill_between, framed, head_height, line,
    titled,
};
use super::page::{Area, Fault};
use super::{DataFault, PlotError, save, with_ending};

/// Scores of both classes as shares of their class, above on a linear axis and below on a logarithmic one, which shows
/// the few scores far from their class.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreHistogram {
    /// Title.
    pub title: String,
    /// p(synthetic) of authentic faces. What is not in 0 to 1 is left out, and the legend tells how many.
    pub authentic: Vec<f64>,
    /// p(synthetic) of synthetic faces.
    pub synthetic: Vec<f64>,
    /// Scores below it are called authentic; drawn as a line.
    pub authentic_below: Option<f64>,
    /// Scores above it are called synthetic; drawn as a line.
    pub synthetic_above: Option<f64>,
    /// Number of bins over 0 to 1, 1 to 400.
    pub bins: usize,
}

const WIDTH: usize = 900;
const PANELS_HEIGHT: usize = 720;
const MOST_BINS: usize = 400;
const LABELS: (&str, &str) = ("p(synthetic)", "share of the class");

/// Counts of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counts {
    bins: Vec<u64>,
    total: u64,
    left_out: u64,
}

impl ScoreHistogram {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When `bins` is 0 or more than 400, or a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        if !(1..=MOST_BINS).contains(&self.bins) {
            let fault = DataFault::Count { what: "the number of bins", most: MOST_BINS, given: self.bins };
            return Err(PlotError::Data { path: with_ending(stem, ".svg"), fault });
        }
        let classes = [
            ("authentic", GREEN, counts(&self.authentic, self.bins)),
            ("synthetic", VERMILLION, counts(&self.synthetic, self.bins)),
        ];
        let legend = self.legend(&classes);
        let height = head_height(&legend, WIDTH) + PANELS_HEIGHT;
        save(stem, (WIDTH, height), &|page| {
            let panels = titled(page, &self.title, &legend)?.split_evenly((2, 1));
            let drawn = classes.iter().filter(|(_, _, counts)| counts.total > 0);
            let shares = drawn.flat_map(|(_, _, counts)| counts.bins.iter().map(|&count| share(count, counts)));
            let highest = shares.clone().fold(0.0, f64::max);
            let lowest = shares.filter(|&share| share > 0.0).fold(1.0, f64::min);
            let axes = [
                ("linear", Axis::linear(0.0, (highest * 1.05).min(1.0), 8).in_per_cent()),
                // Half of the rarest bin, so that its bar has a height.
                ("logarithmic", Axis::shares(lowest.min(0.1) * 0.5)),
            ];
            for (area, (caption, axis)) in panels.iter().zip(axes) {
                if highest == 0.0 {
                    empty(area, caption, LABELS)?;
                } else {
                    self.panel(area, caption, axis, &classes)?;
                }
            }
            Ok(())
        })
    }

    fn legend(&self, classes: &[(&str, RGBColor, Counts)]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, colour, counts) in classes {
            let left_out = if counts.left_out > 0 { format!(", {} left out", counts.left_out) } else { String::new() };
            let name = format!("{name} ({} faces{left_out})", counts.total);
            entries.push(Entry { mark: Mark::Band(*colour), name });
        }
        for (name, threshold) in self.thresholds() {
            entries.push(Entry { mark: Mark::Line(threshold.1), name: format!("{name} {:.3}", threshold.0) });
        }
        entries
    }

    /// The thresholds that have a place, with their ink.
    fn thresholds(&self) -> impl Iterator<Item = (&'static str, (f64, Ink))> {
        let both = [
            ("authentic below", self.authentic_below, Stroke::Dashed),
            ("synthetic above", self.synthetic_above, Stroke::Whole),
        ];
        both.into_iter().filter_map(|(name, threshold, stroke)| {
            let threshold = threshold.filter(|threshold| (0.0..=1.0).contains(threshold))?;
            Some((name, (threshold, Ink { colour: BLACK, stroke })))
        })
    }

    fn panel(
        &self,
        area: &Area<'_>,
        caption: &str,
        axis: Axis,
        classes: &[(&str, RGBColor, Counts)],
    ) -> Result<(), Fault> {
        let (low, high) = (axis.low(), axis.high());
        let x = (Axis::linear(0.0, 1.0, 10), LABELS.0);
        let mut chart = framed(area, Frame { caption, x, y: (axis, LABELS.1) })?;
        for (_, colour, counts) in classes {
            bars(&mut chart, counts, low, *colour)?;
        }
        for (_, (threshold, ink)) in self.thresholds() {
            line(&mut chart, &[(threshold, low), (threshold, high)], ink)?;
        }
        Ok(())
    }
}

/// Bars one can look through, with a line over their tops.
fn bars(chart: &mut Chart<'_>, counts: &Counts, floor: f64, colour: RGBColor) -> Result<(), Fault> {
    let edge = |bin: usize| bin as f64 / counts.bins.len() as f64;
    let mut tops = Vec::new();
    for (bin, &count) in counts.bins.iter().enumerate() {
        let top = share(count, counts).max(floor);
        tops.extend([(edge(bin), floor, top), (edge(bin + 1), floor, top)]);
    }
    fill_between(chart, &tops, colour)?;
    let outline = tops.into_iter().map(|(x, _, top)| (x, top)).collect::<Vec<_>>();
    line(chart, &outline, Ink { colour, stroke: Stroke::Whole })
}

fn share(count: u64, counts: &Counts) -> f64 {
    count as f64 / counts.total.max(1) as f64
}

/// Counts scores into `bins` equal bins over 0 to 1; a score of 1 belongs to the last.
fn counts(scores: &[f64], bins: usize) -> Counts {
    let mut counts = Counts { bins: vec![0; bins], total: 0, left_out: 0 };
    for &score in scores {
        if !(0.0..=1.0).contains(&score) {
            counts.left_out += 1;
            continue;
        }
        counts.bins[((score * bins as f64) as usize).min(bins - 1)] += 1;
        counts.total += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_score_falls_into_one_bin_or_is_left_out() {
        let scores = [0.0, 0.24, 0.25, 0.5, 0.99, 1.0, f64::NAN, -0.1, 1.1, f64::INFINITY];
        assert_eq!(counts(&scores, 4), Counts { bins: vec![2, 1, 1, 2], total: 6, left_out: 4 });
        assert_eq!(counts(&[], 2), Counts { bins: vec![0, 0], total: 0, left_out: 0 });
    }
}
