//! How well a face can be judged: its size, its sharpness, and how far it is turned. Measured here, weighed in `verdict`.

use super::Face;
use crate::frame::{Frame, PixelBox, PixelPoint, luma};

/// Points on the longer side of a face at which its grey is looked at.
const GRID: usize = 64;

/// How well a face can be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Longer side of the face box in pixels.
    pub side: f32,
    /// Variance of the Laplacian over the variance of the grey, at 1/64 of the face's side: 0 for a face without detail,
    /// 20 for white noise. Dividing makes it the same in bright and in dim light.
    pub sharpness: f32,
    /// How far the nose is from the middle of the eyes, in halves of the distance of the eyes: 0 for a face from the
    /// front, 1 where the nose is in front of an eye. Not negative; 0 where the detector gives no landmarks.
    pub yaw: f32,
    /// Angle of the line through the eyes in degrees, 0 to 180. 0 where the detector gives no landmarks.
    pub roll: f32,
}

impl Quality {
    /// Measures a face of a frame.
    #[must_use]
    pub fn of(frame: &Frame, face: &Face) -> Self {
        let (yaw, roll) = pose(&face.landmarks);
        let side = face.bounds.width.max(face.bounds.height);
        Self { side: if side.is_finite() { side } else { 0.0 }, sharpness: sharpness(frame, &face.bounds), yaw, roll }
    }
}

/// Yaw and roll by the landmarks, as [`Quality`] has them.
fn pose(landmarks: &[PixelPoint; 5]) -> (f32, f32) {
    let [left, right, nose, ..] = *landmarks;
    if landmarks.iter().all(|point| *point == left) {
        return (0.0, 0.0);
    }
    let (across, down) = (right.x - left.x, right.y - left.y);
    let half = across.hypot(down) / 2.0;
    let middle = ((left.x + right.x) / 2.0, (left.y + right.y) / 2.0);
    // How far the nose is along the line through the eyes; the distance across that line is the length of the nose.
    let along = ((nose.x - middle.0) * across + (nose.y - middle.1) * down) / (2.0 * half);
    let yaw = (along / half).abs();
    let roll = down.atan2(across).to_degrees().abs();
    // Eyes in one place are those of a face from the side.
    (if yaw.is_finite() { yaw } else { f32::MAX }, if roll.is_finite() { roll } else { 180.0 })
}

fn sharpness(frame: &Frame, bounds: &PixelBox) -> f32 {
    // Casts saturate, and NaN becomes 0: what is left of the box inside the frame.
    let inside = |start: f32, length: f32, limit: usize| {
        let (from, to) = (start.max(0.0) as usize, (start + length).max(0.0) as usize);
        (from.min(limit), to.min(limit))
    };
    let (left, right) = inside(bounds.left, bounds.width, frame.width);
    let (top, bottom) = inside(bounds.top, bounds.height, frame.height);
    let step = ((right.saturating_sub(left)).max(bottom.saturating_sub(top))).div_ceil(GRID).max(1);
    let (columns, rows) = (right.saturating_sub(left) / step, bottom.saturating_sub(top) / step);
    if columns < 3 || rows < 3 {
        return 0.0;
    }
    let mut grey = [0.0; GRID * GRID];
    for row in 0..rows {
        for column in 0..columns {
            let at = ((top + row * step) * frame.width + left + column * step) * 3;
            grey[row * columns + column] = luma(&frame.pixels[at..at + 3]);
        }
    }
    let (mut shade, mut detail) = (Spread::default(), Spread::default());
    for row in 1..rows - 1 {
        for column in 1..columns - 1 {
            let at = row * columns + column;
            shade.add(grey[at]);
            detail.add(grey[at - 1] + grey[at + 1] + grey[at - columns] + grey[at + columns] - 4.0 * grey[at]);
        }
    }
    // Less than a grey level of spread is the rounding of the pixels, no detail.
    (detail.variance() / (shade.variance() + 1.0)) as f32
}

/// Sums for a variance.
#[derive(Default)]
struct Spread {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f32) {
        let value = f64::from(value);
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn variance(&self) -> f64 {
        let mean = self.sum / self.count;
        (self.squares / self.count - mean * mean).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, y: f32) -> PixelPoint {
        PixelPoint { x, y }
    }

    fn check_pose(left: (f32, f32), right: (f32, f32), nose: (f32, f32), expected: (f32, f32)) {
        let mouth = point(10.0, 90.0);
        let found = pose(&[point(left.0, left.1), point(right.0, right.1), point(nose.0, nose.1), mouth, mouth]);
        let near = (found.0 - expected.0).abs() < 1e-4 && (found.1 - expected.1).abs() < 1e-3;
        assert!(near, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn the_pose_is_the_one_by_hand() {
        check_pose((40.0, 50.0), (80.0, 50.0), (60.0, 70.0), (0.0, 0.0));
        check_pose((40.0, 50.0), (80.0, 50.0), (70.0, 70.0), (0.5, 0.0));
        check_pose((40.0, 50.0), (80.0, 50.0), (36.0, 70.0), (1.2, 0.0));
        // Turned by 45 degrees in the picture; the nose stays in the middle.
        check_pose((40.0, 40.0), (80.0, 80.0), (50.0, 70.0), (0.0, 45.0));
        assert_eq!(pose(&[PixelPoint::default(); 5]), (0.0, 0.0), "no landmarks");
        let side = pose(&[point(5.0, 5.0), point(5.0, 5.0), point(9.0, 9.0), point(5.0, 20.0), point(5.0, 20.0)]);
        assert_eq!(side.0, f32::MAX, "eyes in one place");
    }

    /// A frame of 300 x 200 by a function of the place in pixels.
    fn frame(grey: impl Fn(usize, usize) -> u8) -> Frame {
        let mut frame = Frame::empty();
        frame.resize(300, 200);
        for (index, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
            pixel.fill(grey(index % 300, index / 300));
        }
        frame
    }

    /// Hash of the place: as good as noise.
    fn noise(x: usize, y: usize) -> u8 {
        let mixed = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
        (mixed.wrapping_mul(0xC2B2_AE3D) ^ (mixed >> 15)).wrapping_mul(0x27D4_EB2F).to_be_bytes()[0]
    }

    fn sharpness_of(frame: &Frame, left: f32, width: f32) -> f32 {
        sharpness(frame, &PixelBox { left, top: 20.0, width, height: 150.0 })
    }

    #[test]
    fn the_sharpness_has_its_known_values() {
        // White noise: the Laplacian's variance is (4 * 4 + 4) times that of the pixels.
        let found = sharpness_of(&frame(noise), 20.0, 140.0);
        assert!((found - 20.0).abs() < 2.0, "{found}");
        assert!(sharpness_of(&frame(|x, _| (x / 2) as u8), 20.0, 140.0) < 1e-2, "a ramp has no detail");
        assert_eq!(sharpness_of(&frame(|_, _| 90), 20.0, 140.0), 0.0);
    }

    #[test]
    fn contrast_is_no_sharpness() {
        let full = sharpness_of(&frame(noise), 20.0, 140.0);
        let dim = sharpness_of(&frame(|x, y| noise(x, y) / 8), 20.0, 140.0);
        assert!((dim / full - 1.0).abs() < 0.1, "{full} {dim}");
    }

    #[test]
    fn a_box_outside_the_frame_has_no_detail() {
        let noise = frame(noise);
        for (left, width) in [(400.0, 50.0), (-90.0, 50.0), (f32::NAN, 50.0), (10.0, f32::NAN), (10.0, -5.0)] {
            assert_eq!(sharpness_of(&noise, left, width), 0.0, "{left} {width}");
        }
        assert!(sharpness_of(&noise, -20.0, f32::INFINITY) > 10.0, "what is inside counts");
        assert_eq!(sharpness_of(&Frame::empty(), 0.0, 50.0), 0.0);
    }
}
