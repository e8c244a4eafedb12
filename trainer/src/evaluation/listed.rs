//! Scores of the faces of a list in a table of `cyborg image --list`, of any model or set that `cyborg` runs.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_edge::verdict::Logits;
use cyborg_models::name;
use serde::Deserialize;

use super::ScoredFace;
use crate::checkpoint;
use crate::data::list::{self, Label, Place, Row, Split};

/// What is read of a row.
#[derive(Debug, Deserialize)]
struct TableRow {
    path: String,
    label: Option<Label>,
    split: Option<Split>,
    source: Option<String>,
    p_synthetic: Option<f64>,
    model: String,
}

/// The faces of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// Those that have a score.
    pub faces: Vec<ScoredFace>,
    /// Their scores, as logits.
    pub logits: Vec<Logits>,
    /// How many have none.
    pub without: usize,
}

/// Reads the faces of a split in a table, of some sources alone where any are named.
///
/// # Errors
///
/// When it can't be read, is of several models, or holds no probabilities.
pub fn read(table: &Path, split: Split, only: &[String]) -> anyhow::Result<Listed> {
    let mut reader = csv::Reader::from_path(table).with_context(|| fail(table))?;
    let (mut faces, mut logits, mut without) = (Vec::new(), Vec::new(), 0);
    let mut model: Option<String> = None;
    for row in reader.deserialize() {
        let row: TableRow = row.with_context(|| fail(table))?;
        let (Some(label), Some(source)) = (row.label, row.source) else { continue };
        let wanted = only.is_empty() || only.contains(&source);
        if row.split.is_some_and(|each| each != split) || !wanted {
            continue;
        }
        let Some(p) = row.p_synthetic else {
            without += 1;
            continue;
        };
        ensure!(
            *model.get_or_insert_with(|| row.model.clone()) == row.model,
            "{} has rows of several models: write a table of one model",
            name::of(table)
        );
        ensure!((0.0..=1.0).contains(&p), "{}: {} has {p} as p_synthetic", name::of(table), row.path);
        // A probability of 32 bits may be 0 or 1 itself.
        let p = p.clamp(1e-7, 1.0 - 1e-7);
        logits.push(Logits { authentic: 0.0, synthetic: (p / (1.0 - p)).ln() as f32 });
        faces.push(ScoredFace { path: row.path, label, source, video: None, group: None, pair: None });
    }
    Ok(Listed { faces, logits, without })
}

/// p(synthetic) of the faces of a split in a table, by their paths.
///
/// # Errors
///
/// As [`read`].
pub fn scores(table: &Path, split: Split) -> anyhow::Result<HashMap<String, f64>> {
    let Listed { faces, logits, .. } = read(table, split, &[])?;
    let p = logits.iter().map(|logits| 1.0 / (1.0 + f64::from(logits.authentic - logits.synthetic).exp()));
    Ok(faces.into_iter().map(|face| face.path).zip(p).collect())
}

/// Writes p(synthetic) of the faces of a split as such a table; `who` says so.
///
/// # Errors
///
/// When it can't be written.
pub fn write(out: &Path, who: &str, split: Split, rows: &[&Row], scores: &[f32]) -> anyhow::Result<()> {
    let fail = || format!("can't write {}", name::of(out));
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["path", "label", "split", "source", "p_synthetic", "model"]).with_context(fail)?;
    let split = split.to_string();
    for (row, p) in rows.iter().zip(scores) {
        let (path, p) = (name::of(&row.path), p.to_string());
        table.write_record([&path, row.label.name(), &split, &row.source, &p, who]).with_context(fail)?;
    }
    checkpoint::replace(out, &table.into_inner().with_context(fail)?).with_context(fail)?;
    log::info!("wrote {} with {} faces", name::of(out), rows.len());
    Ok(())
}

/// Tells the faces what they belong to, by the rows of the list.
///
/// # Errors
///
/// When the list can't be read, or has none of the faces.
pub fn belong(faces: &mut [ScoredFace], list: &Path) -> anyhow::Result<()> {
    let place = Place { list: list.to_owned(), root: None, maps: None };
    let rows = list::read(&place)?.0.rows;
    let by_path: HashMap<String, ScoredFace> =
        rows.iter().map(ScoredFace::from).map(|known| (known.path.clone(), known)).collect();
    let mut known = 0;
    for face in faces.iter_mut() {
        if let Some(ScoredFace { video, group, pair, .. }) = by_path.get(&face.path).cloned() {
            known += 1;
            (face.video, face.group, face.pair) = (video, group, pair);
        }
    }
    ensure!(known > 0, "{} has none of the table's photos: give the list that the table was made of", name::of(list));
    if known < faces.len() {
        log::warn!("{} photos of the table are not in {} and are ignored", faces.len() - known, name::of(list));
    }
    Ok(())
}

fn fail(table: &Path) -> String {
    format!("can't read the scores in {}", name::of(table))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn faces_are_told_what_they_belong_to() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let list = folder.path().join("list.csv");
        fs::write(&list, "file,label,group,pair\na.png,real,g,b.png\nb.png,synthetic,g,a.png\n")
            .expect("it can be written");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let face = |name: &str| ScoredFace {
            path: path(name),
            label: Label::Authentic,
            source: String::new(),
            video: None,
            group: None,
            pair: None,
        };
        let mut faces = [face("a.png"), face("c.png")];
        belong(&mut faces, &list).expect("one of them is in the list");
        assert_eq!((faces[0].group.as_deref(), faces[0].pair.as_ref()), (Some("g"), Some(&path("b.png"))));
        assert_eq!((&faces[1].group, &faces[1].pair), (&None, &None));
        let error = belong(&mut faces[1..], &list).expect_err("none is in the list");
        assert!(error.to_string().contains("none of the table's photos"), "{error}");
    }
}
