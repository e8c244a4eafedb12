//! Where each place of the target's face is on the donor's: a similarity or an affine map by the five landmarks, and as
//! much of what it leaves over as is wanted.
//!
//! Programs that swap faces put the donor's eyes, nose and mouth where the target's are, nearly; how near is drawn.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::change::sample;
use super::super::change::signed::signed;
use super::super::face_frame::FaceFrame;

/// Share of the fits that may stretch and shear the donor; the others only turn, shift and scale it.
const AFFINE: f64 = 0.6;
/// Below this ratio of the determinant to what it is at most the landmarks are nearly in a line, and nothing can be said of
/// the stretch across it.
const LEAST_SPREAD: f32 = 0.05;
/// Share of the fits that bring the landmarks (nearly) onto each other, as a network does that draws the donor with the
/// target's expression.
const CLOSE: f64 = 0.7;
/// How much of what a fit leaves over is taken away.
const CLOSENESS: [(f32, f32); 2] = [(0.75, 1.0), (0.0, 0.6)];
/// Error of each landmark over the distance between the eyes, at most.
const LANDMARK_ERROR: f32 = 0.025;
/// Shift of the whole over the distance between the eyes.
const SHIFT: (f32, f32) = (0.0, 0.025);
/// Change of the natural logarithm of the size.
const ZOOM: (f32, f32) = (0.0, 0.025);
/// Turn in radians, up to about a degree and a half.
const TURN: (f32, f32) = (0.0, 0.025);
/// Around a landmark the rest is taken away within about so many distances of the eyes.
const NEIGHBOURHOOD: f32 = 0.5;
/// Of the weights of all landmarks together below which a place is too far from any to be moved wholly.
const FAR: f32 = 0.35;
/// Pixels from one place where the rest is computed to the next.
const CELL: usize = 8;

/// From places of the target's picture to places of the donor's, in pixels.
#[derive(Debug, Default)]
pub(super) struct Alignment {
    /// A row for x and one for y: of x, of y, and the offset.
    matrix: [[f32; 3]; 2],
    /// What is added, at every [`CELL`]th pixel.
    rest: Vec<[f32; 2]>,
    /// Places of `rest` along an axis.
    places: usize,
}

impl Alignment {
    /// Draws one for two pictures of `side` pixels.
    pub(super) fn draw(&mut self, target: &FaceFrame, donor: &FaceFrame, side: usize, random: &mut ChaCha8Rng) {
        let unit = target.eye_distance();
        let shift: [f32; 2] = std::array::from_fn(|_| signed(SHIFT, random) * unit);
        let mut at = target.in_pixels();
        for place in at.iter_mut().flatten() {
            *place += random.random_range(-LANDMARK_ERROR..=LANDMARK_ERROR) * unit;
        }
        let from = donor.in_pixels();
        let is_affine = random.random_bool(AFFINE);
        let fitted = if is_affine { affine(&at, &from) } else { None };
        self.matrix = fitted.unwrap_or_else(|| similarity(&at, &from));
        let (low, high) = CLOSENESS[usize::from(!random.random_bool(CLOSE))];
        let closeness = random.random_range(low..=high);
        let left_over: [[f32; 2]; 5] = std::array::from_fn(|index| {
            let found = apply(&self.matrix, at[index]);
            [0, 1].map(|axis| closeness * (from[index][axis] - found[axis]))
        });
        self.spread(&at, &left_over, unit, side);
        // The error of the whole comes last, so that no landmark takes it back.
        let (zoom, turn) = (signed(ZOOM, random).exp(), signed(TURN, random));
        self.turn_about(target.pixel([0.0, 0.5]), shift, zoom, turn);
    }

    /// What each place is moved by: near a landmark as that landmark, between them a mean.
    fn spread(&mut self, at: &[[f32; 2]; 5], left_over: &[[f32; 2]; 5], unit: f32, side: usize) {
        self.places = side.div_ceil(CELL) + 1;
        self.rest.clear();
        let scale = 1.0 / (2.0 * (NEIGHBOURHOOD * unit).powi(2)).max(f32::MIN_POSITIVE);
        for index in 0..self.places * self.places {
            let (x, y) = ((index % self.places * CELL) as f32, (index / self.places * CELL) as f32);
            let (mut sum, mut all) = ([0.0; 2], 0.0);
            for (place, rest) in at.iter().zip(left_over) {
                let weight = (-((x - place[0]).powi(2) + (y - place[1]).powi(2)) * scale).exp();
                sum = [sum[0] + weight * rest[0], sum[1] + weight * rest[1]];
                all += weight;
            }
            self.rest.push(sum.map(|sum| sum / all.max(FAR)));
        }
    }

    /// Shifts, scales and turns the picture that will come out, about a place of it.
    fn turn_about(&mut self, [x, y]: [f32; 2], shift: [f32; 2], zoom: f32, turn: f32) {
        let (sin, cos) = turn.sin_cos();
        // A place p of what comes out is taken from where q = turn back (p - centre - shift) / zoom + centre was before.
        let back = [[cos / zoom, sin / zoom], [-sin / zoom, cos / zoom]];
        let offset: [f32; 2] = std::array::from_fn(|axis| {
            let centre = [x, y][axis];
            centre - back[axis][0] * (x + shift[0]) - back[axis][1] * (y + shift[1])
        });
        self.matrix = self.matrix.map(|[a, b, c]| {
            [a * back[0][0] + b * back[1][0], a * back[0][1] + b * back[1][1], a * offset[0] + b * offset[1] + c]
        });
    }

    /// Where a place of the target's picture is in the donor's.
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let (column, right) = cell(x, self.places);
        let (row, below) = cell(y, self.places);
        let rest = |column: usize, row: usize| self.rest[row * self.places + column];
        let (upper, lower) =
            ([rest(column, row), rest(column + 1, row)], [rest(column, row + 1), rest(column + 1, row + 1)]);
        let [u, v] = apply(&self.matrix, [x, y]);
        let moved = |axis: usize| {
            let above = upper[0][axis] + (upper[1][axis] - upper[0][axis]) * right;
            let under = lower[0][axis] + (lower[1][axis] - lower[0][axis]) * right;
            above + (under - above) * below
        };
        [u + moved(0), v + moved(1)]
    }

    /// Draws the donor where the target's face is. What comes from beyond the donor's picture is its nearest pixel.
    pub(super) fn apply(&self, donor: &[u8], side: usize, out: &mut Vec<u8>) {
        out.resize(side * side * 3, 0);
        for (row, line) in out.chunks_exact_mut(side * 3).enumerate() {
            for (column, pixel) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let [x, y] = self.at(column as f32, row as f32);
                *pixel = sample(donor, side, x, y);
            }
        }
    }
}

/// The place of the rest before a pixel, and how far it is to the next.
fn cell(at: f32, places: usize) -> (usize, f32) {
    let at = at / CELL as f32;
    let place = (at as usize).min(places - 2);
    (place, at - place as f32)
}

fn apply(matrix: &[[f32; 3]; 2], [x, y]: [f32; 2]) -> [f32; 2] {
    matrix.map(|[a, b, c]| a * x + b * y + c)
}

fn mean(points: &[[f32; 2]; 5]) -> [f32; 2] {
    std::array::from_fn(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / 5.0)
}

/// Least squares over all pairs: sums of products of the places about their means.
fn products(at: &[[f32; 2]; 5], from: &[[f32; 2]; 5]) -> ([[f32; 2]; 2], [[f32; 2]; 2]) {
    let (middle, middle_from) = (mean(at), mean(from));
    let (mut own, mut both) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    for (p, q) in at.iter().zip(from) {
        for i in 0..2 {
            for j in 0..2 {
                own[i][j] += (p[i] - middle[i]) * (p[j] - middle[j]);
                both[i][j] += (q[i] - middle_from[i]) * (p[j] - middle[j]);
            }
        }
    }
    (own, both)
}

fn with_offset(linear: [[f32; 2]; 2], at: &[[f32; 2]; 5], from: &[[f32; 2]; 5]) -> [[f32; 3]; 2] {
    let (middle, middle_from) = (mean(at), mean(from));
    std::array::from_fn(|row| {
        let [a, b] = linear[row];
        [a, b, middle_from[row] - a * middle[0] - b * middle[1]]
    })
}

/// The best map that shifts, turns and scales.
fn similarity(at: &[[f32; 2]; 5], from: &[[f32; 2]; 5]) -> [[f32; 3]; 2] {
    let (own, both) = products(at, from);
    let square = (own[0][0] + own[1][1]).max(f32::MIN_POSITIVE);
    let (along, across) = ((both[0][0] + both[1][1]) / square, (both[1][0] - both[0][1]) / square);
    with_offset([[along, -across], [across, along]], at, from)
}

/// The best linear map; nothing where the places are nearly in a line.
fn affine(at: &[[f32; 2]; 5], from: &[[f32; 2]; 5]) -> Option<[[f32; 3]; 2]> {
    let (own, both) = products(at, from);
    let [[a, b], [c, d]] = own;
    let determinant = a * d - b * c;
    let most = ((a + d) / 2.0).powi(2);
    if determinant <= LEAST_SPREAD * most {
        return None;
    }
    let inverse = [[d / determinant, -b / determinant], [-c / determinant, a / determinant]];
    let linear = both.map(|[x, y]| [x * inverse[0][0] + y * inverse[1][0], x * inverse[0][1] + y * inverse[1][1]]);
    Some(with_offset(linear, at, from))
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;
    use rand::SeedableRng;

    use super::*;

    const SIDE: usize = 100;
    const TARGET: [(f32, f32); 5] = [(0.35, 0.4), (0.65, 0.4), (0.5, 0.55), (0.4, 0.7), (0.6, 0.7)];

    fn frame(points: [(f32, f32); 5]) -> FaceFrame {
        FaceFrame::new(&points.map(|(x, y)| PixelPoint { x, y }), SIDE).expect("a face")
    }

    #[test]
    fn fits_find_the_map_that_was_used() {
        let at = frame(TARGET).in_pixels();
        let turned = at.map(|[x, y]| [0.9 * x - 0.3 * y + 7.0, 0.3 * x + 0.9 * y - 4.0]);
        let sheared = at.map(|[x, y]| [0.9 * x + 0.2 * y + 7.0, 0.1 * x + 1.2 * y - 4.0]);
        let close = |found: [[f32; 3]; 2], expected: [[f32; 3]; 2]| {
            let pairs = found.iter().flatten().zip(expected.iter().flatten());
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} is not {expected:?}");
        };
        close(similarity(&at, &turned), [[0.9, -0.3, 7.0], [0.3, 0.9, -4.0]]);
        close(affine(&at, &sheared).expect("they span a plane"), [[0.9, 0.2, 7.0], [0.1, 1.2, -4.0]]);
        assert_eq!(affine(&[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0], [5.0, 5.0]], &at), None, "a line");
    }

    #[test]
    fn the_donors_landmarks_come_to_where_the_targets_are() {
        let target = frame(TARGET);
        // A narrower, turned face with the nose off its middle.
        let donor = frame([(0.32, 0.33), (0.6, 0.38), (0.5, 0.5), (0.34, 0.62), (0.54, 0.66)]);
        let (mut alignment, unit) = (Alignment::default(), target.eye_distance());
        let (mut worst, mut sum) = (0.0_f32, 0.0);
        for seed in 0..200 {
            alignment.draw(&target, &donor, SIDE, &mut ChaCha8Rng::seed_from_u64(seed));
            for (place, wanted) in target.in_pixels().into_iter().zip(donor.in_pixels()) {
                let [x, y] = alignment.at(place[0], place[1]);
                let off = (x - wanted[0]).hypot(y - wanted[1]) / unit;
                worst = worst.max(off);
                sum += off;
            }
        }
        assert!(sum / 1000.0 < 0.06 && worst < 0.25, "off by {} on average, {worst} at most", sum / 1000.0);
        assert!(sum / 1000.0 > 0.01, "there is some error");
    }
}
