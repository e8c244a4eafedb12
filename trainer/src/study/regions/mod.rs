//! Which part of the face a pixel shows: the regions of a stated mesh, placed on the photo by its five landmarks. Each pixel
//! is in exactly one.

mod figure;
mod mesh;
mod placed;

use std::sync::LazyLock;

pub use figure::svg;
pub use mesh::{LANDMARKS, Place, Region};
pub use placed::Placed;

use super::painted::Painted;

/// The frame is looked at from minus this to plus this in both directions; beyond it all is background.
pub const REACH: f64 = 2.0;
/// Cells of the table along an axis: a hundredth of the distance between the eyes each.
const CELLS: usize = 400;

/// The region of each cell, rows from the top, as its place in [`Region::ALL`].
static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let middle = |cell: usize| (cell as f64 + 0.5) / CELLS as f64 * 2.0 * REACH - REACH;
    let cells = (0..CELLS * CELLS).map(|cell| Region::at([middle(cell % CELLS), middle(cell / CELLS)]) as u8);
    cells.collect()
});

/// The region of a place of the frame, to a hundredth of its unit.
fn index_at([x, y]: Place) -> usize {
    let cell = |at: f64| {
        let cell = (at + REACH) / (2.0 * REACH) * CELLS as f64;
        (0.0..CELLS as f64).contains(&cell).then_some(cell as usize)
    };
    match (cell(x), cell(y)) {
        (Some(column), Some(row)) => usize::from(TABLE[row * CELLS + column]),
        _ => Region::Background as usize,
    }
}

/// How what was painted is spread over the regions, in the order of [`Region::ALL`]: shares of the painted pixels, which add
/// up to 1. Nothing where nothing was painted.
#[must_use]
pub fn shares(painted: &Painted, placed: &Placed) -> Option<[f64; Region::ALL.len()]> {
    let width = painted.size().0 as usize;
    let mut counts = [0_u64; Region::ALL.len()];
    for (start, length) in painted.spans() {
        for pixel in start..start + length {
            let middle = [(pixel % width) as f64 + 0.5, (pixel / width) as f64 + 0.5];
            counts[index_at(placed.in_frame(middle))] += 1;
        }
    }
    let all = painted.area();
    (all > 0).then(|| counts.map(|count| count as f64 / all as f64))
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;

    use super::*;

    /// A face of 40 pixels from eye to eye in a photo of 200 x 200, the middle of its eyes at (100, 90).
    fn placed() -> Placed {
        let at = LANDMARKS.map(|[x, y]| PixelPoint { x: 100.0 + 40.0 * x as f32, y: 90.0 + 40.0 * y as f32 });
        Placed::new(&at).expect("a face")
    }

    fn shares_of(is_painted: impl Fn(usize, usize) -> bool) -> Option<[f64; 8]> {
        let mask: Vec<bool> = (0..200 * 200).map(|pixel| is_painted(pixel % 200, pixel / 200)).collect();
        shares(&Painted::of_mask(200, 200, &mask), &placed())
    }

    #[test]
    fn shares_are_of_what_was_painted() {
        let eye = shares_of(|x, y| (118..122).contains(&x) && (88..92).contains(&y)).expect("it is painted");
        assert_eq!(eye, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let corner = shares_of(|x, y| x < 10 && y < 10).expect("it is painted");
        assert_eq!(corner[Region::Background as usize], 1.0);
        let all = shares_of(|_, _| true).expect("it is painted");
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{all:?}");
        assert!(all.iter().all(|&share| share > 0.0), "{all:?}");
        // 160 pixels are the frame's width and height from -2 to 2: the table covers them.
        let skin = all[Region::Skin as usize] * 200.0 * 200.0 / 1600.0;
        assert!((3.0..4.5).contains(&skin), "{skin} square units of skin");
        assert_eq!(shares_of(|_, _| false), None);
    }
}
