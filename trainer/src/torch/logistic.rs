//! Logistic regression with a ridge, by Newton's method: a convex problem, so the same data give the same weights.
//!
//! Minimised is the weighted mean of the log loss over the faces plus `ridge / 2` times the squared length of the weights, of
//! features that were brought to mean 0 and deviation 1. The offset is not held back.

use tch::{Kind, Tensor};

/// Steps at most; a ridge makes a handful enough.
const STEPS: usize = 50;
/// A step whose largest change is below this is the last.
const SMALL: f64 = 1e-9;
/// Added to the deviation of a feature, so that one that never changes does no harm.
const LEAST_DEVIATION: f64 = 1e-6;

/// A face's evidence for the second class: its features times `weight`, plus `bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// A weight for each feature as it is, not standardised.
    pub weight: Vec<f64>,
    /// The offset.
    pub bias: f64,
}

impl Logistic {
    /// The evidence of one face, in logits.
    #[must_use]
    pub fn evidence(&self, features: &[f32]) -> f64 {
        features.iter().zip(&self.weight).map(|(&value, weight)| f64::from(value) * weight).sum::<f64>() + self.bias
    }
}

/// Why there are no weights.
#[derive(Debug, thiserror::Error)]
pub enum LogisticError {
    /// Both classes are needed, and a weight above 0 for some face of each.
    #[error("faces of both classes are needed")]
    OneClass,
    /// The descent came to no end, which features that are no numbers can do.
    #[error("the fit didn't converge: are all features finite?")]
    Unsettled,
    /// libtorch failed.
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}

/// Fits it to `features`, `[faces, width]`; `labels` are true for the second class, `weights` say how much each face counts.
///
/// # Errors
///
/// When a class is missing, or the numbers don't settle.
pub fn fit(features: &[f32], labels: &[bool], weights: &[f64], ridge: f64) -> Result<Logistic, LogisticError> {
    let faces = labels.len();
    let total: f64 = weights.iter().sum();
    let has = |class: bool| labels.iter().zip(weights).any(|(&label, &weight)| label == class && weight > 0.0);
    if !has(true) || !has(false) || !total.is_finite() {
        return Err(LogisticError::OneClass);
    }
    let width = features.len() / faces;
    let raw = Tensor::f_from_slice(features)?.f_view([faces as i64, width as i64])?.f_to_kind(Kind::Double)?;
    let mean = raw.f_mean_dim(Some(&[0_i64][..]), true, Kind::Double)?;
    let deviation = raw.f_std_dim(Some(&[0_i64][..]), false, true)?.f_add_scalar(LEAST_DEVIATION)?;
    let ones = Tensor::f_ones([faces as i64, 1], (Kind::Double, tch::Device::Cpu))?;
    let x = Tensor::f_cat(&[raw.f_sub(&mean)?.f_div(&deviation)?, ones], 1)?;
    let targets: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
    let target = Tensor::f_from_slice(&targets)?.f_view([faces as i64, 1])?;
    let share = Tensor::f_from_slice(weights)?.f_view([faces as i64, 1])?.f_div_scalar(total)?;
    let mut held = vec![ridge; width];
    held.push(0.0);
    let held = Tensor::f_from_slice(&held)?;
    let mut solution = Tensor::f_zeros([width as i64 + 1, 1], (Kind::Double, tch::Device::Cpu))?;
    for _ in 0..STEPS {
        let p = x.f_matmul(&solution)?.f_sigmoid()?;
        let residual = p.f_sub(&target)?.f_mul(&share)?;
        let slope = x.f_tr()?.f_matmul(&residual)?.f_add(&held.f_unsqueeze(1)?.f_mul(&solution)?)?;
        let steep = p.f_mul(&p.f_neg()?.f_add_scalar(1.0)?)?.f_mul(&share)?;
        let curve = x.f_tr()?.f_matmul(&x.f_mul(&steep)?)?.f_add(&Tensor::f_diag(&held, 0)?)?;
        let step = slope.f_cholesky_solve(&curve.f_linalg_cholesky(false)?, false)?;
        solution = solution.f_sub(&step)?;
        let change = step.f_abs()?.f_max()?.f_double_value(&[])?;
        if !change.is_finite() {
            return Err(LogisticError::Unsettled);
        }
        if change < SMALL {
            let values: Vec<f64> = Vec::<f64>::try_from(solution.f_flatten(0, -1)?)?;
            let (mean, deviation) = (flat(&mean)?, flat(&deviation)?);
            let weight: Vec<f64> = values.iter().zip(&deviation).map(|(value, deviation)| value / deviation).collect();
            let offset: f64 = weight.iter().zip(&mean).map(|(weight, mean)| weight * mean).sum();
            return Ok(Logistic { weight, bias: values[width] - offset });
        }
    }
    Err(LogisticError::Unsettled)
}

fn flat(tensor: &Tensor) -> Result<Vec<f64>, tch::TchError> {
    Vec::<f64>::try_from(tensor.f_flatten(0, -1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_nothing_at_the_solution() {
        // Two features, one of which tells the classes; a third that never changes.
        let rows: Vec<[f32; 3]> =
            (0..40).map(|at| [(at % 7) as f32, (at % 2) as f32 * 2.0 + (at % 5) as f32, 4.0]).collect();
        let labels: Vec<bool> = (0..40).map(|at| at % 2 == 1).collect();
        let weights: Vec<f64> = (0..40).map(|at| 1.0 + f64::from(at % 3)).collect();
        let ridge = 0.3;
        let Logistic { weight, bias } =
            fit(rows.as_flattened(), &labels, &weights, ridge).expect("both classes are there");
        let total: f64 = weights.iter().sum();
        // By hand, in the standardised features: sum of share * (p - y) * z + ridge * w = 0.
        for feature in 0..2 {
            let column: Vec<f64> = rows.iter().map(|row| f64::from(row[feature])).collect();
            let mean = column.iter().sum::<f64>() / 40.0;
            let deviation = (column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 40.0).sqrt() + LEAST_DEVIATION;
            let mut slope = ridge * weight[feature] * deviation;
            for (at, row) in rows.iter().enumerate() {
                let z: f64 = row.iter().zip(&weight).map(|(&v, w)| f64::from(v) * w).sum::<f64>() + bias;
                let p = 1.0 / (1.0 + (-z).exp());
                slope += weights[at] / total * (p - f64::from(u8::from(labels[at]))) * (column[at] - mean) / deviation;
            }
            assert!(slope.abs() < 1e-8, "feature {feature}: {slope}");
        }
        assert!(weight[1] > 0.1 && weight[2].abs() < 1e-3, "{weight:?}");
    }

    #[test]
    fn one_class_and_no_numbers_are_errors() {
        assert!(matches!(fit(&[1.0, 2.0], &[true, true], &[1.0; 2], 0.1), Err(LogisticError::OneClass)));
        assert!(matches!(fit(&[1.0, 2.0], &[true, false], &[1.0, 0.0], 0.1), Err(LogisticError::OneClass)));
        assert!(fit(&[f32::NAN, 2.0], &[true, false], &[1.0; 2], 0.1).is_err());
    }
}
