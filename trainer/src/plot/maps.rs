//! Average activation maps of several runs side by side: do they look at the same places, and where people look?

use std::path::Path;

use plotters::element::{PathElement, Rectangle};
use plotters::style::colors::colormaps::ViridisRGB;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::chart::{BLACK, GREY, WHITE, bold, letters, titled};
use super::letters::{LETTER, shortened};
use super::page::{Area, Fault};
use super::{DataFault, HeatMap, PlotError, save, with_ending};

/// A map with what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionedMap {
    /// Caption, one line.
    pub caption: String,
    /// The map. Its smallest value gets the first colour, its largest the last.
    pub map: HeatMap,
}

/// The maps of one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRow {
    /// The setting's name.
    pub name: String,
    /// The average saliency map that the others are to be like.
    pub saliency: Option<CaptionedMap>,
    /// The average activation map of each run.
    pub runs: Vec<CaptionedMap>,
}

/// Rows of small maps, all in one scale of colours; each map is scaled to 0 to 1 on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct MapFigure {
    /// Title.
    pub title: String,
    /// The rows, 1 to 40 with up to 40 maps each.
    pub rows: Vec<MapRow>,
}

const MOST_ROWS: usize = 40;
const MOST_MAPS: usize = 40;
/// Cells that are drawn at most along a side of a map; larger maps are averaged into these.
const MOST_CELLS: usize = 28;
/// Side of a map on the page.
const SIDE: i32 = 160;
const GAP: i32 = 20;
const CAPTION: i32 = 26;
const NAME: i32 = 28;
/// Between the saliency map and the runs.
const ASIDE: i32 = 24;
const BAR: i32 = 100;
const ROW: i32 = NAME + SIDE + CAPTION + 8;
const TITLE: usize = 40;
const LEAST_WIDTH: usize = 560;

impl MapFigure {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When the values of a map don't fill its size, there are too many maps, or a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        self.check().map_err(|fault| PlotError::Data { path: with_ending(stem, ".svg"), fault })?;
        let has_saliency = self.rows.iter().any(|row| row.saliency.is_some());
        let aside = if has_saliency { SIDE + GAP + ASIDE } else { 0 };
        let most = self.rows.iter().map(|row| row.runs.len()).max().unwrap_or(0).max(1) as i32;
        let width = ((GAP + aside + most * (SIDE + GAP) + BAR) as usize).max(LEAST_WIDTH);
        let height = TITLE + self.rows.len() * ROW as usize + 16;
        save(stem, (width, height), &|page| {
            let area = titled(page, &self.title, &[])?;
            for (row, top) in self.rows.iter().zip((0..).step_by(ROW as usize)) {
                let name = shortened(&row.name, (width as i32 / LETTER - 4) as usize);
                area.draw_text(&name, &bold(HPos::Left, VPos::Center), (GAP, top + NAME / 2))?;
                if let Some(saliency) = &row.saliency {
                    captioned(&area, saliency, (GAP, top + NAME))?;
                    let x = GAP + SIDE + (GAP + ASIDE) / 2;
                    let line = vec![(x, top + NAME), (x, top + NAME + SIDE)];
                    area.draw(&PathElement::new(line, GREY.stroke_width(1)))?;
                }
                for (run, left) in row.runs.iter().zip((GAP + aside..).step_by((SIDE + GAP) as usize)) {
                    captioned(&area, run, (left, top + NAME))?;
                }
                if row.runs.is_empty() {
                    let middle = (GAP + aside + SIDE / 2, top + NAME + SIDE / 2);
                    area.draw_text("no data", &letters(HPos::Center, VPos::Center), middle)?;
                }
                bar(&area, (width as i32 - BAR, top + NAME))?;
            }
            Ok(())
        })
    }

    fn check(&self) -> Result<(), DataFault> {
        let (rows, most) = (self.rows.len(), MOST_ROWS);
        if !(1..=most).contains(&rows) {
            return Err(DataFault::Count { what: "the number of rows", most, given: rows });
        }
        for row in &self.rows {
            if row.runs.len() > MOST_MAPS {
                return Err(DataFault::Count { what: "the maps of a row", most: MOST_MAPS, given: row.runs.len() });
            }
            for captioned in row.saliency.iter().chain(&row.runs) {
                captioned.map.check(&captioned.caption)?;
            }
        }
        Ok(())
    }
}

/// Draws a map with its caption, the upper left corner at `place`.
fn captioned(area: &Area<'_>, captioned: &CaptionedMap, (left, top): (i32, i32)) -> Result<(), Fault> {
    let cells = scaled(&averaged(&captioned.map));
    let edge = |index: usize, count: usize| (SIDE as usize * index / count) as i32;
    for y in 0..cells.height {
        for x in 0..cells.width {
            let place = (left + edge(x, cells.width), top + edge(y, cells.height));
            let end = (left + edge(x + 1, cells.width), top + edge(y + 1, cells.height));
            let colour = colour(cells.values[y * cells.width + x]);
            area.draw(&Rectangle::new([place, end], colour.filled()))?;
        }
    }
    let outline = vec![(left, top), (left + SIDE, top), (left + SIDE, top + SIDE), (left, top + SIDE), (left, top)];
    area.draw(&PathElement::new(outline, BLACK.stroke_width(1)))?;
    let caption = shortened(&captioned.caption, (SIDE / LETTER) as usize);
    let middle = (left + SIDE / 2, top + SIDE + CAPTION / 2);
    area.draw_text(&caption, &letters(HPos::Center, VPos::Center), middle)
}

/// The scale of colours with its ends.
fn bar(area: &Area<'_>, (left, top): (i32, i32)) -> Result<(), Fault> {
    for step in 0..SIDE {
        let colour = colour(1.0 - step as f32 / (SIDE - 1) as f32);
        area.draw(&Rectangle::new([(left, top + step), (left + 18, top + step + 1)], colour.filled()))?;
    }
    for (label, y) in [("max", top + 7), ("min", top + SIDE - 7)] {
        area.draw_text(label, &letters(HPos::Left, VPos::Center), (left + 26, y))?;
    }
    Ok(())
}

/// White where there is no value.
fn colour(heat: f32) -> RGBColor {
    if heat.is_nan() { WHITE } else { ViridisRGB::get_color(heat) }
}

/// A map of at most [`MOST_CELLS`] cells a side: larger ones are averaged, cell by cell.
fn averaged(map: &HeatMap) -> HeatMap {
    let (height, width) = (map.height.min(MOST_CELLS), map.width.min(MOST_CELLS));
    let mut values = Vec::with_capacity(height * width);
    for y in 0..height {
        for x in 0..width {
            let rows = map.height * y / height..map.height * (y + 1) / height;
            let columns = map.width * x / width..map.width * (x + 1) / width;
            let count = rows.len() * columns.len();
            let line = |row: usize| map.values[row * map.width..][columns.clone()].iter().sum::<f32>();
            values.push(rows.map(line).sum::<f32>() / count as f32);
        }
    }
    HeatMap { values, height, width }
}

/// Min-max scaled to 0 to 1, not over values that are none; a constant map becomes 0.
fn scaled(map: &HeatMap) -> HeatMap {
    let finite = map.values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), value| (l.min(value), h.max(value)));
    let scale = |value: f32| match (value.is_finite(), high - low) {
        (false, _) => f32::NAN,
        (true, width) if width > 0.0 && width.is_finite() => (value - low) / width,
        (true, _) => 0.0,
    };
    HeatMap { values: map.values.iter().copied().map(scale).collect(), ..*map }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_scaled_on_its_own() {
        let map = |values: &[f32]| HeatMap { values: values.to_vec(), height: 1, width: values.len() };
        assert_eq!(scaled(&map(&[-2.0, 0.0, 2.0])).values, [0.0, 0.5, 1.0]);
        assert_eq!(scaled(&map(&[3.0, 3.0])).values, [0.0, 0.0]);
        let holes = scaled(&map(&[f32::NAN, 1.0, f32::INFINITY, 3.0])).values;
        assert!(holes[0].is_nan() && holes[2].is_nan());
        assert_eq!((holes[1], holes[3]), (0.0, 1.0));
    }

    #[test]
    fn a_large_map_is_averaged_and_a_small_one_is_not() {
        let values: Vec<f32> = (0..56 * 2).map(|index| (index % 56) as f32).collect();
        let small = averaged(&HeatMap { values, height: 2, width: 56 });
        assert_eq!((small.height, small.width), (2, 28));
        assert_eq!(small.values[..3], [0.5, 2.5, 4.5]);
        let map = HeatMap { values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], height: 2, width: 3 };
        assert_eq!(averaged(&map), map);
    }
}
