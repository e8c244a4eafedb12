//! A layer that agrees with another on a face, and gives the same result when the face is shrunk or compressed.
//!
//! A layer that learns the *class* of coded faces beside that of faces as they are finds a compromise, and is worse at both. One that
//! learns another layer's *evidence* has only to take out of it what coding moves: each face, and its variant, by least squares
//! with a ridge, to the evidence of the face as it is.

use tch::{Kind, Tensor};

use crate::torch::Logistic;

/// Added to the deviation of a feature, so that one that never changes does no harm.
const LEAST_DEVIATION: f64 = 1e-6;

/// Faces as they are, and variants of each in the same order.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// `[faces, width]`.
    pub plain: &'a [f32],
    /// `[faces, width]` each; they count alike.
    pub variants: &'a [&'a [f32]],
    /// How much each face counts, `[faces]`.
    pub weights: &'a [f64],
}

/// Fits it; `share` in 0 to 1 is what the variants count, `ridge` holds back weights of features that were brought to mean 0 and
/// deviation 1.
///
/// # Errors
///
/// When libtorch can't, as with features that are no numbers.
pub fn steady(layer: &Logistic, faces: Shown<'_>, share: f64, ridge: f64) -> Result<Logistic, tch::TchError> {
    let width = layer.weight.len();
    let count = faces.weights.len() as i64;
    let evidence: Vec<f64> = faces.plain.chunks_exact(width).map(|face| layer.evidence(face)).collect();
    let target = Tensor::f_from_slice(&evidence)?.f_repeat([1 + faces.variants.len() as i64])?.f_unsqueeze(1)?;
    let total: f64 = faces.weights.iter().sum();
    let weights = Tensor::f_from_slice(faces.weights)?.f_div_scalar(total)?;
    let varied =
        weights.f_mul_scalar(share / faces.variants.len().max(1) as f64)?.f_repeat([faces.variants.len() as i64])?;
    let weights = Tensor::f_cat(&[weights.f_mul_scalar(1.0 - share)?, varied], 0)?.f_unsqueeze(1)?;
    let features = |of: &[f32]| Tensor::f_from_slice(of)?.f_view([count, width as i64])?.f_to_kind(Kind::Double);
    let all = [faces.plain].into_iter().chain(faces.variants.iter().copied());
    let raw = Tensor::f_cat(&all.map(features).collect::<Result<Vec<_>, _>>()?, 0)?;
    let sum = |of: &Tensor| of.f_mul(&weights)?.f_sum_dim_intlist(Some(&[0_i64][..]), true, Kind::Double);
    let (mean, middle) = (sum(&raw)?, sum(&target)?);
    let deviation = raw.f_std_dim(Some(&[0_i64][..]), false, true)?.f_add_scalar(LEAST_DEVIATION)?;
    let x = raw.f_sub(&mean)?.f_div(&deviation)?;
    let weighed = x.f_mul(&weights)?.f_tr()?;
    let held = Tensor::f_eye(width as i64, (Kind::Double, tch::Device::Cpu))?.f_mul_scalar(ridge)?;
    let curve = weighed.f_matmul(&x)?.f_add(&held)?;
    let slope = weighed.f_matmul(&target.f_sub(&middle)?)?;
    let solution = slope.f_cholesky_solve(&curve.f_linalg_cholesky(false)?, false)?;
    let numbers = |tensor: &Tensor| Vec::<f64>::try_from(tensor.f_contiguous()?.f_flatten(0, -1)?);
    let (solution, mean, deviation) = (numbers(&solution)?, numbers(&mean)?, numbers(&deviation)?);
    let weight: Vec<f64> = solution.iter().zip(&deviation).map(|(value, deviation)| value / deviation).collect();
    let offset: f64 = weight.iter().zip(&mean).map(|(weight, mean)| weight * mean).sum();
    Ok(Logistic { weight, bias: middle.f_double_value(&[0, 0])? - offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faces of three features: what tells the class, what coding moves, and their sum.
    fn faces(moved: f32) -> Vec<f32> {
        (0..200)
            .flat_map(|at| {
                let (telling, quality) = ((at % 11) as f32 - 5.0, (at * 7 % 13) as f32 * 0.3 - moved);
                [telling, quality, telling + quality]
            })
            .collect()
    }

    #[test]
    fn what_coding_moves_is_taken_out_and_the_rest_stays() {
        // It looks at the sum, which a variant has less of by 4.
        let layer = Logistic { weight: vec![0.0, 0.0, 1.0], bias: 0.5 };
        let (plain, varied) = (faces(0.0), faces(4.0));
        let weights = vec![1.0; 200];
        let of = |layer: &Logistic, features: &[f32]| -> Vec<f64> {
            features.chunks_exact(3).map(|face| layer.evidence(face)).collect()
        };
        let away = |one: &[f64], other: &[f64]| {
            one.iter().zip(other).map(|(a, b)| (a - b).abs()).sum::<f64>() / one.len() as f64
        };
        let before = of(&layer, &plain);
        assert!((away(&before, &of(&layer, &varied)) - 4.0).abs() < 1e-4);
        let shown = Shown { plain: &plain, variants: &[&varied], weights: &weights };
        let found = steady(&layer, shown, 0.5, 1e-6).expect("libtorch can");
        assert!(away(&before, &of(&found, &varied)) < 1.2, "{:?}", found);
        assert!(away(&before, &of(&found, &plain)) < 1.2, "{:?}", found);
        // With variants that don't count, it is the layer that it learns from.
        let same = steady(&layer, shown, 0.0, 1e-9).expect("libtorch can");
        assert!(away(&before, &of(&same, &plain)) < 1e-3, "{:?}", same);
    }
}
