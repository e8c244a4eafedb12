//! Where the frame of the face lies on a photo, by its five landmarks.

use cyborg_edge::frame::PixelPoint;

use super::mesh::{LANDMARKS, Place};

/// A face that would be stretched by more than so much in one direction against the other is seen from the side, or its
/// landmarks are wrong: there the frame is only turned, shifted and scaled.
const MOST_STRETCH: f64 = 2.0;
/// Least pixels of the frame's unit.
const LEAST_UNIT: f64 = 1.0;

/// The frame of a face on its photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// From the frame to the photo: a row for `x` and one for `y`, of both coordinates and the offset.
    to_photo: [[f64; 3]; 2],
    /// And back.
    to_frame: [[f64; 3]; 2],
}

impl Placed {
    /// Places the frame by least squares over the five landmarks, in pixels of the photo: an affine map, and a similarity where
    /// that would mirror the face or stretch it twofold. Nothing where they span no face.
    #[must_use]
    pub fn new(landmarks: &[PixelPoint; 5]) -> Option<Self> {
        let photo = landmarks.map(|point| [f64::from(point.x), f64::from(point.y)]);
        if photo.iter().flatten().any(|number| !number.is_finite()) {
            return None;
        }
        let (from, to) = (mean(&LANDMARKS), mean(&photo));
        let (mut own, mut both) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
        for (p, q) in LANDMARKS.iter().zip(&photo) {
            let (p, q) = ([p[0] - from[0], p[1] - from[1]], [q[0] - to[0], q[1] - to[1]]);
            for row in 0..2 {
                for column in 0..2 {
                    own[row][column] += p[row] * p[column];
                    both[row][column] += q[row] * p[column];
                }
            }
        }
        let affine = product(&both, &inverse(&own)?);
        let linear = if is_face(&affine) { affine } else { similarity(&own, &both) };
        let unit = determinant(&linear).max(0.0).sqrt();
        if unit < LEAST_UNIT {
            return None;
        }
        let back = inverse(&linear)?;
        let with_offset = |linear: [[f64; 2]; 2], from: Place, to: Place| {
            let offset = |row: usize| to[row] - linear[row][0] * from[0] - linear[row][1] * from[1];
            [0, 1].map(|row| [linear[row][0], linear[row][1], offset(row)])
        };
        Some(Self { to_photo: with_offset(linear, from, to), to_frame: with_offset(back, to, from) })
    }

    /// Where a place of the frame is on the photo, in pixels from its upper left corner.
    #[must_use]
    pub fn on_photo(&self, place: Place) -> Place {
        apply(&self.to_photo, place)
    }

    /// Where a place of the photo is in the frame.
    #[must_use]
    pub fn in_frame(&self, place: Place) -> Place {
        apply(&self.to_frame, place)
    }
}

fn apply(matrix: &[[f64; 3]; 2], [x, y]: Place) -> Place {
    matrix.map(|[a, b, c]| a * x + b * y + c)
}

fn mean(points: &[Place; 5]) -> Place {
    [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / 5.0)
}

fn determinant(m: &[[f64; 2]; 2]) -> f64 {
    m[0][0] * m[1][1] - m[0][1] * m[1][0]
}

fn inverse(m: &[[f64; 2]; 2]) -> Option<[[f64; 2]; 2]> {
    let determinant = determinant(m);
    let inverse = [[m[1][1], -m[0][1]], [-m[1][0], m[0][0]]].map(|row| row.map(|number| number / determinant));
    inverse.iter().flatten().all(|number| number.is_finite()).then_some(inverse)
}

fn product(a: &[[f64; 2]; 2], b: &[[f64; 2]; 2]) -> [[f64; 2]; 2] {
    [0, 1].map(|row| [0, 1].map(|column| a[row][0] * b[0][column] + a[row][1] * b[1][column]))
}

/// Whether a map neither mirrors nor stretches too much. Of the two stretches `s` and `t`, `s t` is the determinant, and
/// `s^2 + t^2` the sum of all squares.
fn is_face(linear: &[[f64; 2]; 2]) -> bool {
    let determinant = determinant(linear);
    let squares: f64 = linear.iter().flatten().map(|number| number * number).sum();
    determinant > 0.0 && squares <= (MOST_STRETCH + 1.0 / MOST_STRETCH) * determinant
}

/// The best turn and scale, from the sums of products about the means.
fn similarity(own: &[[f64; 2]; 2], both: &[[f64; 2]; 2]) -> [[f64; 2]; 2] {
    let size = own[0][0] + own[1][1];
    let (along, across) = ((both[0][0] + both[1][1]) / size, (both[1][0] - both[0][1]) / size);
    [[along, -across], [across, along]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landmarks(map: impl Fn(Place) -> Place) -> [PixelPoint; 5] {
        LANDMARKS.map(map).map(|[x, y]| PixelPoint { x: x as f32, y: y as f32 })
    }

    fn close(found: Place, expected: Place) {
        let off = (found[0] - expected[0]).hypot(found[1] - expected[1]);
        assert!(off < 1e-3, "{found:?} is not {expected:?}");
    }

    #[test]
    fn a_turned_and_stretched_face_is_found_exactly() {
        let map = |[x, y]: Place| [200.0 + 60.0 * x - 15.0 * y, 150.0 + 20.0 * x + 80.0 * y];
        let placed = Placed::new(&landmarks(map)).expect("a face");
        for place in [[0.0, 0.0], [1.0, -1.0], [-0.3, 1.7]] {
            close(placed.on_photo(place), map(place));
            close(placed.in_frame(map(place)), place);
        }
    }

    #[test]
    fn a_face_from_the_side_keeps_its_proportions() {
        let map = |[x, y]: Place| [200.0 + 5.0 * x, 150.0 + 80.0 * y];
        let placed = Placed::new(&landmarks(map)).expect("a face");
        let [right, down] = [[1.0, 0.0], [0.0, 1.0]].map(|place| placed.on_photo(place));
        let origin = placed.on_photo([0.0, 0.0]);
        let length = |to: Place| (to[0] - origin[0]).hypot(to[1] - origin[1]);
        assert!((length(right) - length(down)).abs() < 1e-9 && length(down) > 20.0, "{right:?} {down:?}");
    }

    #[test]
    fn what_is_no_face_has_no_frame() {
        assert_eq!(Placed::new(&[PixelPoint { x: 5.0, y: 5.0 }; 5]), None);
        let mut broken = landmarks(|[x, y]| [100.0 * x, 100.0 * y]);
        broken[3].x = f32::NAN;
        assert_eq!(Placed::new(&broken), None);
        assert_eq!(Placed::new(&landmarks(|[x, y]| [0.1 * x, 0.1 * y])), None, "a face of a tenth of a pixel");
    }
}
