//! What the annotators of a study have said, with each answer's place in its journal instead of what was painted: a study of
//! ten thousand faces takes no more memory than its list.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cyborg_models::name;

use super::ANSWERS;
use super::answer::{Answer, Kind};
use super::faces::Face;
use super::journal::{self, JournalError};
use crate::data::list::Label;

/// An answer without what was painted and written.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The annotator, by their place in [`Study::annotators`].
    pub annotator: usize,
    /// The face, by its place in the study's list.
    pub face: usize,
    /// Why it was shown.
    pub kind: Kind,
    /// Whether two photos were shown.
    pub is_pair: bool,
    /// Real or synthetic.
    pub answer: Label,
    /// What a check asked for.
    pub asked: Option<Label>,
    /// 0.5 to 1.
    pub confidence: f64,
    /// Seconds.
    pub seconds: f64,
    /// Whether anything was painted.
    pub is_painted: bool,
    /// Where it stands.
    pub line: LineAt,
}

/// Where an answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAt {
    journal: usize,
    offset: u64,
    length: usize,
    /// From 1.
    number: usize,
}

/// All answers of a study.
#[derive(Debug)]
pub struct Study {
    /// Names, in order.
    pub annotators: Vec<String>,
    /// Annotator by annotator, in the order in which they were given.
    pub heard: Vec<Heard>,
    journals: Vec<PathBuf>,
}

/// Reads answers again, with what was painted. For one thread.
#[derive(Debug)]
pub struct Reader<'a> {
    study: &'a Study,
    files: HashMap<usize, File>,
    line: Vec<u8>,
}

impl Study {
    /// Goes through the journals of a study with these faces.
    ///
    /// # Errors
    ///
    /// When a journal can't be read, a whole line is no answer, or its photo is not among the faces.
    pub fn read(study: &Path, faces: &[Face]) -> anyhow::Result<Self> {
        ensure!(
            study.join(ANSWERS).is_dir(),
            "{} holds no answers of annotators: `cyborg-train annotate` gathers some",
            name::of(study)
        );
        let mut found = Self { annotators: Vec::new(), heard: Vec::new(), journals: journal::paths(study)? };
        let by_name: HashMap<&str, usize> =
            faces.iter().enumerate().map(|(index, face)| (face.photo.as_str(), index)).collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        for index in 0..found.journals.len() {
            let path = found.journals[index].clone();
            let fail = |source| JournalError::File { path: path.clone(), source };
            let mut reader = BufReader::new(File::open(&path).map_err(fail)?);
            let (mut line, mut offset, mut number) = (Vec::new(), 0, 0);
            loop {
                line.clear();
                let length = reader.read_until(b'\n', &mut line).map_err(fail)?;
                // What is not yet a whole line is still being written.
                if line.pop() != Some(b'\n') {
                    break;
                }
                number += 1;
                let at = LineAt { journal: index, offset, length: length - 1, number };
                offset += length as u64;
                if line.is_empty() {
                    continue;
                }
                let answer = journal::parse_line(&path, number, &line)?;
                let Some(&face) = by_name.get(answer.photo.as_str()) else {
                    bail!("{}, line {number}: {} is not in the study's list", name::of(&path), answer.photo);
                };
                let next = places.len();
                let annotator = *places.entry(answer.annotator.clone()).or_insert(next);
                if annotator == next {
                    found.annotators.push(answer.annotator.clone());
                }
                found.heard.push(heard(&answer, annotator, face, at));
            }
        }
        Ok(found)
    }

    /// Reads answers again.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader { study: self, files: HashMap::new(), line: Vec::new() }
    }

    /// For each face the first answer of each annotator to it that is no repeat, check or pair: those that annotators are
    /// compared by. By their place in [`heard`](Self::heard); a later one is somebody's second thought.
    #[must_use]
    pub fn first_answers(&self, faces: usize) -> Vec<Vec<usize>> {
        self.firsts(faces, |heard| heard.kind == Kind::Face && !heard.is_pair)
    }

    /// The same with those to pairs, which were painted as well.
    #[must_use]
    pub fn first_paintings(&self, faces: usize) -> Vec<Vec<usize>> {
        self.firsts(faces, |heard| heard.kind == Kind::Face)
    }

    fn firsts(&self, faces: usize, is_one: impl Fn(&Heard) -> bool) -> Vec<Vec<usize>> {
        let mut of_face: Vec<Vec<usize>> = vec![Vec::new(); faces];
        for (index, heard) in self.heard.iter().enumerate().filter(|(_, heard)| is_one(heard)) {
            let of_face = &mut of_face[heard.face];
            if of_face.iter().all(|&other| self.heard[other].annotator != heard.annotator) {
                of_face.push(index);
            }
        }
        of_face
    }
}

fn heard(answer: &Answer, annotator: usize, face: usize, line: LineAt) -> Heard {
    Heard {
        annotator,
        face,
        kind: answer.kind,
        is_pair: answer.other.is_some(),
        answer: answer.answer,
        asked: answer.asked,
        confidence: answer.confidence,
        seconds: answer.seconds,
        is_painted: answer.painted.len() > 1,
        line,
    }
}

impl Reader<'_> {
    /// The whole answer.
    ///
    /// # Errors
    ///
    /// When its journal has changed, or can't be read any more.
    pub fn answer(&mut self, at: LineAt) -> anyhow::Result<Answer> {
        let path = &self.study.journals[at.journal];
        let fail = || format!("can't read the answers in {}", name::of(path));
        let file = match self.files.entry(at.journal) {
            std::collections::hash_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(File::open(path).with_context(fail)?),
        };
        file.seek(SeekFrom::Start(at.offset)).with_context(fail)?;
        self.line.resize(at.length, 0);
        file.read_exact(&mut self.line).with_context(fail)?;
        Ok(journal::parse_line(path, at.number, &self.line)?)
    }
}
