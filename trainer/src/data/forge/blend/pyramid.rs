//! The grids of an image pyramid: each has half the side of the one before.

/// The sides of the grids, from the finest: up to one of `coarsest` or below, and `most` of them at most.
pub(super) fn sides(side: usize, coarsest: usize, most: usize) -> Vec<usize> {
    let halves = std::iter::successors(Some(side), |&side| (side > coarsest).then(|| side.div_ceil(2)));
    halves.take(most).collect()
}

/// Visits the places of the finer grid, one to four, for which a place of the coarser one stands.
pub(super) fn under(index: usize, side: usize, finer_side: usize, mut visit: impl FnMut(usize)) {
    let (left, top) = (index % side * 2, index / side * 2);
    for y in top..(top + 2).min(finer_side) {
        for x in left..(left + 2).min(finer_side) {
            visit(y * finer_side + x);
        }
    }
}

/// The value of a coarser grid at a place of the finer one: bilinear, and beyond the edge as on it.
pub(super) fn stretched(coarse: &[[f32; 3]], side: usize, x: usize, y: usize) -> [f32; 3] {
    let ((x, beside), (y, beyond)) = (near_and_next(x, side), near_and_next(y, side));
    let [near, across, along, both] =
        [(x, y), (beside, y), (x, beyond), (beside, beyond)].map(|(x, y)| coarse[y * side + x]);
    std::array::from_fn(|channel| {
        (9.0 * near[channel] + 3.0 * (across[channel] + along[channel]) + both[channel]) / 16.0
    })
}

/// A place of the finer grid lies a quarter of a coarse place off the middle of its own one, towards the next.
fn near_and_next(at: usize, side: usize) -> (usize, usize) {
    let near = at / 2;
    let next = if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(side - 1) };
    (near, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_halved_upwards() {
        assert_eq!(sides(280, 16, 5), [280, 140, 70, 35, 18]);
        assert_eq!(sides(280, 12, usize::MAX), [280, 140, 70, 35, 18, 9]);
        assert_eq!(sides(8, 12, 5), [8]);
    }

    #[test]
    fn places_under_an_odd_edge_are_fewer() {
        let visited = |index: usize| {
            let mut places = Vec::new();
            under(index, 2, 3, |place| places.push(place));
            places
        };
        assert_eq!(visited(0), [0, 1, 3, 4]);
        assert_eq!(visited(1), [2, 5]);
        assert_eq!(visited(3), [8]);
    }

    #[test]
    fn stretching_keeps_slopes() {
        let coarse: Vec<[f32; 3]> =
            (0..16).map(|index| [(index % 4 * 4) as f32, (index / 4 * 4) as f32, 5.0]).collect();
        assert_eq!(stretched(&coarse, 4, 2, 5), [3.0, 9.0, 5.0]);
        assert_eq!(stretched(&coarse, 4, 3, 4), [5.0, 7.0, 5.0]);
        assert_eq!(stretched(&coarse, 4, 0, 7), [0.0, 12.0, 5.0], "beyond the edge there is no slope");
    }
}
