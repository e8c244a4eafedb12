//! Errors at thresholds, by the names of ISO/IEC 30107-3.

use super::Scored;
use crate::data::list::Label;

/// Error rates of the three-way verdict; each in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ErrorRates {
    /// Share of synthetic faces taken for authentic.
    pub apcer: f64,
    /// Share of bona fide (authentic) faces taken for synthetic.
    pub bpcer: f64,
}

/// Error rates when a score below `authentic_below` is taken for authentic, and one above `synthetic_above` for
/// synthetic. `None` without a face of each class.
#[must_use]
pub fn error_rates(scored: &[Scored], authentic_below: f64, synthetic_above: f64) -> Option<ErrorRates> {
    let share = |label: Label, wrong: &dyn Fn(f64) -> bool| {
        let of_class = || scored.iter().filter(|each| each.label == label);
        let all = of_class().count();
        (all > 0).then(|| of_class().filter(|each| wrong(each.score)).count() as f64 / all as f64)
    };
    Some(ErrorRates {
        apcer: share(Label::Synthetic, &|score| score < authentic_below)?,
        bpcer: share(Label::Authentic, &|score| score > synthetic_above)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faces() -> Vec<Scored> {
        [0.1, 0.4, 0.9, 0.5]
            .map(|score| Scored { score, label: Label::Authentic })
            .into_iter()
            .chain([0.2, 0.6, 0.8, 0.95, 0.29].map(|score| Scored { score, label: Label::Synthetic }))
            .collect()
    }

    #[test]
    fn counts_what_is_taken_for_the_other_class() {
        let rates = error_rates(&faces(), 0.3, 0.7).expect("both classes are there");
        assert_eq!(rates, ErrorRates { apcer: 2.0 / 5.0, bpcer: 1.0 / 4.0 });
        assert_eq!(error_rates(&faces()[..4], 0.3, 0.7), None);
    }
}
