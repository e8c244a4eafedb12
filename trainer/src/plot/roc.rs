//! ROC curves with a logarithmic axis of false detections: a detector is used where these are rare.

use std::path::Path;

use super::axis::Axis;
use super::chart::{Entry, Frame, GREY, Ink, Mark, Stroke, dot, empty, framed, head_height, ink, line, titled};
use super::{PlotError, save};

/// A point of a ROC curve: what one threshold gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// False detection rate: share of the authentic faces called synthetic, 0 to 1.
    pub false_detections: f64,
    /// True detection rate: share of the synthetic faces called synthetic, 0 to 1.
    pub true_detections: f64,
}

/// A named curve.
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// Name in the legend.
    pub name: String,
    /// The points, in any order.
    pub points: Vec<RocPoint>,
    /// Area under the curve, 0 to 1; NaN when unknown.
    pub auc: f64,
}

/// ROC curves from a false detection rate of 0.1 % to 100 %, with dots at 0.1, 0.2, 1 and 5 % and the line of chance.
///
/// Curves are steps: at each false detection rate stands the best rate of true detections that a threshold reaches
/// without exceeding it. Nothing is promised between two thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct RocPlot {
    /// Title.
    pub title: String,
    /// The curves.
    pub curves: Vec<RocCurve>,
}

/// The false detection rates that get a dot.
pub const MARKED_RATES: [f64; 4] = [0.001, 0.002, 0.01, 0.05];

const WIDTH: usize = 900;
const CHART_HEIGHT: usize = 640;
const LOWEST: f64 = 1e-3;
/// Rises below this share of the axis would be drawn within a pixel, and are gathered.
const FINEST: f64 = 1.0 / 2000.0;
const LABELS: (&str, &str) = ("false detection rate (authentic called synthetic)", "true detection rate");

impl RocPlot {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        let chance = Ink { colour: GREY, stroke: Stroke::Dashed };
        let mut legend: Vec<_> = self.curves.iter().enumerate().map(|(index, curve)| entry(index, curve)).collect();
        legend.push(Entry { mark: Mark::Line(chance), name: "chance".to_owned() });
        let height = head_height(&legend, WIDTH) + CHART_HEIGHT;
        save(stem, (WIDTH, height), &|page| {
            let area = titled(page, &self.title, &legend)?;
            if self.curves.iter().all(|curve| usable(&curve.points).is_empty()) {
                return empty(&area, "", LABELS);
            }
            let (x, y) = (Axis::shares(LOWEST), Axis::linear(0.0, 1.0, 10));
            let mut chart = framed(&area, Frame { caption: "", x: (x, LABELS.0), y: (y, LABELS.1) })?;
            let diagonal: Vec<_> = (0..=60).map(|step| 10_f64.powf(f64::from(step) / 20.0 - 3.0)).collect();
            line(&mut chart, &diagonal.into_iter().map(|rate| (rate, rate)).collect::<Vec<_>>(), chance)?;
            for (index, curve) in self.curves.iter().enumerate() {
                let points = usable(&curve.points);
                if points.is_empty() {
                    continue;
                }
                line(&mut chart, &steps(&points), ink(index))?;
                for rate in MARKED_RATES {
                    dot(&mut chart, (rate, reached(&points, rate)), ink(index).colour)?;
                }
            }
            Ok(())
        })
    }
}

fn entry(index: usize, curve: &RocCurve) -> Entry {
    let name = if usable(&curve.points).is_empty() {
        format!("{}: no data", curve.name)
    } else if curve.auc.is_finite() {
        format!("{}: AUC {:.4}", curve.name, curve.auc)
    } else {
        curve.name.clone()
    };
    Entry { mark: Mark::Line(ink(index)), name }
}

/// The points that are rates, by rising false detections.
fn usable(points: &[RocPoint]) -> Vec<RocPoint> {
    let is_rate = |rate: f64| (0.0..=1.0).contains(&rate);
    let mut points: Vec<_> = points.to_vec();
    points.retain(|point| is_rate(point.false_detections) && is_rate(point.true_detections));
    points.sort_by(|a, b| {
        let by_false = a.false_detections.total_cmp(&b.false_detections);
        by_false.then(a.true_detections.total_cmp(&b.true_detections))
    });
    points
}

/// The best rate of true detections within a rate of false ones; 0 when no threshold is so strict.
fn reached(points: &[RocPoint], rate: f64) -> f64 {
    let within = points.iter().take_while(|point| point.false_detections <= rate * (1.0 + 1e-9));
    within.fold(0.0, |best: f64, point| best.max(point.true_detections))
}

/// The corners of the steps from [`LOWEST`] to 1, without those that no pixel shows.
fn steps(points: &[RocPoint]) -> Vec<(f64, f64)> {
    let mut height = reached(points, LOWEST);
    let mut corners = vec![(LOWEST, height)];
    let mut best = height;
    // Points below the axis are within the first height, and rise no further.
    for point in points {
        best = best.max(point.true_detections);
        if best - height < FINEST {
            continue;
        }
        corners.push((point.false_detections, height));
        corners.push((point.false_detections, best));
        height = best;
    }
    corners.push((1.0, height));
    corners.push((1.0, best));
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f64, f64)]) -> Vec<RocPoint> {
        let point = |&(false_detections, true_detections)| RocPoint { false_detections, true_detections };
        usable(&pairs.iter().map(point).collect::<Vec<_>>())
    }

    #[test]
    fn a_dot_stands_at_what_a_threshold_reaches() {
        let points = points(&[(1.0, 1.0), (0.02, 0.8), (0.0, 0.3), (0.01, 0.6), (f64::NAN, 0.9), (0.0, 1.2)]);
        assert_eq!(points.len(), 4);
        assert_eq!(
            [0.0, 0.001, 0.01, 0.015, 0.05, 1.0].map(|rate| reached(&points, rate)),
            [0.3, 0.3, 0.6, 0.6, 0.8, 1.0]
        );
        assert_eq!(reached(&points[1..], 0.005), 0.0);
    }

    #[test]
    fn a_curve_is_steps() {
        let points = points(&[(0.0, 0.3), (0.01, 0.6), (1.0, 1.0)]);
        let corners = [(0.001, 0.3), (0.01, 0.3), (0.01, 0.6), (1.0, 0.6), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)];
        assert_eq!(steps(&points), corners);
    }

    #[test]
    fn a_steep_rise_stays_where_it_is() {
        let points = points(&[(0.01, 0.3), (0.010_000_1, 0.9), (1.0, 1.0)]);
        let corners = steps(&points);
        assert!(corners.contains(&(0.010_000_1, 0.9)), "{corners:?}");
    }

    #[test]
    fn a_long_curve_is_thinned_within_a_pixel() {
        let many: Vec<_> = (0..=200_000).map(|i| (f64::from(i) / 2e5, (f64::from(i) / 2e5).sqrt())).collect();
        let points = points(&many);
        let corners = steps(&points);
        assert!(corners.len() < 4100, "{}", corners.len());
        for &(x, y) in &corners {
            assert!((x.sqrt() - y).abs() < 0.002, "({x}, {y})");
        }
    }
}
