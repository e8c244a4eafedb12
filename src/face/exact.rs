//! Resizing a whole photo to the very pixels that Pillow's antialiased bilinear filter gives.
//!
//! Pillow up to version 12 always goes across first, and so does this. (Version 13 goes down first where a picture is tall.)
//! [`super::crop::Cropper`] is faster and now and then one grey level off, which moved the scores of photos by up to
//! 1.5e-3: too much where a table is to be the one that a Python script writes.

/// Binary places of a weight: 32 bits less 8 of a value and 2 to spare, as Pillow has it.
const PLACES: u32 = 22;
/// Half a grey level in a weighted sum.
const HALF: i32 = 1 << (PLACES - 1);

/// A resizer that keeps its buffers between calls.
#[derive(Debug, Default)]
pub struct ExactResizer {
    across: Vec<u8>,
    sums: Vec<i32>,
    weights: Weights,
}

/// Buffers that don't hold what their sizes say.
#[derive(Debug, thiserror::Error)]
#[error("can't resize {} bytes as a picture of {}x{} into {} bytes", bytes, from.0, from.1, room)]
pub struct ExactResizeError {
    bytes: usize,
    from: (usize, usize),
    room: usize,
}

impl ExactResizer {
    /// Resizes an RGB picture of `from` (width, height) into `out` of `to` (width, height).
    ///
    /// Across first, then down, with whole grey levels between the two.
    ///
    /// # Errors
    ///
    /// When a size is 0, or a buffer has not the length that its size says.
    pub fn resize(
        &mut self,
        pixels: &[u8],
        from: (usize, usize),
        out: &mut [u8],
        to: (usize, usize),
    ) -> Result<(), ExactResizeError> {
        let length = |size: (usize, usize)| size.0.checked_mul(size.1)?.checked_mul(3).filter(|&length| length > 0);
        if length(from) != Some(pixels.len()) || length(to) != Some(out.len()) {
            return Err(ExactResizeError { bytes: pixels.len(), from, room: out.len() });
        }
        self.across.resize(to.0 * from.1 * 3, 0);
        self.weights.set(from.0, to.0);
        for (line, row) in self.across.chunks_exact_mut(to.0 * 3).zip(pixels.chunks_exact(from.0 * 3)) {
            for (pixel, taps) in line.as_chunks_mut::<3>().0.iter_mut().zip(&self.weights.taps) {
                let weights = &self.weights.values[taps.weights.clone()];
                let mut sums = [HALF; 3];
                for (values, &weight) in row.as_chunks::<3>().0[taps.first..].iter().zip(weights) {
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum += i32::from(value) * weight;
                    }
                }
                *pixel = sums.map(level);
            }
        }
        self.weights.set(from.1, to.1);
        // A line at a time, so that many columns are worked on together.
        let stride = to.0 * 3;
        self.sums.resize(stride, 0);
        for (line, taps) in out.chunks_exact_mut(stride).zip(&self.weights.taps) {
            let weights = &self.weights.values[taps.weights.clone()];
            self.sums.fill(HALF);
            for (values, &weight) in self.across[taps.first * stride..].chunks_exact(stride).zip(weights) {
                for (sum, &value) in self.sums.iter_mut().zip(values) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (value, &sum) in line.iter_mut().zip(&self.sums) {
                *value = level(sum);
            }
        }
        Ok(())
    }
}

/// A weighted sum as a grey level; [`HALF`] is in it already, so it is rounded.
fn level(sum: i32) -> u8 {
    (sum >> PLACES).clamp(0, 255) as u8
}

/// The weights of one direction: which pixels make up each pixel of the result.
#[derive(Debug, Default)]
struct Weights {
    taps: Vec<Taps>,
    values: Vec<i32>,
}

/// The pixels that make up one pixel of the result, the first of them and their weights.
#[derive(Debug)]
struct Taps {
    first: usize,
    weights: std::ops::Range<usize>,
}

impl Weights {
    /// The triangle filter over `to` pixels made of `from`, its support widened when shrinking.
    fn set(&mut self, from: usize, to: usize) {
        self.taps.clear();
        self.values.clear();
        let scale = from as f64 / to as f64;
        let support = scale.max(1.0);
        for at in 0..to {
            let centre = (at as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let triangle = |pixel: usize| (1.0 - ((pixel as f64 - centre + 0.5) / support).abs()).max(0.0);
            let total: f64 = (first..end).map(triangle).sum();
            let begun = self.values.len();
            let weight = |pixel| (triangle(pixel) / total * f64::from(1 << PLACES)).round() as i32;
            self.values.extend((first..end).map(weight));
            self.taps.push(Taps { first, weights: begun..self.values.len() });
        }
    }
}
