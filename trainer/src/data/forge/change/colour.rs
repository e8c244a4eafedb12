//! Colour changes: hue, saturation and value; a shift of the channels; brightness and contrast.
//!
//! They stand for light and skin of another photo. All are one affine map of red, green and blue.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::signed::signed;
use super::tone::Tone;

/// Turn of the hue in radians (2 to 6 degrees): beyond it skin gets green or violet.
const HUE: (f32, f32) = (0.035, 0.105);
/// Change of the natural logarithm of the saturation: from a pale to a ruddy face.
const SATURATION: (f32, f32) = (0.1, 0.3);
/// Change of the natural logarithm of all values: a sixth at most.
const VALUE: (f32, f32) = (0.04, 0.15);
/// Shift of a channel in grey levels: a white balance that is off.
const SHIFT: (f32, f32) = (3.0, 8.0);
/// Shift of all channels in grey levels.
const BRIGHTNESS: (f32, f32) = (4.0, 14.0);
/// Change of the natural logarithm of the contrast about middle grey.
const CONTRAST: (f32, f32) = (0.06, 0.2);
/// The grey level that contrast leaves alone.
const MIDDLE_GREY: f32 = 128.0;

/// `out = matrix * in + offset`, a row a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColourMap {
    matrix: [[f32; 3]; 3],
    offset: [f32; 3],
}

impl ColourMap {
    /// Draws one with at least one of the three kinds of change in it; a grey picture gets the last and stays grey.
    pub(super) fn draw(tone: Tone, random: &mut ChaCha8Rng) -> Self {
        let kinds = match tone {
            Tone::Grey => 4,
            Tone::Coloured => random.random_range(1..8),
        };
        let mut map = Self::plain();
        if kinds & 1 != 0 {
            map = map.tinted(signed(HUE, random), signed(SATURATION, random).exp(), signed(VALUE, random).exp());
        }
        if kinds & 2 != 0 {
            map.offset.iter_mut().for_each(|offset| *offset += signed(SHIFT, random));
        }
        if kinds & 4 != 0 {
            let (brightness, contrast) = (signed(BRIGHTNESS, random), signed(CONTRAST, random).exp());
            map.matrix.iter_mut().flatten().for_each(|weight| *weight *= contrast);
            for offset in &mut map.offset {
                *offset = (*offset - MIDDLE_GREY) * contrast + MIDDLE_GREY + brightness;
            }
        }
        map
    }

    /// A shift of all channels by so many grey levels.
    pub(super) fn shift(levels: f32) -> Self {
        Self { offset: [levels; 3], ..Self::plain() }
    }

    fn plain() -> Self {
        Self { matrix: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], offset: [0.0; 3] }
    }

    /// Turns the hue about the grey axis, scales the distance from that axis, and then all.
    fn tinted(self, hue: f32, saturation: f32, value: f32) -> Self {
        let (sin, cos) = hue.sin_cos();
        // Rodrigues' formula about the axis (1, 1, 1): grey stays, and what is off it turns.
        let cross = sin / 3.0_f32.sqrt();
        let signs = [[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]];
        let matrix = std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                let (grey, own) = (1.0 / 3.0, if row == column { 1.0 } else { 0.0 });
                let turned = cos * (own - grey) + cross * signs[row][column];
                value * (grey + saturation * turned)
            })
        });
        Self { matrix, ..self }
    }

    /// Maps all pixels.
    pub(super) fn apply(&self, pixels: &mut [u8]) {
        for pixel in pixels.as_chunks_mut::<3>().0 {
            let [red, green, blue] = pixel.map(f32::from);
            for (value, (row, offset)) in pixel.iter_mut().zip(self.matrix.iter().zip(self.offset)) {
                *value = (row[0] * red + row[1] * green + row[2] * blue + offset).round() as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_third_of_a_turn_swaps_the_channels() {
        let mut pixels = [200, 100, 0, 70, 70, 70];
        ColourMap::plain().tinted(std::f32::consts::TAU / 3.0, 1.0, 1.0).apply(&mut pixels);
        assert_eq!(pixels, [0, 200, 100, 70, 70, 70]);
    }

    #[test]
    fn no_saturation_is_grey_and_half_the_value_is_half() {
        let mut pixels = [200, 100, 0];
        ColourMap::plain().tinted(0.0, 0.0, 0.5).apply(&mut pixels);
        assert_eq!(pixels, [50; 3]);
    }

    #[test]
    fn shifts_stop_at_black_and_white() {
        let mut pixels = [250, 100, 0];
        ColourMap::shift(20.0).apply(&mut pixels);
        assert_eq!(pixels, [255, 120, 20]);
        ColourMap::shift(-30.0).apply(&mut pixels);
        assert_eq!(pixels, [225, 90, 0]);
    }

    #[test]
    fn skin_changes_and_stays_skin() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..500 {
            let mut pixel = [205, 155, 130];
            ColourMap::draw(Tone::Coloured, &mut random).apply(&mut pixel);
            let [red, green, blue] = pixel.map(i32::from);
            let moved = (red - 205).abs() + (green - 155).abs() + (blue - 130).abs();
            assert!(moved >= 4, "{pixel:?} can't be told");
            assert!(red > green && red > blue && green > blue - 25, "{pixel:?} is no skin");
        }
    }

    #[test]
    fn a_grey_picture_stays_grey() {
        let (mut random, mut moved) = (ChaCha8Rng::seed_from_u64(1), 0);
        for _ in 0..100 {
            let mut pixels = [90; 3];
            ColourMap::draw(Tone::Grey, &mut random).apply(&mut pixels);
            assert_eq!(pixels, [pixels[0]; 3]);
            moved += usize::from(pixels[0] != 90);
        }
        assert!(moved > 90, "brightness and contrast seldom cancel each other: {moved}");
    }
}
