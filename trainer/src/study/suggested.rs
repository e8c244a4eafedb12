//! Faces in the order in which their answers would help a model most, as a file in the folder of a study.
//!
//! Whoever knows the model writes it, when the study is made; from then on the study's order goes by it.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_models::name;

/// The file in the folder of a study.
pub const SUGGESTED: &str = "suggested.csv";

/// A face of the ranking.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ranked {
    /// The photo, as the study's answers call it.
    pub photo: String,
    /// Why, for people who read the file: "unsure", for example. No annotator sees it.
    pub why: String,
}

/// Writes the ranking of a new study, what helps most first.
///
/// # Errors
///
/// When it can't be written.
pub fn write(study: &Path, ranked: &[Ranked]) -> anyhow::Result<()> {
    let path = study.join(SUGGESTED);
    let mut writer = csv::Writer::from_writer(Vec::new());
    ranked.iter().try_for_each(|row| writer.serialize(row))?;
    let text = writer.into_inner().context("the ranking can't be put together")?;
    crate::checkpoint::replace(&path, &text).with_context(|| format!("can't write {}", name::of(&path)))
}

/// Reads it as indices of faces, whose `photos` are in the order of the study's list.
///
/// # Errors
///
/// When it can't be read, names a photo that the list doesn't have or one twice, or no photo.
pub fn read(study: &Path, photos: &[String]) -> anyhow::Result<Vec<usize>> {
    let path = study.join(SUGGESTED);
    let in_file = || format!("can't use {}", name::of(&path));
    let mut left: HashMap<&str, usize> = photos.iter().enumerate().map(|(at, photo)| (photo.as_str(), at)).collect();
    let mut ranked = Vec::new();
    for row in csv::Reader::from_path(&path).with_context(in_file)?.deserialize() {
        let row: Ranked = row.with_context(in_file)?;
        let face = left.remove(row.photo.as_str());
        ranked.push(face.with_context(|| format!("{}: the list has no further {}", name::of(&path), row.photo))?);
    }
    ensure!(!ranked.is_empty(), "{} has no faces", name::of(&path));
    Ok(ranked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ranked: &[&str], expected: Result<&[usize], &str>) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let row = |photo: &&str| Ranked { photo: (*photo).to_owned(), why: "unsure, very".to_owned() };
        write(folder.path(), &ranked.iter().map(row).collect::<Vec<_>>()).expect("it is written");
        let photos = ["a.png", "b/c.png", "d,e.png"].map(str::to_owned);
        let found = read(folder.path(), &photos).map_err(|error| format!("{error:#}"));
        match expected {
            Ok(expected) => assert_eq!(found.expect("it is right"), expected),
            Err(part) => assert!(found.expect_err("it is wrong").contains(part), "{ranked:?}"),
        }
    }

    #[test]
    fn a_ranking_is_read_as_it_was_written() {
        check(&["d,e.png", "a.png"], Ok(&[2, 0]));
        check(&["a.png", "x.png"], Err("the list has no further x.png"));
        check(&["a.png", "a.png"], Err("the list has no further a.png"));
        check(&[], Err("suggested.csv"));
    }
}
