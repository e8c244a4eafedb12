//! Turning pictures upright, as a video's display matrix says, by moving pixels: no value changes.

/// One of the eight ways to lay a picture on itself: quarter turns, mirrored or not.
///
/// The pixel at (x, y) goes to (`xx * x + xy * y`, `yx * x + yy * y`), shifted so that the picture starts at 0; y counts
/// downwards. One of `xx` and `xy` is 0, and the other is 1 or -1; so for `yx` and `yy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orientation {
    xx: i8,
    xy: i8,
    yx: i8,
    yy: i8,
}

/// Pixels a side of a tile: reads and writes of a tile stay in the nearest cache.
const TILE: usize = 32;

impl Orientation {
    /// The picture as it is.
    pub(super) const NONE: Self = Self { xx: 1, xy: 0, yx: 0, yy: 1 };

    /// The turn that comes nearest to a display matrix (nine 32-bit numbers, 16.16 fixed point, as in the `tkhd` box of
    /// ISO/IEC 14496-12), and by how many degrees it misses. `None` for what is no matrix.
    pub(super) fn from_matrix(bytes: &[u8]) -> Option<(Self, f64)> {
        let mut numbers = bytes.chunks_exact(4).map(|four| i32::from_ne_bytes([four[0], four[1], four[2], four[3]]));
        let mut next = || numbers.next().map(f64::from);
        // x goes to `a * x + c * y`, y to `b * x + d * y`; the third column is perspective, not used by anybody.
        let (a, b, _) = (next()?, next()?, next()?);
        let (c, d) = (next()?, next()?);
        let lengths = (a.hypot(b), c.hypot(d));
        if lengths.0 == 0.0 || lengths.1 == 0.0 {
            return None;
        }
        let sign = |value: f64| if value < 0.0 { -1 } else { 1 };
        let turn = if a.abs() >= b.abs() {
            Self { xx: sign(a), xy: 0, yx: 0, yy: sign(d) }
        } else {
            Self { xx: 0, xy: sign(c), yx: sign(b), yy: 0 }
        };
        let degrees = b.abs().atan2(a.abs()).to_degrees();
        Some((turn, degrees.min(90.0 - degrees)))
    }

    /// The size of the turned picture.
    pub(super) fn size(self, (width, height): (usize, usize)) -> (usize, usize) {
        if self.xx == 0 { (height, width) } else { (width, height) }
    }

    /// Moves the RGB pixels of a picture of `size` to their places in `to`, which has as many.
    pub(super) fn apply(self, from: &[u8], (width, height): (usize, usize), to: &mut [u8]) {
        let (out_width, out_height) = self.size((width, height));
        // Back from the place in the output: the matrix of a turn is its own inverse when transposed. Where a factor is
        // -1, the count begins at the far end.
        let pixel = |factor: i8, step: usize| isize::from(factor) * (step * 3) as isize;
        let (across, down) = (pixel(self.xx, 1) + pixel(self.xy, width), pixel(self.yx, 1) + pixel(self.yy, width));
        let far = |factor: i8, length: usize| if factor < 0 { length - 1 } else { 0 };
        let first = far(self.xx + self.yx, width) * 3 + far(self.xy + self.yy, height) * width * 3;
        for top in (0..out_height).step_by(TILE) {
            for left in (0..out_width).step_by(TILE) {
                let right = out_width.min(left + TILE);
                for y in top..out_height.min(top + TILE) {
                    let row = &mut to[(y * out_width + left) * 3..(y * out_width + right) * 3];
                    let mut source = first as isize + left as isize * across + y as isize * down;
                    for pixel in row.chunks_exact_mut(3) {
                        let at = source as usize;
                        pixel.copy_from_slice(&from[at..at + 3]);
                        source += across;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A display matrix of the four numbers that matter, in whole units.
    fn matrix(a: f64, b: f64, c: f64, d: f64) -> Vec<u8> {
        let fixed = [a, b, 0.0, c, d, 0.0, 0.0, 0.0, 16384.0].map(|value| (value * 65536.0) as i32);
        fixed.iter().flat_map(|value| value.to_ne_bytes()).collect()
    }

    /// What becomes of the picture
    /// ```text
    /// 1 2 3
    /// 4 5 6
    /// ```
    fn check(numbers: [f64; 4], expected: &[&[u8]]) {
        let [a, b, c, d] = numbers;
        let (turn, missed) = Orientation::from_matrix(&matrix(a, b, c, d)).expect("it is a matrix");
        assert!(missed < 1e-3, "{missed}");
        let from: Vec<u8> = (1..=6).flat_map(|value| [value, 10 * value, 40 * value]).collect();
        let mut to = vec![0; 18];
        turn.apply(&from, (3, 2), &mut to);
        let size = turn.size((3, 2));
        assert_eq!(size, (expected[0].len(), expected.len()));
        let pixels = expected.iter().flat_map(|row| row.iter());
        let expected: Vec<u8> = pixels.flat_map(|&value| [value, 10 * value, 40 * value]).collect();
        assert_eq!(to, expected, "{turn:?}");
    }

    #[test]
    fn eight_ways() {
        check([1.0, 0.0, 0.0, 1.0], &[&[1, 2, 3], &[4, 5, 6]]);
        // Clockwise: the right of the picture comes to lie below.
        check([0.0, 1.0, -1.0, 0.0], &[&[4, 1], &[5, 2], &[6, 3]]);
        check([-1.0, 0.0, 0.0, -1.0], &[&[6, 5, 4], &[3, 2, 1]]);
        check([0.0, -1.0, 1.0, 0.0], &[&[3, 6], &[2, 5], &[1, 4]]);
        check([-1.0, 0.0, 0.0, 1.0], &[&[3, 2, 1], &[6, 5, 4]]);
        check([1.0, 0.0, 0.0, -1.0], &[&[4, 5, 6], &[1, 2, 3]]);
        check([0.0, 1.0, 1.0, 0.0], &[&[1, 4], &[2, 5], &[3, 6]]);
        check([0.0, -1.0, -1.0, 0.0], &[&[6, 3], &[5, 2], &[4, 1]]);
    }

    #[test]
    fn other_angles_are_told() {
        let radians = 30_f64.to_radians();
        let (sine, cosine) = (radians.sin(), radians.cos());
        let (turn, missed) = Orientation::from_matrix(&matrix(cosine, sine, -sine, cosine)).expect("it is a matrix");
        assert_eq!(turn, Orientation::NONE);
        assert!((missed - 30.0).abs() < 0.01, "{missed}");
        assert_eq!(Orientation::from_matrix(&matrix(0.0, 0.0, 0.0, 0.0)), None);
        assert_eq!(Orientation::from_matrix(&[1, 2, 3]), None);
    }

    #[test]
    fn tiles_cover_the_whole_picture() {
        let (width, height) = (TILE * 2 + 3, TILE + 5);
        let from: Vec<u8> = (0..width * height * 3).map(|at| (at % 251) as u8).collect();
        let clockwise = Orientation { xx: 0, xy: -1, yx: 1, yy: 0 };
        let mut picture = (from.clone(), (width, height));
        for _ in 0..4 {
            let mut turned = vec![0; from.len()];
            clockwise.apply(&picture.0, picture.1, &mut turned);
            picture = (turned, clockwise.size(picture.1));
        }
        assert!(picture == (from, (width, height)), "four quarter turns are none");
    }
}
