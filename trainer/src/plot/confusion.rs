//! The confusion matrix of a threshold.

use std::path::Path;

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontTransform, RGBColor};

use super::chart::{BLACK, BLUE, WHITE, bold, letters, titled};
use super::page::{Area, Fault};
use super::{PlotError, save};

/// How many faces of each class were called what.
///
/// The error rates are named after ISO/IEC 30107-3: APCER is the share of synthetic faces called authentic, BPCER that
/// of authentic faces called synthetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// Title.
    pub title: String,
    /// Authentic faces called authentic.
    pub authentic_called_authentic: u64,
    /// Authentic faces called synthetic.
    pub authentic_called_synthetic: u64,
    /// Synthetic faces called authentic.
    pub synthetic_called_authentic: u64,
    /// Synthetic faces called synthetic.
    pub synthetic_called_synthetic: u64,
}

const SIZE: (usize, usize) = (760, 520);
/// Upper left corner of the cells, below title and heads.
const CORNER: (i32, i32) = (130, 70);
/// Size of a cell.
const CELL: (i32, i32) = (290, 170);

impl Confusion {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        save(stem, SIZE, &|page| {
            let area = titled(page, &self.title, &[])?;
            let across = |column: i32| CORNER.0 + CELL.0 * column;
            let down = |row: i32| CORNER.1 + CELL.1 * row;
            let middle = (across(1), down(1));
            area.draw_text("called", &letters(HPos::Center, VPos::Center), (middle.0, 14))?;
            let turned = letters(HPos::Center, VPos::Center).transform(FontTransform::Rotate270);
            area.draw_text("face is", &turned, (30, middle.1))?;
            for (index, name) in (0..).zip(["authentic", "synthetic"]) {
                let column = (across(index) + CELL.0 / 2, 44);
                area.draw_text(name, &bold(HPos::Center, VPos::Center), column)?;
                let bold_turned = bold(HPos::Center, VPos::Center).transform(FontTransform::Rotate270);
                area.draw_text(name, &bold_turned, (80, down(index) + CELL.1 / 2))?;
            }
            for (row, cells) in (0..).zip(self.cells()) {
                let total: u64 = cells.iter().fold(0, |sum, cell| sum.saturating_add(cell.0));
                for (column, (count, rate)) in (0..).zip(cells) {
                    cell(&area, (across(column), down(row)), (count, total), rate)?;
                }
            }
            let note = "Shares are of the row: of all faces of that class.";
            area.draw_text(note, &letters(HPos::Center, VPos::Center), (middle.0, down(2) + 34))
        })
    }

    /// Counts with the name of their share; rows are what the face is.
    fn cells(&self) -> [[(u64, Option<&'static str>); 2]; 2] {
        [
            [(self.authentic_called_authentic, None), (self.authentic_called_synthetic, Some("BPCER"))],
            [(self.synthetic_called_authentic, Some("APCER")), (self.synthetic_called_synthetic, None)],
        ]
    }
}

fn cell(area: &Area<'_>, (left, top): (i32, i32), (count, total): (u64, u64), rate: Option<&str>) -> Result<(), Fault> {
    let share = count as f64 / total.max(1) as f64;
    let corners = [(left, top), (left + CELL.0, top + CELL.1)];
    area.draw(&Rectangle::new(corners, BLUE.mix(share).filled()))?;
    let [(left, top), (right, bottom)] = corners;
    let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    area.draw(&PathElement::new(outline, BLACK.stroke_width(1)))?;
    let colour: &RGBColor = if share > 0.5 { &WHITE } else { &BLACK };
    let (x, y) = ((left + right) / 2, (top + bottom) / 2);
    area.draw_text(&count.to_string(), &bold(HPos::Center, VPos::Center).color(colour), (x, y - 14))?;
    let share = if total == 0 { "no data".to_owned() } else { format!("{:.2} %", share * 100.0) };
    let share = rate.map_or(share.clone(), |rate| format!("{rate} {share}"));
    area.draw_text(&share, &letters(HPos::Center, VPos::Center).color(colour), (x, y + 14))
}
