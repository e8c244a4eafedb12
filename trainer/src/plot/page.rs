//! The sheet that a picture is drawn on, as pixels or as SVG: one back end of plotters for both.
//!
//! Plotters draws letters into pixels only with fonts of the system or with a font file. Neither is wanted here: a
//! server often has no fonts, and a font file would be one more thing to pass on. So letters are kept aside and drawn
//! with the bitmap fonts of embedded-graphics. Shapes are drawn at twice the size and brought down, which smooths their
//! edges; letters come after that and stay sharp.

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
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, FontTransform};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

/// A part of a page.
pub(super) type Area<'a> = DrawingArea<Page<'a>, Shift>;
/// Why a page can't be drawn.
pub(super) type Fault = DrawingAreaErrorKind<PageError>;

/// How many times larger shapes are drawn.
const TIMES: u32 = 2;

/// A fault of one of plotters' back ends, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PageError(String);

/// Letters that wait until the shapes are done.
pub(super) struct Writing {
    text: String,
    font: &'static MonoFont<'static>,
    colour: (u8, u8, u8),
    place: BackendCoord,
    /// From `place` to the upper left corner, before turning.
    shift: (i32, i32),
    turn: FontTransform,
}

/// Back end of plotters that draws both kinds of files.
pub(super) enum Page<'a> {
    /// Pixels.
    Pixels { shapes: BitMapBackend<'a>, writings: &'a mut Vec<Writing> },
    /// SVG.
    Vector(SVGBackend<'a>),
}

/// A colour and a stroke made wider by [`TIMES`].
struct Enlarged {
    colour: BackendColor,
    width: u32,
}

impl Enlarged {
    fn new(style: &impl BackendStyle) -> Self {
        Self { colour: style.color(), width: style.stroke_width() * TIMES }
    }
}

impl BackendStyle for Enlarged {
    fn color(&self) -> BackendColor {
        self.colour
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

fn enlarged((x, y): BackendCoord) -> BackendCoord {
    (x * TIMES as i32, y * TIMES as i32)
}

fn told<E: std::error::Error + Send + Sync>(error: DrawingErrorKind<E>) -> DrawingErrorKind<PageError> {
    DrawingErrorKind::DrawingError(PageError(error.to_string()))
}

/// The font of a style: bold letters are titles.
fn font_of(style: &impl BackendTextStyle) -> &'static MonoFont<'static> {
    match style.style() {
        FontStyle::Bold => &FONT_9X18_BOLD,
        _ => &FONT_9X15,
    }
}

fn size_of(text: &str, font: &MonoFont<'_>) -> (i32, i32) {
    let letters = i32::try_from(text.chars().count()).unwrap_or(i32::MAX);
    (letters.saturating_mul(font.character_size.width as i32), font.character_size.height as i32)
}

impl DrawingBackend for Page<'_> {
    type ErrorType = PageError;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Pixels { shapes, .. } => {
                let (width, height) = shapes.get_size();
                (width / TIMES, height / TIMES)
            }
            Self::Vector(svg) => svg.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<PageError>> {
        match self {
            Self::Pixels { shapes, .. } => shapes.ensure_prepared().map_err(told),
            Self::Vector(svg) => svg.ensure_prepared().map_err(told),
        }
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<PageError>> {
        match self {
            Self::Pixels { shapes, .. } => shapes.present().map_err(told),
            Self::Vector(svg) => svg.present().map_err(told),
        }
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Result<(), DrawingErrorKind<PageError>> {
        self.draw_rect(point, point, &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), DrawingErrorKind<PageError>> {
        // As a path, because the pixel back end draws a thick path with joined corners.
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<PageError>> {
        match self {
            Self::Pixels { shapes, .. } if fill => {
                // The last pixel belongs to the rectangle.
                let last = (bottom_right.0 + 1, bottom_right.1 + 1);
                let (right, bottom) = enlarged(last);
                shapes
                    .draw_rect(enlarged(upper_left), (right - 1, bottom - 1), &Enlarged::new(style), true)
                    .map_err(told)
            }
            Self::Pixels { .. } => {
                let ((left, top), (right, bottom)) = (upper_left, bottom_right);
                self.draw_path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], style)
            }
            Self::Vector(svg) => svg.draw_rect(upper_left, bottom_right, style, fill).map_err(told),
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<PageError>> {
        match self {
            Self::Pixels { shapes, .. } => {
                shapes.draw_path(path.into_iter().map(enlarged), &Enlarged::new(style)).map_err(told)
            }
            Self::Vector(svg) => svg.draw_path(path, style).map_err(told),
        }
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<PageError>> {
        match self {
            Self::Pixels { shapes, .. } => {
                shapes.fill_polygon(corners.into_iter().map(enlarged), &Enlarged::new(style)).map_err(told)
            }
            Self::Vector(svg) => svg.fill_polygon(corners, style).map_err(told),
        }
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<PageError>> {
        match self {
            Self::Pixels { shapes, .. } => {
                shapes.draw_circle(enlarged(center), radius * TIMES, &Enlarged::new(style), fill).map_err(told)
            }
            Self::Vector(svg) => svg.draw_circle(center, radius, style, fill).map_err(told),
        }
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> Result<(), DrawingErrorKind<PageError>> {
        let clean = clean(text);
        match self {
            Self::Pixels { writings, .. } => {
                let font = font_of(style);
                let (width, height) = size_of(&clean, font);
                let left = match style.anchor().h_pos {
                    HPos::Left => 0,
                    HPos::Center => -width / 2,
                    HPos::Right => -width,
                };
                let top = match style.anchor().v_pos {
                    VPos::Top => 0,
                    VPos::Center => -height / 2,
                    VPos::Bottom => -height,
                };
                writings.push(Writing {
                    text: clean,
                    font,
                    colour: style.color().rgb,
                    place: pos,
                    shift: (left, top),
                    turn: style.transform(),
                });
                Ok(())
            }
            Self::Vector(svg) => svg.draw_text(&clean, style, pos).map_err(told),
        }
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<PageError>> {
        // The same for both kinds, so that both have one layout.
        let (width, height) = size_of(text, font_of(style));
        Ok((width.unsigned_abs(), height.unsigned_abs()))
    }
}

/// Control characters would make an SVG that is no XML, and have no letter.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

/// Pixels of a finished page.
struct Sheet<'a> {
    width: usize,
    height: usize,
    pixels: &'a mut [u8],
}

/// A sheet as one line of letters sees it.
struct Turned<'a, 'b> {
    sheet: &'a mut Sheet<'b>,
    writing: &'a Writing,
}

impl Dimensions for Turned<'_, '_> {
    fn bounding_box(&self) -> Rectangle {
        let (width, height) = size_of(&self.writing.text, self.writing.font);
        Rectangle::new(Point::zero(), Size::new(width.unsigned_abs(), height.unsigned_abs()))
    }
}

impl DrawTarget for Turned<'_, '_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let (shift, place) = (self.writing.shift, self.writing.place);
        for Pixel(point, colour) in pixels {
            let (x, y) = self.writing.turn.transform(point.x + shift.0, point.y + shift.1);
            let (Ok(x), Ok(y)) = (usize::try_from(x + place.0), usize::try_from(y + place.1)) else {
                continue;
            };
            if x < self.sheet.width && y < self.sheet.height {
                let at = (y * self.sheet.width + x) * 3;
                self.sheet.pixels[at..at + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

/// Draws a page of `size` (width, height) as RGB pixels, rows from the top.
pub(super) fn pixels(size: (u32, u32), paint: &dyn Fn(&Area<'_>) -> Result<(), Fault>) -> Result<Vec<u8>, Fault> {
    let (width, height) = (size.0 as usize, size.1 as usize);
    let times = TIMES as usize;
    let mut large = vec![255; width * height * 3 * times * times];
    let mut writings = Vec::new();
    {
        let shapes = BitMapBackend::with_buffer(&mut large, (size.0 * TIMES, size.1 * TIMES));
        let area = Area::from(Page::Pixels { shapes, writings: &mut writings });
        paint(&area)?;
        area.present()?;
    }
    let mut small = Vec::with_capacity(width * height * 3);
    let row = width * times * 3;
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let at = y * times * row + x * times * 3 + channel;
                let sum = [at, at + 3, at + row, at + row + 3].iter().map(|&i| u32::from(large[i])).sum::<u32>();
                small.push(((sum + 2) / 4) as u8);
            }
        }
    }
    let mut sheet = Sheet { width, height, pixels: &mut small };
    for writing in &writings {
        let (r, g, b) = writing.colour;
        let style = MonoTextStyle::new(writing.font, Rgb888::new(r, g, b));
        let mut letters = Turned { sheet: &mut sheet, writing };
        match Text::with_baseline(&writing.text, Point::zero(), style, Baseline::Top).draw(&mut letters) {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }
    Ok(small)
}

/// Draws a page of `size` (width, height) as SVG.
pub(super) fn svg(size: (u32, u32), paint: &dyn Fn(&Area<'_>) -> Result<(), Fault>) -> Result<String, Fault> {
    let mut text = String::new();
    {
        let area = Area::from(Page::Vector(SVGBackend::with_string(&mut text, size)));
        paint(&area)?;
        area.present()?;
    }
    Ok(text)
}
