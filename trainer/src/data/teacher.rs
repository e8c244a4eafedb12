//! What another network says of the faces that are trained on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cyborg_models::digest;
use cyborg_models::name;
use serde::Deserialize;

use super::config::absolute;
use super::inspect::Inspected;

/// What is read of a row.
#[derive(Deserialize)]
struct TaughtRow {
    path: String,
    p_synthetic: Option<f32>,
    model: String,
}

/// A table that can't teach.
#[derive(Debug, thiserror::Error)]
pub enum TeacherError {
    /// A teacher is one model.
    #[error("{} has rows of several models, and a teacher is one", name::of(_0))]
    SeveralModels(PathBuf),
    /// It was written of another list.
    #[error("{} knows none of the training faces", name::of(_0))]
    OtherFaces(PathBuf),
}

/// Gives the faces the scores of a teacher's table, and makes them part of what tells whether the data are still the same.
///
/// # Errors
///
/// When the table can't be read, is of several models, or knows none of the training faces.
pub fn teach(inspected: &mut Inspected, table: &Path, train: &[usize]) -> anyhow::Result<()> {
    let fail = || format!("can't read the teacher's scores in {}", name::of(table));
    let mut reader = csv::Reader::from_path(table).with_context(fail)?;
    let mut scores = HashMap::new();
    let mut model: Option<String> = None;
    for row in reader.deserialize() {
        let TaughtRow { path, p_synthetic, model: by } = row.with_context(fail)?;
        ensure!(*model.get_or_insert_with(|| by.clone()) == by, TeacherError::SeveralModels(table.to_owned()));
        let Some(p) = p_synthetic else { continue };
        ensure!((0.0..=1.0).contains(&p), "{}: {} has {p} as p_synthetic", name::of(table), path);
        let path = name::path(&path)
            .with_context(|| format!("{}: a path can't be read back from its name", name::of(table)))?;
        scores.insert(absolute(&path)?, p);
    }
    let mut taught = vec![None; inspected.faces.rows.len()];
    for &index in train {
        taught[index] = scores.get(&absolute(&inspected.faces.rows[index].path)?).copied();
    }
    let known = taught.iter().flatten().count();
    ensure!(known > 0, TeacherError::OtherFaces(table.to_owned()));
    log::info!("{known} of {} training faces have a teacher's score", train.len());
    inspected.faces.teach(taught);
    let both = inspected.list_digest.clone() + &digest::of_file(table).with_context(fail)?;
    inspected.list_digest = digest::of_bytes(both.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::data::loader::tests::{faces, plan, whole};
    use crate::data::loader::{evaluation, training};

    fn inspected(count: usize) -> (tempfile::TempDir, Inspected) {
        let (folder, faces) = faces(count);
        let faces = Arc::try_unwrap(faces).expect("nobody else has it");
        let contents = vec![String::new(); count];
        (folder, Inspected { faces, contents, digest: String::new(), list_digest: "list".to_owned() })
    }

    #[test]
    fn a_teacher_speaks_of_the_faces_that_it_knows() {
        let (folder, mut inspected) = inspected(4);
        let table = folder.path().join("taught.csv");
        let path = |index: usize| name::of(&inspected.faces.rows[index].path);
        let lines = [format!("{},0.25,m", path(0)), format!("{},,m", path(1)), format!("{},0.75,m", path(3))];
        fs::write(&table, format!("path,p_synthetic,model\n{}\n", lines.join("\n"))).expect("it can be written");
        teach(&mut inspected, &table, &[0, 1, 2]).expect("it is a table");
        let classes: Vec<f32> = inspected.faces.rows.iter().map(|row| row.label.class() as f32).collect();
        let known: Vec<f32> = (0..4).map(|index| inspected.faces.taught(index)).collect();
        assert_eq!(known, [0.25, classes[1], classes[2], classes[3]], "the last face is not trained on");
        assert_ne!(inspected.list_digest, "list", "runs that go on find another table out");
        let faces = Arc::new(inspected.faces);
        let shown = whole(training(&faces, &plan(&faces, 1), 1));
        let mut taught: Vec<f32> = shown.iter().flat_map(|batch| batch.taught.clone()).collect();
        taught.sort_by(f32::total_cmp);
        let mut expected = known;
        expected.sort_by(f32::total_cmp);
        assert_eq!(taught, expected);
        let judged = whole(evaluation(&faces, &[0, 1], 2));
        assert!(judged.iter().all(|batch| batch.taught.is_empty()), "faces are judged by their labels");
    }

    #[test]
    fn tables_that_teach_nothing_are_refused() {
        let (folder, mut inspected) = inspected(2);
        let table = folder.path().join("taught.csv");
        let path = name::of(&inspected.faces.rows[0].path);
        for (lines, says) in [
            (String::new(), "knows none"),
            (format!("{path},2,m\n"), "has 2 as p_synthetic"),
            (format!("{path},0.5,m\n{path},0.5,n\n"), "several models"),
        ] {
            fs::write(&table, format!("path,p_synthetic,model\n{lines}")).expect("it can be written");
            let error = teach(&mut inspected, &table, &[0, 1]).expect_err(says);
            assert!(format!("{error:#}").contains(says), "{error:#}");
            // What is wrong with the table as a whole has its cure at the command line.
            assert_eq!(error.is::<TeacherError>(), says != "has 2 as p_synthetic", "{error:#}");
        }
        let error = teach(&mut inspected, &folder.path().join("none.csv"), &[0]).expect_err("it isn't there");
        assert!(format!("{error:#}").contains("can't read the teacher's scores"), "{error:#}");
    }
}
