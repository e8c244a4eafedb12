//! Several settings side by side: how far each looks where people looked, from what was written when they were evaluated.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cyborg_models::name;
use serde::Serialize;

use super::people::{self, FaceRow, numbers};
use crate::metrics::{Bootstrap, MeanDifference, Spread, spread};

/// How intervals are drawn.
const BOOTSTRAP: Bootstrap = Bootstrap { draws: 2000, seed: 1 };
/// What is measured of a face.
type Number = fn(&FaceRow) -> f64;
/// All of it, with its names.
const NUMBERS: [(&str, Number); 3] =
    [("correlation", |row| row.correlation), ("IoU", |row| row.iou), ("pointing game", |row| row.pointing)];

/// How far settings look where people looked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Looked {
    /// The setting that the others are compared with.
    pub reference: String,
    /// Faces that have a map of people.
    pub faces: usize,
    /// A line a number and setting.
    pub lines: Vec<Line>,
}

/// A number of a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Its name.
    pub number: &'static str,
    /// The setting.
    pub setting: String,
    /// Means over faces, over the runs.
    pub over_runs: Spread,
    /// What it has more than the reference; nothing for that itself.
    pub more: Option<MeanDifference>,
}

impl Looked {
    /// Reads the evaluations of settings, the first of which is the reference; nothing where no face had a map of people.
    ///
    /// # Errors
    ///
    /// When a table can't be read, or the settings weren't evaluated on the same faces.
    pub fn read(settings: &[(&str, PathBuf)]) -> anyhow::Result<Option<Self>> {
        let mut tables = Vec::new();
        for (name, folder) in settings {
            let runs = tables_in(folder)?;
            if runs.is_empty() {
                return Ok(None);
            }
            tables.push((*name, folder, runs));
        }
        let Some((reference, _, first)) = tables.first() else { return Ok(None) };
        let faces = &first[0];
        if faces.is_empty() {
            return Ok(None);
        }
        for (_, folder, runs) in &tables {
            let same = |run: &Vec<FaceRow>| run.iter().map(|row| &row.path).eq(faces.iter().map(|row| &row.path));
            ensure!(runs.iter().all(same), "the maps in {} are of other faces: evaluate it again", name::of(folder));
        }
        let groups = numbers(faces.iter().map(|row| row.group.as_str()));
        let mut lines = Vec::new();
        for (number, of) in NUMBERS {
            let values = |runs: &[Vec<FaceRow>]| -> Vec<Vec<f64>> {
                runs.iter().map(|run| run.iter().map(of).collect()).collect()
            };
            let base = values(first);
            for (at, (setting, _, runs)) in tables.iter().enumerate() {
                let own = values(runs);
                let means: Vec<f64> = own.iter().map(|run| run.iter().sum::<f64>() / run.len() as f64).collect();
                let over_runs = spread(&means).with_context(|| format!("{setting} has no runs"))?;
                let more = if at == 0 { None } else { MeanDifference::new(&own, &base, &groups, BOOTSTRAP) };
                lines.push(Line { number, setting: (*setting).to_owned(), over_runs, more });
            }
        }
        Ok(Some(Self { reference: (*reference).to_owned(), faces: faces.len(), lines }))
    }

    /// As a part of a page of Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let Self { reference, faces, lines } = self;
        let mut page = format!(
            "# Where people looked\n\nHow far the activation maps of {faces} faces lie where people looked, mean and standard \
             deviation over the runs, and how much\nmore that is than with {reference}, with its 95 % interval over runs and faces. \
             The reports of the settings say what chance gives.\n\n\
             | | setting | mean | more than {reference} | 95 % interval |\n|---|---|---|---|---|\n"
        );
        for Line { number, setting, over_runs, more } in lines {
            let mean = match over_runs.deviation {
                Some(deviation) => format!("{:.3} ± {deviation:.3}", over_runs.mean),
                None => format!("{:.3}", over_runs.mean),
            };
            let more = more.map_or_else(
                || "- | -".to_owned(),
                |more| format!("{:+.3} | {:+.3} to {:+.3}", more.difference, more.low, more.high),
            );
            // Writing to a string can't fail.
            let _ = writeln!(page, "| {number} | {setting} | {mean} | {more} |");
        }
        page
    }
}

/// The tables of a setting's runs, by the names of the runs.
fn tables_in(folder: &Path) -> anyhow::Result<Vec<Vec<FaceRow>>> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", name::of(folder)))?;
    let is_table = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.starts_with("people-") && name.ends_with(".csv"))
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_table).collect();
    paths.sort();
    paths.iter().map(|path| people::read(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An evaluation of two runs on four faces.
    fn evaluated(folder: &Path, name: &str, correlations: [f64; 2], photo: &str) -> PathBuf {
        let place = folder.join(name);
        fs::create_dir_all(&place).expect("it can be made");
        for (run, correlation) in correlations.into_iter().enumerate() {
            let mut table = "path,label,source,group,correlation,iou,pointing\n".to_owned();
            for face in 0..4 {
                let more = f64::from(face) / 100.0;
                writeln!(table, "{photo}{face}.png,synthetic,gan,{face},{},0.5,1", correlation + more)
                    .expect("it is text");
            }
            fs::write(place.join(format!("people-seed-{run}.csv")), table).expect("it can be written");
        }
        place
    }

    #[test]
    fn settings_are_compared_with_the_first() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let none = evaluated(folder.path(), "none", [0.1, 0.1], "a");
        let human = evaluated(folder.path(), "human", [0.5, 0.7], "a");
        let found = Looked::read(&[("none", none.clone()), ("human", human)]).expect("both are there");
        let found = found.expect("faces have maps");
        assert_eq!((found.faces, found.lines.len()), (4, 6));
        let more = found.lines[1].more.expect("it isn't the reference");
        assert!((more.difference - 0.5).abs() < 1e-9 && (more.low - 0.4).abs() < 1e-9, "{more:?}");
        let page = found.to_markdown();
        assert!(page.contains("| correlation | human | 0.615 ± 0.141 | +0.500 | +0.400 to +0.600 |"), "{page}");
        let others = evaluated(folder.path(), "others", [0.5, 0.7], "b");
        let error = Looked::read(&[("none", none), ("others", others)]).expect_err("they are other faces").to_string();
        assert!(error.contains("are of other faces"), "{error}");
        assert_eq!(Looked::read(&[("none", folder.path().to_owned())]).expect("it can be read"), None);
    }
}
