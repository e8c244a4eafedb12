//! Faces that a model file is checked with.

use crate::data::faces::{Cutter, Extent, Faces};

/// So many, at most.
const CHECKED: usize = 16;

/// Real crops that a model file is checked with, beside patterns by a formula: some from all over the faces.
///
/// # Errors
///
/// When a photo can't be read any more.
pub fn check_crops(faces: &Faces, indices: &[usize]) -> anyhow::Result<Vec<u8>> {
    let step = indices.len().div_ceil(CHECKED).max(1);
    let mut cutter = Cutter::default();
    let mut crops = Vec::new();
    for &index in indices.iter().step_by(step) {
        crops.extend_from_slice(&faces.view(index, Extent::Exact, &mut cutter)?.pixels);
    }
    Ok(crops)
}
