//! How the copy is joined to the target inside the mask.
//!
//! Each kind gives a correction to the target from the difference copy - target and the mask. It is 0 wherever the mask
//! is 0, so the target stands there to the bit.

mod membrane;
mod multiband;
mod pyramid;

use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use self::membrane::Membrane;
use self::multiband::Multiband;
use super::mask::Mask;

/// Up to this share of the full mask the corrections of the kinds that bring their own soft edge grow to their whole.
const RISE: f32 = 0.5;

/// A kind of blending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blend {
    /// A weighted mean, the mask the weight.
    Alpha,
    /// The gradients of the copy on the colours of the target's rim: P. Pérez, M. Gangnet, A. Blake, "Poisson Image
    /// Editing", SIGGRAPH 2003.
    Gradient,
    /// A weighted mean for each band of frequencies, coarse bands over a wider edge: P. Burt, E. Adelson, "A
    /// Multiresolution Spline with Application to Image Mosaics", ACM Transactions on Graphics 2 (4), 1983.
    Multiband,
}

impl Blend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Alpha, Self::Gradient, Self::Multiband];

    /// Draws one; half of them plain weighted means.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..4) {
            0..2 => Self::Alpha,
            2 => Self::Gradient,
            _ => Self::Multiband,
        }
    }
}

impl fmt::Display for Blend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alpha => "alpha",
            Self::Gradient => "gradient",
            Self::Multiband => "multiband",
        })
    }
}

/// Blends pictures, keeping its buffers.
#[derive(Debug, Default)]
pub(super) struct Blender {
    difference: Vec<[f32; 3]>,
    shares: Vec<f32>,
    membrane: Membrane,
    multiband: Multiband,
}

impl Blender {
    /// Blends `copy` into `target`, both RGB of `side` squared, and gives the mean change inside the mask in grey
    /// levels. The mask becomes what was in effect.
    pub(super) fn blend(&mut self, kind: Blend, target: &mut [u8], copy: &[u8], mask: &mut Mask, side: usize) -> f32 {
        let pairs = copy.as_chunks::<3>().0.iter().zip(target.as_chunks::<3>().0);
        self.difference.clear();
        self.difference.extend(pairs.map(|(copy, target)| {
            std::array::from_fn(|channel| f32::from(copy[channel]) - f32::from(target[channel]))
        }));
        if kind == Blend::Gradient {
            // The membrane takes the step out of the edge; a fade as well would leave little of the copy.
            let full = 255.0 * mask.ratio;
            for level in &mut mask.levels {
                *level = ((f32::from(*level) / (RISE * full)).min(1.0) * full).round() as u8;
            }
        }
        self.shares.clear();
        self.shares.extend(mask.levels.iter().map(|&level| f32::from(level) / 255.0));
        match kind {
            Blend::Alpha => scale(&mut self.difference, &self.shares),
            Blend::Gradient => {
                self.membrane.subtract(&mut self.difference, &self.shares, side);
                scale(&mut self.difference, &self.shares);
            }
            Blend::Multiband => {
                self.multiband.weigh(&mut self.difference, &self.shares, side);
                // The coarse bands reach beyond the mask: they end with it, softly.
                let full = RISE * mask.ratio;
                self.shares.iter_mut().for_each(|share| *share = (*share / full).min(1.0));
                scale(&mut self.difference, &self.shares);
            }
        }
        let (mut change, mut weight) = (0.0, 0.0);
        let pixels = target.as_chunks_mut::<3>().0.iter_mut();
        for ((pixel, correction), &level) in pixels.zip(&self.difference).zip(&mask.levels) {
            if level == 0 {
                continue;
            }
            let before = *pixel;
            *pixel = std::array::from_fn(|channel| (f32::from(before[channel]) + correction[channel]).round() as u8);
            let moved: u32 = before.iter().zip(*pixel).map(|(&before, after)| u32::from(before.abs_diff(after))).sum();
            let share = f32::from(level) / (255.0 * mask.ratio);
            change += share * moved as f32 / 3.0;
            weight += share;
        }
        if weight > 0.0 { change / weight } else { 0.0 }
    }
}

fn scale(values: &mut [[f32; 3]], shares: &[f32]) {
    for (value, share) in values.iter_mut().zip(shares) {
        *value = value.map(|value| value * share);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SIDE: usize = 40;

    /// A mask that is full in the middle of the picture and falls off over eight pixels.
    fn mask(ratio: f32) -> Mask {
        let level = |index: usize| {
            let (x, y) = ((index % SIDE) as f32 - 19.5, (index / SIDE) as f32 - 19.5);
            (((16.0 - x.hypot(y)) / 8.0).clamp(0.0, 1.0) * ratio * 255.0).round() as u8
        };
        Mask { levels: (0..SIDE * SIDE).map(level).collect(), ratio }
    }

    /// A target with a slope, and a copy with stripes that is lighter as a whole.
    fn layers() -> (Vec<u8>, Vec<u8>) {
        let target: Vec<u8> = (0..SIDE * SIDE).flat_map(|index| [(80 + index % SIDE) as u8; 3]).collect();
        let stripes = |(index, &value): (usize, &u8)| value + if index / 3 % 4 < 2 { 30 } else { 10 };
        let copy = target.iter().enumerate().map(stripes).collect();
        (target, copy)
    }

    #[test]
    fn outside_the_mask_stands_the_target_and_inside_something_else() {
        for kind in Blend::ALL {
            let (target, copy) = layers();
            let (mut out, mut mask) = (target.clone(), mask(1.0));
            let change = Blender::default().blend(kind, &mut out, &copy, &mut mask, SIDE);
            assert!(change > 4.0, "{kind}: {change}");
            for (index, level) in mask.levels.iter().enumerate() {
                let same = out[index * 3..index * 3 + 3] == target[index * 3..index * 3 + 3];
                assert!(same || *level > 0, "{kind}: pixel {index} has changed outside");
            }
        }
    }

    #[test]
    fn alpha_is_the_weighted_mean() {
        let (target, copy) = layers();
        let (mut out, mut mask) = (target.clone(), mask(0.5));
        Blender::default().blend(Blend::Alpha, &mut out, &copy, &mut mask, SIDE);
        let middle = (20 * SIDE + 20) * 3;
        assert_eq!((target[middle], copy[middle], mask.levels[middle / 3]), (100, 130, 128));
        assert_eq!(out[middle], 115);
    }

    #[test]
    fn gradient_blending_keeps_the_stripes_and_drops_the_shift() {
        let (target, copy) = layers();
        let (mut out, mut mask) = (target.clone(), mask(1.0));
        Blender::default().blend(Blend::Gradient, &mut out, &copy, &mut mask, SIDE);
        let off = |column: usize| {
            let at = (20 * SIDE + column) * 3;
            i32::from(out[at]) - i32::from(target[at])
        };
        // Stripes of 30 and 10 have the mean 20, which the rim of the target takes away.
        for (column, expected) in [(16, 10), (17, 10), (18, -10), (19, -10), (20, 10), (21, 10), (22, -10)] {
            assert!((off(column) - expected).abs() <= 3, "column {column}: {} for {expected}", off(column));
        }
    }

    #[test]
    fn multiband_blending_keeps_the_stripes_sharp_where_the_shift_fades() {
        let (target, copy) = layers();
        let (mut out, mut mask) = (target.clone(), mask(1.0));
        Blender::default().blend(Blend::Multiband, &mut out, &copy, &mut mask, SIDE);
        let at = |column: usize| i32::from(out[(20 * SIDE + column) * 3]);
        let stripe = at(21) - at(23);
        assert!((15..=25).contains(&stripe), "{stripe} of 20 less a slope of 2");
        let middle = at(21) - i32::from(target[(20 * SIDE + 21) * 3]);
        assert!((18..=30).contains(&middle), "{middle} of 30, less what the coarse bands lose");
    }

    #[test]
    fn all_kinds_are_drawn() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn: std::collections::HashSet<_> = (0..100).map(|_| Blend::draw(&mut random)).collect();
        assert_eq!(drawn.len(), Blend::ALL.len());
    }
}
