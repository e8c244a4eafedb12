//! The faces of a list that a model file in 8 bits is made with and measured on.

use std::sync::atomic::AtomicBool;

use anyhow::ensure;
use cyborg_models::model_file::ModelFile;

use crate::cli::session::{DataArgs, bytes};
use crate::data::choice::Known;
use crate::data::faces::{Cutter, Extent};
use crate::data::inspect::Need;
use crate::data::list::{Label, Row, Split};
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts};
use crate::export::Int8Faces;

/// Faces that steps are taken from, at most: half of them of each class. More of them hardly widen a range.
const CALIBRATION: usize = 300;
/// Faces that the cost is measured on, at most.
const JUDGED: usize = 4000;
/// MiB of crops that the list keeps: each is looked at once.
const KEPT: usize = 0;

/// The faces, cut out.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    calibration: Vec<u8>,
    judged: Vec<u8>,
    labels: Vec<Label>,
}

impl Gathered {
    pub(super) fn faces(&self) -> Int8Faces<'_> {
        Int8Faces { calibration: &self.calibration, judged: &self.judged, labels: &self.labels }
    }

    /// Cuts out faces of the list's split `train` to take steps from and of its split `validation` to measure on, as the model
    /// `file` says; nothing when `stop` becomes true on the way.
    pub(super) fn of(data: &DataArgs, file: &ModelFile, stop: &AtomicBool) -> anyhow::Result<Option<Self>> {
        let mut read = data.read(&Known { data: None, margin: Some(file.contract.crop.margin) })?;
        read.list.rows = chosen(&read.list.rows);
        let has = |split| read.list.rows.iter().any(|row| row.split == split);
        let list = cyborg_models::name::of(&read.list.path);
        for (split, what) in [(Split::Train, "takes its steps from"), (Split::Validation, "is measured on")] {
            ensure!(
                has(split),
                "{list} has no faces of the split `{split}`, which int8 {what}: name the splits in its column `split`"
            );
        }
        let splits = [Split::Train, Split::Validation];
        let wanted = Wanted {
            side: file.input_side,
            cam: file.cam_size.0,
            splits: &splits,
            landmarks: Need::Unneeded,
            memory: bytes(KEPT),
        };
        let Some(inspected) = look(read, &wanted, stop)? else { return Ok(None) };
        let (train, judged) = (inspected.of_split(Split::Train), inspected.of_split(Split::Validation));
        both_classes(class_counts(&inspected.faces, &judged), "validation")?;
        let mut cutter = Cutter::default();
        let mut crops = |indices: &[usize]| -> anyhow::Result<Vec<u8>> {
            let mut crops = Vec::with_capacity(indices.len() * file.input_side.pow(2) * 3);
            for &index in indices {
                crops.extend_from_slice(&inspected.faces.view(index, Extent::Exact, &mut cutter)?.pixels);
            }
            Ok(crops)
        };
        let (calibration, pixels) = (crops(&train)?, crops(&judged)?);
        let labels = judged.iter().map(|&index| inspected.faces.rows[index].label).collect();
        Ok(Some(Self { calibration, judged: pixels, labels }))
    }
}

/// The rows that are needed, from all over the list, in its order.
fn chosen(rows: &[Row]) -> Vec<Row> {
    let of = |split, label| rows.iter().enumerate().filter(move |(_, row)| row.split == split && row.label == label);
    let mut kept: Vec<usize> = Vec::new();
    for (split, most) in [(Split::Train, CALIBRATION), (Split::Validation, JUDGED)] {
        for label in [Label::Authentic, Label::Synthetic] {
            let all: Vec<usize> = of(split, label).map(|(index, _)| index).collect();
            let count = all.len().min(most / 2);
            kept.extend((0..count).map(|number| all[number * all.len() / count]));
        }
    }
    kept.sort_unstable();
    kept.into_iter().map(|index| rows[index].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_come_from_all_over_the_list() {
        let row = |number: usize| {
            let label = if number.is_multiple_of(3) { Label::Synthetic } else { Label::Authentic };
            let split = if number.is_multiple_of(2) { Split::Train } else { Split::Test };
            Row { split, ..Row::bare(format!("{number}"), label, "a") }
        };
        let rows: Vec<Row> = (0..3000).map(row).collect();
        let kept = chosen(&rows);
        let count = |label| kept.iter().filter(|row| row.label == label).count();
        assert_eq!((count(Label::Authentic), count(Label::Synthetic)), (150, 150));
        assert!(kept.iter().all(|row| row.split == Split::Train), "faces of `test` are left alone");
        assert!(kept[290].path.to_str().and_then(|name| name.parse::<usize>().ok()).is_some_and(|at| at > 2800));
        assert_eq!(chosen(&rows[..20]).len(), 10, "a short list is taken whole");
    }
}
