//! Geometric changes: a small shift, zoom and turn of the face, with elastic deformation.
//!
//! They stand for a face that was put back a little beside its place, or has another expression.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::elastic::Elastic;
use super::super::face_frame::FaceFrame;
use super::signed::signed;

/// Shift along each axis over the distance between the eyes: 1 to 4 pixels at 75. More and brows or lips are seen
/// twice where the copy has half the share.
const SHIFT: (f32, f32) = (0.01, 0.05);
/// Change of the natural logarithm of the size.
const ZOOM: (f32, f32) = (0.01, 0.04);
/// Turn in radians: 0.5 to 2.5 degrees.
const TURN: (f32, f32) = (0.009, 0.044);
/// Elastic displacement at most, over the distance between the eyes.
const ELASTIC: (f32, f32) = (0.01, 0.05);
/// The fixed point of zoom and turn in the face's axes: about the tip of the nose.
const CENTRE: [f32; 2] = [0.0, 0.5];

/// One such change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Warp {
    centre: [f32; 2],
    shift: [f32; 2],
    /// Cosine and sine of the turn, over the zoom.
    turn: [f32; 2],
    elastic: Elastic,
}

impl Warp {
    /// Draws one for a face.
    pub(super) fn draw(frame: &FaceFrame, random: &mut ChaCha8Rng) -> Self {
        let unit = frame.eye_distance();
        let shift = [signed(SHIFT, random) * unit, signed(SHIFT, random) * unit];
        let zoom = signed(ZOOM, random).exp();
        let (sin, cos) = signed(TURN, random).sin_cos();
        let elastic = Elastic::draw(random.random_range(ELASTIC.0..=ELASTIC.1) * unit, random);
        Self { centre: frame.pixel(CENTRE), shift, turn: [cos / zoom, sin / zoom], elastic }
    }

    /// Warps a picture of `side` pixels into `out`. What comes from beyond its edge is the nearest pixel of it.
    pub(super) fn apply(&self, pixels: &[u8], side: usize, out: &mut Vec<u8>) {
        out.resize(pixels.len(), 0);
        let ([left, top], [cos, sin]) = (self.centre, self.turn);
        let scale = 1.0 / side as f32;
        for (row, line) in out.chunks_exact_mut(side * 3).enumerate() {
            for (column, pixel) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let [dx, dy] = self.elastic.at((column as f32 + 0.5) * scale, (row as f32 + 0.5) * scale);
                let (x, y) = (column as f32 - left - self.shift[0], row as f32 - top - self.shift[1]);
                *pixel = sample(pixels, side, left + x * cos + y * sin + dx, top + y * cos - x * sin + dy);
            }
        }
    }
}

/// The colour at a place, between the four pixels around it; whole numbers are the centres of pixels.
pub(in crate::data::forge) fn sample(pixels: &[u8], side: usize, x: f32, y: f32) -> [u8; 3] {
    let last = (side - 1) as f32;
    let (x, y) = (x.clamp(0.0, last), y.clamp(0.0, last));
    let (left, top) = ((x as usize).min(side.saturating_sub(2)), (y as usize).min(side.saturating_sub(2)));
    let (right, below) = (x - left as f32, y - top as f32);
    let at = (top * side + left) * 3;
    let (upper, lower) = (&pixels[at..at + 6], &pixels[at + side * 3..at + side * 3 + 6]);
    std::array::from_fn(|channel| {
        let across = |line: &[u8]| {
            let [one, other] = [f32::from(line[channel]), f32::from(line[channel + 3])];
            one + (other - one) * right
        };
        let (above, under) = (across(upper), across(lower));
        (above + (under - above) * below).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;
    use rand::SeedableRng;

    use super::*;

    fn gradient(side: usize) -> Vec<u8> {
        (0..side * side).flat_map(|index| [(index % side * 4) as u8, (index / side * 4) as u8, 9]).collect()
    }

    #[test]
    fn samples_lie_between_pixels() {
        let pixels = gradient(8);
        assert_eq!(sample(&pixels, 8, 2.0, 3.0), [8, 12, 9]);
        assert_eq!(sample(&pixels, 8, 2.5, 3.25), [10, 13, 9]);
        assert_eq!(sample(&pixels, 8, 7.0, 7.0), [28, 28, 9]);
        assert_eq!(sample(&pixels, 8, -50.0, f32::MAX), [0, 28, 9]);
    }

    #[test]
    fn all_pixels_move_a_little() {
        let side = 60;
        let points = [(0.35, 0.4), (0.65, 0.4), (0.5, 0.55), (0.4, 0.7), (0.6, 0.7)];
        let frame = FaceFrame::new(&points.map(|(x, y)| PixelPoint { x, y }), side).expect("a face");
        let (pixels, mut out) = (gradient(side), Vec::new());
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let warp = Warp::draw(&frame, &mut random);
            warp.apply(&pixels, side, &mut out);
            // Four grey levels a pixel; the eyes are 18 pixels apart.
            let centre = (33 * side + 30) * 3;
            let moved = |axis: usize| f32::from(out[centre + axis]) / 4.0 - f32::from(pixels[centre + axis]) / 4.0;
            let distance = moved(0).hypot(moved(1));
            assert!(distance < 18.0 * 0.16, "{distance} pixels");
            assert_ne!(out, pixels);
            assert_eq!(out.len(), pixels.len());
        }
    }
}
