//! The face's own axes, from its five landmarks: places on the face are given in them, so that they turn with it.

use super::error::ForgeError;
use crate::data::prior::Landmarks;

/// Least distance of the eyes from the mouth over the side of the picture. Below it a face of a square crop is not what
/// the crop is about, and the detector was wrong.
const LEAST_HEIGHT: f32 = 0.03;
/// The longest distance of the eyes from the mouth, and of the eyes from each other, over the side of the picture:
/// beyond it no whole face can be in it.
const LONGEST: f32 = 1.0;
/// Of a face in profile the eyes lie on each other, while the cheek is as wide as ever: a face is at least so wide
/// (in distances of the eyes) over its distance from eyes to mouth, and the same the other way round for bowed heads.
const LEAST_ASPECT: f32 = 0.7;

/// Axes with the origin between the eyes: the first to the right eye, one unit the distance between the eyes; the
/// second to the mouth, one unit the distance from the eyes to the mouth. So on a face from the front the eyes are at
/// (-0.5, 0) and (0.5, 0), the mouth is at (0, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FaceFrame {
    /// Between the eyes, pixels.
    origin: [f32; 2],
    /// Unit vector along the eyes; the one towards the mouth is perpendicular to it.
    across: [f32; 2],
    /// The units of both axes, pixels.
    units: [f32; 2],
    /// The landmarks in these axes, in their usual order.
    pub(super) landmarks: [[f32; 2]; 5],
}

impl FaceFrame {
    /// The axes of a face whose landmarks lie in a picture of `side` pixels.
    ///
    /// # Errors
    ///
    /// When a landmark isn't a number, or they span no face.
    pub(super) fn new(landmarks: &Landmarks, side: usize) -> Result<Self, ForgeError> {
        if let Some(index) = landmarks.iter().position(|point| !(point.x.is_finite() && point.y.is_finite())) {
            return Err(ForgeError::NotFinite { index });
        }
        let pixels = landmarks.map(|point| [point.x * side as f32, point.y * side as f32]);
        let [left_eye, right_eye, _, left_mouth, right_mouth] = pixels;
        let origin = middle(left_eye, right_eye);
        let eyes = [right_eye[0] - left_eye[0], right_eye[1] - left_eye[1]];
        let mouth = middle(left_mouth, right_mouth);
        let fall = [mouth[0] - origin[0], mouth[1] - origin[1]];
        let (width, height) = (eyes[0].hypot(eyes[1]), fall[0].hypot(fall[1]));
        let span = side as f32;
        if !(LEAST_HEIGHT * span..=LONGEST * span).contains(&height) || width > LONGEST * span {
            return Err(ForgeError::NoFace { eyes: width / span, mouth: height / span });
        }
        // The axis along the eyes as the mouth has it; the two are averaged, the longer counting more, because the
        // eyes of a face in profile tell little. Eyes in the wrong order are taken in the right one, so the
        // sum is never shorter than the longer of both.
        let turned = [fall[1], -fall[0]];
        let sign = if eyes[0] * turned[0] + eyes[1] * turned[1] < 0.0 { -1.0 } else { 1.0 };
        let sum = [turned[0] + sign * eyes[0], turned[1] + sign * eyes[1]];
        let length = sum[0].hypot(sum[1]);
        let mut frame = Self {
            origin,
            across: [sum[0] / length, sum[1] / length],
            units: [width.max(LEAST_ASPECT * height), height.max(LEAST_ASPECT * width)],
            landmarks: [[0.0; 2]; 5],
        };
        frame.landmarks = pixels.map(|[x, y]| frame.own(x, y));
        Ok(frame)
    }

    /// A place of the picture, in pixels, in the face's axes.
    pub(super) fn own(&self, x: f32, y: f32) -> [f32; 2] {
        let ([x, y], [c, s]) = ([x - self.origin[0], y - self.origin[1]], self.across);
        [(x * c + y * s) / self.units[0], (y * c - x * s) / self.units[1]]
    }

    /// A place given in the face's axes, in pixels of the picture.
    pub(super) fn pixel(&self, place: [f32; 2]) -> [f32; 2] {
        let ([u, v], [c, s]) = ([place[0] * self.units[0], place[1] * self.units[1]], self.across);
        [self.origin[0] + u * c - v * s, self.origin[1] + u * s + v * c]
    }

    /// The landmarks in pixels of the picture.
    pub(super) fn in_pixels(&self) -> [[f32; 2]; 5] {
        self.landmarks.map(|place| self.pixel(place))
    }

    /// The distance of the eyes from the mouth over that of the eyes from each other.
    pub(super) fn aspect(&self) -> f32 {
        self.units[1] / self.units[0]
    }

    /// The distance between the eyes in pixels, as it would be seen from the front: the measure for all lengths.
    pub(super) fn eye_distance(&self) -> f32 {
        self.units[0]
    }
}

fn middle(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;

    use super::*;

    fn points(points: [(f32, f32); 5]) -> Landmarks {
        points.map(|(x, y)| PixelPoint { x, y })
    }

    fn close(a: [f32; 2], b: [f32; 2]) -> bool {
        (a[0] - b[0]).hypot(a[1] - b[1]) < 1e-4
    }

    #[test]
    fn an_upright_face_has_upright_axes() {
        let face = points([(0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.45, 0.7), (0.55, 0.7)]);
        let frame = FaceFrame::new(&face, 100).expect("a face");
        assert!((frame.eye_distance() - 21.0).abs() < 1e-3, "0.7 of 30 pixels from eyes to mouth");
        assert!(close(frame.own(50.0, 70.0), [0.0, 1.0]));
        assert!(close(frame.own(71.0, 40.0), [1.0, 0.0]));
        assert!(close(frame.landmarks[2], [0.0, 1.0 / 3.0]));
        assert!(close(frame.pixel(frame.own(12.0, 34.0)), [12.0, 34.0]));
    }

    #[test]
    fn the_axes_turn_with_the_face() {
        // A quarter turn clockwise: the eyes are at the right, the mouth is left of them.
        let face = points([(0.7, 0.4), (0.7, 0.7), (0.6, 0.55), (0.4, 0.45), (0.4, 0.65)]);
        let frame = FaceFrame::new(&face, 100).expect("a face");
        assert!(close(frame.own(40.0, 55.0), [0.0, 1.0]));
        assert!(close(frame.own(70.0, 70.0), [0.5, 0.0]));
        assert!(close(frame.pixel([0.5, 0.0]), [70.0, 70.0]));
    }

    #[test]
    fn a_profile_keeps_a_width_and_swapped_eyes_do_no_harm() {
        let profile = points([(0.5, 0.4), (0.5, 0.4), (0.4, 0.55), (0.5, 0.7), (0.5, 0.7)]);
        let frame = FaceFrame::new(&profile, 100).expect("a face in profile");
        assert!((frame.eye_distance() - 21.0).abs() < 1e-3);
        let face = points([(0.4, 0.4), (0.6, 0.41), (0.5, 0.5), (0.45, 0.7), (0.55, 0.7)]);
        let [a, b, nose, c, d] = face;
        let frame = FaceFrame::new(&face, 100).expect("a face");
        let swapped = FaceFrame::new(&[b, a, nose, d, c], 100).expect("a face");
        assert_eq!((frame.across, frame.units), (swapped.across, swapped.units));
    }

    #[test]
    fn what_is_no_face_is_an_error() {
        let face = [(0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.45, 0.7), (0.55, 0.7)];
        assert!(matches!(FaceFrame::new(&points([(0.5, 0.5); 5]), 100), Err(ForgeError::NoFace { .. })));
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut face = face;
            face[3].1 = broken;
            assert!(matches!(FaceFrame::new(&points(face), 100), Err(ForgeError::NotFinite { index: 3 })));
        }
        let mut huge = face;
        huge[0].0 = -f32::MAX;
        assert!(matches!(FaceFrame::new(&points(huge), 100), Err(ForgeError::NoFace { .. })));
        let far = face.map(|(x, y)| (x * 3.0, y * 3.0 + 40.0));
        assert!(FaceFrame::new(&points(far), 100).is_ok(), "outside the picture, and a face all the same");
    }
}
