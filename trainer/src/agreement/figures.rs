//! All figures of a study, an annotator and overall.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Serialize;

use super::chance::{Votes, alpha, kappa};
use super::gather::{Again, Gathered, Said};
use super::interval::{Estimate, estimate, mean, quartiles};
use super::overlap::Overlap;
use super::rules::{Reason, Record, Rules};
use super::signal::{Answers, d_prime_of_pairs};
use crate::data::list::Label;
use crate::metrics::{Bootstrap, Proportion, Scored, brier, ece, reliability};

/// Bins of the confidence over 0 to 1; five of them can be filled, from 0.5 up.
const BINS: NonZeroUsize = NonZeroUsize::new(10).expect("it isn't zero");

/// Whether confidence means what it says: of answers given with 0.8, four of five should be right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confidence {
    /// Mean of `(confidence - right)^2`, with `right` 0 or 1: the Brier score, which is the same for p(synthetic).
    pub brier: f64,
    /// Expected calibration error over the bins.
    pub ece: f64,
    /// Mean confidence minus share of right answers: above 0 for the overconfident.
    pub over: f64,
    /// The bins that aren't empty.
    pub bins: Vec<ConfidenceBin>,
}

/// Answers of like confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConfidenceBin {
    /// Confidence above this.
    pub above: f64,
    /// Up to and with this.
    pub up_to: f64,
    /// Answers.
    pub answers: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// Share of them that is right.
    pub right: f64,
}

/// Answers to pairs: which of two photos is synthetic?
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pairs {
    /// Share of right choices; half by chance.
    pub right: Proportion,
    /// d', comparable with that of faces shown alone.
    pub d_prime: Option<Estimate>,
}

/// Likeness of paintings, each the mean over faces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Likeness {
    /// Intersection over union.
    pub iou: Estimate,
    /// Pearson's correlation.
    pub correlation: Estimate,
    /// Divergence in nats.
    pub divergence: Estimate,
}

/// Agreement of annotators with themselves, over faces that they saw twice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WithSelf {
    /// Share of the second answers that are as the first.
    pub same: Proportion,
    /// Cohen's kappa of the two.
    pub kappa: Option<Estimate>,
    /// What was painted both times.
    pub likeness: Option<Likeness>,
}

/// How right a set of answers is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Performance {
    /// The counts.
    pub answers: Answers,
    /// Share of right answers, with a bootstrap interval.
    pub accuracy: Option<Estimate>,
    /// Sensitivity.
    pub d_prime: Option<Estimate>,
    /// Bias: above 0 for those who rather say real.
    pub criterion: Option<Estimate>,
    /// Calibration of the confidence.
    pub confidence: Option<Confidence>,
    /// Pairs.
    pub pairs: Option<Pairs>,
    /// First quartile, median and third quartile of the seconds an answer took, pairs among them.
    pub seconds: Option<[f64; 3]>,
    /// Agreement with themselves.
    pub with_self: Option<WithSelf>,
    /// Agreement with the others on what is telling.
    pub likeness: Option<Likeness>,
}

/// An annotator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Annotator {
    /// Name.
    pub name: String,
    /// Whether the user left them out; all that is overall is without them.
    pub is_left_out: bool,
    /// Share of right answers with Wilson's interval, by which the rules go.
    pub right: Option<Proportion>,
    /// Checks that were passed.
    pub checks: Option<Proportion>,
    /// Figures.
    pub performance: Performance,
    /// Why they should be left out.
    pub reasons: Vec<Reason>,
}

/// All figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How intervals were drawn.
    pub bootstrap: Bootstrap,
    /// Bounds of the rules.
    pub rules: Rules,
    /// Faces in the study's list.
    pub faces: usize,
    /// Faces with an answer.
    pub answered: usize,
    /// Annotators, those who are left out as well.
    pub annotators: Vec<Annotator>,
    /// All who are not left out.
    pub overall: Performance,
    /// Krippendorff's alpha of their answers.
    pub alpha: Option<Estimate>,
    /// Right answers by where the faces come from.
    pub by_source: BTreeMap<String, (Label, Option<Estimate>)>,
}

/// Computes all figures.
#[must_use]
pub fn figures(found: &Gathered, left_out: &[String], rules: Rules, bootstrap: Bootstrap) -> Figures {
    let is_left_out: Vec<bool> = found.annotators.iter().map(|name| left_out.contains(name)).collect();
    let annotators = (0..found.annotators.len()).map(|index| {
        let performance = performance(found, &|annotator| annotator == index, bootstrap);
        let answers = performance.answers;
        let checks = || found.checked.iter().filter(|check| check.annotator == index);
        let mut annotator = Annotator {
            name: found.annotators[index].clone(),
            is_left_out: is_left_out[index],
            right: Proportion::new(answers.right(), answers.all()),
            checks: Proportion::new(checks().filter(|check| check.is_passed).count(), checks().count()),
            performance,
            reasons: Vec::new(),
        };
        annotator.reasons = rules.reasons(&annotator.record());
        annotator
    });
    let is_in = |annotator: usize| !is_left_out[annotator];
    let by_face = by_face(found, &is_in);
    let mut by_source: BTreeMap<String, (Label, Option<Estimate>)> = BTreeMap::new();
    for shown in &found.faces {
        by_source.entry(shown.source.clone()).or_insert((shown.label, None));
    }
    for (source, (_, accuracy)) in &mut by_source {
        let faces: Vec<&Face<'_>> = by_face.iter().filter(|face| found.faces[face.index].source == *source).collect();
        *accuracy = estimate(&faces, bootstrap, |faces| share_right(&mut faces.copied(), found));
    }
    let votes: Vec<Votes> = by_face.iter().map(Face::votes).collect();
    Figures {
        bootstrap,
        rules,
        faces: found.faces.len(),
        answered: by_face.len(),
        annotators: annotators.collect(),
        overall: performance(found, &is_in, bootstrap),
        alpha: estimate(&votes, bootstrap, |votes| alpha(votes)),
        by_source,
    }
}

impl Annotator {
    fn record(&self) -> Record {
        let Performance { answers, pairs, seconds, with_self, .. } = &self.performance;
        Record {
            answers: *answers,
            pairs: pairs.map(|pairs| pairs.right),
            checks: self.checks,
            median: seconds.map(|[_, median, _]| median),
            repeats: with_self.and_then(|found| Some((found.same, found.kappa?.value))),
        }
    }
}

/// The answers to a face.
struct Face<'a> {
    index: usize,
    said: Vec<&'a Said>,
}

impl Face<'_> {
    fn votes(&self) -> Votes {
        let mut votes = Votes::default();
        self.said.iter().for_each(|said| votes.add(said.answer));
        votes
    }
}

fn by_face<'a>(found: &'a Gathered, is_in: &dyn Fn(usize) -> bool) -> Vec<Face<'a>> {
    let mut faces: Vec<Vec<&Said>> = vec![Vec::new(); found.faces.len()];
    for said in found.said.iter().filter(|said| is_in(said.annotator)) {
        faces[said.face].push(said);
    }
    let faces = faces.into_iter().enumerate().filter(|(_, said)| !said.is_empty());
    faces.map(|(index, said)| Face { index, said }).collect()
}

fn performance(found: &Gathered, is_in: &dyn Fn(usize) -> bool, bootstrap: Bootstrap) -> Performance {
    let faces = by_face(found, is_in);
    let counted = |faces: &mut dyn Iterator<Item = &Face<'_>>| counted(faces, found);
    let likeness = faces.iter().filter_map(|face| mean_overlap(face.said.iter().filter_map(|said| said.likeness)));
    let picked = || found.picked.iter().filter(|picked| is_in(picked.annotator));
    let mut seconds: Vec<f64> = faces.iter().flat_map(|face| &face.said).map(|said| said.seconds).collect();
    seconds.extend(picked().map(|picked| picked.seconds));
    let right = picked().filter(|picked| picked.is_right).count();
    let pairs = Proportion::new(right, picked().count()).map(|right| Pairs {
        right,
        d_prime: estimate(&grouped(picked().map(|picked| (picked.face, picked.is_right))), bootstrap, |faces| {
            let (mut right, mut all) = (0, 0);
            faces.flatten().for_each(|is_right| (right, all) = (right + usize::from(*is_right), all + 1));
            d_prime_of_pairs(right, all)
        }),
    });
    let again: Vec<Again> = found.again.iter().filter(|again| is_in(again.annotator)).copied().collect();
    Performance {
        answers: counted(&mut faces.iter()),
        accuracy: estimate(&faces, bootstrap, |faces| share_right(faces, found)),
        d_prime: estimate(&faces, bootstrap, |faces| counted(faces).d_prime()),
        criterion: estimate(&faces, bootstrap, |faces| counted(faces).criterion()),
        confidence: confidence(&faces, found),
        pairs,
        seconds: quartiles(&seconds),
        with_self: with_self(&again, bootstrap),
        likeness: likenesses(&likeness.collect::<Vec<_>>(), bootstrap),
    }
}

fn counted(faces: &mut dyn Iterator<Item = &Face<'_>>, found: &Gathered) -> Answers {
    let mut answers = Answers::default();
    for face in faces {
        let votes = face.votes();
        match found.faces[face.index].label {
            Label::Synthetic => {
                answers.hits += votes.synthetic;
                answers.synthetic += votes.synthetic + votes.real;
            }
            Label::Authentic => {
                answers.false_alarms += votes.synthetic;
                answers.real += votes.synthetic + votes.real;
            }
        }
    }
    answers
}

fn share_right(faces: &mut dyn Iterator<Item = &Face<'_>>, found: &Gathered) -> Option<f64> {
    let answers = counted(faces, found);
    (answers.all() > 0).then(|| answers.right() as f64 / answers.all() as f64)
}

/// A right answer stands for the class that confidence is the probability of.
fn confidence(faces: &[Face<'_>], found: &Gathered) -> Option<Confidence> {
    let scored = faces.iter().flat_map(|face| {
        let label = found.faces[face.index].label;
        face.said.iter().map(move |said| Scored {
            score: said.confidence,
            label: if said.answer == label { Label::Synthetic } else { Label::Authentic },
        })
    });
    calibration(&scored.collect::<Vec<_>>())
}

/// The calibration of answers whose score is their confidence, and whose label is synthetic where they are right. `None` of
/// none.
#[must_use]
pub fn calibration(scored: &[Scored]) -> Option<Confidence> {
    let bins = reliability(scored, BINS)?;
    let right = scored.iter().filter(|each| each.label == Label::Synthetic).count() as f64 / scored.len() as f64;
    let bin = |bin: &crate::metrics::ReliabilityBin| {
        let (confidence, right) = bin.mean_score.zip(bin.synthetic)?;
        Some(ConfidenceBin { above: bin.above, up_to: bin.up_to, answers: bin.faces, confidence, right })
    };
    Some(Confidence {
        brier: brier(scored)?,
        ece: ece(&bins)?,
        over: mean(scored.iter().map(|each| each.score))? - right,
        bins: bins.iter().filter_map(bin).collect(),
    })
}

fn with_self(again: &[Again], bootstrap: Bootstrap) -> Option<WithSelf> {
    let same = again.iter().filter(|again| again.answers[0] == again.answers[1]).count();
    let alike = again.iter().filter_map(|again| Some((again.face, again.likeness?)));
    let alike: Vec<Overlap> = grouped(alike).into_iter().filter_map(|face| mean_overlap(face.into_iter())).collect();
    let faces = grouped(again.iter().map(|again| (again.face, again.answers)));
    Some(WithSelf {
        same: Proportion::new(same, again.len())?,
        kappa: estimate(&faces, bootstrap, |faces| kappa(faces.flatten())),
        likeness: likenesses(&alike, bootstrap),
    })
}

/// What was said of each face, for draws of whole faces.
fn grouped<T>(said: impl Iterator<Item = (usize, T)>) -> Vec<Vec<T>> {
    let mut faces: BTreeMap<usize, Vec<T>> = BTreeMap::new();
    said.for_each(|(face, said)| faces.entry(face).or_default().push(said));
    faces.into_values().collect()
}

fn mean_overlap(overlaps: impl Iterator<Item = Overlap> + Clone) -> Option<Overlap> {
    Some(Overlap {
        iou: mean(overlaps.clone().map(|each| each.iou))?,
        correlation: mean(overlaps.clone().map(|each| each.correlation))?,
        divergence: mean(overlaps.map(|each| each.divergence))?,
    })
}

fn likenesses(faces: &[Overlap], bootstrap: Bootstrap) -> Option<Likeness> {
    let of = |value: fn(&Overlap) -> f64| estimate(faces, bootstrap, |faces| mean(faces.map(value)));
    Some(Likeness {
        iou: of(|each| each.iou)?,
        correlation: of(|each| each.correlation)?,
        divergence: of(|each| each.divergence)?,
    })
}
