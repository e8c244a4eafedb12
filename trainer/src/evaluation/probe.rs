//! The shortcut probe: a model that can't see a face at all. It knows colours, contrast, sharpness and the traces of JPEG blocks
//! of a crop. Where it tells real from synthetic faces about as well as a network does, the network's figure says little.

use crate::data::list::Label;

/// Numbers that a crop is known by.
pub const FEATURES: usize = 14;
/// Steps of the descent; the loss is smooth and has one minimum.
const STEPS: usize = 500;
/// Its rate, for features of unit deviation.
const RATE: f64 = 0.5;
/// Weight of the squared weights: some collections can be parted whole, and weights would grow without end.
const DECAY: f64 = 1e-3;
/// Side of JPEG's blocks in pixels.
const BLOCK: usize = 8;

/// What the probe knows of a square crop of RGB, `side` pixels high and wide.
#[must_use]
pub fn features(pixels: &[u8], side: usize) -> [f64; FEATURES] {
    let mut found = [0.0; FEATURES];
    let count = (side * side).max(1) as f64;
    let (mut sum, mut square, mut chroma) = ([0.0; 3], [0.0; 3], 0.0);
    for pixel in pixels.as_chunks::<3>().0 {
        let [red, green, blue] = pixel.map(f64::from);
        for (channel, value) in [red, green, blue].into_iter().enumerate() {
            sum[channel] += value;
            square[channel] += value * value;
        }
        chroma += red.max(green).max(blue) - red.min(green).min(blue);
    }
    for channel in 0..3 {
        let mean = sum[channel] / count;
        found[channel] = mean;
        found[3 + channel] = (square[channel] / count - mean * mean).max(0.0).sqrt();
    }
    found[6] = chroma / count;
    let grey: Vec<f64> = pixels
        .as_chunks::<3>()
        .0
        .iter()
        .map(|&[red, green, blue]| 0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue))
        .collect();
    let log = |energy: f64| (energy + 0.01).ln();
    let at = |column: usize, row: usize| grey[row * side + column];
    // Energy of neighbouring differences at three distances, and of the Laplacian: how sharp it is, and how noisy.
    for (slot, step) in [1, 2, 4].into_iter().enumerate() {
        found[7 + slot] = log(mean_of(side, step, |column, row| {
            (at(column, row) - at(column - step, row)).powi(2) + (at(column, row) - at(column, row - step)).powi(2)
        }));
    }
    found[10] = log(mean_of(side - 1, 1, |column, row| {
        let around = at(column - 1, row) + at(column + 1, row) + at(column, row - 1) + at(column, row + 1);
        (4.0 * at(column, row) - around).powi(2)
    }));
    // Steps from block to block over steps inside blocks, across and down: JPEG's grid, where it was not resampled away.
    let across = |column: usize, row: usize| (at(column, row) - at(column - 1, row)).abs();
    let down = |column: usize, row: usize| (at(column, row) - at(column, row - 1)).abs();
    let edge = |on_edge: bool, of_row: bool| {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in 1..side {
            for column in 1..side {
                let place = if of_row { row } else { column };
                if place.is_multiple_of(BLOCK) == on_edge {
                    sum += if of_row { down(column, row) } else { across(column, row) };
                    count += 1.0;
                }
            }
        }
        sum / f64::max(count, 1.0)
    };
    found[11] = ((edge(true, false) + 0.1) / (edge(false, false) + 0.1)).ln();
    found[12] = ((edge(true, true) + 0.1) / (edge(false, true) + 0.1)).ln();
    // How bright the rim is against the middle: framing and backdrop.
    let quarter = side / 4;
    let is_middle = |column: usize, row: usize| {
        (quarter..side - quarter).contains(&column) && (quarter..side - quarter).contains(&row)
    };
    let (mut middle, mut rim, mut inside) = (0.0, 0.0, 0.0);
    for row in 0..side {
        for column in 0..side {
            if is_middle(column, row) {
                middle += at(column, row);
                inside += 1.0;
            } else {
                rim += at(column, row);
            }
        }
    }
    found[13] = middle / f64::max(inside, 1.0) - rim / f64::max(count - inside, 1.0);
    found
}

/// Mean over all places at least `from` away from the upper and left edge.
fn mean_of(side: usize, from: usize, value: impl Fn(usize, usize) -> f64) -> f64 {
    let mut sum = 0.0;
    for row in from..side {
        for column in from..side {
            sum += value(column, row);
        }
    }
    sum / ((side - from) as f64).powi(2).max(1.0)
}

/// A logistic regression on standardised features; both classes count alike.
#[derive(Clone, Debug)]
pub struct Probe {
    mean: [f64; FEATURES],
    deviation: [f64; FEATURES],
    weights: [f64; FEATURES],
    bias: f64,
}

impl Probe {
    /// Learns from crops whose class is known.
    #[must_use]
    pub fn learn(crops: &[([f64; FEATURES], Label)]) -> Self {
        let count = crops.len().max(1) as f64;
        let (mut mean, mut deviation) = ([0.0; FEATURES], [0.0; FEATURES]);
        for (features, _) in crops {
            mean.iter_mut().zip(features).for_each(|(mean, value)| *mean += value / count);
        }
        for (features, _) in crops {
            for at in 0..FEATURES {
                deviation[at] += (features[at] - mean[at]).powi(2) / count;
            }
        }
        let deviation = deviation.map(|variance: f64| variance.sqrt().max(1e-6));
        let mut probe = Self { mean, deviation, weights: [0.0; FEATURES], bias: 0.0 };
        let synthetic = crops.iter().filter(|(_, label)| *label == Label::Synthetic).count() as f64;
        let share = |label: &Label| match label {
            Label::Synthetic => 0.5 / synthetic.max(1.0),
            Label::Authentic => 0.5 / (count - synthetic).max(1.0),
        };
        let scaled: Vec<([f64; FEATURES], f64, f64)> = crops
            .iter()
            .map(|(features, label)| (probe.scaled(features), label.class() as f64, share(label)))
            .collect();
        for _ in 0..STEPS {
            let (mut slope, mut bias) = (probe.weights.map(|weight| DECAY * weight), 0.0);
            for (features, class, share) in &scaled {
                let error = (1.0 / (1.0 + (-probe.of_scaled(features)).exp()) - class) * share;
                slope.iter_mut().zip(features).for_each(|(slope, value)| *slope += error * value);
                bias += error;
            }
            probe.weights.iter_mut().zip(slope).for_each(|(weight, slope)| *weight -= RATE * slope);
            probe.bias -= RATE * bias;
        }
        probe
    }

    /// The higher, the more synthetic.
    #[must_use]
    pub fn score(&self, features: &[f64; FEATURES]) -> f64 {
        self.of_scaled(&self.scaled(features))
    }

    fn scaled(&self, features: &[f64; FEATURES]) -> [f64; FEATURES] {
        std::array::from_fn(|at| (features[at] - self.mean[at]) / self.deviation[at])
    }

    fn of_scaled(&self, features: &[f64; FEATURES]) -> f64 {
        self.bias + self.weights.iter().zip(features).map(|(weight, value)| weight * value).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scored;

    const SIDE: usize = 32;

    fn picture(level: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..SIDE * SIDE).flat_map(|index| [level(index % SIDE, index / SIDE); 3]).collect()
    }

    #[test]
    fn features_are_what_they_say() {
        let flat = features(&picture(|_, _| 100), SIDE);
        assert_eq!((flat[0], flat[3], flat[6], flat[13]), (100.0, 0.0, 0.0, 0.0));
        let fine = features(&picture(|column, row| if (column + row) % 2 == 0 { 80 } else { 120 }), SIDE);
        assert!((fine[3] - 20.0).abs() < 1e-9 && fine[7] > flat[7] && fine[8] < fine[7], "{fine:?}");
        let blocks = features(&picture(|column, _| (column / 8 * 20) as u8), SIDE);
        assert!(blocks[11] > 3.0 && blocks[12].abs() < 1e-9, "{blocks:?}");
        let bright = features(
            &picture(|column, row| if (8..24).contains(&column) && (8..24).contains(&row) { 90 } else { 50 }),
            SIDE,
        );
        assert!((bright[13] - 40.0).abs() < 1e-9, "{bright:?}");
    }

    #[test]
    fn it_learns_what_can_be_told_and_nothing_else() {
        let crops: Vec<_> = (0..60_usize)
            .map(|number| {
                let label = if number.is_multiple_of(3) { Label::Synthetic } else { Label::Authentic };
                let mut features = [(number * 7 % 11) as f64; FEATURES];
                features[2] = (number * 5 % 13) as f64 + if label == Label::Synthetic { 20.0 } else { 0.0 };
                (features, label)
            })
            .collect();
        let probe = Probe::learn(&crops);
        let scored: Vec<Scored> =
            crops.iter().map(|(features, label)| Scored { score: probe.score(features), label: *label }).collect();
        assert_eq!(crate::metrics::auc(&scored), Some(1.0));
        let largest = (0..FEATURES).max_by(|&a, &b| probe.weights[a].abs().total_cmp(&probe.weights[b].abs()));
        assert_eq!(largest, Some(2));
    }
}
