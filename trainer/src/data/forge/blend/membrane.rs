//! Gradient-domain blending, as a membrane.
//!
//! The blend f has the copy's gradients inside the mask and the target's colours on its rim: lap f = lap copy inside,
//! f = target on the rim. So h = copy - f has lap h = 0 inside and h = copy - target on the rim: a membrane spanned over
//! the rim, and f - target = (copy - target) - h. The membrane is smooth, so it is found on a coarse grid first and
//! bettered on finer ones with a few Gauss-Seidel sweeps each.

use super::pyramid;

/// Side of the coarsest grid, at most: so small that the sweeps there reach all of it.
const COARSEST: usize = 12;
/// Sweeps on the coarsest grid.
const COARSE_SWEEPS: usize = 30;
/// Sweeps on each finer one. The grid before has settled all waves but the shortest.
const FINE_SWEEPS: usize = 6;
/// Over-relaxation of a sweep; 1 is plain Gauss-Seidel, 2 diverges. With both, a rim that differs by 40 grey levels from
/// side to side leaves 0.7 of a level; plain sweeps leave 1.3.
const RELAXATION: f32 = 1.7;

/// A grid of the pyramid.
#[derive(Debug, Default)]
struct Grid {
    side: usize,
    values: Vec<[f32; 3]>,
    /// Indices of the places where the membrane is free.
    free: Vec<u32>,
    /// The same as flags.
    is_free: Vec<bool>,
}

/// Spans membranes, keeping its buffers.
#[derive(Debug, Default)]
pub(super) struct Membrane {
    grids: Vec<Grid>,
}

impl Membrane {
    /// Subtracts from `difference` (`side` squared) the membrane over the places with a share above 0. On the rim, and
    /// on the edge of the picture, which counts as rim, 0 remains; places outside are left as they are.
    pub(super) fn subtract(&mut self, difference: &mut [[f32; 3]], shares: &[f32], side: usize) {
        let sides = pyramid::sides(side, COARSEST, usize::MAX);
        self.grids.resize_with(sides.len(), Grid::default);
        for (level, &side) in sides.iter().enumerate() {
            let (finer, coarser) = self.grids.split_at_mut(level);
            let grid = &mut coarser[0];
            grid.side = side;
            match finer.last() {
                None => grid.fill(difference, shares),
                Some(finer) => grid.shrink(finer),
            }
        }
        for level in (0..sides.len()).rev() {
            let (finer, coarser) = self.grids.split_at_mut(level + 1);
            let grid = &mut finer[level];
            match coarser.first() {
                None => grid.relax(COARSE_SWEEPS),
                Some(coarser) => {
                    grid.start_from(coarser);
                    grid.relax(FINE_SWEEPS);
                }
            }
        }
        let finest = &self.grids[0];
        for (index, value) in difference.iter_mut().enumerate() {
            if shares[index] > 0.0 {
                let membrane = finest.values[index];
                *value = std::array::from_fn(|channel| value[channel] - membrane[channel]);
            }
        }
    }
}

impl Grid {
    fn fill(&mut self, difference: &[[f32; 3]], shares: &[f32]) {
        let side = self.side;
        self.values.clear();
        self.values.extend_from_slice(difference);
        self.is_free.clear();
        self.is_free.extend((0..side * side).map(|index| {
            let (x, y) = (index % side, index / side);
            shares[index] > 0.0 && x > 0 && y > 0 && x + 1 < side && y + 1 < side
        }));
        self.list_free();
    }

    /// A place stands for up to four of the finer grid: it is rim where one of them is, and has the mean of these.
    fn shrink(&mut self, finer: &Self) {
        let side = self.side;
        self.values.clear();
        self.is_free.clear();
        for index in 0..side * side {
            let (mut sum, mut count) = ([0.0; 3], 0.0);
            pyramid::under(index, side, finer.side, |at| {
                if !finer.is_free[at] {
                    sum = std::array::from_fn(|channel| sum[channel] + finer.values[at][channel]);
                    count += 1.0;
                }
            });
            self.is_free.push(count == 0.0);
            self.values.push(if count > 0.0 { sum.map(|sum| sum / count) } else { sum });
        }
        self.list_free();
    }

    fn list_free(&mut self) {
        self.free.clear();
        let places = self.is_free.iter().enumerate().filter(|&(_, &free)| free);
        self.free.extend(places.map(|(index, _)| index as u32));
    }

    /// The coarser membrane, stretched to where this one is free.
    fn start_from(&mut self, coarser: &Self) {
        for &index in &self.free {
            let (x, y) = (index as usize % self.side, index as usize / self.side);
            self.values[index as usize] = pyramid::stretched(&coarser.values, coarser.side, x, y);
        }
    }

    /// Each free place goes towards, and a little beyond, the mean of its four neighbours; the edge of a grid is rim,
    /// so all of them are there.
    fn relax(&mut self, sweeps: usize) {
        for _ in 0..sweeps {
            for &index in &self.free {
                let at = index as usize;
                let [above, left, right, below] =
                    [at - self.side, at - 1, at + 1, at + self.side].map(|at| self.values[at]);
                let value = &mut self.values[at];
                for channel in 0..3 {
                    let mean = (above[channel] + left[channel] + right[channel] + below[channel]) / 4.0;
                    value[channel] += RELAXATION * (mean - value[channel]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The greatest remainder inside a disc, of a difference that is a membrane itself.
    fn remainder(side: usize, radius: f32, harmonic: impl Fn(f32, f32) -> f32) -> f32 {
        let middle = (side as f32 - 1.0) / 2.0;
        let place = |index: usize| ((index % side) as f32 - middle, (index / side) as f32 - middle);
        let mut difference: Vec<[f32; 3]> = (0..side * side)
            .map(|index| {
                let (x, y) = place(index);
                [harmonic(x, y), 3.0, -harmonic(x, y)]
            })
            .collect();
        let shares: Vec<f32> = (0..side * side)
            .map(|index| {
                let (x, y) = place(index);
                if x.hypot(y) < radius { 1.0 } else { 0.0 }
            })
            .collect();
        Membrane::default().subtract(&mut difference, &shares, side);
        let inside = difference.iter().zip(&shares).filter(|&(_, &share)| share > 0.0);
        inside.flat_map(|(value, _)| value).fold(0.0, |most, value| value.abs().max(most))
    }

    #[test]
    fn of_a_harmonic_difference_nothing_remains() {
        for side in [30, 101, 280] {
            let scale = side as f32;
            let radius = scale * 0.4;
            assert!(remainder(side, radius, |_, _| 20.0) < 0.1, "{side}: constant");
            let slope = remainder(side, radius, |x, y| 40.0 * (x + y) / scale);
            assert!(slope < 0.8, "{side}: a slope leaves {slope}");
            let saddle = remainder(side, radius, |x, y| 80.0 * (x * x - y * y) / (scale * scale));
            assert!(saddle < 0.3, "{side}: a saddle leaves {saddle}");
        }
    }

    #[test]
    fn a_region_up_to_the_edge_of_the_picture_does_no_harm() {
        let mut difference = vec![[5.0; 3]; 64 * 64];
        Membrane::default().subtract(&mut difference, &[1.0; 64 * 64], 64);
        assert!(difference.iter().flatten().all(|value| value.abs() < 0.1));
    }
}
