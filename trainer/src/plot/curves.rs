//! Training curves: what several runs of the same setting did epoch by epoch, beside other settings.

use std::collections::BTreeMap;
use std::path::Path;

use super::axis::{Axis, is_drawable};
use super::chart::{Entry, Frame, Mark, empty, fill_between, framed, head_height, ink, line, titled};
use super::page::{Area, Fault};
use super::{PlotError, save};

/// What was measured after an epoch. NaN where it was not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPoint {
    /// Number of the epoch.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Accuracy on the validation faces, 0 to 1.
    pub accuracy: f64,
    /// Area under the ROC curve on the validation faces, 0 to 1.
    pub auc: f64,
    /// Mean distance between activation map and saliency map.
    pub cam_error: f64,
}

/// Runs of one setting, which differ in their seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Name in the legend.
    pub name: String,
    /// The epochs of each run. Runs may end at different epochs.
    pub runs: Vec<Vec<EpochPoint>>,
}

/// What the band around the mean says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// From the smallest to the largest value of the runs.
    Range,
    /// One standard deviation (of a sample: over n - 1) to each side.
    Deviation,
}

/// Four panels over the epoch: training loss, validation accuracy, validation AUC, CAM error.
///
/// At each epoch the mean is taken over the runs that have a value there. A single run is a line without a band.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingCurves {
    /// Title.
    pub title: String,
    /// The settings, each in a colour of its own.
    pub settings: Vec<Setting>,
    /// What the bands say.
    pub band: Band,
}

const WIDTH: usize = 1100;
const PANELS_HEIGHT: usize = 760;

type Measure = fn(&EpochPoint) -> f64;
const PANELS: [(&str, &str, Measure); 4] = [
    ("Training loss", "loss", |point| point.loss),
    ("Validation accuracy", "accuracy", |point| point.accuracy),
    ("Validation AUC", "AUC", |point| point.auc),
    ("CAM error", "CAM error", |point| point.cam_error),
];

/// A mean over runs with the ends of its band.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Middle {
    epoch: f64,
    mean: f64,
    low: f64,
    high: f64,
}

impl TrainingCurves {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        let legend = self.legend();
        let height = head_height(&legend, WIDTH) + PANELS_HEIGHT;
        save(stem, (WIDTH, height), &|page| {
            let panels = titled(page, &self.title, &legend)?.split_evenly((2, 2));
            for (area, (caption, label, measure)) in panels.iter().zip(PANELS) {
                self.panel(area, caption, label, measure)?;
            }
            Ok(())
        })
    }

    fn legend(&self) -> Vec<Entry> {
        let band = match self.band {
            Band::Range => "min to max",
            Band::Deviation => "+- 1 std",
        };
        let entry = |(index, setting): (usize, &Setting)| match setting.runs.len() {
            0 => Entry { mark: Mark::Line(ink(index)), name: format!("{} (no run)", setting.name) },
            1 => Entry { mark: Mark::Line(ink(index)), name: format!("{} (1 run)", setting.name) },
            runs => {
                let name = format!("{} (mean of {runs} runs, {band})", setting.name);
                Entry { mark: Mark::Both(ink(index)), name }
            }
        };
        self.settings.iter().enumerate().map(entry).collect()
    }

    fn panel(&self, area: &Area<'_>, caption: &str, label: &str, measure: Measure) -> Result<(), Fault> {
        let curves: Vec<_> = self.settings.iter().map(|setting| middles(&setting.runs, measure, self.band)).collect();
        let all = || curves.iter().flatten();
        let Some(y) = Axis::around(all().flat_map(|point| [point.mean, point.low, point.high]), 6) else {
            return empty(area, caption, ("epoch", label));
        };
        let (first, last) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), point| {
            (first.min(point.epoch), last.max(point.epoch))
        });
        let x = (Axis::whole(first, last, 7), "epoch");
        let mut chart = framed(area, Frame { caption, x, y: (y, label) })?;
        for (index, curve) in curves.iter().enumerate() {
            if self.settings[index].runs.len() > 1 {
                let band: Vec<_> = curve.iter().map(|point| (point.epoch, point.low, point.high)).collect();
                fill_between(&mut chart, &band, ink(index).colour)?;
            }
        }
        for (index, curve) in curves.iter().enumerate() {
            let means: Vec<_> = curve.iter().map(|point| (point.epoch, point.mean)).collect();
            line(&mut chart, &means, ink(index))?;
        }
        Ok(())
    }
}

/// Mean and band at each epoch that has a value.
fn middles(runs: &[Vec<EpochPoint>], measure: Measure, band: Band) -> Vec<Middle> {
    let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for point in runs.iter().flatten() {
        let value = measure(point);
        if is_drawable(value) && is_drawable(point.epoch as f64) {
            by_epoch.entry(point.epoch).or_default().push(value);
        }
    }
    by_epoch.into_iter().map(|(epoch, values)| middle(epoch as f64, &values, band)).collect()
}

fn middle(epoch: f64, values: &[f64], band: Band) -> Middle {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let (low, high) = match band {
        Band::Range => values.iter().fold((mean, mean), |(low, high), &value| (low.min(value), high.max(value))),
        Band::Deviation => {
            let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
            (mean - deviation, mean + deviation)
        }
    };
    Middle { epoch, mean, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(losses: &[f64]) -> Vec<EpochPoint> {
        let point = |(epoch, &loss)| EpochPoint { epoch, loss, accuracy: f64::NAN, auc: 0.5, cam_error: 0.0 };
        losses.iter().enumerate().map(point).collect()
    }

    #[test]
    fn the_mean_is_over_the_runs_that_got_so_far() {
        let runs = [run(&[1.0, 4.0, f64::NAN]), run(&[3.0])];
        let range = middles(&runs, |point| point.loss, Band::Range);
        let first = Middle { epoch: 0.0, mean: 2.0, low: 1.0, high: 3.0 };
        assert_eq!(range, [first, Middle { epoch: 1.0, mean: 4.0, low: 4.0, high: 4.0 }]);
        // Of 1 and 3: squares of 1 and 1 over n - 1 = 1.
        let deviation = middles(&runs, |point| point.loss, Band::Deviation);
        assert_eq!(deviation[0], Middle { low: 2.0 - 2_f64.sqrt(), high: 2.0 + 2_f64.sqrt(), ..first });
        assert_eq!(deviation[1], range[1]);
        assert_eq!(middles(&runs, |point| point.accuracy, Band::Range), []);
    }
}
