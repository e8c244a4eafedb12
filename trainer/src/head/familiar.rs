//! Which faces are unlike anything in training: how far their features lie from the training faces', in those directions in
//! which these differ most, each measured by its own spread (the Mahalanobis distance in the space of the first principal
//! components, over the root of their number).

use cyborg_models::head::Familiar;
use tch::{Kind, Tensor};

/// Finds centre and directions of `features`, `[faces, width]`.
///
/// # Errors
///
/// When libtorch can't, as with features that are no numbers.
pub fn learn(features: &[f32], width: usize, directions: usize) -> Result<Familiar, tch::TchError> {
    let faces = features.len() / width.max(1);
    let x = Tensor::f_from_slice(features)?.f_view([faces as i64, width as i64])?.f_to_kind(Kind::Double)?;
    let centre = x.f_mean_dim(Some(&[0_i64][..]), true, Kind::Double)?;
    let off = x.f_sub(&centre)?;
    let spread = off.f_tr()?.f_matmul(&off)?.f_div_scalar(faces as f64)?;
    // Rising; the last are the largest.
    let (values, vectors) = spread.f_linalg_eigh("L")?;
    let count = directions.min(width) as i64;
    let first = width as i64 - count;
    let values = values.f_narrow(0, first, count)?.f_clamp_min(1e-12)?.f_sqrt()?;
    let scaled = vectors.f_narrow(1, first, count)?.f_div(&values)?;
    let numbers =
        |tensor: &Tensor| Vec::<f32>::try_from(tensor.f_to_kind(Kind::Float)?.f_contiguous()?.f_flatten(0, -1)?);
    Ok(Familiar { centre: numbers(&centre)?, directions: numbers(&scaled)? })
}

/// The distance of one face, as the model file computes it.
#[must_use]
pub fn distance(familiar: &Familiar, features: &[f32]) -> f32 {
    let count = familiar.directions.len() / familiar.centre.len();
    let mut along = vec![0.0_f32; count];
    for ((value, centre), row) in features.iter().zip(&familiar.centre).zip(familiar.directions.chunks_exact(count)) {
        let off = value - centre;
        along.iter_mut().zip(row).for_each(|(sum, direction)| *sum += off * direction);
    }
    (along.iter().map(|value| value * value).sum::<f32>() / count as f32).sqrt()
}
