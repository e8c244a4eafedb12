//! The pictures of an evaluation, from its scores and maps.

use std::path::Path;

use anyhow::Context;
use cyborg_models::contract::Thresholds;
use cyborg_models::name;
use serde::{Deserialize, Serialize};

use super::report::{Report, RunReport};
use super::{RunScores, ScoreKind, ScoredFace};
use crate::checkpoint;
use crate::data::list::Label;
use crate::metrics::roc;
use crate::plot::HeatMap;
use crate::plot::confusion::Confusion;
use crate::plot::histogram::ScoreHistogram;
use crate::plot::maps::{CaptionedMap, MapFigure, MapRow};
use crate::plot::reliability::{Reliability, ReliabilityBin};
use crate::plot::robustness::{Robustness, RobustnessPanel, RobustnessPoint, RobustnessSeries};
use crate::plot::roc::{RocCurve, RocPlot, RocPoint};
use crate::plot::sheet::{ContactSheet, Tile};

/// Bins of the histogram of scores.
const BINS: usize = 40;

/// Draws what the scores of all runs give: ROC curves, and of the first run histogram, reliability and confusion matrix.
///
/// # Errors
///
/// When a picture can't be written.
pub fn of_scores(
    folder: &Path,
    report: &Report,
    faces: &[ScoredFace],
    runs: &[RunScores],
    kind: ScoreKind,
) -> anyhow::Result<()> {
    let mut curves = Vec::new();
    for run in runs {
        let scored = run.scored(faces, kind, |face| !report.apart.contains(&face.source));
        let Some(curve) = roc(&scored) else { continue };
        let points = curve.points.iter();
        curves.push(RocCurve {
            name: run.name.clone(),
            points: points.map(|at| RocPoint { false_detections: at.fdr, true_detections: at.tdr }).collect(),
            auc: crate::metrics::auc(&scored).unwrap_or(f64::NAN),
        });
    }
    RocPlot { title: format!("ROC, {}", report.data), curves }.save(&folder.join("roc"))?;
    for (run, measured) in runs.iter().zip(&report.runs) {
        of_run(folder, faces, run, measured, (kind, &report.apart))?;
    }
    Ok(())
}

fn of_run(
    folder: &Path,
    faces: &[ScoredFace],
    run: &RunScores,
    measured: &RunReport,
    (kind, apart): (ScoreKind, &[String]),
) -> anyhow::Result<()> {
    let of_class = |label| {
        run.scored(faces, kind, |face| face.label == label && !apart.contains(&face.source))
            .iter()
            .map(|each| each.score)
            .collect()
    };
    // The thresholds are for the calibrated score.
    let thresholds: Option<&Thresholds> = (kind == ScoreKind::Softmax).then_some(&run.thresholds);
    ScoreHistogram {
        title: format!("Scores, {}", run.name),
        authentic: of_class(Label::Authentic),
        synthetic: of_class(Label::Synthetic),
        authentic_below: thresholds.map(|at| f64::from(at.authentic_below)),
        synthetic_above: thresholds.map(|at| f64::from(at.synthetic_above)),
        bins: BINS,
    }
    .save(&folder.join(format!("scores-{}", run.name)))?;
    let bins = measured.pooled.reliability.iter().filter_map(|bin| {
        let (mean_score, share_synthetic) = (bin.mean_score?, bin.synthetic?);
        Some(ReliabilityBin { mean_score, share_synthetic, count: bin.faces as u64 })
    });
    Reliability {
        title: format!("Reliability, {}", run.name),
        bins: bins.collect(),
        ece: measured.pooled.ece.unwrap_or(f64::NAN),
    }
    .save(&folder.join(format!("reliability-{}", run.name)))?;
    let counts = measured.pooled.at_half.confusion;
    Confusion {
        title: format!("Verdicts at 0.5, {}", run.name),
        authentic_called_authentic: counts.authentic_as_authentic as u64,
        authentic_called_synthetic: counts.authentic_as_synthetic as u64,
        synthetic_called_authentic: counts.synthetic_as_authentic as u64,
        synthetic_called_synthetic: counts.synthetic_as_synthetic as u64,
    }
    .save(&folder.join(format!("confusion-{}", run.name)))?;
    Ok(())
}

/// Draws AUC against strength, where a sweep was made.
///
/// # Errors
///
/// When the picture can't be written.
pub fn of_robustness(folder: &Path, report: &Report) -> anyhow::Result<()> {
    let mut panels: Vec<RobustnessPanel> = Vec::new();
    for run in &report.runs {
        for each in &run.robustness {
            let at = panels.iter().position(|panel| panel.caption == each.kind).unwrap_or_else(|| {
                panels.push(RobustnessPanel {
                    caption: each.kind.to_owned(),
                    strength: each.unit.to_owned(),
                    series: Vec::new(),
                });
                panels.len() - 1
            });
            let series = &mut panels[at].series;
            if series.last().is_none_or(|last| last.setting != run.name) {
                series.push(RobustnessSeries { setting: run.name.clone(), points: Vec::new() });
            }
            let point = |auc: f64, low: f64, high: f64| RobustnessPoint { strength: each.strength, auc, low, high };
            let point = each.auc.map_or(point(f64::NAN, f64::NAN, f64::NAN), |auc| point(auc.value, auc.low, auc.high));
            if let Some(last) = series.last_mut() {
                last.points.push(point);
            }
        }
    }
    if panels.is_empty() {
        return Ok(());
    }
    Robustness {
        title: format!("AUC under disturbances, {}", report.data),
        interval: "DeLong's 95 % interval".to_owned(),
        panels,
    }
    .save(&folder.join("robustness"))?;
    Ok(())
}

/// Name of the file of average maps.
pub const CAMS: &str = "cams.json";

/// Average maps: of each run its activation maps of the synthetic class, over all faces, beside the average saliency map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AverageMaps {
    /// Side of a map.
    pub side: usize,
    /// Of the saliency maps of the faces that have one.
    pub saliency: Option<Vec<f32>>,
    /// Of the activation maps, by the run's name.
    pub runs: Vec<(String, Vec<f32>)>,
}

impl AverageMaps {
    /// Writes them as JSON, so that several settings can be drawn side by side.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        checkpoint::replace(path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let fail = || format!("can't read {}: run `cyborg-train evaluate` again", name::of(path));
        serde_json::from_str(&std::fs::read_to_string(path).with_context(fail)?).with_context(fail)
    }

    fn row(&self, name: &str) -> MapRow {
        MapRow {
            name: name.to_owned(),
            saliency: self.saliency.as_ref().map(|values| self.captioned("saliency", values)),
            runs: self.runs.iter().map(|(name, values)| self.captioned(name, values)).collect(),
        }
    }

    /// The saliency map under its other name.
    fn people(&self) -> Option<CaptionedMap> {
        self.saliency.as_ref().map(|values| self.captioned("people", values))
    }

    fn captioned(&self, caption: &str, values: &[f32]) -> CaptionedMap {
        let map = HeatMap { values: values.to_vec(), height: self.side, width: self.side };
        CaptionedMap { caption: caption.to_owned(), map }
    }
}

/// Draws the average maps of some settings as `cams.png` and `cams.svg`, a row each.
///
/// # Errors
///
/// When the picture can't be written.
pub fn of_maps(folder: &Path, settings: &[(&str, &AverageMaps)]) -> anyhow::Result<()> {
    let rows = settings.iter().map(|(name, maps)| maps.row(name)).collect();
    MapFigure { title: "Average activation maps".to_owned(), rows }.save(&folder.join("cams"))?;
    Ok(())
}

/// Name of the file of average maps by class and source.
pub const PEOPLE: &str = "people.json";
/// Rows that are drawn at most; the file has all.
const MOST_ROWS: usize = 40;

/// Average maps of the faces that have a map of people, by class and by source: people's beside those of each run, of the class
/// that a face is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeopleMaps(pub Vec<(String, AverageMaps)>);

impl PeopleMaps {
    /// Adds a run: rows of people's map and the run's own, each of `side * side` values.
    pub fn add(&mut self, side: usize, run: &str, rows: Vec<(String, [Vec<f32>; 2])>) {
        for (name, [people, cam]) in rows {
            let at = self.0.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                self.0.push((name, AverageMaps { side, saliency: Some(people), runs: Vec::new() }));
                self.0.len() - 1
            });
            self.0[at].1.runs.push((run.to_owned(), cam));
        }
    }

    /// Writes them as JSON, and draws them as `people.png` and `people.svg`. Nothing where there is no such face.
    ///
    /// # Errors
    ///
    /// When a file can't be written.
    pub fn save(&self, folder: &Path, plots: &Path) -> anyhow::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let path = folder.join(PEOPLE);
        let text = serde_json::to_string_pretty(self)? + "\n";
        checkpoint::replace(&path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(&path)))?;
        let rows =
            self.0.iter().take(MOST_ROWS).map(|(name, maps)| MapRow { saliency: maps.people(), ..maps.row(name) });
        let title = "Where people and networks look, on average".to_owned();
        MapFigure { title, rows: rows.collect() }.save(&plots.join("people"))?;
        Ok(())
    }
}

/// A face that was taken for the other class.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Its crop, RGB.
    pub pixels: Vec<u8>,
    /// Its activation map.
    pub map: Vec<f32>,
    /// What it is, and where from.
    pub source: String,
    /// What it is.
    pub label: Label,
    /// Its score.
    pub score: f64,
}

/// Draws the worst mistakes of a run with their activation maps.
///
/// # Errors
///
/// When the picture can't be written.
pub fn of_mistakes(
    folder: &Path,
    run: &str,
    (side, map_side): (usize, usize),
    mistakes: Vec<Mistake>,
) -> anyhow::Result<()> {
    let tiles = mistakes.into_iter().map(|mistake| Tile {
        pixels: mistake.pixels,
        heat: Some(HeatMap { values: mistake.map, height: map_side, width: map_side }),
        caption: [format!("{} {:.3}", mistake.label.name(), mistake.score), mistake.source],
    });
    ContactSheet { title: format!("Worst mistakes, {run}"), side, columns: 6, tiles: tiles.collect() }
        .save(&folder.join(format!("mistakes-{run}")))?;
    Ok(())
}

/// A face with what people saw in it and what a network does.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Its crop, RGB.
    pub pixels: Vec<u8>,
    /// People's map.
    pub people: Vec<f32>,
    /// The activation map.
    pub cam: Vec<f32>,
    /// Captions of both.
    pub words: [[String; 2]; 2],
}

/// Draws faces with people's map and the network's side by side, three faces a row.
///
/// # Errors
///
/// When the picture can't be written.
pub fn of_looks(folder: &Path, run: &str, (side, map_side): (usize, usize), looks: Vec<Look>) -> anyhow::Result<()> {
    let tiles = looks.into_iter().flat_map(|Look { pixels, people, cam, words: [first, second] }| {
        let heat = |values| Some(HeatMap { values, height: map_side, width: map_side });
        let one = Tile { pixels: pixels.clone(), heat: heat(people), caption: first };
        [one, Tile { pixels, heat: heat(cam), caption: second }]
    });
    let title = format!("Where people looked, and {run} beside it: least alike, then most");
    ContactSheet { title, side, columns: 6, tiles: tiles.collect() }.save(&folder.join(format!("people-{run}")))?;
    Ok(())
}
