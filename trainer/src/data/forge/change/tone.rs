//! Whether a picture has colours: on a grey one a tint, or coloured noise, would give the forgery away at a glance.

/// Mean distance of red and blue from green, in grey levels, below which a picture counts as grey. The chroma of a grey
/// JPEG is off by 1 or so.
const GREY: f32 = 2.5;

/// Grey or coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data::forge) enum Tone {
    /// Red, green and blue are alike.
    Grey,
    /// They are not.
    Coloured,
}

impl Tone {
    /// The tone of an RGB picture.
    pub(in crate::data::forge) fn of(pixels: &[u8]) -> Self {
        let off = |[red, green, blue]: &[u8; 3]| u64::from(red.abs_diff(*green)) + u64::from(blue.abs_diff(*green));
        let sum: u64 = pixels.as_chunks().0.iter().map(off).sum();
        let mean = sum as f32 / (pixels.len() as f32 * 2.0 / 3.0);
        if mean < GREY { Self::Grey } else { Self::Coloured }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_grey_is_grey() {
        assert_eq!(Tone::of(&[9, 9, 9, 200, 201, 199]), Tone::Grey);
        assert_eq!(Tone::of(&[9, 9, 9, 200, 195, 190]), Tone::Coloured, "a mean of 10 / 4");
        assert_eq!(Tone::of(&[9, 9, 9, 200, 195, 191]), Tone::Grey, "a mean of 9 / 4");
    }
}
