//! Letters in pixels, with the bitmap fonts of embedded-graphics.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_9X15, FONT_9X18_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width of a letter of both fonts, in pixels.
pub(super) const LETTER: i32 = 9;

/// A font for labels or for titles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lettering {
    Label,
    Title,
}

impl Lettering {
    fn font(self) -> &'static MonoFont<'static> {
        match self {
            Self::Label => &FONT_9X15,
            Self::Title => &FONT_9X18_BOLD,
        }
    }

    /// Width and height of a line of text, in pixels.
    pub(super) fn size_of(self, text: &str) -> (i32, i32) {
        let letters = i32::try_from(text.chars().count()).unwrap_or(i32::MAX);
        (letters.saturating_mul(LETTER), self.font().character_size.height as i32)
    }
}

/// A line of text and its place.
pub(super) struct Writing {
    pub(super) text: String,
    pub(super) lettering: Lettering,
    /// RGB.
    pub(super) colour: (u8, u8, u8),
    /// Where the anchor is, from the left and from the top.
    pub(super) place: (i32, i32),
    /// Which point of the text is at `place`.
    pub(super) anchor: Pos,
    /// Turned around the anchor.
    pub(super) turn: FontTransform,
}

/// A picture in pixels.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// `width * height` RGB pixels, rows from the top.
    pub(super) pixels: Vec<u8>,
}

impl Picture {
    /// Writes a line; what is outside the picture is cut off. A letter that the font lacks becomes a question mark.
    pub(super) fn write(&mut self, writing: &Writing) {
        let (width, height) = writing.lettering.size_of(&writing.text);
        let left = match writing.anchor.h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match writing.anchor.v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        let (r, g, b) = writing.colour;
        let style = MonoTextStyle::new(writing.lettering.font(), Rgb888::new(r, g, b));
        let mut turned = Turned { picture: self, writing, shift: (left, top) };
        match Text::with_baseline(&writing.text, Point::zero(), style, Baseline::Top).draw(&mut turned) {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }
}

/// A picture as one line of text sees it.
struct Turned<'a> {
    picture: &'a mut Picture,
    writing: &'a Writing,
    /// From the anchor to the upper left corner, before turning.
    shift: (i32, i32),
}

impl Dimensions for Turned<'_> {
    fn bounding_box(&self) -> Rectangle {
        let (width, height) = self.writing.lettering.size_of(&self.writing.text);
        Rectangle::new(Point::zero(), Size::new(width.unsigned_abs(), height.unsigned_abs()))
    }
}

impl DrawTarget for Turned<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let place = self.writing.place;
        for Pixel(point, colour) in pixels {
            let (x, y) = self.writing.turn.transform(point.x + self.shift.0, point.y + self.shift.1);
            let (Ok(x), Ok(y)) = (usize::try_from(x + place.0), usize::try_from(y + place.1)) else {
                continue;
            };
            if x < self.picture.width && y < self.picture.height {
                let at = (y * self.picture.width + x) * 3;
                self.picture.pixels[at..at + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

/// `text`, with two dots for its middle where it is longer than `most` letters: names differ at their ends.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(2);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    letters[..head].iter().copied().chain("..".chars()).chain(letters[letters.len() - tail..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The box of the dark pixels: left, top, right, bottom.
    fn dark(text: &str, anchor: Pos, turn: FontTransform) -> Option<(usize, usize, usize, usize)> {
        let mut picture = Picture { width: 60, height: 60, pixels: vec![255; 60 * 60 * 3] };
        let (text, lettering, colour) = (text.to_owned(), Lettering::Label, (0, 0, 0));
        picture.write(&Writing { text, lettering, colour, place: (30, 30), anchor, turn });
        let places = (0..60 * 60).filter(|&at| picture.pixels[at * 3] == 0).map(|at| (at % 60, at / 60));
        places.fold(None, |found, (x, y)| {
            let (l, t, r, b) = found.unwrap_or((x, y, x, y));
            Some((l.min(x), t.min(y), r.max(x), b.max(y)))
        })
    }

    #[test]
    fn a_line_lies_where_its_anchor_says() {
        let right_below = dark("Mg", Pos::new(HPos::Left, VPos::Top), FontTransform::None).expect("letters");
        assert!(
            right_below.0 >= 30 && right_below.1 >= 30 && right_below.2 < 48 && right_below.3 < 45,
            "{right_below:?}"
        );
        let left_above = dark("Mg", Pos::new(HPos::Right, VPos::Bottom), FontTransform::None).expect("letters");
        assert!(left_above.2 < 30 && left_above.3 < 30 && left_above.0 >= 12 && left_above.1 >= 15, "{left_above:?}");
        // Read from below: what was to the right of the anchor is above it.
        let upwards = dark("Mg", Pos::new(HPos::Left, VPos::Top), FontTransform::Rotate270).expect("letters");
        assert!(upwards.3 <= 30 && upwards.1 > 12 && upwards.0 >= 30 && upwards.2 < 45, "{upwards:?}");
    }

    #[test]
    fn what_has_no_place_is_cut_off() {
        let long = "M".repeat(1000);
        let found = dark(&long, Pos::new(HPos::Center, VPos::Center), FontTransform::None).expect("letters");
        assert!(found.0 < 5 && found.2 > 55, "{found:?}");
        assert_eq!(dark("", Pos::default(), FontTransform::None), None);
    }

    #[test]
    fn a_long_text_is_shortened_by_letters_not_bytes() {
        assert_eq!(shortened("ääää", 4), "ääää");
        assert_eq!(shortened("äbcdefgh", 7), "äbc..gh");
        assert_eq!(shortened("abc", 0), "..");
    }
}
