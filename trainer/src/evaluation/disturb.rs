//! Disturbances of faces at several strengths: JPEG, downscaling, blur, a shifted crop.

use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::frame::Frame;
use image::RgbImage;

use crate::data::augment::{Sample, jpeg};
use crate::data::faces::{Extent, wide_side};

/// A disturbance of one strength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    /// Coded as JPEG of this quality, 1 to 100.
    Jpeg(u8),
    /// Shrunk to this share of its side, in 0 to 1, and enlarged again.
    Scale(f32),
    /// Blurred by a Gaussian of this standard deviation in pixels of the network's input.
    Blur(f32),
    /// Cut out this share of its side too far to the right and below, at most 1/8: no more is known of the surroundings.
    Offset(f32),
}

/// The sweep: each kind from mild to strong.
pub const SWEEP: [Disturbance; 13] = [
    Disturbance::Jpeg(90),
    Disturbance::Jpeg(70),
    Disturbance::Jpeg(50),
    Disturbance::Jpeg(30),
    Disturbance::Scale(0.75),
    Disturbance::Scale(0.5),
    Disturbance::Scale(0.25),
    Disturbance::Blur(1.0),
    Disturbance::Blur(2.0),
    Disturbance::Blur(3.0),
    Disturbance::Offset(0.05),
    Disturbance::Offset(0.1),
    Disturbance::Offset(0.125),
];

impl Disturbance {
    /// Its kind, for people.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Jpeg(_) => "JPEG",
            Self::Scale(_) => "Scale",
            Self::Blur(_) => "Blur",
            Self::Offset(_) => "Crop offset",
        }
    }

    /// What its strength is counted in.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Jpeg(_) => "quality",
            Self::Scale(_) => "share of side",
            Self::Blur(_) => "sigma in pixels",
            Self::Offset(_) => "share of side",
        }
    }

    /// Its strength, in that unit.
    #[must_use]
    pub fn strength(self) -> f64 {
        match self {
            Self::Jpeg(quality) => f64::from(quality),
            // Through text, so that 0.05 stays 0.05.
            Self::Scale(value) | Self::Blur(value) | Self::Offset(value) => {
                value.to_string().parse().unwrap_or(f64::from(value))
            }
        }
    }

    /// How much of a face it needs.
    #[must_use]
    pub fn extent(self) -> Extent {
        match self {
            Self::Jpeg(_) | Self::Scale(_) | Self::Blur(_) => Extent::Exact,
            Self::Offset(_) => Extent::Wide,
        }
    }

    /// The face at `side` pixels, disturbed. `sample` is a crop of [`Self::extent`]; its saliency is left as it is.
    ///
    /// # Errors
    ///
    /// When the coder or the resizer fails.
    pub fn apply(self, sample: Sample, side: usize) -> anyhow::Result<Sample> {
        let Sample { pixels, saliency } = sample;
        let mut cropper = Cropper::new();
        let pixels = match self {
            Self::Jpeg(quality) => jpeg(&pixels, side, quality)?,
            Self::Scale(share) => {
                let small = ((side as f32 * share).round() as usize).max(1);
                let mut shrunk = vec![0; small * small * 3];
                cropper.resize(&pixels, (side, side), &mut shrunk, (small, small))?;
                let mut back = vec![0; side * side * 3];
                cropper.resize(&shrunk, (small, small), &mut back, (side, side))?;
                back
            }
            Self::Blur(sigma) => {
                let picture = RgbImage::from_raw(side as u32, side as u32, pixels);
                let picture = picture.ok_or_else(|| anyhow::anyhow!("a crop doesn't have the size that it should"))?;
                image::imageops::fast_blur(&picture, sigma).into_raw()
            }
            Self::Offset(share) => {
                let wide = wide_side(side);
                let mut frame = Frame::empty();
                frame.resize(wide, wide);
                anyhow::ensure!(frame.pixels.len() == pixels.len(), "a wide crop doesn't have the size that it should");
                frame.pixels.copy_from_slice(&pixels);
                let start = (wide - side) as i64 / 2 + (side as f32 * share).round() as i64;
                let mut moved = vec![0; side * side * 3];
                cropper.cut(&frame, &CropSquare { left: start, top: start, side }, side, &mut moved)?;
                moved
            }
        };
        Ok(Sample { pixels, saliency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::saliency::Saliency;

    const SIDE: usize = 32;

    /// A fine pattern: what blurs or codes it, changes it. The exact crop is the middle of the wide one.
    fn sample(extent: Extent) -> Sample {
        let (side, start) = if extent == Extent::Exact { (SIDE, 4) } else { (wide_side(SIDE), 0) };
        let level = |index: usize| {
            let (x, y, channel) = (index / 3 % side + start, index / 3 / side + start, index % 3);
            ((x * 37 + y * 91 + channel * 50 + x * y) % 256) as u8
        };
        Sample { pixels: (0..side * side * 3).map(level).collect(), saliency: Saliency::Unknown }
    }

    /// Mean absolute change of a value.
    fn change(disturbance: Disturbance) -> f64 {
        let before = sample(Extent::Exact);
        let after = disturbance.apply(sample(disturbance.extent()), SIDE).expect("the sizes fit");
        assert_eq!(after.pixels.len(), before.pixels.len());
        let sum: f64 = before.pixels.iter().zip(&after.pixels).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum();
        sum / before.pixels.len() as f64
    }

    #[test]
    fn every_strength_changes_the_face_and_the_stronger_the_more() {
        for pair in SWEEP.windows(2).filter(|pair| pair[0].kind() == pair[1].kind()) {
            let (mild, strong) = (change(pair[0]), change(pair[1]));
            // A shifted pattern is as strange at any offset.
            let grows = strong > mild || matches!(pair[0], Disturbance::Offset(_));
            assert!(mild > 0.5 && grows, "{pair:?}: {mild} and {strong}");
        }
    }

    #[test]
    fn an_offset_shows_what_lies_beside_the_face() {
        let after = Disturbance::Offset(0.125).apply(sample(Extent::Wide), SIDE).expect("the sizes fit");
        // Four pixels further than the exact crop, which begins at the fourth: the last one is the wide crop's last.
        let wide = sample(Extent::Wide);
        assert_eq!(after.pixels[..3], wide.pixels[(8 * 40 + 8) * 3..][..3]);
        assert_eq!(after.pixels[SIDE * SIDE * 3 - 3..], wide.pixels[40 * 40 * 3 - 3..]);
    }

    #[test]
    fn strengths_are_told_as_they_are_written() {
        assert_eq!(Disturbance::Offset(0.05).strength(), 0.05);
        assert_eq!(Disturbance::Jpeg(30).strength(), 30.0);
    }
}
