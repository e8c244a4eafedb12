//! A mean map as a picture, with the outlines of the regions over it.

use anyhow::Context;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use plotters::style::colors::colormaps::ViridisRGB;

use super::super::average::CELLS;
use crate::study::regions::{REACH, Region};

/// Pixels along a side of a cell.
const PIXELS: usize = 2;
/// Side of a picture in pixels.
pub(super) const SIDE: usize = CELLS * PIXELS;
/// Of an outline over the map.
const STRENGTH: f32 = 0.55;

/// Draws a map of `CELLS * CELLS` values from 0 to their largest. Cells without a value are grey.
pub(super) fn png(values: &[f32]) -> anyhow::Result<Vec<u8>> {
    let most = values.iter().copied().filter(|value| value.is_finite()).fold(f32::MIN_POSITIVE, f32::max);
    let mut pixels = vec![0; SIDE * SIDE * 3];
    for (index, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let value = values[index / SIDE / PIXELS * CELLS + index % SIDE / PIXELS];
        *pixel = if value.is_finite() {
            let colour = ViridisRGB::get_color(value / most);
            [colour.0, colour.1, colour.2]
        } else {
            [96; 3]
        };
    }
    let outlines = Region::ALL.iter().flat_map(|region| region.outlines().into_iter().map(move |each| (region, each)));
    for (region, outline) in outlines {
        for (from, to) in outline.iter().zip(outline.iter().cycle().skip(1)) {
            let pixel = |place: f64| (place + REACH) / (2.0 * REACH) * SIDE as f64;
            let (start, end) = (from.map(pixel), to.map(pixel));
            let steps = (end[0] - start[0]).abs().max((end[1] - start[1]).abs()).ceil().max(1.0);
            for step in 0..steps as usize {
                let share = step as f64 / steps;
                // What another region lies over isn't seen.
                let place = [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share);
                if (Region::at(place) as usize) < *region as usize {
                    continue;
                }
                let at = |axis: usize| start[axis] + (end[axis] - start[axis]) * share;
                // Outlines end within the frame.
                let index = at(1) as usize * SIDE + at(0) as usize;
                for value in pixels.iter_mut().skip(index * 3).take(3) {
                    *value = (f32::from(*value) + (255.0 - f32::from(*value)) * STRENGTH) as u8;
                }
            }
        }
    }
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(&pixels, SIDE as u32, SIDE as u32, ExtendedColorType::Rgb8)
        .context("a mean map can't be drawn")?;
    Ok(bytes)
}
