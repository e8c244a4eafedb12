//! Colours of the donor's face brought to those of the target's, as programs do it: by mean and deviation of brightness and
//! colour, of each channel, by the mean alone, with the target's light and shade, or hardly at all.

use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Contrast is changed by this factor at most; more would make a face of stone or of wax.
const GAIN: (f32, f32) = (0.6, 1.6);
/// How much of the way is gone.
const STRENGTH: (f32, f32) = (0.75, 1.0);
/// Mean distance in grey levels up to which colours may stay as they are.
const ALIKE: f32 = 12.0;
/// Side of a cell over which light and shade are taken, over the side of the picture.
const CELLS: usize = 10;
/// How much of the target's light and shade is taken on.
const LIGHT: (f32, f32) = (0.4, 0.9);

/// How colours are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColourMatch {
    /// Mean and deviation of brightness and of both colour differences (E. Reinhard and others, "Color Transfer between
    /// Images", 2001).
    Reinhard,
    /// Mean and deviation of red, green and blue.
    Channels,
    /// The means alone.
    Means,
    /// As [`Self::Reinhard`], then the target's light and shade.
    Light,
    /// Not at all; where the faces differ much, as [`Self::Means`].
    Left,
}

impl ColourMatch {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Reinhard, Self::Channels, Self::Means, Self::Light, Self::Left];

    /// Draws one.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..10) {
            0..3 => Self::Reinhard,
            3..5 => Self::Channels,
            5..7 => Self::Means,
            7..9 => Self::Light,
            _ => Self::Left,
        }
    }

    /// Brings the colours of `donor` to those of `target` by what lies in the mask (levels of 0 to 255); all of them of
    /// `side` squared.
    pub(super) fn apply(self, donor: &mut [u8], target: &[u8], mask: &[u8], side: usize, random: &mut ChaCha8Rng) {
        let strength = random.random_range(STRENGTH.0..=STRENGTH.1);
        let light = random.random_range(LIGHT.0..=LIGHT.1);
        match self {
            Self::Reinhard | Self::Light => {
                transfer(donor, target, mask, strength, Space::Brightness);
                if self == Self::Light {
                    relight(donor, target, mask, side, light);
                }
            }
            Self::Channels => transfer(donor, target, mask, strength, Space::Rgb),
            Self::Means => shift(donor, target, mask, strength),
            Self::Left => {
                let (from, to) = (Moments::of(donor, mask, Space::Rgb), Moments::of(target, mask, Space::Rgb));
                if from.distance(&to) > ALIKE {
                    shift(donor, target, mask, strength);
                }
            }
        }
    }
}

impl fmt::Display for ColourMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reinhard => "colours by brightness",
            Self::Channels => "colours by channel",
            Self::Means => "colours by mean",
            Self::Light => "colours and light",
            Self::Left => "colours left",
        })
    }
}

/// What three numbers of a pixel stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Rgb,
    /// Brightness, blue less brightness, red less brightness.
    Brightness,
}

impl Space {
    fn of_rgb(self, pixel: [u8; 3]) -> [f32; 3] {
        let [red, green, blue] = pixel.map(f32::from);
        match self {
            Self::Rgb => [red, green, blue],
            Self::Brightness => {
                let brightness = 0.299 * red + 0.587 * green + 0.114 * blue;
                [brightness, blue - brightness, red - brightness]
            }
        }
    }

    fn to_rgb(self, [first, second, third]: [f32; 3]) -> [u8; 3] {
        let rgb = match self {
            Self::Rgb => [first, second, third],
            Self::Brightness => [first + third, first - (0.299 * third + 0.114 * second) / 0.587, first + second],
        };
        rgb.map(|value| value.round() as u8)
    }
}

/// Mean and deviation in a mask.
#[derive(Clone, Copy, Debug)]
struct Moments {
    mean: [f32; 3],
    deviation: [f32; 3],
}

impl Moments {
    fn of(pixels: &[u8], mask: &[u8], space: Space) -> Self {
        let (mut sum, mut square, mut all) = ([0.0_f64; 3], [0.0_f64; 3], 0.0_f64);
        for (&pixel, &level) in pixels.as_chunks::<3>().0.iter().zip(mask).filter(|&(_, &level)| level > 0) {
            let weight = f64::from(level);
            for (channel, value) in space.of_rgb(pixel).into_iter().map(f64::from).enumerate() {
                sum[channel] += weight * value;
                square[channel] += weight * value * value;
            }
            all += weight;
        }
        let all = all.max(1.0);
        let mean = sum.map(|sum| sum / all);
        let deviation = |channel: usize| (square[channel] / all - mean[channel].powi(2)).max(0.0).sqrt() as f32;
        Self { mean: mean.map(|mean| mean as f32), deviation: std::array::from_fn(deviation) }
    }

    /// Mean distance of the means.
    fn distance(&self, other: &Self) -> f32 {
        self.mean.iter().zip(other.mean).map(|(a, b)| (a - b).abs()).sum::<f32>() / 3.0
    }
}

/// Mean and deviation of the donor go to those of the target.
fn transfer(donor: &mut [u8], target: &[u8], mask: &[u8], strength: f32, space: Space) {
    let (from, to) = (Moments::of(donor, mask, space), Moments::of(target, mask, space));
    let gain: [f32; 3] =
        std::array::from_fn(|at| (to.deviation[at] / from.deviation[at].max(1.0)).clamp(GAIN.0, GAIN.1));
    for pixel in donor.as_chunks_mut::<3>().0 {
        let values = space.of_rgb(*pixel);
        *pixel = space.to_rgb(std::array::from_fn(|at| {
            let wanted = (values[at] - from.mean[at]) * gain[at] + to.mean[at];
            values[at] + (wanted - values[at]) * strength
        }));
    }
}

/// The donor's means go to those of the target.
fn shift(donor: &mut [u8], target: &[u8], mask: &[u8], strength: f32) {
    let (from, to) = (Moments::of(donor, mask, Space::Rgb), Moments::of(target, mask, Space::Rgb));
    let off: [f32; 3] = std::array::from_fn(|at| (to.mean[at] - from.mean[at]) * strength);
    for pixel in donor.as_chunks_mut::<3>().0 {
        *pixel = std::array::from_fn(|at| (f32::from(pixel[at]) + off[at]).round() as u8);
    }
}

/// Adds a share of the coarse difference between both, which is light and shade.
fn relight(donor: &mut [u8], target: &[u8], mask: &[u8], side: usize, share: f32) {
    let mut cells = [([0.0_f32; 3], 0.0_f32); CELLS * CELLS];
    let cell_of = |index: usize| (index / side * CELLS / side) * CELLS + index % side * CELLS / side;
    let pairs = donor.as_chunks::<3>().0.iter().zip(target.as_chunks::<3>().0);
    for (index, ((own, wanted), &level)) in pairs.zip(mask).enumerate().filter(|(_, (_, level))| **level > 0) {
        let (sum, all) = &mut cells[cell_of(index)];
        let weight = f32::from(level);
        *sum = std::array::from_fn(|at| sum[at] + weight * (f32::from(wanted[at]) - f32::from(own[at])));
        *all += weight;
    }
    // A cell at the edge of the mask leans on its neighbours; one outside of it has nothing but these.
    let full = (side as f32 / CELLS as f32).powi(2) * 255.0;
    let coarse: [[f32; 3]; CELLS * CELLS] = std::array::from_fn(|index| {
        let (column, row) = ((index % CELLS) as i32, (index / CELLS) as i32);
        let (mut sum, mut all) = ([0.0; 3], 0.02 * full);
        for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
            let (x, y) = (column + dx, row + dy);
            if (0..CELLS as i32).contains(&x) && (0..CELLS as i32).contains(&y) {
                let (part, weight) = cells[(y * CELLS as i32 + x) as usize];
                let near = if dx == 0 && dy == 0 { 2.0 } else { 1.0 };
                sum = std::array::from_fn(|at| sum[at] + near * part[at]);
                all += near * weight;
            }
        }
        sum.map(|sum| sum / all)
    });
    for (index, pixel) in donor.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let place = |at: usize| ((at as f32 + 0.5) * CELLS as f32 / side as f32 - 0.5).clamp(0.0, (CELLS - 1) as f32);
        let (x, y) = (place(index % side), place(index / side));
        let (column, row) = ((x as usize).min(CELLS - 2), (y as usize).min(CELLS - 2));
        let (right, below) = (x - column as f32, y - row as f32);
        *pixel = std::array::from_fn(|at| {
            let value = |column: usize, row: usize| coarse[row * CELLS + column][at];
            let above = value(column, row) + (value(column + 1, row) - value(column, row)) * right;
            let under = value(column, row + 1) + (value(column + 1, row + 1) - value(column, row + 1)) * right;
            (f32::from(pixel[at]) + share * (above + (under - above) * below)).round() as u8
        });
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SIDE: usize = 40;

    /// Skin with a slope of light to one side; `sign` says which.
    fn skin(base: [f32; 3], contrast: f32, sign: f32) -> Vec<u8> {
        (0..SIDE * SIDE)
            .flat_map(|index| {
                let light = sign * ((index % SIDE) as f32 - 20.0) + contrast * ((index * 7919 % 31) as f32 - 15.0);
                base.map(|value| (value + light).round() as u8)
            })
            .collect()
    }

    fn off(donor: &[u8], target: &[u8]) -> f32 {
        let sum: u32 = donor.iter().zip(target).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
        sum as f32 / donor.len() as f32
    }

    #[test]
    fn every_way_brings_colours_nearer() {
        let (target, donor) = (skin([150.0, 110.0, 95.0], 0.5, 0.6), skin([200.0, 170.0, 140.0], 1.0, -0.6));
        let mask = vec![255; SIDE * SIDE];
        let before = off(&donor, &target);
        let mut after = Vec::new();
        for way in ColourMatch::ALL {
            let mut changed = donor.clone();
            way.apply(&mut changed, &target, &mask, SIDE, &mut ChaCha8Rng::seed_from_u64(1));
            after.push(off(&changed, &target));
        }
        let [reinhard, channels, means, light, _] = after[..] else { unreachable!("five ways") };
        assert!(after.iter().all(|&after| after < 0.75 * before), "{after:?} of {before}");
        assert!(reinhard < 0.45 * before && channels < 0.45 * before && means < 0.45 * before, "{after:?} of {before}");
        assert!(light < 0.7 * reinhard, "{after:?}");
    }

    #[test]
    fn faces_that_are_alike_may_be_left() {
        let (target, donor) = (skin([150.0, 110.0, 95.0], 0.5, 0.0), skin([155.0, 112.0, 95.0], 0.5, 0.0));
        let mut changed = donor.clone();
        let random = &mut ChaCha8Rng::seed_from_u64(1);
        ColourMatch::Left.apply(&mut changed, &target, &vec![255; SIDE * SIDE], SIDE, random);
        assert_eq!(changed, donor);
    }

    #[test]
    fn brightness_and_colour_differences_are_a_pixel_again() {
        for pixel in [[0, 0, 0], [255, 255, 255], [200, 150, 120], [10, 200, 90]] {
            assert_eq!(Space::Brightness.to_rgb(Space::Brightness.of_rgb(pixel)), pixel);
        }
    }
}
