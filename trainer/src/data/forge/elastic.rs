//! Elastic deformation: a smooth random displacement of the plane.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Nodes along an axis. Seven over a square of twice a face, or part of it, make bumps of a third of it: finer ones
/// look frayed, coarser ones are hardly more than a shift.
const NODES: usize = 7;

/// Random displacements at the nodes of a grid over the unit square, joined smoothly.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Elastic {
    nodes: [[[f32; 2]; NODES]; NODES],
}

impl Elastic {
    /// Draws a displacement of up to `reach` along each axis.
    pub(super) fn draw(reach: f32, random: &mut ChaCha8Rng) -> Self {
        let mut nodes = [[[0.0; 2]; NODES]; NODES];
        for value in nodes.iter_mut().flatten().flatten() {
            *value = reach * random.random_range(-1.0..=1.0);
        }
        Self { nodes }
    }

    /// The displacement at a place of the unit square; outside of it that of the nearest place inside.
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let ((left, x), (top, y)) = (cell(x), cell(y));
        let [upper, lower] = [&self.nodes[top], &self.nodes[top + 1]];
        std::array::from_fn(|axis| {
            let above = upper[left][axis] + (upper[left + 1][axis] - upper[left][axis]) * x;
            let below = lower[left][axis] + (lower[left + 1][axis] - lower[left][axis]) * x;
            above + (below - above) * y
        })
    }
}

/// The node before a place, and how far it is to the next; eased, so that there is no crease at the nodes.
fn cell(at: f32) -> (usize, f32) {
    let at = at.clamp(0.0, 1.0) * (NODES - 1) as f32;
    let node = (at as usize).min(NODES - 2);
    let part = at - node as f32;
    (node, part * part * (3.0 - 2.0 * part))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn goes_through_its_nodes_and_stays_in_reach() {
        let elastic = Elastic::draw(0.5, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(elastic.at(0.0, 0.0), elastic.nodes[0][0]);
        assert_eq!(elastic.at(1.0, 1.0), elastic.nodes[NODES - 1][NODES - 1]);
        assert_eq!(elastic.at(-3.0, 7.0), elastic.nodes[NODES - 1][0]);
        let between = elastic.at(0.25 / 3.0, 0.0);
        let middle = (elastic.nodes[0][0][0] + elastic.nodes[0][1][0]) / 2.0;
        assert!((between[0] - middle).abs() < 1e-6, "half way: {between:?}, {middle}");
        let all: Vec<f32> = elastic.nodes.iter().flatten().flatten().copied().collect();
        assert!(all.iter().all(|value| value.abs() <= 0.5));
        assert!(all.iter().any(|value| value.abs() > 0.4), "the reach is used");
    }

    #[test]
    fn neighbours_move_nearly_alike() {
        let elastic = Elastic::draw(1.0, &mut ChaCha8Rng::seed_from_u64(2));
        // Between two nodes 1/6 apart the steepest place of the easing has slope 1.5, and nodes differ by 2 at most.
        let steepest = 2.0 * 1.5 * 6.0;
        for step in 0..1000 {
            let x = step as f32 / 1000.0;
            let (here, there) = (elastic.at(x, 0.37), elastic.at(x + 0.001, 0.37));
            assert!((here[0] - there[0]).abs() <= steepest * 0.001 + 1e-5);
        }
    }
}
