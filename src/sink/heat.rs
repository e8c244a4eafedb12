//! The heat map of a face: its activation map as colour over the picture.

use super::overlay::Canvas;
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
    for y in rows {
        let v = ((y as f32 + 0.5 - square.top) / square.height) * map.height as f32 - 0.5;
        for x in columns.clone() {
            let u = ((x as f32 + 0.5 - square.left) / square.width) * map.width as f32 - 0.5;
            let heat = (sample(map, u, v) - low) / (high - low);
            if heat > CLEAR_BELOW {
                let strength = STRONGEST * (heat - CLEAR_BELOW) / (1.0 - CLEAR_BELOW);
                canvas.blend(x, y, colour(heat), strength);
            }
        }
    }
}

/// The map between its cells, bilinear, the outermost cells held beyond their centres.
fn sample(map: Map<'_>, u: f32, v: f32) -> f32 {
    let u = u.clamp(0.0, (map.width - 1) as f32);
    let v = v.clamp(0.0, (map.height - 1) as f32);
    let (x, y) = (u as usize, v as usize);
    let (right, below) = ((x + 1).min(map.width - 1), (y + 1).min(map.height - 1));
    let (along, down) = (u - x as f32, v - y as f32);
    let at = |x: usize, y: usize| map.values[y * map.width + x];
    let upper = at(x, y) * (1.0 - along) + at(right, y) * along;
    let lower = at(x, below) * (1.0 - along) + at(right, below) * along;
    upper * (1.0 - down) + lower * down
}

/// Yellow to red, which no skin is.
fn colour(heat: f32) -> [u8; 3] {
    let heat = heat.clamp(0.0, 1.0);
    [255, (230.0 * (1.0 - heat)) as u8, 0]
}
