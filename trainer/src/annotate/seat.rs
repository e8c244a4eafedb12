//! An annotator's place: what comes next, and what was answered.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_edge::web::Secret;
use cyborg_models::digest;
use jiff::{SignedDuration, Timestamp};

use super::told::Progress;
use crate::study::answer::Answer;
use crate::study::journal::{Journal, JournalError};
use crate::study::order::Item;

/// An annotator's place.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) name: String,
    journal: Journal,
    items: Vec<Item>,
    /// What each number stands for.
    places: HashMap<String, usize>,
    /// Drawn for this annotator; numbers are made of it.
    salt: String,
    /// What was said of each item: a digest, for answers that come again. Answers themselves would fill the memory.
    said: Vec<Option<[u8; 16]>>,
    answered: usize,
    /// The first item that has no answer and can be shown.
    current: usize,
    sitting: Sitting,
}

/// What an annotator has done without a rest.
#[derive(Clone, Copy, Debug)]
struct Sitting {
    /// Most answers; 0 for no end.
    most: u32,
    rest: SignedDuration,
    answers: u32,
    last: Timestamp,
}

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is on the disk.
    Kept,
    /// It was before, word for word.
    Before,
    /// There is another answer already, or another item's turn.
    Refused(&'static str),
}

/// Which picture of an item a number stands for; the item itself has number 0.
const PARTS: usize = 3;

impl Seat {
    /// The place of an annotator whose order is `items`, going on after the answers in their journal. `photos` are the study's names of the
    /// faces.
    pub(super) fn open(
        study: &Path,
        (name, code): (&str, &Secret),
        items: Vec<Item>,
        photos: &[String],
        (most, rest): (u32, u32),
    ) -> anyhow::Result<Self> {
        let (journal, given) = Journal::open(study, name)?;
        let salt = digest::of_bytes(code.text().as_bytes());
        let numbers = (0..items.len()).map(|item| (number(&salt, item, 0), item));
        let sitting =
            Sitting { most, rest: SignedDuration::from_mins(i64::from(rest)), answers: 0, last: Timestamp::UNIX_EPOCH };
        let mut seat = Self {
            name: name.to_owned(),
            journal,
            places: numbers.collect(),
            said: vec![None; items.len()],
            items,
            salt,
            answered: 0,
            current: 0,
            sitting,
        };
        for (line, answer) in given.iter().enumerate() {
            let told = || format!("line {} of the answers of {name}", line + 1);
            let item = seat.items.get(answer.item as usize).filter(|item| {
                item.kind == answer.kind && item.seen.faces().iter().any(|&face| photos[face] == answer.photo)
            });
            ensure!(item.is_some(), "{} is of another study: its item {} is not that one", told(), answer.item);
            ensure!(seat.said[answer.item as usize].is_none(), "{} answers item {} again", told(), answer.item);
            let at = answer.at.parse().with_context(|| format!("{}: {:?} is no time", told(), answer.at))?;
            seat.note(answer.item as usize, digest_of(answer), at);
        }
        Ok(seat)
    }

    /// The item whose turn it is, and its place; nothing at the end.
    pub(super) fn current(&self) -> Option<(usize, Item)> {
        self.items.get(self.current).map(|&item| (self.current, item))
    }

    /// The one after it.
    pub(super) fn following(&self) -> Option<(usize, Item)> {
        let mut places = self.current + 1..self.items.len();
        places.find(|&place| self.said[place].is_none()).map(|place| (place, self.items[place]))
    }

    /// Goes past an item that can't be shown; after the next start it has its turn again.
    pub(super) fn skip(&mut self, place: usize) {
        if self.current == place {
            self.current = self.following().map_or(self.items.len(), |(place, _)| place);
        }
    }

    /// The item of a number.
    pub(super) fn item(&self, number: &str) -> Option<(usize, Item)> {
        self.places.get(number).map(|&place| (place, self.items[place]))
    }

    /// The number of an item.
    pub(super) fn number(&self, place: usize) -> String {
        number(&self.salt, place, 0)
    }

    /// Numbers and faces of an item's pictures.
    pub(super) fn pictures(&self, place: usize) -> impl Iterator<Item = (String, usize)> + use<'_> {
        let faces = self.items[place].seen.faces();
        faces.iter().enumerate().map(move |(part, &face)| (number(&self.salt, place, part + 1), face))
    }

    /// The face of a picture's number, if it may be seen now: those of the item whose turn it is, and of the next.
    pub(super) fn face(&self, picture: &str) -> Option<usize> {
        let near = [self.current(), self.following()].into_iter().flatten();
        let mut pictures = near.flat_map(|(place, _)| self.pictures(place));
        pictures.find_map(|(number, face)| (number == picture).then_some(face))
    }

    /// Seconds until the next sitting.
    pub(super) fn rest(&self, now: Timestamp) -> Option<u64> {
        let Sitting { most, rest, answers, last } = self.sitting;
        let left = rest.saturating_sub(now.duration_since(last));
        (most > 0 && answers >= most && left > SignedDuration::ZERO && self.current().is_some())
            .then(|| left.as_secs().unsigned_abs() + 1)
    }

    pub(super) fn progress(&self, now: Timestamp) -> Progress {
        let Sitting { most, rest, answers, last } = self.sitting;
        let sitting = if now.duration_since(last) < rest { answers } else { 0 };
        Progress { done: self.answered, all: self.items.len(), sitting, most }
    }

    /// Keeps an answer, which says which item it is of.
    pub(super) fn take(&mut self, answer: &Answer, now: Timestamp) -> Result<Taken, JournalError> {
        let (place, digest) = (answer.item as usize, digest_of(answer));
        match self.said.get(place) {
            Some(Some(said)) if *said == digest => return Ok(Taken::Before),
            Some(Some(_)) => return Ok(Taken::Refused("there is another answer to it already")),
            Some(None) if place == self.current => {}
            _ => return Ok(Taken::Refused("it is not its turn")),
        }
        if self.rest(now).is_some() {
            return Ok(Taken::Refused("this sitting is over"));
        }
        self.journal.add(answer)?;
        self.note(place, digest, now);
        Ok(Taken::Kept)
    }

    fn note(&mut self, place: usize, digest: [u8; 16], at: Timestamp) {
        self.said[place] = Some(digest);
        self.answered += 1;
        if place == self.current {
            self.current = self.following().map_or(self.items.len(), |(place, _)| place);
        }
        let sitting = &mut self.sitting;
        sitting.answers = if at.duration_since(sitting.last) < sitting.rest { sitting.answers + 1 } else { 1 };
        sitting.last = at;
    }
}

/// A number that nobody can guess or tell anything from, the same after each start.
fn number(salt: &str, place: usize, part: usize) -> String {
    let mut digest = digest::of_bytes(format!("{salt} {}", place * PARTS + part).as_bytes());
    digest.truncate(32);
    digest
}

/// Of all that an answer says but its time.
fn digest_of(answer: &Answer) -> [u8; 16] {
    let answer = Answer { at: String::new(), ..answer.clone() };
    let text = serde_json::to_vec(&answer).unwrap_or_default();
    let digest = digest::of_bytes(&text);
    let mut short = [0; 16];
    short.copy_from_slice(&digest.as_bytes()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::data::list::Label;
    use crate::study::answer::{Kind, VERSION};
    use crate::study::order::Seen;

    const CODE: &str = "0123456789abcdef";

    fn photos() -> Vec<String> {
        (0..5).map(|face| format!("{face}.png")).collect()
    }

    fn open(study: &Path, name: &str, code: &str) -> anyhow::Result<Seat> {
        let item = |face| Item { kind: Kind::Face, seen: Seen::One(face), asked: None };
        let code = Secret::new(code).expect("a code");
        Seat::open(study, (name, &code), (0..5).map(item).collect(), &photos(), (3, 10))
    }

    fn answer(item: u32, confidence: f64, at: &str) -> Answer {
        Answer {
            version: VERSION,
            annotator: "ann".to_owned(),
            item,
            kind: Kind::Face,
            photo: format!("{item}.png"),
            other: None,
            answer: Label::Authentic,
            confidence,
            asked: None,
            seconds: 1.0,
            width: 1,
            height: 1,
            painted: vec![1],
            words: Vec::new(),
            text: String::new(),
            at: at.to_owned(),
        }
    }

    fn give(seat: &mut Seat, item: u32, confidence: f64, at: &str) -> Taken {
        seat.take(&answer(item, confidence, at), at.parse().expect("a time")).expect("the disk has room")
    }

    #[test]
    fn an_answer_is_kept_once_and_after_a_start_too() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut seat = open(folder.path(), "ann", CODE).expect("it is new");
        let (first, at) = (seat.number(0), "2026-11-30T01:00:00Z");
        assert_eq!(give(&mut seat, 1, 0.5, at), Taken::Refused("it is not its turn"));
        assert_eq!(give(&mut seat, 0, 0.5, at), Taken::Kept);
        assert_eq!(give(&mut seat, 0, 0.5, "2026-11-30T01:00:09Z"), Taken::Before);
        assert_eq!(give(&mut seat, 0, 0.6, at), Taken::Refused("there is another answer to it already"));
        assert_eq!(give(&mut seat, 9, 0.5, at), Taken::Refused("it is not its turn"));
        drop(seat);
        let mut seat = open(folder.path(), "ann", CODE).expect("it is gone on with");
        assert_eq!(seat.current().map(|(place, _)| place), Some(1));
        assert_eq!(seat.item(&first).map(|(place, _)| place), Some(0), "its number stays");
        assert_eq!(give(&mut seat, 0, 0.5, at), Taken::Before);
        assert_eq!(seat.progress(at.parse().expect("a time")).done, 1);
        let (_, given) = {
            drop(seat);
            Journal::open(folder.path(), "ann").expect("it is there")
        };
        assert_eq!(given, [answer(0, 0.5, at)]);
    }

    #[test]
    fn numbers_say_nothing_and_are_ones_own() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let seat = open(folder.path(), "ann", CODE).expect("it is new");
        let other = open(folder.path(), "bob", "fedcba9876543210").expect("it is new");
        let of = |seat: &Seat| -> Vec<String> {
            (0..5).flat_map(|item| seat.pictures(item).map(|(number, _)| number).collect::<Vec<_>>()).collect()
        };
        let all: HashSet<String> = of(&seat).into_iter().chain(of(&other)).collect();
        assert_eq!(all.len(), 10);
        let seen: Vec<Option<usize>> = of(&seat).iter().map(|number| seat.face(number)).collect();
        assert_eq!(seen, [Some(0), Some(1), None, None, None], "the one whose turn it is, and the next");
        assert!(of(&seat).iter().all(|number| other.face(number).is_none() && other.item(number).is_none()));
    }

    #[test]
    fn after_a_sitting_there_is_rest() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut seat = open(folder.path(), "ann", CODE).expect("it is new");
        let now = |at: &str| -> Timestamp { at.parse().expect("a time") };
        give(&mut seat, 0, 0.5, "2026-11-30T01:00:00Z");
        give(&mut seat, 1, 0.5, "2026-11-30T01:01:00Z");
        assert_eq!(seat.rest(now("2026-11-30T01:01:00Z")), None);
        give(&mut seat, 2, 0.5, "2026-11-30T01:02:00Z");
        drop(seat);
        let mut seat = open(folder.path(), "ann", CODE).expect("it is gone on with");
        assert_eq!(seat.rest(now("2026-11-30T01:03:00Z")), Some(541), "a new start is no way around it");
        assert_eq!(give(&mut seat, 3, 0.5, "2026-11-30T01:03:00Z"), Taken::Refused("this sitting is over"));
        assert_eq!(seat.rest(now("2026-11-30T01:12:00Z")), None);
        assert_eq!(seat.progress(now("2026-11-30T01:12:00Z")).sitting, 0);
        assert_eq!(give(&mut seat, 3, 0.5, "2026-11-30T01:12:00Z"), Taken::Kept);
        assert_eq!(seat.progress(now("2026-11-30T01:12:30Z")).sitting, 1);
        seat.skip(4);
        assert!(seat.current().is_none(), "the last one can't be shown");
    }

    #[test]
    fn answers_of_another_study_are_not_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let check = |wrong: &[Answer], part: &str| {
            std::fs::remove_dir_all(folder.path().join(crate::study::ANSWERS)).ok();
            let (mut journal, _) = Journal::open(folder.path(), "ann").expect("it is new");
            wrong.iter().for_each(|answer| journal.add(answer).expect("the disk has room"));
            drop(journal);
            let error = open(folder.path(), "ann", CODE).expect_err("it is wrong").to_string();
            assert!(error.contains(part), "{error}");
        };
        let at = "2026-11-30T01:00:00Z";
        check(
            &[Answer { photo: "1.png".to_owned(), ..answer(0, 0.5, at) }],
            "line 1 of the answers of ann is of another study",
        );
        check(&[Answer { kind: Kind::Check, ..answer(0, 0.5, at) }], "is of another study");
        check(&[answer(7, 0.5, at)], "is of another study");
        check(&[answer(0, 0.5, at), answer(0, 0.6, at)], "line 2 of the answers of ann answers item 0 again");
        check(&[answer(0, 0.5, "yesterday")], "is no time");
    }
}
