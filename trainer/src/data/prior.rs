//! A saliency prior where no human map is to be had: smooth bumps over eyes, nose and mouth.
//!
//! People who judge faces look at these first; the published CAMs of networks trained with human maps light up there
//! too. It is a stand-in all the same, and model files say so: `saliency = landmark-prior`.

use cyborg_edge::frame::PixelPoint;

/// Width of a bump over the distance between the eyes.
const SPREAD: f32 = 0.35;

/// The five landmarks of a face in its crop, both axes in 0 to 1 inside the crop: eyes, nose, corners of the mouth.
pub type Landmarks = [PixelPoint; 5];

/// Draws the prior at the size of the activation map, rows from the top, min-max scaled to 0 to 1.
///
/// Each of five places (eyes, tip of the nose, corners of the mouth) and the middle of the mouth is the centre of a
/// Gaussian; a cell has the largest of their values at its centre. All zeros when the landmarks lie in one point.
#[must_use]
pub fn draw(landmarks: &Landmarks, height: usize, width: usize) -> Vec<f32> {
    let [left_eye, right_eye, _, left_mouth, right_mouth] = *landmarks;
    let spread = SPREAD * (left_eye.x - right_eye.x).hypot(left_eye.y - right_eye.y);
    if spread <= 0.0 {
        return vec![0.0; height * width];
    }
    let mouth = PixelPoint { x: (left_mouth.x + right_mouth.x) / 2.0, y: (left_mouth.y + right_mouth.y) / 2.0 };
    let cell = |index: usize| {
        let x = ((index % width) as f32 + 0.5) / width as f32;
        let y = ((index / width) as f32 + 0.5) / height as f32;
        let bump =
            |place: &PixelPoint| (-((x - place.x).powi(2) + (y - place.y).powi(2)) / (2.0 * spread * spread)).exp();
        landmarks.iter().chain([&mouth]).map(bump).fold(0.0, f32::max)
    };
    let mut map: Vec<f32> = (0..height * width).map(cell).collect();
    min_max(&mut map);
    map
}

/// Scales values to 0 to 1; constant values become zeros.
pub fn min_max(values: &mut [f32]) {
    let (low, high) =
        values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    let range = high - low;
    for value in values {
        *value = if range > 0.0 { (*value - low) / range } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face() -> Landmarks {
        [(0.35, 0.4), (0.65, 0.4), (0.5, 0.55), (0.4, 0.7), (0.6, 0.7)].map(|(x, y)| PixelPoint { x, y })
    }

    #[test]
    fn lights_eyes_nose_and_mouth_and_not_the_corners() {
        let map = draw(&face(), 7, 7);
        let at = |x: f32, y: f32| map[(y * 7.0) as usize * 7 + (x * 7.0) as usize];
        for place in face() {
            assert!(at(place.x, place.y) > 0.6, "{place:?}: {}", at(place.x, place.y));
        }
        for (x, y) in [(0.0, 0.0), (0.99, 0.0), (0.0, 0.99), (0.99, 0.99)] {
            assert!(at(x, y) < 0.1, "{x}, {y}: {}", at(x, y));
        }
        assert_eq!(map.iter().copied().fold(0.0, f32::max), 1.0);
        assert_eq!(map.iter().copied().fold(1.0, f32::min), 0.0);
    }

    #[test]
    fn landmarks_in_one_point_give_zeros() {
        assert_eq!(draw(&[PixelPoint { x: 0.5, y: 0.5 }; 5], 2, 3), [0.0; 6]);
    }
}
