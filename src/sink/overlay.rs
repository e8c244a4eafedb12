//! Drawing on a picture: face boxes, labels and heat maps.

use std::convert::Infallible;
use std::fmt::Write;
use std::ops::Range;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_9X15_BOLD};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

use super::FrameView;
use super::heat::{self, Map};
use crate::face::follow::TrackId;
use crate::frame::PixelBox;
use crate::verdict::track::TrackedFace;
use crate::verdict::{Judgement, Verdict};

/// Size of a letter before it is enlarged.
const LETTER: (usize, usize) = (9, 15);

/// An RGB picture to draw on.
#[derive(Debug)]
pub struct Canvas<'a> {
    width: usize,
    height: usize,
    stride: usize,
    pixels: &'a mut [u8],
}

/// What is drawn, with the memory that it needs.
#[derive(Debug, Default)]
pub struct Overlay {
    label: String,
}

impl<'a> Canvas<'a> {
    /// A canvas over `pixels`: RGB, rows from the top, one every `stride` bytes. `None` when they don't fit in there.
    #[must_use]
    pub fn new(width: usize, height: usize, stride: usize, pixels: &'a mut [u8]) -> Option<Self> {
        // The last row may end with its last pixel: a canvas can be a part of a picture.
        let fits = stride >= width * 3 && pixels.len() >= stride * height.saturating_sub(1) + width * 3;
        fits.then_some(Self { width, height, stride, pixels })
    }

    /// The columns of the canvas whose centres lie in `place`.
    #[must_use]
    pub fn span_x(&self, place: &PixelBox) -> Range<usize> {
        span(place.left, place.width, self.width)
    }

    /// The rows of the canvas whose centres lie in `place`.
    #[must_use]
    pub fn span_y(&self, place: &PixelBox) -> Range<usize> {
        span(place.top, place.height, self.height)
    }

    /// Mixes a colour into a pixel; `strength` in 0 (nothing) to 1 (the colour alone). Outside the canvas nothing happens.
    pub fn blend(&mut self, x: usize, y: usize, colour: [u8; 3], strength: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        mix(self.row(y, x..x + 1), colour, strength);
    }

    /// Pixels of a row, which are in the canvas.
    pub(super) fn row(&mut self, y: usize, columns: Range<usize>) -> &mut [u8] {
        &mut self.pixels[y * self.stride..][columns.start * 3..columns.end * 3]
    }

    fn fill(&mut self, place: &PixelBox, colour: [u8; 3], strength: f32) {
        let columns = self.span_x(place);
        for y in self.span_y(place) {
            self.row(y, columns.clone()).chunks_exact_mut(3).for_each(|pixel| mix(pixel, colour, strength));
        }
    }
}

impl Overlay {
    /// Draws all that was found in a frame. The canvas may have another size than the frame.
    ///
    /// The verdict is drawn last, over the heat map: a person reads the answer first.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, view: &FrameView<'_>) {
        let scale = (
            canvas.width as f32 / view.frame.width.max(1) as f32,
            canvas.height as f32 / view.frame.height.max(1) as f32,
        );
        for (index, (face, score)) in view.faces.iter().zip(view.scores).enumerate() {
            let map = Map { values: view.maps.of(index), height: view.maps.height, width: view.maps.width };
            heat::draw(canvas, map, &score.square, &face.bounds, scale);
        }
        for (index, (face, &judgement)) in view.faces.iter().zip(view.judgements).enumerate() {
            let place = face.bounds.scaled(scale.0, scale.1);
            let (main, track) = drawn(&judgement, view.tracks.get(index));
            self.begin(main, track);
            // In the order in which the models were named: their names would be longer than the face is wide.
            for model in 1..=view.others.len() {
                if let Some((judgement, tracked)) = view.said(model, index) {
                    let _ = write!(self.label, " | ");
                    say(&mut self.label, drawn(judgement, tracked).0);
                }
            }
            self.outline_labelled(canvas, &place, main.verdict);
        }
    }

    /// Draws a box, in pixels of the canvas, and over it what is said of the face in it, after the number of its track.
    pub fn outline(&mut self, canvas: &mut Canvas<'_>, place: &PixelBox, judgement: Judgement, track: Option<TrackId>) {
        self.begin(judgement, track);
        self.outline_labelled(canvas, place, judgement.verdict);
    }

    fn begin(&mut self, judgement: Judgement, track: Option<TrackId>) {
        self.label.clear();
        if let Some(track) = track {
            // Writing to memory can't fail.
            let _ = write!(self.label, "{track}: ");
        }
        say(&mut self.label, judgement);
    }

    fn outline_labelled(&self, canvas: &mut Canvas<'_>, place: &PixelBox, verdict: Verdict) {
        let colour = colour_of(verdict);
        frame_box(canvas, place, colour);
        label(canvas, place, &self.label, colour);
    }
}

/// A face that is followed gets the verdict on its track: that of a single frame flickers.
fn drawn(judgement: &Judgement, tracked: Option<&TrackedFace>) -> (Judgement, Option<TrackId>) {
    match tracked {
        Some(&TrackedFace { id, probability, verdict, reason, .. }) => {
            (Judgement { probability, verdict, reason }, Some(id))
        }
        None => (*judgement, None),
    }
}

fn say(label: &mut String, judgement: Judgement) {
    // p is that of synthetic, as everywhere: "authentic 9%" would be read the wrong way.
    let _ = write!(label, "{} p={:.2}", judgement.verdict, judgement.probability.value());
}

/// Mixes a colour into a pixel; `strength` in 0 to 1. In whole numbers: of a face in a large picture these are millions.
pub(super) fn mix(pixel: &mut [u8], colour: [u8; 3], strength: f32) {
    const ONE: i32 = 1 << 15;
    let strength = (strength * ONE as f32) as i32;
    for (old, new) in pixel.iter_mut().zip(colour) {
        let (from, to) = (i32::from(*old), i32::from(new));
        *old = (from + (((to - from) * strength + ONE / 2) >> 15)) as u8;
    }
}

fn span(start: f32, length: f32, limit: usize) -> Range<usize> {
    // A pixel's centre is half a pixel in. Casts saturate, so a box far outside gives an empty span.
    let first = (start - 0.5).ceil().max(0.0) as usize;
    let last = (start + length - 0.5).ceil().max(0.0) as usize;
    first.min(limit)..last.min(limit)
}

/// Colours that stay apart for colour-blind eyes, after Okabe and Ito.
fn colour_of(verdict: Verdict) -> [u8; 3] {
    match verdict {
        Verdict::Authentic => [0, 158, 115],
        Verdict::Unsure => [230, 159, 0],
        Verdict::Synthetic => [213, 94, 0],
    }
}

fn thickness(canvas: &Canvas<'_>) -> f32 {
    (canvas.width.min(canvas.height) as f32 / 240.0).round().max(1.0)
}

fn frame_box(canvas: &mut Canvas<'_>, place: &PixelBox, colour: [u8; 3]) {
    let line = thickness(canvas);
    let PixelBox { left, top, width, height } = *place;
    let sides = [
        PixelBox { left: left - line, top: top - line, width: width + 2.0 * line, height: line },
        PixelBox { left: left - line, top: top + height, width: width + 2.0 * line, height: line },
        PixelBox { left: left - line, top, width: line, height },
        PixelBox { left: left + width, top, width: line, height },
    ];
    for side in &sides {
        canvas.fill(side, colour, 1.0);
    }
}

/// Writes above the box, or at its top where there is no room, kept inside the canvas: the verdict stands before the face.
fn label(canvas: &mut Canvas<'_>, place: &PixelBox, text: &str, colour: [u8; 3]) {
    let times = (canvas.width.min(canvas.height) / 480).max(1);
    let width = (text.len() * LETTER.0 + 4) * times;
    let height = (LETTER.1 + 2) * times;
    let line = thickness(canvas);
    let top = (place.top - line - height as f32).max(0.0);
    let top = top.min(canvas.height as f32 - height as f32).max(0.0).round();
    let left = (place.left - line).min(canvas.width as f32 - width as f32).max(0.0).round();
    canvas.fill(&PixelBox { left, top, width: width as f32, height: height as f32 }, colour, 0.85);
    let style = MonoTextStyle::new(&FONT_9X15_BOLD, Rgb888::WHITE);
    let mut letters = Enlarged { canvas, left: left as usize + 2 * times, top: top as usize + times, times };
    match Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut letters) {
        Ok(_) => {}
        Err(never) => match never {},
    }
}

/// Letters drawn with squares in place of pixels.
struct Enlarged<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
    left: usize,
    top: usize,
    times: usize,
}

impl Dimensions for Enlarged<'_, '_> {
    fn bounding_box(&self) -> Rectangle {
        let side = |length: usize| u32::try_from(length / self.times).unwrap_or(u32::MAX);
        Rectangle::new(Point::zero(), Size::new(side(self.canvas.width), side(self.canvas.height)))
    }
}

impl DrawTarget for Enlarged<'_, '_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(point, colour) in pixels {
            let (Ok(column), Ok(row)) = (usize::try_from(point.x), usize::try_from(point.y)) else {
                continue;
            };
            for y in 0..self.times {
                for x in 0..self.times {
                    let rgb = [colour.r(), colour.g(), colour.b()];
                    self.canvas.blend(self.left + column * self.times + x, self.top + row * self.times + y, rgb, 1.0);
                }
            }
        }
        Ok(())
    }
}
