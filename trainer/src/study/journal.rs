//! The journal of an annotator: a line an answer, on the disk before the next face is shown.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cyborg_models::name;

use super::ANSWERS;
use super::answer::{Answer, AnswerError};

/// The ending of journals.
const ENDING: &str = "jsonl";

/// A journal, open for more answers.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Length in bytes of what is whole.
    whole: u64,
}

/// A journal that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system says no.
    #[error("can't use the answers in {}: {source}", name::of(path))]
    File {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no answer.
    #[error("{}, line {line}: {reason}", name::of(path))]
    Line {
        /// The journal.
        path: PathBuf,
        /// Line from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else writes to it.
    #[error("{} is in use: another `annotate` serves this study", name::of(path))]
    InUse {
        /// The journal.
        path: PathBuf,
    },
}

impl Journal {
    /// Opens the journal of an annotator in the folder of a study; one that is there is gone on with. A last line that a kill
    /// or a full disk left unfinished is removed: its answer was never confirmed. Gives also the answers so far, in the order they
    /// were given.
    ///
    /// # Errors
    ///
    /// When it can't be read and written, a whole line is no answer, or another process has it open.
    pub fn open(study: &Path, annotator: &str) -> Result<(Self, Vec<Answer>), JournalError> {
        let path = path_of(study, annotator);
        let fail = |source| JournalError::File { path: path.clone(), source };
        fs::create_dir_all(study.join(ANSWERS)).map_err(fail)?;
        let file = OpenOptions::new().create(true).append(true).read(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::InUse { path }),
            Err(fs::TryLockError::Error(source)) => return Err(fail(source)),
        }
        let text = fs::read(&path).map_err(fail)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let given = parse(&path, &text[..whole])?;
        file.set_len(whole as u64).map_err(fail)?;
        Ok((Self { path, file, whole: whole as u64 }, given))
    }

    /// Adds an answer. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When it can't be written; the journal is as it was before.
    pub fn add(&mut self, answer: &Answer) -> Result<(), JournalError> {
        let fail = |source| JournalError::File { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(answer).map_err(|error| fail(error.into()))?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // What got there of it must not be glued to the next line.
            self.file.set_len(self.whole).map_err(fail)?;
            return Err(fail(error));
        }
        self.whole += line.len() as u64;
        Ok(())
    }
}

/// All answers of a study, by annotator in the order of their names. A line that is still being written is left alone.
///
/// # Errors
///
/// When a journal can't be read, or a whole line of it is no answer.
pub fn read_all(study: &Path) -> Result<Vec<Vec<Answer>>, JournalError> {
    let read = |path: PathBuf| {
        let text = fs::read(&path).map_err(|source| JournalError::File { path: path.clone(), source })?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        parse(&path, &text[..whole])
    };
    paths(study)?.into_iter().map(read).collect()
}

/// The journals of a study, in the order of their names.
///
/// # Errors
///
/// When their folder can't be read.
pub(super) fn paths(study: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let folder = study.join(ANSWERS);
    let fail = |source| JournalError::File { path: folder.clone(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn path_of(study: &Path, annotator: &str) -> PathBuf {
    study.join(ANSWERS).join(format!("{annotator}.{ENDING}"))
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Answer>, JournalError> {
    let lines = text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(index, line)| parse_line(path, index + 1, line)).collect()
}

/// The answer of a line; `number` counts from 1.
pub(super) fn parse_line(path: &Path, number: usize, line: &[u8]) -> Result<Answer, JournalError> {
    let wrong = |reason: String| JournalError::Line { path: path.to_owned(), line: number, reason };
    let answer: Answer = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
    answer.check().map_err(|error: AnswerError| wrong(error.to_string()))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Kind, VERSION};
    use super::*;
    use crate::data::list::Label;

    fn answer(item: u32) -> Answer {
        Answer {
            version: VERSION,
            annotator: "ann".to_owned(),
            item,
            kind: Kind::Face,
            photo: "gan/1.png".to_owned(),
            other: None,
            answer: Label::Synthetic,
            confidence: 0.75,
            asked: None,
            seconds: 2.5,
            width: 2,
            height: 2,
            painted: vec![1, 2, 1],
            words: Vec::new(),
            text: String::new(),
            at: "2026-11-30T01:02:03Z".to_owned(),
        }
    }

    #[test]
    fn a_line_that_was_cut_is_removed_and_whole_ones_stay() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (mut journal, _) = Journal::open(folder.path(), "ann").expect("it is new");
        journal.add(&answer(0)).expect("it is written");
        assert!(matches!(Journal::open(folder.path(), "ann"), Err(JournalError::InUse { .. })));
        drop(journal);
        let path = path_of(folder.path(), "ann");
        let mut text = fs::read(&path).expect("it is there");
        text.extend_from_slice(b"{\"version\":1,");
        fs::write(&path, text).expect("it can be written");
        assert_eq!(read_all(folder.path()).expect("it is read"), [[answer(0)]]);
        let (mut journal, given) = Journal::open(folder.path(), "ann").expect("it is gone on with");
        assert_eq!(given, [answer(0)]);
        journal.add(&answer(1)).expect("it is written");
        assert_eq!(read_all(folder.path()).expect("it is read"), [[answer(0), answer(1)]]);
    }

    #[test]
    fn a_whole_line_that_is_no_answer_is_named() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let check = |change: fn(&mut Answer), part: &str| {
            let mut wrong = answer(0);
            change(&mut wrong);
            let line = serde_json::to_string(&wrong).expect("it is JSON") + "\n";
            fs::create_dir_all(folder.path().join(ANSWERS)).expect("a folder");
            fs::write(path_of(folder.path(), "ann"), line).expect("it can be written");
            let error = read_all(folder.path()).expect_err("it is wrong").to_string();
            assert!(error.contains("ann.jsonl, line 1: ") && error.contains(part), "{error}");
        };
        check(|answer| answer.version = 2, "version 2");
        check(|answer| answer.confidence = 0.4, "confidence 0.4");
        check(|answer| answer.seconds = -1.0, "-1 is no number of seconds");
        check(|answer| answer.painted = vec![3], "3 pixels");
    }
}
