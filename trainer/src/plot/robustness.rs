//! How much the AUC suffers from what pictures go through: compression, scaling, blur, badly placed crops.

use std::path::Path;

use plotters::element::PathElement;
use plotters::style::Color;

use super::axis::{Axis, is_drawable};
use super::chart::{Chart, Entry, Frame, Ink, Mark, dot, empty, framed, head_height, ink, line, titled};
use super::page::{Area, Fault};
use super::{DataFault, PlotError, save, with_ending};

/// The AUC at one strength of a disturbance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobustnessPoint {
    /// Strength, in the unit of the panel.
    pub strength: f64,
    /// AUC, 0 to 1; NaN where it was not measured.
    pub auc: f64,
    /// Lower end of its interval; the AUC itself when there is none.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What one setting reached.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustnessSeries {
    /// The setting's name; the same name has the same colour in all panels.
    pub setting: String,
    /// The points, in any order.
    pub points: Vec<RobustnessPoint>,
}

/// One kind of disturbance.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustnessPanel {
    /// Caption, such as "JPEG".
    pub caption: String,
    /// What the strength is, such as "quality".
    pub strength: String,
    /// What each setting reached.
    pub series: Vec<RobustnessSeries>,
}

/// AUC against strength, a panel for each kind of disturbance, all with the same AUC axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Robustness {
    /// Title.
    pub title: String,
    /// What the bars at the points are, such as "95 % bootstrap interval"; goes into the title.
    pub interval: String,
    /// The panels, 1 to 24.
    pub panels: Vec<RobustnessPanel>,
}

const WIDTH: usize = 1100;
const PANEL_HEIGHT: usize = 370;
const MOST_PANELS: usize = 24;

impl Robustness {
    /// Writes `<stem>.png` and `<stem>.svg`.
    ///
    /// # Errors
    ///
    /// When there is no panel or there are more than 24, or a file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        if !(1..=MOST_PANELS).contains(&self.panels.len()) {
            let given = self.panels.len();
            let fault = DataFault::Count { what: "the number of panels", most: MOST_PANELS, given };
            return Err(PlotError::Data { path: with_ending(stem, ".svg"), fault });
        }
        let names = self.names();
        let entry = |(index, name): (usize, &&str)| Entry { mark: Mark::Line(ink(index)), name: (*name).to_owned() };
        let legend: Vec<_> = names.iter().enumerate().map(entry).collect();
        let rows = self.panels.len().div_ceil(2);
        let height = head_height(&legend, WIDTH) + rows * PANEL_HEIGHT;
        let title = format!("{} (bars: {})", self.title, self.interval);
        save(stem, (WIDTH, height), &|page| {
            let areas = titled(page, &title, &legend)?.split_evenly((rows, 2));
            let all = self.panels.iter().flat_map(|panel| &panel.series).flat_map(|series| &series.points);
            let auc = Axis::around(all.flat_map(|point| [point.auc, point.low, point.high]), 5);
            for (area, panel) in areas.iter().zip(&self.panels) {
                panel.draw(area, auc.as_ref(), &names)?;
            }
            Ok(())
        })
    }

    /// The settings in the order in which they first appear.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for series in self.panels.iter().flat_map(|panel| &panel.series) {
            if !names.contains(&series.setting.as_str()) {
                names.push(&series.setting);
            }
        }
        names
    }
}

impl RobustnessPanel {
    fn draw(&self, area: &Area<'_>, auc: Option<&Axis>, names: &[&str]) -> Result<(), Fault> {
        let drawable = |point: &&RobustnessPoint| is_drawable(point.auc) && is_drawable(point.strength);
        let strengths = self.series.iter().flat_map(|series| &series.points).filter(drawable);
        let x = Axis::around(strengths.map(|point| point.strength), 6);
        let (Some(x), Some(auc)) = (x, auc) else {
            return empty(area, &self.caption, (&self.strength, "AUC"));
        };
        let frame = Frame { caption: &self.caption, x: (x, &self.strength), y: (auc.clone(), "AUC") };
        let mut chart = framed(area, frame)?;
        for series in &self.series {
            let index = names.iter().position(|name| *name == series.setting).unwrap_or(0);
            let mut points: Vec<_> = series.points.iter().filter(drawable).copied().collect();
            points.sort_by(|a, b| a.strength.total_cmp(&b.strength));
            let middle: Vec<_> = points.iter().map(|point| (point.strength, point.auc)).collect();
            line(&mut chart, &middle, ink(index))?;
            for point in &points {
                interval(&mut chart, point, ink(index))?;
                dot(&mut chart, (point.strength, point.auc), ink(index).colour)?;
            }
        }
        Ok(())
    }
}

/// A bar from the lower to the upper end of the interval, with feet of some pixels.
fn interval(chart: &mut Chart<'_>, point: &RobustnessPoint, ink: Ink) -> Result<(), Fault> {
    if !is_drawable(point.low) || !is_drawable(point.high) || point.low >= point.high {
        return Ok(());
    }
    let area = chart.plotting_area();
    let (low, high) =
        (area.map_coordinate(&(point.strength, point.low)), area.map_coordinate(&(point.strength, point.high)));
    let base = area.get_base_pixel();
    let inside = area.strip_coord_spec();
    let (x, low, high) = (low.0 - base.0, low.1 - base.1, high.1 - base.1);
    let style = ink.colour.stroke_width(1);
    for ends in [[(x, low), (x, high)], [(x - 4, low), (x + 4, low)], [(x - 4, high), (x + 4, high)]] {
        inside.draw(&PathElement::new(ends.to_vec(), style))?;
    }
    Ok(())
}
