//! What the charts have in common: colours, letters, the title with its legend, and the frame with axes and grid.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use super::axis::{Axis, is_drawable};
use super::letters::{LETTER, shortened};
use super::page::{Area, Fault, Page};

/// A chart with its axes.
pub(super) type Chart<'a> = ChartContext<'a, Page<'a>, Cartesian2d<Axis, Axis>>;

// The palette of M. Okabe and K. Ito, "Color Universal Design" (2008).
/// Bluish green, and the colour of authentic faces.
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
/// Vermillion, and the colour of synthetic faces.
pub(super) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
/// Blue.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const SKY: RGBColor = RGBColor(86, 180, 233);
/// Letters and axes.
pub(super) const BLACK: RGBColor = RGBColor(0, 0, 0);
/// Lines to compare with: chance, the diagonal, thresholds.
pub(super) const GREY: RGBColor = RGBColor(110, 110, 110);
/// The grid.
const LIGHT: RGBColor = RGBColor(216, 216, 216);
/// The grid between the ticks of a logarithmic axis.
const LIGHTEST: RGBColor = RGBColor(238, 238, 238);
/// The background.
pub(super) const WHITE: RGBColor = RGBColor(255, 255, 255);

/// The yellow of the palette is left out, for it is hard to see on white.
const SERIES: [RGBColor; 6] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY];

/// Height of the strip that holds the title.
const TITLE_HEIGHT: i32 = 40;
/// Height of one row of the legend.
const LEGEND_ROW: i32 = 22;
/// Width of the mark before a name in the legend, with its room.
const LEGEND_MARK: i32 = 42;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink {
    /// Colour.
    pub(super) colour: RGBColor,
    /// Stroke.
    pub(super) stroke: Stroke,
}

/// Whole or in dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    Whole,
    Dashed,
}

/// The ink of the series `index`: colours first, then the same colours in dashes.
pub(super) fn ink(index: usize) -> Ink {
    let stroke = if (index / SERIES.len()).is_multiple_of(2) { Stroke::Whole } else { Stroke::Dashed };
    Ink { colour: SERIES[index % SERIES.len()], stroke }
}

/// What stands before a name in the legend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    Line(Ink),
    Band(RGBColor),
    /// A line within its band.
    Both(Ink),
}

/// A line of the legend.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) name: String,
}

/// Letters of labels, anchored at `horizontal` and `vertical`.
pub(super) fn letters(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    // The SVG back end writes a font of this over 1.24 pixels.
    let font = FontDesc::new(FontFamily::SansSerif, 18.6, FontStyle::Normal);
    TextStyle::from(font).color(&BLACK).pos(Pos::new(horizontal, vertical))
}

/// Letters of titles.
pub(super) fn bold(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::SansSerif, 20.0, FontStyle::Bold);
    TextStyle::from(font).color(&BLACK).pos(Pos::new(horizontal, vertical))
}

/// Paints the page white, writes the title and the legend, and gives what is left.
pub(super) fn titled<'a>(page: &Area<'a>, title: &str, legend: &[Entry]) -> Result<Area<'a>, Fault> {
    page.fill(&WHITE)?;
    let width = page.dim_in_pixel().0 as i32;
    let title = shortened(title, (width / LETTER).max(2) as usize);
    page.draw_text(&title, &bold(HPos::Center, VPos::Center), (width / 2, TITLE_HEIGHT / 2))?;
    let mut top = TITLE_HEIGHT;
    for row in legend_rows(legend, width) {
        let length: i32 = row.iter().map(|entry| entry_width(entry, width)).sum();
        let mut left = ((width - length) / 2).max(0);
        for entry in row {
            draw_entry(page, entry, (left, top + LEGEND_ROW / 2), width)?;
            left += entry_width(entry, width);
        }
        top += LEGEND_ROW;
    }
    Ok(page.split_vertically(top).1)
}

/// Height of title and legend on a page of `width`.
pub(super) fn head_height(legend: &[Entry], width: usize) -> usize {
    let rows = legend_rows(legend, width as i32).len();
    TITLE_HEIGHT as usize + rows * LEGEND_ROW as usize
}

fn shown_name(entry: &Entry, width: i32) -> String {
    shortened(&entry.name, ((width - LEGEND_MARK) / LETTER - 2).max(2) as usize)
}

fn entry_width(entry: &Entry, width: i32) -> i32 {
    LEGEND_MARK + shown_name(entry, width).chars().count() as i32 * LETTER + 2 * LETTER
}

fn legend_rows(legend: &[Entry], width: i32) -> Vec<Vec<&Entry>> {
    let mut rows: Vec<Vec<&Entry>> = Vec::new();
    let mut used = 0;
    for entry in legend {
        let needed = entry_width(entry, width);
        match rows.last_mut() {
            Some(row) if used + needed <= width => row.push(entry),
            _ => {
                rows.push(vec![entry]);
                used = 0;
            }
        }
        used += needed;
    }
    rows
}

fn draw_entry(page: &Area<'_>, entry: &Entry, (left, middle): (i32, i32), width: i32) -> Result<(), Fault> {
    let (from, to) = (left + 4, left + LEGEND_MARK - 8);
    if let Mark::Band(colour) | Mark::Both(Ink { colour, .. }) = entry.mark {
        page.draw(&Rectangle::new([(from, middle - 6), (to, middle + 6)], band(colour)))?;
    }
    if let Mark::Line(ink) | Mark::Both(ink) = entry.mark {
        let (ends, style) = ([(from, middle), (to, middle)], ink.colour.stroke_width(2));
        match ink.stroke {
            Stroke::Whole => page.draw(&PathElement::new(ends, style))?,
            Stroke::Dashed => page.draw(&DashedPathElement::new(ends, 7, 4, style))?,
        }
    }
    page.draw_text(&shown_name(entry, width), &letters(HPos::Left, VPos::Center), (left + LEGEND_MARK, middle))
}

/// The fill of a band, through which lines are seen.
pub(super) fn band(colour: RGBColor) -> ShapeStyle {
    colour.mix(0.25).filled()
}

/// The frame of a chart.
#[derive(Clone, Debug)]
pub(super) struct Frame<'s> {
    /// Above the chart; empty for none.
    pub(super) caption: &'s str,
    /// Horizontal axis and what it shows.
    pub(super) x: (Axis, &'s str),
    /// Vertical axis and what it shows.
    pub(super) y: (Axis, &'s str),
}

/// Draws axes, grid and labels in `area`.
pub(super) fn framed<'a>(area: &Area<'a>, frame: Frame<'_>) -> Result<Chart<'a>, Fault> {
    let width = area.dim_in_pixel().0 as i32;
    let area = if frame.caption.is_empty() {
        area.clone()
    } else {
        let (head, rest) = area.split_vertically(26);
        let caption = shortened(frame.caption, (width / LETTER).max(2) as usize);
        head.draw_text(&caption, &bold(HPos::Center, VPos::Center), (width / 2, 13))?;
        rest
    };
    // At least five letters, as in "100 %": then panels below each other begin at the same place.
    let side = frame.y.0.longest_label().max(5) as i32 * LETTER + 40;
    let mut chart = ChartBuilder::on(&area)
        .margin_top(10)
        .margin_right(28)
        .margin_left(8)
        .margin_bottom(6)
        .x_label_area_size(46)
        .y_label_area_size(side)
        .build_cartesian_2d(frame.x.0, frame.y.0)?;
    chart
        .configure_mesh()
        .bold_line_style(LIGHT.stroke_width(1))
        .light_line_style(LIGHTEST.stroke_width(1))
        .axis_style(GREY.stroke_width(1))
        .set_all_tick_mark_size(4)
        .label_style(letters(HPos::Left, VPos::Top))
        .axis_desc_style(letters(HPos::Center, VPos::Center))
        .x_desc(frame.x.1)
        .y_desc(frame.y.1)
        .draw()?;
    Ok(chart)
}

/// A frame with "no data" in it.
pub(super) fn empty(area: &Area<'_>, caption: &str, labels: (&str, &str)) -> Result<(), Fault> {
    let axis = Axis::linear(0.0, 1.0, 5).without_ticks();
    let chart = framed(area, Frame { caption, x: (axis.clone(), labels.0), y: (axis, labels.1) })?;
    let inside = chart.plotting_area().strip_coord_spec();
    let (width, height) = inside.dim_in_pixel();
    inside.draw_text("no data", &letters(HPos::Center, VPos::Center), (width as i32 / 2, height as i32 / 2))
}

/// Draws a line through the points that have a place; where one has none, the line is broken.
pub(super) fn line(chart: &mut Chart<'_>, points: &[(f64, f64)], ink: Ink) -> Result<(), Fault> {
    let style = ink.colour.stroke_width(2);
    for part in points.split(|&(x, y)| !is_drawable(x) || !is_drawable(y)) {
        match (part, ink.stroke) {
            ([], _) => {}
            // A line of one point would not be seen.
            ([point], _) => dot(chart, *point, ink.colour)?,
            (part, Stroke::Whole) => {
                chart.draw_series([PathElement::new(part.to_vec(), style)])?;
            }
            (part, Stroke::Dashed) => {
                chart.draw_series([DashedPathElement::new(part.iter().copied(), 7, 4, style)])?;
            }
        }
    }
    Ok(())
}

/// Draws a dot where the point has a place.
pub(super) fn dot(chart: &mut Chart<'_>, point: (f64, f64), colour: RGBColor) -> Result<(), Fault> {
    if is_drawable(point.0) && is_drawable(point.1) {
        chart.draw_series([Circle::new(point, 4, colour.filled())])?;
    }
    Ok(())
}

/// Fills the room between two lines over the same places: (place, lower, upper).
pub(super) fn fill_between(chart: &mut Chart<'_>, points: &[(f64, f64, f64)], colour: RGBColor) -> Result<(), Fault> {
    let has_place = |p: &(f64, f64, f64)| is_drawable(p.0) && is_drawable(p.1) && is_drawable(p.2);
    for part in points.split(|point| !has_place(point)).filter(|part| part.len() > 1) {
        let lower = part.iter().map(|&(x, low, _)| (x, low));
        let upper = part.iter().rev().map(|&(x, _, high)| (x, high));
        chart.draw_series([Polygon::new(lower.chain(upper).collect::<Vec<_>>(), band(colour))])?;
    }
    Ok(())
}
