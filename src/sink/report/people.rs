//! Collects what is said of each person, frame by frame, in bounded memory.

use super::data::{Conclusion, PersonFrame, PersonReport};
use super::still::Strongest;
use super::timeline::Timeline;
use crate::face::crop::{Cropper, ResizeError};
use crate::findings::FrameView;
use crate::verdict::{Judgement, Verdict};

/// People on a page, at most.
const MOST: usize = 20;
/// Who was not seen for this long, in microseconds, may make room for somebody else.
const GONE: i64 = 2_000_000;

/// All people of a source so far.
#[derive(Debug)]
pub(super) struct People {
    all: Vec<Person>,
    left_out: u64,
    /// Side of the square that is shown of a face, over the longer side of its box.
    around: f32,
    cropper: Cropper,
}

#[derive(Debug)]
struct Person {
    number: u32,
    first: i64,
    last: i64,
    verdicts: [u64; 3],
    timeline: Timeline,
    strongest: Strongest,
}

impl People {
    /// Nobody yet.
    pub(super) fn new(around: f32) -> Self {
        Self { all: Vec::new(), left_out: 0, around, cropper: Cropper::default() }
    }

    /// Whether a face with this p(synthetic) at this time, in microseconds, would be shown of a person.
    pub(super) fn wants(&self, number: u32, time: i64, probability: f32) -> bool {
        let known = self.all.iter().find(|person| person.number == number);
        // Somebody new may have no place; who got one is known the next time.
        known.map_or(self.all.len() < MOST, |person| person.strongest.wants(time, probability))
    }

    /// Adds a person's part of a frame.
    pub(super) fn add(&mut self, view: &FrameView<'_>, seen: &PersonFrame) -> Result<(), ResizeError> {
        let time = view.frame.running().0;
        let Some(person) = person(&mut self.all, &mut self.left_out, seen.person, time) else {
            self.left_out += 1;
            return Ok(());
        };
        let Judgement { probability, verdict, .. } = seen.judgement;
        person.first = person.first.min(time);
        person.last = person.last.max(time);
        person.verdicts[verdict as usize] += 1;
        person.timeline.add(time, probability.value());
        person.strongest.offer(view, seen, self.around, &mut self.cropper)
    }

    /// Faces of people who had no place.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The people in the order of their first frame.
    pub(super) fn reports(&self, conclusions: &[Conclusion]) -> anyhow::Result<Vec<PersonReport>> {
        let mut reports = Vec::new();
        for person in &self.all {
            let Some(conclusion) = conclusions.iter().find(|conclusion| conclusion.person == person.number) else {
                continue;
            };
            let Conclusion { verdict, probability, basis, reason, intervals, others, .. } = conclusion.clone();
            reports.push(PersonReport {
                person: person.number,
                verdict,
                probability,
                basis,
                reason,
                span: (person.first as f64 / 1e6, person.last as f64 / 1e6),
                frames: person.frames(),
                verdicts: person.verdicts,
                intervals,
                timeline: person.timeline.buckets().to_vec(),
                strongest: person.strongest.pictures()?,
                others,
            });
        }
        reports.sort_by(|a, b| a.span.0.total_cmp(&b.span.0).then(a.person.cmp(&b.person)));
        Ok(reports)
    }
}

/// The place of a person: the one that it has, a new one, or that of somebody seen briefly and gone.
fn person<'a>(all: &'a mut Vec<Person>, left_out: &mut u64, number: u32, time: i64) -> Option<&'a mut Person> {
    let index = match all.iter().position(|person| person.number == number) {
        Some(index) => index,
        None if all.len() < MOST => {
            all.push(Person::new(number, time));
            all.len() - 1
        }
        None => {
            // Whoever was once called synthetic leaves last.
            let weight = |person: &Person| (person.verdicts[Verdict::Synthetic as usize] > 0, person.frames());
            let gone = |person: &&(usize, &Person)| time.saturating_sub(person.1.last) > GONE;
            let (index, leaving) =
                all.iter().enumerate().filter(|person| gone(&person)).min_by_key(|(_, person)| weight(person))?;
            *left_out += leaving.frames();
            all[index] = Person::new(number, time);
            index
        }
    };
    all.get_mut(index)
}

impl Person {
    fn new(number: u32, time: i64) -> Self {
        Self {
            number,
            first: time,
            last: time,
            verdicts: [0; 3],
            timeline: Timeline::default(),
            strongest: Strongest::default(),
        }
    }

    fn frames(&self) -> u64 {
        self.verdicts.iter().sum()
    }
}
