//! What the journals of a study say, face by face: numbers alone, so that memory grows with the answers and not with what was
//! painted.

use std::path::Path;

use rayon::prelude::*;

use super::average::{Averages, averages};
use super::overlap::{Overlap, overlap};
use crate::data::list::Label;
use crate::study::answer::Kind;
use crate::study::faces::{self, Face};
use crate::study::heard::{Heard, Study};
use crate::study::painted::Painted;

/// What somebody said of a face when it was shown to them alone for the first time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// The annotator, by their place in [`Gathered::annotators`].
    pub annotator: usize,
    /// The face, by its place in [`Gathered::faces`].
    pub face: usize,
    /// Real or synthetic.
    pub answer: Label,
    /// 0.5 to 1.
    pub confidence: f64,
    /// Seconds.
    pub seconds: f64,
    /// The mean likeness of what was painted to what each of the others painted on this face.
    pub likeness: Option<Overlap>,
}

/// Which of two photos somebody called synthetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picked {
    /// The annotator.
    pub annotator: usize,
    /// The face that was picked.
    pub face: usize,
    /// Whether it is.
    pub is_right: bool,
    /// Seconds.
    pub seconds: f64,
}

/// What somebody said of a face when they saw it again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Again {
    /// The annotator.
    pub annotator: usize,
    /// The face.
    pub face: usize,
    /// The first answer and the second.
    pub answers: [Label; 2],
    /// The likeness of what was painted.
    pub likeness: Option<Overlap>,
}

/// What a check gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The annotator.
    pub annotator: usize,
    /// Whether they did what it asked for.
    pub is_passed: bool,
}

/// What a face of the study is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it is.
    pub label: Label,
    /// Where it comes from.
    pub source: String,
}

/// All that the journals say.
#[derive(Debug)]
pub struct Gathered {
    /// Names.
    pub annotators: Vec<String>,
    /// The study's faces.
    pub faces: Vec<Shown>,
    /// First answers to faces alone.
    pub said: Vec<Said>,
    /// Answers to pairs.
    pub picked: Vec<Picked>,
    /// Second answers to faces alone.
    pub again: Vec<Again>,
    /// Checks.
    pub checked: Vec<Checked>,
    /// Mean maps of those who are not left out.
    pub averages: Averages,
}

/// Goes through a study. What those who are `left_out` painted is compared with nobody else's, and in no mean map.
///
/// # Errors
///
/// When the list or a journal can't be read.
pub fn gather(folder: &Path, left_out: &[String]) -> anyhow::Result<Gathered> {
    let faces = faces::read(folder)?;
    let study = Study::read(folder, &faces)?;
    let is_left_out: Vec<bool> = study.annotators.iter().map(|name| left_out.contains(name)).collect();
    let firsts = study.first_answers(faces.len());
    let said: Vec<Vec<Said>> = firsts
        .par_iter()
        .map_init(
            || study.reader(),
            |reader, of_face| {
                let paintings = of_face.iter().map(|&index| {
                    let heard = &study.heard[index];
                    let counts = heard.is_painted && !is_left_out[heard.annotator];
                    counts.then(|| Ok(reader.answer(heard.line)?.check()?)).transpose()
                });
                let paintings: Vec<Option<Painted>> = paintings.collect::<anyhow::Result<_>>()?;
                let said = of_face.iter().zip(likenesses(&paintings));
                Ok(said.map(|(&index, likeness)| Said { likeness, ..first(&study.heard[index]) }).collect())
            },
        )
        .collect::<anyhow::Result<_>>()?;
    let averages = averages(&study, &faces, &firsts, &is_left_out)?;
    let of_kind = |kind: Kind, is_pair: bool| {
        study.heard.iter().filter(move |heard| heard.kind == kind && heard.is_pair == is_pair)
    };
    let picked = of_kind(Kind::Face, true).map(|heard| picked(heard, &faces)).collect();
    let again = again(&study, &firsts)?;
    let checks = study.heard.iter().filter(|heard| heard.kind == Kind::Check);
    let checked = checks.map(|heard| Checked {
        annotator: heard.annotator,
        is_passed: heard.asked.is_none_or(|asked| asked == heard.answer),
    });
    let shown = |face: &Face| Shown { label: face.row.label, source: face.row.source.clone() };
    Ok(Gathered {
        faces: faces.iter().map(shown).collect(),
        said: said.into_iter().flatten().collect(),
        picked,
        again,
        checked: checked.collect(),
        averages,
        annotators: study.annotators.clone(),
    })
}

fn first(heard: &Heard) -> Said {
    Said {
        annotator: heard.annotator,
        face: heard.face,
        answer: heard.answer,
        confidence: heard.confidence,
        seconds: heard.seconds,
        likeness: None,
    }
}

fn picked(heard: &Heard, faces: &[Face]) -> Picked {
    Picked {
        annotator: heard.annotator,
        face: heard.face,
        is_right: faces[heard.face].row.label == heard.answer,
        seconds: heard.seconds,
    }
}

/// The mean likeness of each painting to the others.
fn likenesses(paintings: &[Option<Painted>]) -> Vec<Option<Overlap>> {
    let mut sums = vec![(Overlap { iou: 0.0, correlation: 0.0, divergence: 0.0 }, 0.0); paintings.len()];
    for (index, one) in paintings.iter().enumerate() {
        for (other_index, other) in paintings.iter().enumerate().skip(index + 1) {
            let Some(found) = one.as_ref().zip(other.as_ref()).and_then(|(one, other)| overlap(one, other)) else {
                continue;
            };
            for at in [index, other_index] {
                let (sum, count) = &mut sums[at];
                sum.iou += found.iou;
                sum.correlation += found.correlation;
                sum.divergence += found.divergence;
                *count += 1.0;
            }
        }
    }
    let mean = |(sum, count): (Overlap, f64)| {
        (count > 0.0).then(|| Overlap {
            iou: sum.iou / count,
            correlation: sum.correlation / count,
            divergence: sum.divergence / count,
        })
    };
    sums.into_iter().map(mean).collect()
}

/// The repeats of faces shown alone, beside the first answers.
fn again(study: &Study, firsts: &[Vec<usize>]) -> anyhow::Result<Vec<Again>> {
    let mut reader = study.reader();
    let mut again = Vec::new();
    for second in study.heard.iter().filter(|heard| heard.kind == Kind::Repeat && !heard.is_pair) {
        let first = firsts[second.face].iter().map(|&index| &study.heard[index]);
        let Some(first) = first.into_iter().find(|first| first.annotator == second.annotator) else { continue };
        let mut likeness = None;
        if first.is_painted && second.is_painted {
            let one = reader.answer(first.line)?.check()?;
            likeness = overlap(&one, &reader.answer(second.line)?.check()?);
        }
        let answers = [first.answer, second.answer];
        again.push(Again { annotator: second.annotator, face: second.face, answers, likeness });
    }
    Ok(again)
}
