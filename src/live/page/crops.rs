//! Cuts a person's face out of a picture, as a small JPEG file.

use axum::body::Bytes;

use crate::draw::Canvas;
use crate::draw::heat::{self, Map};
use crate::draw::jpeg;
use crate::face::crop::{CropSquare, Cropper};
use crate::frame::{Frame, PixelBox};
use crate::live::faces_alone::square;
use crate::live::view::Person;

/// Side of a crop in pixels.
pub(super) const SIDE: usize = 192;

/// Cuts faces, keeping its buffers.
#[derive(Debug, Default)]
pub(super) struct CropMaker {
    cropper: Cropper,
    pixels: Vec<u8>,
}

impl CropMaker {
    /// The person's face, with or without the heat map over it.
    pub(super) fn make(&mut self, frame: &Frame, person: &Person, heat: bool) -> anyhow::Result<Bytes> {
        let square = square(person, frame).ok_or_else(|| anyhow::anyhow!("a face larger than its picture"))?;
        self.pixels.resize(SIDE * SIDE * 3, 0);
        self.cropper.cut(frame, &square, SIDE, &mut self.pixels)?;
        if heat
            && let Some(opinion) = &person.opinion
            && opinion.map.len() == opinion.map_size.0 * opinion.map_size.1
            && let Some(mut canvas) = Canvas::new(SIDE, SIDE, SIDE * 3, &mut self.pixels)
        {
            let (height, width) = opinion.map_size;
            let map = Map { values: &opinion.map, height, width };
            let here = CropSquare { left: 0, top: 0, side: square.side };
            let (left, top) = (person.bounds.left - square.left as f32, person.bounds.top - square.top as f32);
            let bounds = PixelBox { left, top, ..person.bounds };
            let scale = SIDE as f32 / square.side as f32;
            heat::draw(&mut canvas, map, &here, &bounds, (scale, scale));
        }
        Ok(jpeg::encode(&self.pixels, (SIDE, SIDE))?.into())
    }
}
