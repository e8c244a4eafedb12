//! The page that a picture is drawn on, as pixels or as SVG: one back end of plotters for both.
//!
//! Plotters draws letters into pixels only with fonts of the system or with a font file. Neither is wanted here: a
//! server often has no fonts, and a font file would be one more thing to pass on. So letters are kept aside and written
//! with bitmap fonts. Shapes are drawn larger and brought down, which smooths their edges; letters come after that and
//! stay sharp.

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::style::FontStyle;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use super::letters::{Lettering, Picture, Writing};

/// A part of a page.
pub(super) type Area<'a> = DrawingArea<Page<'a>, Shift>;
/// Why a page can't be drawn.
pub(super) type Fault = DrawingAreaErrorKind<PageError>;

/// How many times larger shapes are drawn.
const TIMES: u32 = 3;

/// A fault of one of plotters' back ends, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PageError(String);

/// Back end of plotters that draws both kinds of files.
pub(super) enum Page<'a> {
    /// Pixels, and the letters that wait until the shapes are done.
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

/// Bold letters are titles.
fn lettering_of(style: &impl BackendTextStyle) -> Lettering {
    match style.style() {
        FontStyle::Bold => Lettering::Title,
        _ => Lettering::Label,
    }
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
                writings.push(Writing {
                    text: clean,
                    lettering: lettering_of(style),
                    colour: style.color().rgb,
                    place: pos,
                    anchor: style.anchor(),
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
        let (width, height) = lettering_of(style).size_of(text);
        Ok((width.unsigned_abs(), height.unsigned_abs()))
    }
}

/// Control characters would make an SVG that is no XML, and have no letter.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

/// Draws a page of `size` (width, height) as pixels.
pub(super) fn pixels(size: (u32, u32), paint: &dyn Fn(&Area<'_>) -> Result<(), Fault>) -> Result<Picture, Fault> {
    let (width, height, times) = (size.0 as usize, size.1 as usize, TIMES as usize);
    let mut large = vec![255; width * height * 3 * times * times];
    let mut writings = Vec::new();
    {
        let shapes = BitMapBackend::with_buffer(&mut large, (size.0 * TIMES, size.1 * TIMES));
        let area = Area::from(Page::Pixels { shapes, writings: &mut writings });
        paint(&area)?;
        area.present()?;
    }
    let mut picture = Picture { width, height, pixels: reduced(&large, width) };
    for writing in &writings {
        picture.write(writing);
    }
    Ok(picture)
}

/// The mean over each square of [`TIMES`] pixels a side; `width` is that of the result.
fn reduced(large: &[u8], width: usize) -> Vec<u8> {
    let times = TIMES as usize;
    let row = width * times * 3;
    let mut small = Vec::with_capacity(large.len() / (times * times));
    let mut sums = vec![0; row];
    for rows in large.chunks_exact(row * times) {
        // First down, then across.
        sums.fill(0);
        for (index, &value) in rows.iter().enumerate() {
            sums[index % row] += u32::from(value);
        }
        for square in sums.chunks_exact(times * 3) {
            for channel in 0..3 {
                let sum: u32 = (0..times).map(|pixel| square[pixel * 3 + channel]).sum();
                small.push(((sum + TIMES * TIMES / 2) / (TIMES * TIMES)) as u8);
            }
        }
    }
    small
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
