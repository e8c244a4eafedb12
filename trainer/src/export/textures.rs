//! Crops made by a formula, for checks where no real ones are at hand.

use std::f32::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `count` square RGB pictures of `side` pixels, one after the other, the same ones for the same seed. In turns: waves as
/// smooth as skin, squares with hard edges, faint noise on grey, noise in full.
#[must_use]
pub fn textures(side: usize, count: usize, seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::with_capacity(count * side * side * 3);
    for number in 0..count {
        let [across, down]: [f32; 2] = std::array::from_fn(|_| random.random_range(-0.1..0.1));
        let [shift, level]: [f32; 2] = [random.random_range(0.0..TAU), random.random_range(60.0..190.0)];
        let square = random.random_range(4..40);
        for index in 0..side * side * 3 {
            let (x, y, channel) = (index / 3 % side, index / 3 / side, index % 3);
            let value = match number % 4 {
                0 => level + 60.0 * (x as f32 * across + y as f32 * down + channel as f32 * shift).sin(),
                1 if (x / square + y / square).is_multiple_of(2) => level - 50.0 - 10.0 * channel as f32,
                1 => level + 50.0 + 10.0 * channel as f32,
                2 => level + random.random_range(-20.0..20.0),
                _ => random.random_range(0.0..256.0),
            };
            pixels.push(value as u8);
        }
    }
    pixels
}
