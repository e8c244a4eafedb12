//! Pixels of four bytes, as screens have them, to RGB.

/// Bytes of a pixel.
pub(super) const BYTES: usize = 4;

/// Turns pixels to RGB, as many as both have; `at` says at which of their bytes red, green and blue are.
pub(super) fn to_rgb(at: [usize; 3], from: &[u8], into: &mut [u8]) {
    match at {
        // What nearly all screens have, with places that the compiler knows.
        [2, 1, 0] => convert([2, 1, 0], from, into),
        [0, 1, 2] => convert([0, 1, 2], from, into),
        other => convert(other, from, into),
    }
}

#[inline(always)]
fn convert([red, green, blue]: [usize; 3], from: &[u8], into: &mut [u8]) {
    for (pixel, rgb) in from.chunks_exact(BYTES).zip(into.chunks_exact_mut(3)) {
        (rgb[0], rgb[1], rgb[2]) = (pixel[red], pixel[green], pixel[blue]);
    }
}
