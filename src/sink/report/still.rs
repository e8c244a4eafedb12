//! The strongest frames of a person: the few with the highest p, each of another second, kept as small pictures.

use super::data::{PersonFrame, StillReport};
use crate::draw::heat::{self, Map};
use crate::draw::{Canvas, Overlay, jpeg};
use crate::face::crop::{CropSquare, Cropper, ResizeError};
use crate::findings::{FrameView, Opinion};
use crate::frame::PixelBox;
use crate::verdict::Judgement;

/// Pictures shown of a person, at most.
const SHOWN: usize = 3;
/// Pictures kept of a person, at most: one more, as two may turn out to be from the end of one second and the start of
/// the next.
const MOST: usize = SHOWN + 1;
/// Side of a picture in pixels.
const SIDE: usize = 360;
/// Each picture is from another one of these spans, in microseconds: the next frame would show the same once more.
const APART: i64 = 1_000_000;

/// The strongest frames of a person so far, the strongest first. Buffers are kept and used again.
#[derive(Debug, Default)]
pub(super) struct Strongest {
    stills: Vec<Still>,
}

/// A picture as it was cut, nothing drawn yet.
#[derive(Debug)]
struct Still {
    frame: u64,
    time: i64,
    judgement: Judgement,
    /// `SIDE * SIDE * 3` bytes, RGB.
    pixels: Vec<u8>,
    map: Vec<f32>,
    map_size: (usize, usize),
    /// The classified square in pixels of the shown square.
    square: CropSquare,
    /// The face box in pixels of the shown square.
    bounds: PixelBox,
    /// Picture pixels over frame pixels.
    scale: f32,
}

impl Strongest {
    /// Whether a face with this p(synthetic) at this time, in microseconds, is one of the strongest so far.
    pub(super) fn wants(&self, time: i64, probability: f32) -> bool {
        let stronger = |still: &Still| still.judgement.probability.value() >= probability;
        let taken = self.stills.iter().any(|still| is_near(still, time) && stronger(still));
        !taken && (self.stills.len() < MOST || !self.stills.iter().all(stronger))
    }

    /// Looks at a frame, and keeps it when it is one of the strongest. `around` is the side of the square that is shown, over
    /// the longer side of the face box.
    pub(super) fn offer(
        &mut self,
        view: &FrameView<'_>,
        seen: &PersonFrame,
        around: f32,
        cropper: &mut Cropper,
    ) -> Result<(), ResizeError> {
        let time = view.frame.running().0;
        let strength = |judgement: &Judgement| judgement.probability.value();
        let Some(Opinion { scores, maps, .. }) = view.first() else {
            return Ok(());
        };
        let (Some(face), Some(score)) = (view.faces.get(seen.face), scores.get(seen.face)) else {
            return Ok(());
        };
        // Whoever keeps no pictures gives none.
        if view.frame.pixels.is_empty() || !self.wants(time, strength(&seen.judgement)) {
            return Ok(());
        }
        let near = |still: &Still| is_near(still, time);
        let mut spare = None;
        self.stills.retain_mut(|still| {
            if near(still) {
                spare = Some(std::mem::take(&mut still.pixels));
            }
            !near(still)
        });
        if self.stills.len() == MOST {
            spare = self.stills.pop().map(|still| still.pixels);
        }
        let shown = shown_square(&face.bounds, around, (view.frame.width, view.frame.height));
        let mut pixels = spare.unwrap_or_default();
        pixels.resize(SIDE * SIDE * 3, 0);
        cropper.cut(view.frame, &shown, SIDE, &mut pixels)?;
        let CropSquare { left, top, side } = score.square;
        let still = Still {
            frame: view.frame.number,
            time,
            judgement: seen.judgement,
            pixels,
            map: maps.of(seen.face).to_vec(),
            map_size: (maps.height, maps.width),
            square: CropSquare { left: left - shown.left, top: top - shown.top, side },
            bounds: PixelBox {
                left: face.bounds.left - shown.left as f32,
                top: face.bounds.top - shown.top as f32,
                ..face.bounds
            },
            scale: SIDE as f32 / shown.side as f32,
        };
        let place = self.stills.partition_point(|kept| strength(&kept.judgement) >= strength(&still.judgement));
        self.stills.insert(place, still);
        Ok(())
    }

    /// Draws and encodes the pictures.
    pub(super) fn pictures(&self) -> turbojpeg::Result<Vec<StillReport>> {
        let mut shown: Vec<&Still> = Vec::new();
        for still in &self.stills {
            let is_apart = shown.iter().all(|other| other.time.abs_diff(still.time) >= APART.unsigned_abs() / 2);
            if is_apart && shown.len() < SHOWN {
                shown.push(still);
            }
        }
        shown.into_iter().map(Still::pictures).collect()
    }
}

impl Still {
    fn pictures(&self) -> turbojpeg::Result<StillReport> {
        let scale = (self.scale, self.scale);
        let draw = |paint: &dyn Fn(&mut Canvas<'_>)| {
            let mut pixels = self.pixels.clone();
            if let Some(mut canvas) = Canvas::new(SIDE, SIDE, SIDE * 3, &mut pixels) {
                paint(&mut canvas);
                let place = self.bounds.scaled(scale.0, scale.1);
                Overlay::default().outline(&mut canvas, &place, self.judgement, None);
            }
            jpeg::encode(&pixels, (SIDE, SIDE))
        };
        let map = Map { values: &self.map, height: self.map_size.0, width: self.map_size.1 };
        Ok(StillReport {
            frame: self.frame,
            time: self.time as f64 / 1e6,
            judgement: self.judgement,
            plain: draw(&|_| {})?,
            heat: draw(&|canvas| heat::draw(canvas, map, &self.square, &self.bounds, scale))?,
            side: SIDE,
        })
    }
}

/// Whether a picture is from the same span as this time.
fn is_near(still: &Still, time: i64) -> bool {
    still.time.div_euclid(APART) == time.div_euclid(APART)
}

/// The square that is shown of a frame: around the face, inside the frame as far as it goes.
fn shown_square(bounds: &PixelBox, around: f32, frame: (usize, usize)) -> CropSquare {
    let shorter = frame.0.min(frame.1).max(1);
    let wanted = (bounds.width.max(bounds.height) * around).round().max(1.0);
    // The cast saturates.
    let side = (wanted as usize).min(shorter);
    let start = |middle: f32, length: usize| {
        let most = length.saturating_sub(side) as f32;
        (middle - side as f32 / 2.0).round().clamp(0.0, most) as i64
    };
    let left = start(bounds.left + bounds.width / 2.0, frame.0);
    let top = start(bounds.top + bounds.height / 2.0, frame.1);
    CropSquare { left, top, side }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bounds: (f32, f32, f32, f32), frame: (usize, usize), expected: (i64, i64, usize)) {
        let (left, top, width, height) = bounds;
        let square = shown_square(&PixelBox { left, top, width, height }, 2.0, frame);
        assert_eq!((square.left, square.top, square.side), expected);
    }

    #[test]
    fn the_shown_square_stays_in_the_frame() {
        check((100.0, 100.0, 40.0, 60.0), (640, 480), (60, 70, 120));
        check((0.0, 0.0, 40.0, 60.0), (640, 480), (0, 0, 120));
        check((600.0, 440.0, 60.0, 60.0), (640, 480), (520, 360, 120));
        check((100.0, 0.0, 400.0, 480.0), (640, 480), (60, 0, 480));
        check((0.0, 0.0, 0.0, 0.0), (0, 0), (0, 0, 1));
        check((f32::MAX, 0.0, f32::MAX, 1.0), (64, 48), (16, 0, 48));
    }
}
