//! The axes of a chart: which range they cover, where their ticks are and what is written there.
//!
//! The ranges of plotters aren't used: they look for ticks in a loop that takes very small or very large ranges badly.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Values beyond this are not drawn: a loss of that size is an accident, and would flatten all others.
const LARGEST: f64 = 1e12;

/// True when a value has a place in a chart.
pub(super) fn is_drawable(value: f64) -> bool {
    value.is_finite() && value.abs() <= LARGEST
}

/// How values become places.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

/// How ticks are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Writing {
    /// With this many decimals.
    Decimals(usize),
    /// `1.2e-7`: too long otherwise.
    Power,
    /// A share as per cent, with as few decimals as it needs.
    PerCent,
}

/// An axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
    writing: Writing,
    ticks: Vec<f64>,
}

impl Axis {
    /// From `low` to `high` exactly, with about `count` ticks. A range without width gets one.
    pub(super) fn linear(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = widened(low, high);
        let step = step_of((high - low) / count.max(1) as f64);
        Self::stepped(low, high, step)
    }

    /// Around all drawable values, with some room; `None` when there is none.
    pub(super) fn around(values: impl Iterator<Item = f64>, count: usize) -> Option<Self> {
        let (low, high) =
            values.filter(|&value| is_drawable(value)).fold(None, |range: Option<(f64, f64)>, value| {
                Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })?;
        let room = (high - low) * 0.05;
        Some(Self::linear(low - room, high + room, count))
    }

    /// Over whole numbers from `low` to `high`: no tick lies between two of them.
    pub(super) fn whole(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = if high - low < 1.0 { (low - 0.5, high + 0.5) } else { (low, high) };
        let step = step_of((high - low) / count.max(1) as f64).max(1.0);
        Self::stepped(low, high, step)
    }

    /// From the share `low` (more than 0) to 1, each power of ten a tick.
    pub(super) fn shares(low: f64) -> Self {
        let first = low.max(1e-9).log10();
        let ticks = (first.ceil() as i32..=0).map(|power| 10_f64.powi(power)).collect();
        Self { low: 10_f64.powf(first), high: 1.0, scale: Scale::Logarithmic, writing: Writing::PerCent, ticks }
    }

    /// The same axis with its ticks written as per cent; for shares.
    pub(super) fn in_per_cent(mut self) -> Self {
        self.writing = Writing::PerCent;
        self
    }

    fn stepped(low: f64, high: f64, step: f64) -> Self {
        // A tick that rounding puts a hair outside still counts.
        let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
        let count = (last - first).clamp(0.0, 100.0) as usize;
        let ticks = (0..=count).map(|index| (first + index as f64) * step).collect();
        let decimals = (-step.log10()).ceil().max(0.0) as usize;
        let writing =
            if decimals > 5 || high.abs().max(low.abs()) >= 1e6 { Writing::Power } else { Writing::Decimals(decimals) };
        Self { low, high, scale: Scale::Linear, writing, ticks }
    }

    /// Lower end.
    pub(super) fn low(&self) -> f64 {
        self.low
    }

    /// Upper end.
    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// What stands at `value`.
    pub(super) fn label(&self, value: f64) -> String {
        match self.writing {
            // 0 may come out as -0 from rounding.
            Writing::Decimals(decimals) => format!("{:.decimals$}", value + 0.0),
            Writing::Power => format!("{value:.1e}"),
            Writing::PerCent => format!("{} %", (value * 1e8).round() / 1e6),
        }
    }

    /// Letters of the longest label.
    pub(super) fn longest_label(&self) -> usize {
        self.ticks.iter().map(|&tick| self.label(tick).chars().count()).max().unwrap_or(0)
    }

    /// Takes the ticks away, for a chart without data.
    pub(super) fn without_ticks(mut self) -> Self {
        self.ticks.clear();
        self
    }
}

/// A range that has a width, and one that 64-bit floats can be told apart in.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let least = low.abs().max(high.abs()) * 1e-6;
    if high - low > least.max(1e-12) {
        return (low, high);
    }
    let room = if least > 0.0 { low.abs().max(high.abs()) * 0.1 } else { 0.5 };
    (low - room.max(1e-9), high + room.max(1e-9))
}

/// The first of 1, 2, 5 times a power of ten that is not much smaller than asked for.
fn step_of(wanted: f64) -> f64 {
    let least = wanted * 0.7;
    let power = 10_f64.powf(least.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= least * (1.0 - 1e-9)).unwrap_or(10.0);
    times * power
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    /// Values outside go to the nearer end.
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value.max(self.low).ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    /// The ticks; where a light grid is asked for, what lies between the powers of ten.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if !hint.weight().allow_light_points() {
            return self.ticks.clone();
        }
        if self.scale == Scale::Linear || self.ticks.is_empty() {
            return Vec::new();
        }
        let powers = (self.low.log10().floor() as i32..0).map(|power| 10_f64.powi(power));
        let between = powers.flat_map(|power| (2..10).map(move |times| power * f64::from(times)));
        between.filter(|&value| value >= self.low).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axis: &Axis, labels: &[&str]) {
        let found: Vec<String> = axis.ticks.iter().map(|&tick| axis.label(tick)).collect();
        assert_eq!(found, labels);
    }

    #[test]
    fn ticks_are_round_numbers() {
        check(&Axis::linear(0.0, 1.0, 5), &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(&Axis::linear(-0.3, 0.31, 3), &["-0.2", "0.0", "0.2"]);
        check(&Axis::linear(0.0, 23.0, 6), &["0", "5", "10", "15", "20"]);
        check(&Axis::whole(1.0, 3.0, 10), &["1", "2", "3"]);
        check(&Axis::whole(4.0, 4.0, 10), &["4"]);
        check(&Axis::shares(1e-3), &["0.1 %", "1 %", "10 %", "100 %"]);
        check(&Axis::linear(0.0, 4e6, 2), &["0.0e0", "2.0e6", "4.0e6"]);
    }

    #[test]
    fn a_range_without_width_gets_one() {
        for value in [0.0, 1.0, -3.5, 1e-9, 1e12, -1e12, 1e-300] {
            let axis = Axis::around([value].into_iter(), 5).expect("there is a value");
            assert!(axis.low < value && value < axis.high, "{value}: {axis:?}");
            assert!((1..=20).contains(&axis.ticks.len()), "{value}: {axis:?}");
        }
    }

    #[test]
    fn what_can_not_be_drawn_sets_no_range() {
        assert_eq!(Axis::around([f64::NAN, f64::INFINITY, 1e300].into_iter(), 5), None);
        let axis = Axis::around([f64::NAN, 1.0, f64::NEG_INFINITY, 2.0].into_iter(), 5).expect("there are values");
        assert!(axis.low < 1.0 && axis.low > 0.9 && axis.high > 2.0 && axis.high < 2.1, "{axis:?}");
    }

    #[test]
    fn places_are_in_proportion_and_never_outside() {
        let shares = Axis::shares(1e-3);
        assert_eq!([1e-9, 1e-3, 1e-2, 1e-1, 1.0, 7.0].map(|v| shares.map(&v, (0, 300))), [0, 0, 100, 200, 300, 300]);
        let linear = Axis::linear(0.0, 2.0, 5);
        assert_eq!([-1.0, 0.0, 0.5, 2.0, f64::NAN].map(|v| linear.map(&v, (300, 100))), [300, 300, 250, 100, 300]);
    }
}
