//! The blend mask: a part of the face with its edge deformed, moved in or out, softened, and weakened as a whole.
//!
//! All of it is done on the signed distance in the face's own axes, pixel by pixel: adding to it erodes or dilates,
//! and a smooth step over it is an edge as a Gaussian blur leaves it, with the difference that it ends.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::elastic::Elastic;
use super::face_frame::FaceFrame;
use super::region::{MIDDLE, Region, Shape};

/// Elastic deformation over the size of the region: from nearly the plain shape to an outline that no rule gives.
const DEFORMATION: (f32, f32) = (0.05, 0.3);
/// Side of the square over which the deformation varies over the size of the region, which is half its width.
const SPAN: f32 = 5.0;
/// How far the edge is moved in (negative) or out over the size of the region: a swap that keeps the rim of the face,
/// or takes some of the surroundings along.
const GROWTH: (f32, f32) = (-0.18, 0.12);
/// Half the width of the soft edge over the size of the region: from a cut of a few pixels to a fade as wide as the
/// inner face. A wider one would leave the middle weakened, which is the blend ratio's business.
const SOFTNESS: (f32, f32) = (0.04, 0.4);
/// The share of the copy at the middle of the mask. Less than a quarter is not to be seen after compression.
const RATIO: (f32, f32) = (0.25, 1.0);
/// Share of the draws with the whole ratio: most forgers replace a face, and don't mix it with another.
const FULL: f64 = 0.4;
/// How far from the tip of the nose a mask may reach, in the face's own axes: the whole face does not, at its greatest
/// growth, softness and deformation together. Places beyond are not looked at.
const REACH: f32 = 2.2;

/// How the edge of a part of a face is varied: ranges over the size of the region, and of the ratio.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rim {
    pub(super) deformation: (f32, f32),
    pub(super) growth: (f32, f32),
    pub(super) softness: (f32, f32),
    pub(super) ratio: (f32, f32),
    /// Share of the draws with the greatest ratio.
    pub(super) full: f64,
}

/// The edges of self-blended fakes.
const BLENDED: Rim = Rim { deformation: DEFORMATION, growth: GROWTH, softness: SOFTNESS, ratio: RATIO, full: FULL };

/// A mask on its picture.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// The share of the copy, 0 to 255, rows from the top.
    pub(super) levels: Vec<u8>,
    /// The share of the copy at the middle, 0 to 1.
    pub(super) ratio: f32,
}

impl Mask {
    /// Draws a mask of a region on a face in a picture of `side` pixels.
    pub(super) fn draw(&mut self, region: Region, frame: &FaceFrame, side: usize, random: &mut ChaCha8Rng) {
        let shape = region.shape(frame, random);
        self.vary(&shape, region.size(), &BLENDED, (frame, side), random);
    }

    /// Draws a mask of a part of a face, of about twice `size` width in distances of the eyes, with a varied edge.
    pub(super) fn vary(
        &mut self,
        shape: &Shape,
        size: f32,
        rim: &Rim,
        (frame, side): (&FaceFrame, usize),
        random: &mut ChaCha8Rng,
    ) {
        let elastic = Elastic::draw(size * random.random_range(rim.deformation.0..=rim.deformation.1), random);
        let growth = size * random.random_range(rim.growth.0..=rim.growth.1);
        let softness = size * random.random_range(rim.softness.0..=rim.softness.1);
        let ratio = random.random_range(rim.ratio.0..=rim.ratio.1);
        self.ratio = if random.random_bool(rim.full) { rim.ratio.1 } else { ratio };
        self.levels.clear();
        self.levels.resize(side * side, 0);
        let [middle_u, middle_v] = shape.middle();
        let scale = 1.0 / (SPAN * size);
        for (row, line) in self.levels.chunks_exact_mut(side).enumerate() {
            for (column, level) in line.iter_mut().enumerate() {
                let [u, v] = frame.own(column as f32 + 0.5, row as f32 + 0.5);
                if u.abs() > REACH || (v - MIDDLE[1]).abs() > REACH {
                    continue;
                }
                let [du, dv] = elastic.at((u - middle_u) * scale + 0.5, (v - middle_v) * scale + 0.5);
                let distance = shape.distance([u + du, v + dv]) - growth;
                let part = ((softness - distance) / (2.0 * softness)).clamp(0.0, 1.0);
                let step = part * part * (3.0 - 2.0 * part);
                *level = (step * self.ratio * 255.0).round() as u8;
            }
        }
    }

    /// The share of the picture that the copy takes, 0 to 1.
    pub(super) fn area(&self) -> f32 {
        let sum: u64 = self.levels.iter().map(|&level| u64::from(level)).sum();
        sum as f32 / (255.0 * self.levels.len().max(1) as f32 * self.ratio)
    }
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;
    use rand::SeedableRng;

    use super::*;
    use crate::data::prior::Landmarks;

    const SIDE: usize = 128;
    const FACE: [(f32, f32); 5] = [(0.4, 0.4), (0.6, 0.4), (0.5, 0.52), (0.42, 0.6), (0.58, 0.6)];

    fn landmarks(turn: f32) -> Landmarks {
        let (sin, cos) = turn.sin_cos();
        FACE.map(|(x, y)| {
            let (x, y) = (x - 0.5, y - 0.5);
            PixelPoint { x: 0.5 + x * cos - y * sin, y: 0.5 + x * sin + y * cos }
        })
    }

    fn mask(region: Region, turn: f32, seed: u64) -> Mask {
        let frame = FaceFrame::new(&landmarks(turn), SIDE).expect("a face");
        let mut mask = Mask::default();
        mask.draw(region, &frame, SIDE, &mut ChaCha8Rng::seed_from_u64(seed));
        mask
    }

    #[test]
    fn the_mask_is_full_at_its_part_of_the_face_and_empty_at_the_rim_of_the_picture() {
        let middles = [
            (Region::WholeFace, 0.5, 0.5),
            (Region::InnerFace, 0.5, 0.5),
            (Region::Eyes, 0.5, 0.4),
            (Region::Mouth, 0.5, 0.6),
        ];
        for seed in 0..40 {
            for (region, x, y) in middles {
                let mask = mask(region, 0.0, seed);
                let level = |x: usize, y: usize| mask.levels[y * SIDE + x];
                let middle = level((x * SIDE as f32) as usize, (y * SIDE as f32) as usize);
                assert!(f32::from(middle) >= 0.9 * 255.0 * mask.ratio, "{region} {seed}: {middle} of {}", mask.ratio);
                assert!((0.25..=1.0).contains(&mask.ratio));
                let rim = (0..SIDE).flat_map(|at| [(at, 0), (at, SIDE - 1), (0, at), (SIDE - 1, at)]);
                assert_eq!(rim.map(|(x, y)| level(x, y)).max(), Some(0), "{region} {seed}");
            }
        }
    }

    #[test]
    fn the_mask_turns_with_the_face() {
        let (turn, half) = (0.6_f32, SIDE as f32 / 2.0);
        let (sin, cos) = turn.sin_cos();
        for seed in 0..20 {
            let region = Region::ALL[seed as usize % Region::ALL.len()];
            let (plain, turned) = (mask(region, 0.0, seed), mask(region, turn, seed));
            let (mut both, mut either) = (0, 0);
            for index in 0..SIDE * SIDE {
                let (x, y) = ((index % SIDE) as f32 + 0.5 - half, (index / SIDE) as f32 + 0.5 - half);
                let (column, row) = (x * cos - y * sin + half, x * sin + y * cos + half);
                if !(0.0..SIDE as f32).contains(&column) || !(0.0..SIDE as f32).contains(&row) {
                    continue;
                }
                let other = turned.levels[row as usize * SIDE + column as usize];
                both += u32::from(plain.levels[index].min(other));
                either += u32::from(plain.levels[index].max(other));
            }
            let overlap = both as f32 / either as f32;
            assert!(overlap > 0.85, "{region}, seed {seed}: the masks overlap by {overlap}");
        }
    }

    #[test]
    fn the_area_is_the_share_of_the_picture() {
        let mask = Mask { levels: vec![0, 51, 51, 102], ratio: 0.4 };
        assert!((mask.area() - 0.5).abs() < 1e-6);
    }
}
