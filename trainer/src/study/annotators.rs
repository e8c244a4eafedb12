//! The annotators of a study, and the secret code by which each is known.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cyborg_edge::web::Secret;
use cyborg_models::name;

/// The file of names and codes, in the folder of a study. Only its owner may read it.
pub const ANNOTATORS: &str = "annotators.toml";
/// The annotator of a study that names none.
pub const ME: &str = "me";
/// Bytes of chance in a code.
const CHANCE: usize = 20;
/// The longest name, in letters.
const LONGEST: usize = 40;

/// An annotator.
#[derive(Clone, Debug)]
pub struct Annotator {
    /// Also the name of the journal.
    pub name: String,
    /// What they are known by.
    pub code: Secret,
}

/// Annotators that can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotatorsError {
    /// It would not be a plain file name everywhere.
    #[error(
        "{0:?} is no name of an annotator: it needs 1 to {LONGEST} letters a to z, digits, `-` or `_`, a letter or digit first"
    )]
    Name(String),
    /// Two names that are one on some systems.
    #[error("the annotators {0} and {1} have the same name but for capitals")]
    Alike(String, String),
    /// The file is not as it was written.
    #[error("{}: {reason}", name::of(path))]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system says no.
    #[error("can't use {}: {source}", name::of(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no chance to make codes of.
    #[error("the system gives no random numbers: {0}")]
    Chance(#[source] getrandom::Error),
}

/// Checks a name.
///
/// # Errors
///
/// When it could not be the name of a file on each system.
pub fn check_name(name: &str) -> Result<(), AnnotatorsError> {
    let plain = name.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"-_".contains(&sign));
    let begins = name.bytes().next().is_some_and(|sign| sign.is_ascii_alphanumeric());
    if plain && begins && name.len() <= LONGEST { Ok(()) } else { Err(AnnotatorsError::Name(name.to_owned())) }
}

/// The annotators of a study: those that it has, and `names`, who get a code if they have none; [`ME`] where there would be
/// nobody. In the order of their names.
///
/// # Errors
///
/// When a name is unfit, or the file can't be read and written.
pub fn open(study: &Path, names: &[String]) -> Result<Vec<Annotator>, AnnotatorsError> {
    let path = study.join(ANNOTATORS);
    let fail = |source| AnnotatorsError::File { path: path.clone(), source };
    let unfit = |reason: String| AnnotatorsError::Unfit { path: path.clone(), reason };
    let mut codes: BTreeMap<String, String> = match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|error| unfit(error.message().to_owned()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(fail(error)),
    };
    let before = codes.len();
    let me = [ME.to_owned()];
    let names = if names.is_empty() && codes.is_empty() { &me } else { names };
    for name in names {
        check_name(name)?;
        if !codes.contains_key(name) {
            codes.insert(name.clone(), new_code()?);
        }
    }
    let mut folded: BTreeMap<String, &String> = BTreeMap::new();
    for name in codes.keys() {
        check_name(name)?;
        if let Some(other) = folded.insert(name.to_ascii_lowercase(), name) {
            return Err(AnnotatorsError::Alike(other.clone(), name.clone()));
        }
    }
    if codes.len() > before {
        write(&path, &codes).map_err(fail)?;
    }
    let annotators = codes.into_iter().map(|(name, code)| match Secret::new(&code) {
        Ok(code) => Ok(Annotator { name, code }),
        Err(error) => Err(unfit(format!("the code of {name}: {error}"))),
    });
    annotators.collect()
}

/// A file that only its owner may read: so are temporary files, and it keeps that.
fn write(path: &Path, codes: &BTreeMap<String, String>) -> io::Result<()> {
    let mut text =
        "# Whoever has a code answers in that name. A line that is removed shuts its annotator out.\n".to_owned();
    for (name, code) in codes {
        text += &format!("{name} = \"{code}\"\n");
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".annotators").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn new_code() -> Result<String, AnnotatorsError> {
    let mut chance = [0; CHANCE];
    getrandom::fill(&mut chance).map_err(AnnotatorsError::Chance)?;
    Ok(chance.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn codes_stay_and_are_the_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let open = |more: &[&str]| open(folder.path(), &names(more)).expect("they can be had");
        let found = |annotators: &[Annotator]| annotators.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let first = open(&["bob", "ann"]);
        assert_eq!(found(&first), ["ann", "bob"]);
        let text = fs::read_to_string(folder.path().join(ANNOTATORS)).expect("it was written");
        let codes: BTreeMap<String, String> = toml::from_str(&text).expect("it is TOML");
        assert!(codes["ann"] != codes["bob"] && codes["ann"].len() == 40, "{codes:?}");
        assert!(first[0].code.is(&codes["ann"]) && first[1].code.is(&codes["bob"]));
        assert_eq!(found(&open(&[])), ["ann", "bob"]);
        let more = open(&["cleo"]);
        assert_eq!(found(&more), ["ann", "bob", "cleo"]);
        assert!(more[0].code.is(&codes["ann"]), "links go on to work");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(ANNOTATORS)).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn one_is_there_when_none_is_named() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        assert_eq!(open(folder.path(), &[]).expect("they can be had")[0].name, ME);
    }

    fn check(more: &[&str], part: &str) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let error = open(folder.path(), &names(more)).expect_err("it is wrong").to_string();
        assert!(error.contains(part), "{error}");
        assert!(!folder.path().join(ANNOTATORS).exists());
    }

    #[test]
    fn names_that_are_no_file_names_are_refused() {
        for name in ["", "../ann", "a b", "-x", ".hidden", "é", "a/b", &"a".repeat(41)] {
            check(&[name], "is no name of an annotator");
        }
        check(&["Ann", "ann"], "the same name but for capitals");
    }
}
