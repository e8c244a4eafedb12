//! Drawing on a picture: face boxes, labels and heat maps.

use std::convert::Infallible;
use std::fmt::Write;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_9X15_BOLD};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

use super::canvas::Canvas;
use super::heat::{self, Map};
use crate::face::follow::TrackId;
use crate::findings::{FrameView, Opinion};
use crate::frame::PixelBox;
use crate::verdict::track::TrackedFace;
use crate::verdict::{Judgement, Verdict};

/// Size of a letter before it is enlarged.
const LETTER: (usize, usize) = (9, 15);

/// What is drawn, with the memory that it needs.
#[derive(Debug, Default)]
pub struct Overlay {
    label: String,
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
        let Some(Opinion { scores, maps, judgements, tracked }) = view.first() else {
            return;
        };
        for (index, (face, score)) in view.faces.iter().zip(scores).enumerate() {
            let map = Map { values: maps.of(index), height: maps.height, width: maps.width };
            heat::draw(canvas, map, &score.square, &face.bounds, scale);
        }
        for (index, (face, judgement)) in view.faces.iter().zip(judgements).enumerate() {
            let place = face.bounds.scaled(scale.0, scale.1);
            let (main, track) = drawn(judgement, tracked.get(index));
            self.begin(main, track);
            // In the order in which the models were named: their names would be longer than the face is wide.
            for model in 1..view.opinions.len() {
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
