//! A value over several runs.

/// Mean and spread of a value over runs that differ by their seed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Runs.
    pub runs: usize,
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation, with `runs - 1` in the denominator; `None` for a single run.
    pub deviation: Option<f64>,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

/// The spread of `values`. `None` without one, or with one that isn't finite.
#[must_use]
pub fn spread(values: &[f64]) -> Option<Spread> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Spread {
        runs: values.len(),
        mean,
        deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_by_one_less_than_the_runs() {
        let found = spread(&[1.0, 2.0, 3.0, 6.0]).expect("numbers");
        let deviation = ((4.0 + 1.0 + 0.0 + 9.0) / 3.0_f64).sqrt();
        assert_eq!(found, Spread { runs: 4, mean: 3.0, deviation: Some(deviation), min: 1.0, max: 6.0 });
        assert_eq!(spread(&[0.5]), Some(Spread { runs: 1, mean: 0.5, deviation: None, min: 0.5, max: 0.5 }));
    }

    #[test]
    fn says_nothing_of_nothing() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[0.1, f64::NAN]), None);
        assert_eq!(spread(&[0.1, f64::INFINITY]), None);
    }
}
