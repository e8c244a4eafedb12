//! How a study shows its faces: `study.toml`. What its answers depend on stays as it was at the first start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use cyborg_models::{digest, name};
use serde::{Deserialize, Serialize};

use super::order::Question;
use crate::checkpoint::replace;
use crate::data::list::{Label, Split};

/// The file in the folder of a study.
pub const SETTINGS: &str = "study.toml";
/// The version of the file.
const VERSION: u32 = 1;

/// How a study shows its faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// 1.
    pub version: u32,
    /// The list of the faces, a whole path.
    pub list: PathBuf,
    /// What the list said: see [`digest_of`].
    pub list_digest: String,
    /// The folder that names of photos start from, a whole path.
    pub root: PathBuf,
    /// The split whose faces are shown; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Seed of the orders.
    pub seed: u64,
    /// What is asked.
    pub question: Question,
    /// Share of the faces that come twice.
    pub repeats: f64,
    /// Number of checks over that of faces.
    pub checks: f64,
    /// The run whose model ranked the faces in [`SUGGESTED`](super::suggested::SUGGESTED).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggest: Option<PathBuf>,
    /// Most faces in a sitting; 0 for no end. May be changed.
    pub sitting: u32,
    /// Minutes of rest between two sittings. May be changed.
    pub rest: u32,
    /// Words that the page offers. May be changed.
    pub words: Vec<String>,
}

/// What was asked for: what isn't is as the study has it, or else as studies are by default.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// See [`Settings::split`].
    pub split: Option<Split>,
    /// See [`Settings::seed`]; 1.
    pub seed: Option<u64>,
    /// See [`Settings::question`]; single faces.
    pub question: Option<Question>,
    /// See [`Settings::repeats`]; 0.1.
    pub repeats: Option<f64>,
    /// See [`Settings::checks`]; 0.02.
    pub checks: Option<f64>,
    /// See [`Settings::suggest`]; none.
    pub suggest: Option<PathBuf>,
    /// See [`Settings::sitting`]; 100.
    pub sitting: Option<u32>,
}

/// A list, as a study keeps it.
#[derive(Clone, Debug)]
pub struct ListFound {
    /// A whole path.
    pub list: PathBuf,
    /// A whole path.
    pub root: PathBuf,
    /// See [`digest_of`].
    pub digest: String,
}

/// What identifies the faces of a study: SHA-256 of their names, labels and sources in the order of the list.
#[must_use]
pub fn digest_of<'a>(faces: impl Iterator<Item = (&'a str, Label, &'a str)>) -> String {
    let lines = faces.map(|(photo, label, source)| format!("{photo}\t{}\t{source}\n", label.name()));
    digest::of_bytes(lines.collect::<String>().as_bytes())
}

/// The words that a new study offers.
fn usual_words() -> Vec<String> {
    let words = [
        "eyes don't match",
        "odd gaze",
        "teeth",
        "skin too smooth",
        "hair",
        "ears or earrings",
        "glasses",
        "background",
        "light or shadow",
        "out of shape",
        "blurred edges",
        "just a feeling",
    ];
    words.map(str::to_owned).to_vec()
}

/// Reads the settings of a study; nothing where it has none yet.
///
/// # Errors
///
/// When they can't be read, or are of another version.
pub fn read(study: &Path) -> anyhow::Result<Option<Settings>> {
    let path = study.join(SETTINGS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", name::of(&path))),
    };
    let settings: Settings = toml::from_str(&text).with_context(|| format!("can't use {}", name::of(&path)))?;
    if settings.version != VERSION {
        bail!("{} is of version {}, and this program reads {VERSION}", name::of(&path), settings.version);
    }
    let in_one = |share: f64| (0.0..=1.0).contains(&share);
    if !in_one(settings.repeats) || !in_one(settings.checks) {
        bail!("{}: repeats and checks are shares, from 0 to 1", name::of(&path));
    }
    Ok(Some(settings))
}

/// Writes the settings of a study.
///
/// # Errors
///
/// When they can't be written.
pub fn write(study: &Path, settings: &Settings) -> anyhow::Result<()> {
    let path = study.join(SETTINGS);
    let text = toml::to_string(settings).context("the settings can't be written as TOML")?;
    replace(&path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(&path)))
}

/// The settings of a study that is begun, or gone on with.
///
/// # Errors
///
/// When the study is there and something that its answers depend on was to be another: all of that is named.
pub fn settled(
    study: &Path,
    before: Option<&Settings>,
    wanted: &Wanted,
    found: &ListFound,
) -> anyhow::Result<Settings> {
    let Some(before) = before else {
        return Ok(Settings {
            version: VERSION,
            list: found.list.clone(),
            list_digest: found.digest.clone(),
            root: found.root.clone(),
            split: wanted.split,
            seed: wanted.seed.unwrap_or(1),
            question: wanted.question.unwrap_or_default(),
            repeats: wanted.repeats.unwrap_or(0.1),
            checks: wanted.checks.unwrap_or(0.02),
            suggest: wanted.suggest.clone(),
            sitting: wanted.sitting.unwrap_or(100),
            rest: 10,
            words: usual_words(),
        });
    };
    let mut differs = Vec::new();
    let mut compare = |what: &str, had: String, wants: Option<String>| {
        if let Some(wants) = wants.filter(|wants| *wants != had) {
            differs.push(format!("{what} was {had}, not {wants}"));
        }
    };
    let shown = |split: Option<Split>| split.map_or("all".to_owned(), |split| split.to_string());
    let run = |run: Option<&PathBuf>| run.map_or("none".to_owned(), |run| name::of(run).to_string());
    let asks = |question| format!("{question:?}").to_ascii_lowercase();
    compare("split", shown(before.split), wanted.split.map(|split| shown(Some(split))));
    compare("seed", before.seed.to_string(), wanted.seed.map(|seed| seed.to_string()));
    compare("question", asks(before.question), wanted.question.map(asks));
    compare("repeats", before.repeats.to_string(), wanted.repeats.map(|share| share.to_string()));
    compare("checks", before.checks.to_string(), wanted.checks.map(|share| share.to_string()));
    compare("suggest", run(before.suggest.as_ref()), wanted.suggest.as_ref().map(|wants| run(Some(wants))));
    if before.list_digest != found.digest {
        differs.push(format!("the faces of {} are others than at the first start", name::of(&found.list)));
    }
    if !differs.is_empty() {
        bail!(
            "{} holds a study with other settings: {}; leave them as they were, or begin another study elsewhere",
            name::of(study),
            differs.join("; ")
        );
    }
    let sitting = wanted.sitting.unwrap_or(before.sitting);
    Ok(Settings { sitting, list: found.list.clone(), root: found.root.clone(), ..before.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(digest: &str) -> ListFound {
        ListFound { list: "a/faces.csv".into(), root: "a".into(), digest: digest.into() }
    }

    #[test]
    fn a_study_goes_on_as_it_began() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        assert_eq!(read(folder.path()).expect("nothing is no error"), None);
        let wanted = Wanted { seed: Some(3), repeats: Some(0.5), ..Wanted::default() };
        let begun = settled(folder.path(), None, &wanted, &found("x")).expect("it is new");
        write(folder.path(), &begun).expect("it is written");
        let before = read(folder.path()).expect("it is read").expect("it is there");
        assert_eq!(before, begun);
        let wanted = Wanted { sitting: Some(7), seed: Some(3), ..Wanted::default() };
        let gone_on = settled(folder.path(), Some(&before), &wanted, &found("x")).expect("it is the same");
        assert_eq!(gone_on, Settings { sitting: 7, ..begun });
    }

    #[test]
    fn what_differs_is_named() {
        let begun = settled(Path::new("maps"), None, &Wanted::default(), &found("x")).expect("it is new");
        let wanted = Wanted {
            split: Some(Split::Test),
            seed: Some(2),
            question: Some(Question::Pairs),
            suggest: Some("run".into()),
            checks: Some(0.5),
            ..Wanted::default()
        };
        let error = settled(Path::new("maps"), Some(&begun), &wanted, &found("y")).expect_err("it is another");
        for part in [
            "maps holds a study with other settings",
            "split was all, not test",
            "seed was 1, not 2",
            "question was single, not pairs",
            "checks was 0.02, not 0.5",
            "suggest was none, not run",
            "the faces of a/faces.csv are others",
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(!error.to_string().contains("repeats"), "{error}");
    }
}
