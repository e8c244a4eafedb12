//! The seats of a study's annotators, and the pictures that they see.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cyborg_edge::explain::explain;
use cyborg_edge::web::Visitor;
use jiff::{Timestamp, Unit};

use super::given::Given;
use super::picture::{Coded, Pictures};
use super::seat::{Seat, Taken};
use super::told::{ItemTold, PictureTold, Told};
use crate::data::list::Label;
use crate::study::annotators::Annotator;
use crate::study::answer::{Answer, VERSION};
use crate::study::order::{Basis, Item, Plan, Reply, Seen, order};
use crate::study::settings::Settings;

/// Coded photos that are kept for an annotator: of this item and the next, two each.
const KEPT_EACH: usize = 4;

/// A study that is to be shown.
#[derive(Clone, Debug)]
pub struct Study {
    /// Its folder.
    pub folder: PathBuf,
    /// How it is shown.
    pub settings: Settings,
    /// Its faces.
    pub faces: Vec<Face>,
    /// Faces by their index, where a model ranked them.
    pub ranked: Option<Vec<usize>>,
    /// Who answers.
    pub annotators: Vec<Annotator>,
}

/// A face of a study.
#[derive(Clone, Debug)]
pub struct Face {
    /// Where its photo is.
    pub path: PathBuf,
    /// What answers call it.
    pub photo: String,
    /// What it is.
    pub label: Label,
    /// Where it comes from.
    pub source: String,
}

/// All that the server works with.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    photos: Vec<String>,
    pictures: Pictures,
    /// In the order of the study's annotators.
    seats: Vec<Mutex<Seat>>,
}

/// Why something isn't done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no such item, or nobody of that number.
    Unknown,
    /// The answer is none.
    Wrong(String),
    /// It is not its turn, or it was answered otherwise.
    Conflict(&'static str),
    /// Its photo can't be read, which may pass.
    Unreadable,
    /// It could not be kept. Nothing of it is; it may come again.
    NotKept,
}

impl Desk {
    /// Gives each annotator their seat, with the answers that they gave before.
    ///
    /// # Errors
    ///
    /// When a journal can't be used, or is of another study.
    pub fn open(study: Study) -> anyhow::Result<Self> {
        let Study { folder, settings, faces, ranked, annotators } = study;
        let known: Vec<(Label, &str)> = faces.iter().map(|face| (face.label, face.source.as_str())).collect();
        let plan = Plan {
            question: settings.question,
            seed: settings.seed,
            repeats: settings.repeats,
            checks: settings.checks,
            basis: ranked.as_deref().map_or(Basis::Balanced, Basis::Listed),
        };
        let photos: Vec<String> = faces.iter().map(|face| face.photo.clone()).collect();
        let seat = |Annotator { name, code }: &Annotator| {
            let items = order(&known, &plan, name);
            Seat::open(&folder, (name, code), items, &photos, (settings.sitting, settings.rest)).map(Mutex::new)
        };
        let seats = annotators.iter().map(seat).collect::<anyhow::Result<Vec<_>>>()?;
        let paths = faces.into_iter().map(|face| face.path).collect();
        let pictures = Pictures::new(paths, KEPT_EACH * seats.len());
        Ok(Self { settings, photos, pictures, seats })
    }

    /// Answers so far and answers in all of each annotator, in the order of the study's annotators.
    #[must_use]
    pub fn progress(&self) -> Vec<(usize, usize)> {
        let now = Timestamp::now();
        let of = |seat: &Mutex<Seat>| {
            let progress = lock(seat).progress(now);
            (progress.done, progress.all)
        };
        self.seats.iter().map(of).collect()
    }

    fn seat(&self, visitor: Visitor) -> Result<MutexGuard<'_, Seat>, Refusal> {
        self.seats.get(visitor.0).map(lock).ok_or(Refusal::Unknown)
    }

    /// What an annotator is to see, as JSON.
    pub(super) fn told(&self, visitor: Visitor) -> Result<Vec<u8>, Refusal> {
        let mut seat = self.seat(visitor)?;
        let now = Timestamp::now();
        let rest = seat.rest(now);
        let item = if rest.is_none() { self.item(&mut seat) } else { None };
        let next = seat.following().filter(|_| item.is_some());
        let told = Told {
            annotator: &seat.name,
            question: self.settings.question,
            words: &self.settings.words,
            progress: seat.progress(now),
            next: next.into_iter().flat_map(|(place, _)| seat.pictures(place).map(|(number, _)| number)).collect(),
            item,
            rest,
        };
        serde_json::to_vec(&told).map_err(|error| {
            log::error!("what the page is told can't be written: {error}");
            Refusal::NotKept
        })
    }

    /// The first item whose photos can be shown. Others are told and passed over.
    fn item(&self, seat: &mut Seat) -> Option<ItemTold> {
        loop {
            let (place, item) = seat.current()?;
            let picture = |(picture, face)| match self.pictures.get(face) {
                Ok(coded) => Ok(PictureTold { picture, width: coded.size.0, height: coded.size.1 }),
                Err(error) => Err((face, error)),
            };
            match seat.pictures(place).map(picture).collect::<Result<Vec<_>, _>>() {
                Ok(pictures) => return Some(ItemTold { item: seat.number(place), pictures, asked: item.asked }),
                Err((face, error)) => {
                    log::warn!(
                        "not shown to {}: {}: {}",
                        seat.name,
                        self.photos[face],
                        explain(&anyhow::Error::new(error))
                    );
                    seat.skip(place);
                }
            }
        }
    }

    /// The picture of a number that this annotator may see now.
    pub(super) fn picture(&self, visitor: Visitor, number: &str) -> Result<Arc<Coded>, Refusal> {
        let face = self.seat(visitor)?.face(number).ok_or(Refusal::Unknown)?;
        self.pictures.get(face).map_err(|error| {
            log::warn!("{}: {}", self.photos[face], explain(&anyhow::Error::new(error)));
            Refusal::Unknown
        })
    }

    /// Keeps an answer. It is on the disk when this returns.
    pub(super) fn take(&self, visitor: Visitor, given: Given) -> Result<(), Refusal> {
        let mut seat = self.seat(visitor)?;
        let (place, item) = seat.item(&given.item).ok_or(Refusal::Unknown)?;
        let (face, other) = spoken_of(item.seen, given.answer);
        let size = self.pictures.get(face).map_err(|_| Refusal::Unreadable)?.size;
        given.check(self.settings.question, &self.settings.words, size).map_err(Refusal::Wrong)?;
        let now = Timestamp::now();
        let Given { answer, confidence, seconds, width, height, painted, words, text, .. } = given;
        let answer = Answer {
            version: VERSION,
            annotator: seat.name.clone(),
            item: place as u32,
            kind: item.kind,
            photo: self.photos[face].clone(),
            other: other.map(|other| self.photos[other].clone()),
            answer: if answer == Reply::Real { Label::Authentic } else { Label::Synthetic },
            confidence,
            asked: asked(&item, answer),
            seconds,
            width,
            height,
            painted,
            words,
            text: text.trim().to_owned(),
            at: now.round(Unit::Millisecond).unwrap_or(now).to_string(),
        };
        match seat.take(&answer, now) {
            Ok(Taken::Kept | Taken::Before) => Ok(()),
            Ok(Taken::Refused(why)) => Err(Refusal::Conflict(why)),
            Err(error) => {
                log::error!("an answer of {} is not kept: {}", seat.name, explain(&anyhow::Error::new(error)));
                Err(Refusal::NotKept)
            }
        }
    }
}

fn lock(seat: &Mutex<Seat>) -> MutexGuard<'_, Seat> {
    seat.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which face an answer speaks of, and which other was there.
fn spoken_of(seen: Seen, reply: Reply) -> (usize, Option<usize>) {
    match seen {
        Seen::One(face) => (face, None),
        Seen::Two([left, right]) if reply == Reply::Right => (right, Some(left)),
        Seen::Two([left, right]) => (left, Some(right)),
    }
}

/// What a check asked of the photo that the answer speaks of. Of a pair: synthetic if it is the one to be picked, and real else.
fn asked(item: &Item, reply: Reply) -> Option<Label> {
    item.asked.map(|asked| match asked {
        Reply::Real => Label::Authentic,
        Reply::Left | Reply::Right if asked != reply => Label::Authentic,
        _ => Label::Synthetic,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::answer::Kind;

    #[test]
    fn of_a_pair_the_picked_one_is_spoken_of() {
        assert_eq!(spoken_of(Seen::One(4), Reply::Real), (4, None));
        assert_eq!(spoken_of(Seen::Two([4, 7]), Reply::Left), (4, Some(7)));
        assert_eq!(spoken_of(Seen::Two([4, 7]), Reply::Right), (7, Some(4)));
    }

    #[test]
    fn a_check_is_passed_where_the_answer_is_what_was_asked() {
        let check = |wanted, reply, expected| {
            let item = Item { kind: Kind::Check, seen: Seen::One(0), asked: wanted };
            assert_eq!(asked(&item, reply), expected, "{wanted:?} {reply:?}");
        };
        check(None, Reply::Real, None);
        check(Some(Reply::Real), Reply::Synthetic, Some(Label::Authentic));
        check(Some(Reply::Synthetic), Reply::Synthetic, Some(Label::Synthetic));
        check(Some(Reply::Left), Reply::Left, Some(Label::Synthetic));
        check(Some(Reply::Left), Reply::Right, Some(Label::Authentic));
    }
}
