//! The heat map of a face: its activation map as colour over the picture.

use std::ops::Range;

use super::canvas::{Canvas, mix};
use crate::face::crop::CropSquare;
use crate::frame::PixelBox;

/// How strongly the hottest place covers the picture, in 0 to 1.
const STRONGEST: f32 = 0.65;
/// Values below this stay clear, so that the picture is seen where the network looked at nothing.
const CLEAR_BELOW: f32 = 0.25;

/// An activation map and its size.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// `height * width` values, rows from the top.
    pub values: &'a [f32],
    /// Height.
    pub height: usize,
    /// Width.
    pub width: usize,
}

/// Draws `map`, which belongs to the square `square` of the analysed frame, inside the face box `bounds` of that frame.
///
/// `scale` is canvas pixels over frame pixels, across and down. The map is min-max scaled on its own; a constant map
/// draws nothing.
pub fn draw(canvas: &mut Canvas<'_>, map: Map<'_>, square: &CropSquare, bounds: &PixelBox, scale: (f32, f32)) {
    let range = map.values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    let (low, high) = range;
    if map.values.is_empty() || !(high - low).is_normal() {
        return;
    }
    let place = bounds.scaled(scale.0, scale.1);
    let square = square.bounds().scaled(scale.0, scale.1);
    let (columns, rows) = (canvas.span_x(&place), canvas.span_y(&place));
    let (along, down) = (map.width as f32 / square.width, map.height as f32 / square.height);
    let across = |x: usize| between((x as f32 + 0.5 - square.left) * along, map.width);
    for y in rows {
        let (above, below, down) = between((y as f32 + 0.5 - square.top) * down, map.height);
        let heat = |x: usize| {
            let [upper, lower] = [above, below].map(|y| map.values[y * map.width + x]);
            (upper + (lower - upper) * down - low) / (high - low)
        };
        let mut rest = columns.clone();
        while let Some(first) = rest.next() {
            let (left, right, _) = across(first);
            // Up to the next column of cells the same ones are mixed, over hundreds of pixels of a large face.
            let end = end_of(rest.clone(), |x| across(x).0 == left);
            rest.start = end;
            let (left, right) = (heat(left), heat(right));
            if left.max(right) <= CLEAR_BELOW {
                continue;
            }
            for (pixel, x) in canvas.row(y, first..end).chunks_exact_mut(3).zip(first..) {
                let heat = left + (right - left) * across(x).2;
                if heat > CLEAR_BELOW {
                    mix(pixel, colour(heat), (heat - CLEAR_BELOW) * (STRONGEST / (1.0 - CLEAR_BELOW)));
                }
            }
        }
    }
}

/// The cells that a place lies between, of `cells` in a row, and how far it is from the first to the second. A cell's centre is
/// half a cell in; the outermost ones are held beyond theirs.
fn between(place: f32, cells: usize) -> (usize, usize, f32) {
    let place = (place - 0.5).clamp(0.0, (cells - 1) as f32);
    let first = place as usize;
    (first, (first + 1).min(cells - 1), place - first as f32)
}

/// The first of `places` that isn't `inside` any more, where those that are come first; else their end.
fn end_of(mut places: Range<usize>, inside: impl Fn(usize) -> bool) -> usize {
    while !places.is_empty() {
        let middle = places.start + places.len() / 2;
        if inside(middle) { places.start = middle + 1 } else { places.end = middle }
    }
    places.end
}

/// Yellow to red, which no skin is.
fn colour(heat: f32) -> [u8; 3] {
    let heat = heat.clamp(0.0, 1.0);
    [255, (230.0 * (1.0 - heat)) as u8, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The map at a place in cells, bilinear, the outermost cells held.
    fn plain(map: Map<'_>, u: f32, v: f32) -> f32 {
        let (x, right, along) = between(u, map.width);
        let (y, below, down) = between(v, map.height);
        let at = |x: usize, y: usize| map.values[y * map.width + x];
        let mixed = |y: usize| at(x, y) * (1.0 - along) + at(right, y) * along;
        mixed(y) * (1.0 - down) + mixed(below) * down
    }

    fn check(size: (usize, usize), square: &CropSquare, bounds: &PixelBox, canvas_size: (usize, usize), scale: f32) {
        let values: Vec<f32> = (0..size.0 * size.1).map(|at| (at * 37 % 11) as f32 - 3.0).collect();
        let map = Map { values: &values, width: size.0, height: size.1 };
        let mut pixels = vec![90; canvas_size.0 * canvas_size.1 * 3];
        let mut canvas = Canvas::new(canvas_size.0, canvas_size.1, canvas_size.0 * 3, &mut pixels).expect("it fits");
        draw(&mut canvas, map, square, bounds, (scale, scale));
        let (place, square) = (bounds.scaled(scale, scale), square.bounds().scaled(scale, scale));
        let (columns, rows) = (canvas.span_x(&place), canvas.span_y(&place));
        let high = values.iter().copied().fold(0.0, f32::max);
        for (at, pixel) in pixels.chunks_exact(3).enumerate() {
            let (x, y) = (at % canvas_size.0, at / canvas_size.0);
            let u = (x as f32 + 0.5 - square.left) / square.width * size.0 as f32;
            let v = (y as f32 + 0.5 - square.top) / square.height * size.1 as f32;
            let heat = (plain(map, u, v) + 3.0) / (high + 3.0);
            let inside = columns.contains(&x) && rows.contains(&y) && heat > CLEAR_BELOW;
            let strength = if inside { STRONGEST * (heat - CLEAR_BELOW) / (1.0 - CLEAR_BELOW) } else { 0.0 };
            for (&found, colour) in pixel.iter().zip(colour(heat)) {
                let expected = 90.0 * (1.0 - strength) + f32::from(colour) * strength;
                assert!((f32::from(found) - expected).abs() <= 1.5, "{x}, {y} of {size:?}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn each_pixel_has_the_heat_of_its_place() {
        let square = |left, top, side| CropSquare { left, top, side };
        let bounds = |left, top, width, height| PixelBox { left, top, width, height };
        check((7, 7), &square(10, 5, 60), &bounds(15.0, 8.0, 40.0, 50.0), (90, 80), 1.0);
        check((5, 3), &square(-20, -10, 70), &bounds(-8.0, -4.0, 60.0, 60.0), (90, 80), 1.0);
        check((1, 4), &square(3, 3, 33), &bounds(0.0, 0.0, 50.0, 40.0), (97, 71), 2.3);
        check((12, 12), &square(40, 30, 9), &bounds(30.0, 25.0, 40.0, 30.0), (60, 50), 0.8);
    }
}
