//! Noise as of a sensor, in all channels alike or in each its own.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::tone::Tone;

/// Standard deviation in grey levels: from a good camera indoors to a phone in the evening.
const DEVIATION: (f32, f32) = (2.5, 6.5);
/// Standard deviation of the sum of four even bytes: four times (256 squared less 1) over 12, and the root of it.
const OF_BYTES: f32 = 147.8;
/// Mean of the sum of four even bytes.
const MEAN: f32 = 510.0;

/// One such change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Noise {
    /// The same in all channels, with this standard deviation in grey levels.
    Grey(f32),
    /// In each channel its own.
    Coloured(f32),
}

impl Noise {
    /// Draws a kind and strength; noise on a grey picture is grey.
    pub(super) fn draw(tone: Tone, random: &mut ChaCha8Rng) -> Self {
        let deviation = random.random_range(DEVIATION.0..=DEVIATION.1);
        if tone == Tone::Grey || random.random_bool(0.5) { Self::Grey(deviation) } else { Self::Coloured(deviation) }
    }

    /// Adds it to all pixels.
    pub(super) fn apply(self, pixels: &mut [u8], random: &mut ChaCha8Rng) {
        match self {
            Self::Grey(deviation) => {
                for pixel in pixels.as_chunks_mut::<3>().0 {
                    let noise = normal(random) * deviation;
                    *pixel = pixel.map(|value| (f32::from(value) + noise).round() as u8);
                }
            }
            Self::Coloured(deviation) => {
                for value in pixels {
                    *value = (f32::from(*value) + normal(random) * deviation).round() as u8;
                }
            }
        }
    }
}

/// Nearly normal with standard deviation 1: the sum of the four bytes of a random word, which is one draw.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let sum: u32 = random.next_u32().to_le_bytes().map(u32::from).iter().sum();
    (sum as f32 - MEAN) / OF_BYTES
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn has_the_deviation_it_says() {
        for (noise, alike) in [(Noise::Grey(5.0), true), (Noise::Coloured(5.0), false)] {
            let mut pixels = vec![128; 30_000];
            noise.apply(&mut pixels, &mut ChaCha8Rng::seed_from_u64(1));
            let square: f32 = pixels.iter().map(|&value| (f32::from(value) - 128.0).powi(2)).sum();
            let deviation = (square / 30_000.0).sqrt();
            assert!((4.8..5.2).contains(&deviation), "{noise:?}: {deviation}");
            let mean = pixels.iter().map(|&value| f32::from(value)).sum::<f32>() / 30_000.0;
            assert!((mean - 128.0).abs() < 0.2, "{noise:?}: {mean}");
            assert_eq!(pixels.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]), alike);
        }
    }
}
