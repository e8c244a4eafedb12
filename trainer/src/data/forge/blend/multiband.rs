//! Multiband blending: each band of the difference is weighed with a mask as coarse as the band.
//!
//! A Laplacian pyramid is linear, so the blend of target and copy is the target and a blend of 0 and copy - target:
//! one pyramid instead of two.

use super::pyramid;

/// Bands, at most. With five, the coarsest is blended over about 32 pixels.
const BANDS: usize = 5;
/// No band is kept at fewer pixels a side than half of this.
const COARSEST: usize = 16;

/// A level of the pyramids.
#[derive(Debug, Default)]
struct Level {
    side: usize,
    difference: Vec<[f32; 3]>,
    shares: Vec<f32>,
    /// The bands from this one to the coarsest, weighed and summed.
    blend: Vec<[f32; 3]>,
}

/// Blends in bands, keeping its buffers.
#[derive(Debug, Default)]
pub(super) struct Multiband {
    levels: Vec<Level>,
}

impl Multiband {
    /// Weighs the bands of `difference` (`side` squared) with the shares, in place.
    pub(super) fn weigh(&mut self, difference: &mut [[f32; 3]], shares: &[f32], side: usize) {
        let sides = pyramid::sides(side, COARSEST, BANDS);
        self.levels.resize_with(sides.len(), Level::default);
        for (index, &side) in sides.iter().enumerate() {
            let (finer, coarser) = self.levels.split_at_mut(index);
            let level = &mut coarser[0];
            level.side = side;
            level.difference.clear();
            level.shares.clear();
            match finer.last() {
                None => {
                    level.difference.extend_from_slice(difference);
                    level.shares.extend_from_slice(shares);
                }
                Some(finer) => level.shrink(finer),
            }
        }
        for index in (0..sides.len()).rev() {
            let (finer, coarser) = self.levels.split_at_mut(index + 1);
            finer[index].join(coarser.first());
        }
        difference.copy_from_slice(&self.levels[0].blend);
    }
}

impl Level {
    /// The means of up to four places of the finer level each.
    fn shrink(&mut self, finer: &Self) {
        for index in 0..self.side * self.side {
            let (mut sum, mut shares, mut count) = ([0.0; 3], 0.0, 0.0);
            pyramid::under(index, self.side, finer.side, |at| {
                sum = std::array::from_fn(|channel| sum[channel] + finer.difference[at][channel]);
                shares += finer.shares[at];
                count += 1.0;
            });
            self.difference.push(sum.map(|sum| sum / count));
            self.shares.push(shares / count);
        }
    }

    /// The blend of the coarser bands, and this band with its shares: what the coarser level doesn't know of.
    fn join(&mut self, coarser: Option<&Self>) {
        self.blend.clear();
        for (index, (value, share)) in self.difference.iter().zip(&self.shares).enumerate() {
            let (coarse, blend) = coarser.map_or(([0.0; 3], [0.0; 3]), |coarser| {
                let (x, y) = (index % self.side, index / self.side);
                (
                    pyramid::stretched(&coarser.difference, coarser.side, x, y),
                    pyramid::stretched(&coarser.blend, coarser.side, x, y),
                )
            });
            self.blend.push(std::array::from_fn(|channel| blend[channel] + share * (value[channel] - coarse[channel])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(side: usize, difference: impl Fn(usize) -> f32, share: impl Fn(usize) -> f32) -> Vec<f32> {
        let mut values: Vec<[f32; 3]> = (0..side * side).map(|index| [difference(index % side), 0.0, 1.0]).collect();
        let shares: Vec<f32> = (0..side * side).map(|index| share(index % side)).collect();
        Multiband::default().weigh(&mut values, &shares, side);
        values.iter().take(side).map(|value| value[0]).collect()
    }

    #[test]
    fn an_even_mask_scales_all_bands_alike() {
        for side in [8, 33, 280] {
            let difference = |x: usize| (x * x % 19) as f32;
            for (x, value) in weighed(side, difference, |_| 0.5).into_iter().enumerate() {
                assert!((value - difference(x) / 2.0).abs() < 1e-3, "{side}, {x}: {value}");
            }
        }
    }

    #[test]
    fn fine_bands_end_at_the_mask_and_coarse_ones_beyond() {
        // A step of the mask in the middle; fine stripes of +1 and -1 about a mean of 10.
        let line = weighed(128, |x| if x % 2 == 0 { 11.0 } else { 9.0 }, |x| if x < 64 { 1.0 } else { 0.0 });
        let stripe = |x: usize| (line[x] - line[x + 1]) / 2.0;
        assert!(stripe(40) > 0.9 && stripe(80).abs() < 0.2, "{} and {}", stripe(40), stripe(80));
        let mean = |x: usize| (line[x] + line[x + 1]) / 2.0;
        assert!(mean(10) > 9.5 && mean(118) < 0.5);
        assert!((5.5..8.0).contains(&mean(62)) && (2.0..4.5).contains(&mean(64)), "{} and {}", mean(62), mean(64));
    }
}
