//! RGB as brightness and quarter-size colour planes (YCbCr of BT.601 in the range of video), and back.

/// Weights of 1/256: brightness, blue difference, red difference.
const TO_VIDEO: [[i32; 3]; 3] = [[66, 129, 25], [-38, -74, 112], [112, -94, -18]];

/// The three planes of a picture with even sides; rows without gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Planes {
    /// Side in pixels, even.
    pub(super) side: usize,
    /// Brightness, `side` squared.
    pub(super) luma: Vec<u8>,
    /// Blue and red difference, each half the side squared.
    pub(super) chroma: [Vec<u8>; 2],
}

impl Planes {
    /// Takes a square RGB picture, shifted by whole pixels: its edge is repeated.
    pub(super) fn fill(&mut self, pixels: &[u8], side: usize, [dx, dy]: [i32; 2]) {
        self.side = side;
        self.luma.clear();
        self.chroma.iter_mut().for_each(Vec::clear);
        let nearest = |at: usize, off: i32| (at as i32 + off).clamp(0, side as i32 - 1) as usize;
        let rgb = |x: usize, y: usize| {
            let at = (nearest(y, dy) * side + nearest(x, dx)) * 3;
            [0, 1, 2].map(|channel| i32::from(pixels[at + channel]))
        };
        let weighed = |[a, b, c]: [i32; 3], [red, green, blue]: [i32; 3]| a * red + b * green + c * blue;
        for y in 0..side {
            self.luma.extend((0..side).map(|x| (((weighed(TO_VIDEO[0], rgb(x, y)) + 128) >> 8) + 16) as u8));
        }
        for y in (0..side).step_by(2) {
            for x in (0..side).step_by(2) {
                let four = [rgb(x, y), rgb(x + 1, y), rgb(x, y + 1), rgb(x + 1, y + 1)];
                let sum = [0, 1, 2].map(|channel| four.iter().map(|pixel| pixel[channel]).sum());
                for (plane, weights) in self.chroma.iter_mut().zip(&TO_VIDEO[1..]) {
                    plane.push((((weighed(*weights, sum) + 512) >> 10) + 128).clamp(0, 255) as u8);
                }
            }
        }
    }

    /// The RGB picture; colours between their places are means, by distance.
    pub(super) fn write(&self, pixels: &mut Vec<u8>) {
        pixels.clear();
        let half = self.side / 2;
        // A pixel lies a quarter of a colour's place off its middle, towards the next.
        let near = |at: usize| {
            let own = at / 2;
            (own, if at.is_multiple_of(2) { own.saturating_sub(1) } else { (own + 1).min(half - 1) })
        };
        for y in 0..self.side {
            let (row, next_row) = near(y);
            for x in 0..self.side {
                let (column, next) = near(x);
                let [blue_off, red_off] = [0, 1].map(|plane| {
                    let at = |x: usize, y: usize| i32::from(self.chroma[plane][y * half + x]);
                    let (own, beside) = (at(column, row), at(next, row));
                    let (under, both) = (at(column, next_row), at(next, next_row));
                    // In 1/16.
                    9 * own + 3 * (beside + under) + both - 16 * 128
                });
                let luma = 298 * 16 * (i32::from(self.luma[y * self.side + x]) - 16);
                let value = |weighed: i32| ((luma + weighed + 2048) >> 12).clamp(0, 255) as u8;
                pixels.extend([value(409 * red_off), value(-100 * blue_off - 208 * red_off), value(516 * blue_off)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_picture_comes_back() {
        let side = 16;
        let pixels: Vec<u8> = (0..side * side)
            .flat_map(|at| [120 + at % side, 90 + at / side, 200 - at % side])
            .map(|v| v as u8)
            .collect();
        let (mut planes, mut back) = (Planes::default(), Vec::new());
        planes.fill(&pixels, side, [0, 0]);
        assert_eq!((planes.luma.len(), planes.chroma[0].len(), planes.chroma[1].len()), (256, 64, 64));
        planes.write(&mut back);
        let worst = pixels.iter().zip(&back).map(|(&a, &b)| a.abs_diff(b)).max();
        assert!(worst <= Some(4), "{worst:?}");
    }

    #[test]
    fn black_white_and_red_have_the_numbers_of_the_standard() {
        let number = |pixel: [u8; 3]| {
            let mut planes = Planes::default();
            planes.fill(&pixel.repeat(4), 2, [0, 0]);
            [planes.luma[0], planes.chroma[0][0], planes.chroma[1][0]]
        };
        assert_eq!(number([0, 0, 0]), [16, 128, 128]);
        assert_eq!(number([255, 255, 255]), [235, 128, 128]);
        assert_eq!(number([255, 0, 0]), [82, 90, 240]);
    }

    #[test]
    fn a_shift_repeats_the_edge() {
        let side = 4;
        let pixels: Vec<u8> = (0..16).flat_map(|at| [(at % 4 * 60) as u8; 3]).collect();
        let (mut plain, mut shifted) = (Planes::default(), Planes::default());
        plain.fill(&pixels, side, [0, 0]);
        shifted.fill(&pixels, side, [1, 0]);
        assert_eq!(shifted.luma[..4], [plain.luma[1], plain.luma[2], plain.luma[3], plain.luma[3]]);
    }
}
