//! Left becomes right.

/// Swaps left and right of a square RGB picture.
pub(in crate::data) fn mirror(pixels: &mut [u8], side: usize) {
    for row in pixels.chunks_exact_mut(side * 3) {
        for column in 0..side / 2 {
            for channel in 0..3 {
                row.swap(column * 3 + channel, (side - 1 - column) * 3 + channel);
            }
        }
    }
}
