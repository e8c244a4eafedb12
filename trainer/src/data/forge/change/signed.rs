//! A strength in either direction.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A number between two, with a random sign.
pub(in crate::data::forge) fn signed((least, most): (f32, f32), random: &mut ChaCha8Rng) -> f32 {
    let size = random.random_range(least..=most);
    if random.random_bool(0.5) { size } else { -size }
}
