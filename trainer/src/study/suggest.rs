//! Which faces people should be asked about next: those that tell a network most that it doesn't know.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cyborg_models::name;

use crate::data::choice::ReadList;
use crate::data::config::SaliencyName;
use crate::data::inspect::Need;
use crate::data::list::{Label, Row, Split};
use crate::data::loader::evaluation;
use crate::data::look::{Wanted, look};
use crate::evaluation::{ScoreKind, score, score_of};
use crate::metrics::likeness;
use crate::runs::trained::Target;
use crate::torch::ComputeDevice;

/// Faces that are scored at once.
const BATCH: usize = 20;
/// What a face is worth that the network is sure about and wrong: it has learnt something false, and only a person who looks at that
/// face can point at what it should have seen.
const WRONG: f64 = 1.0;
/// What a face is worth that the network says nothing about: what a person adds there decides it. Less than an error, whose label alone
/// didn't help.
const UNSURE: f64 = 0.75;
/// What a face is worth whose activation map is the opposite of where people looked: it may be right for a wrong reason. Less,
/// since people have answered for that face already, and another answer only makes their map surer.
const AWAY: f64 = 0.5;
/// The same of the drawn prior, which is a guess at where people look.
const AWAY_FROM_PRIOR: f64 = 0.25;
/// Below this correlation it is said that a network looks elsewhere than people: fewer than a tenth of the variance in common.
const LITTLE: f64 = 0.3;

/// A face as a network sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its row of the list.
    pub row: Row,
    /// p(synthetic), calibrated; the mean over runs.
    pub p_synthetic: f64,
    /// The middle between the thresholds of the verdict, above 0 and below 1; the mean over runs.
    pub middle: f64,
    /// Correlation of the activation map of its class with where people look; the mean over runs. Nothing where neither a map nor
    /// the prior is known.
    pub correlation: Option<f64>,
    /// Answers that people have given to it.
    pub answers: usize,
}

/// A face that people should be asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggested {
    /// Its row of the list.
    pub row: Row,
    /// What it is worth, 0 to 1.5.
    pub worth: f64,
    /// p(synthetic) by the network.
    pub p_synthetic: f64,
    /// See [`Judged`].
    pub correlation: Option<f64>,
    /// Answers that people have given to it.
    pub answers: usize,
    /// Why, in words. They give the label away, so no annotator may see them.
    pub why: String,
}

/// How sure a network is of a face, 0 (it says nothing) to 1, and whether it is wrong.
fn verdict(face: &Judged) -> (f64, bool) {
    let Judged { p_synthetic: p, middle, .. } = *face;
    let sure = if p < middle { (middle - p) / middle } else { (p - middle) / (1.0 - middle) };
    let called = if p > middle { Label::Synthetic } else { Label::Authentic };
    (sure.clamp(0.0, 1.0), called != face.row.label)
}

/// What an answer to a face is worth: [`UNSURE`] as far as the network is unsure, [`WRONG`] as far as it is sure and wrong, and
/// [`AWAY`] or [`AWAY_FROM_PRIOR`] as far as it looks elsewhere, `(1 - correlation) / 2`.
fn worth(face: &Judged) -> f64 {
    let (sure, is_wrong) = verdict(face);
    let of_verdict = UNSURE * (1.0 - sure) + if is_wrong { WRONG * sure } else { 0.0 };
    let away = face.correlation.map_or(0.0, |correlation| (1.0 - correlation) / 2.0);
    of_verdict + away * if face.row.map.is_some() { AWAY } else { AWAY_FROM_PRIOR }
}

fn why(face: &Judged) -> String {
    let (sure, is_wrong) = verdict(face);
    let how = match (is_wrong, sure < 0.5) {
        (true, false) => "sure and wrong",
        (true, true) => "wrong, but not sure",
        (false, true) => "unsure",
        (false, false) => "sure and right",
    };
    let mut words = format!("{how}: p(synthetic) {:.2}, and it is {}", face.p_synthetic, face.row.label.name());
    let whose = if face.row.map.is_some() { "where people looked" } else { "eyes, nose and mouth" };
    if let Some(correlation) = face.correlation.filter(|correlation| *correlation < LITTLE) {
        words += &format!("; looks away from {whose} (correlation {correlation:.2})");
    }
    match face.answers {
        0 => {}
        1 => words += "; has an answer already",
        answers => words += &format!("; has {answers} answers already"),
    }
    words
}

/// Faces in the order in which people should be asked about them: those with the fewest answers first, among these by their worth,
/// and those of equal worth by the names of their photos.
#[must_use]
pub fn order(faces: &[Judged]) -> Vec<Suggested> {
    let suggested = |face: &Judged| Suggested {
        row: face.row.clone(),
        worth: worth(face),
        p_synthetic: face.p_synthetic,
        correlation: face.correlation,
        answers: face.answers,
        why: why(face),
    };
    let mut all: Vec<Suggested> = faces.iter().map(suggested).collect();
    all.sort_by(|a, b| {
        let by_worth = b.worth.total_cmp(&a.worth);
        a.answers.cmp(&b.answers).then(by_worth).then_with(|| a.row.path.cmp(&b.row.path))
    });
    all
}

/// What is used of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// Where the networks run.
    pub device: ComputeDevice,
    /// Bytes of crops to keep.
    pub memory: usize,
    /// Ends the work early when it becomes true.
    pub stop: &'a AtomicBool,
}

/// Ranks the faces of some splits of a list by networks that were trained. Leave out `test`, which is to be measured on. `list` is
/// read by what the networks know of their data ([`Target::known`]); `answers` says how many answers a face has. Nothing when the
/// user ended it. The same networks, faces and answers give the same order.
///
/// # Errors
///
/// When networks or faces can't be used.
pub fn rank(
    target: &Target,
    mut list: ReadList,
    splits: &[Split],
    answers: impl Fn(&Row) -> usize,
    means: &Means<'_>,
) -> anyhow::Result<Option<Vec<Suggested>>> {
    means.device.check()?;
    let (first, _) = target.trained[0].load()?;
    let network = first.network().clone();
    drop(first);
    // Where nobody has looked yet, the prior says where they are likely to.
    list.config.saliency = SaliencyName::Landmarks;
    let has = |split: &Split| list.list.rows.iter().any(|row| row.split == *split);
    let splits: Vec<Split> = splits.iter().copied().filter(has).collect();
    anyhow::ensure!(!splits.is_empty(), "{} has no faces of the splits that were asked for", name::of(&list.list.path));
    let wanted = Wanted::by(&network, &splits, Need::Unneeded, means.memory);
    let Some(inspected) = look(list, &wanted, means.stop)? else { return Ok(None) };
    let faces = Arc::new(inspected.faces);
    let indices: Vec<usize> = (0..faces.rows.len()).collect();
    let mut judged: Vec<Judged> = (faces.rows.iter())
        .map(|row| Judged { row: row.clone(), p_synthetic: 0.0, middle: 0.0, correlation: None, answers: answers(row) })
        .collect();
    let runs = target.trained.len() as f64;
    for trained in &target.trained {
        let (mut model, _) = trained.load()?;
        anyhow::ensure!(
            model.network() == &network,
            "{} is of another network than the first run",
            name::of(&trained.path)
        );
        model.move_to(means.device)?;
        let Some(said) = score(&model, evaluation(&faces, &indices, BATCH), means.stop)? else { return Ok(None) };
        let thresholds = &trained.contract.thresholds;
        let middle = f64::from(thresholds.authentic_below + thresholds.synthetic_above) / 2.0;
        for (at, face) in judged.iter_mut().enumerate() {
            face.p_synthetic += score_of(ScoreKind::Softmax, said.logits[at], &trained.contract.calibration) / runs;
            face.middle += middle / runs;
            let people = said.saliency[at].as_deref();
            if let Some(found) = people.and_then(|people| likeness(&said.true_maps[at], people)) {
                *face.correlation.get_or_insert(0.0) += found.correlation / runs;
            }
        }
    }
    Ok(Some(order(&judged)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(name: &str, label: Label, p_synthetic: f64) -> Judged {
        Judged { row: Row::bare(name, label, ""), p_synthetic, middle: 0.5, correlation: None, answers: 0 }
    }

    fn check(faces: &[Judged], expected: &[&str]) {
        let found = order(faces);
        let names: Vec<&str> = found.iter().map(|each| each.row.path.to_str().expect("a plain name")).collect();
        assert_eq!(names, expected, "{found:#?}");
    }

    #[test]
    fn what_is_sure_and_wrong_comes_first_and_what_is_sure_and_right_last() {
        let (real, synthetic) = (Label::Authentic, Label::Synthetic);
        check(
            &[
                face("right", real, 0.02),
                face("unsure", synthetic, 0.55),
                face("half wrong", synthetic, 0.3),
                face("wrong", real, 0.98),
                face("also right", real, 0.02),
            ],
            &["wrong", "half wrong", "unsure", "also right", "right"],
        );
        // By the middle of the network's own thresholds, not by one half.
        let strict = Judged { middle: 0.9, ..face("strict", real, 0.8) };
        assert!(worth(&strict) > 0.6 && why(&strict).starts_with("unsure: p(synthetic) 0.80, and it is real"));
    }

    #[test]
    fn who_looks_elsewhere_is_asked_about_and_people_count_more_than_the_prior() {
        let right = |name: &str, correlation: f64, has_map: bool| {
            let mut right = face(name, Label::Synthetic, 0.99);
            right.row.map = has_map.then(|| "map.png".into());
            Judged { correlation: Some(correlation), ..right }
        };
        check(
            &[
                right("there", 0.9, true),
                right("by prior", -0.8, false),
                right("away", -0.8, true),
                face("z", Label::Synthetic, 0.99),
            ],
            &["away", "by prior", "there", "z"],
        );
        assert!(why(&right("away", -0.8, true)).ends_with("looks away from where people looked (correlation -0.80)"));
        assert!(why(&right("by prior", 0.1, false)).contains("from eyes, nose and mouth"));
        assert!(!why(&right("there", 0.9, true)).contains("away"));
    }

    #[test]
    fn faces_with_answers_come_after_those_without() {
        let (real, synthetic) = (Label::Authentic, Label::Synthetic);
        let answered = |name: &str, answers| Judged { answers, ..face(name, real, 0.99) };
        let faces = [answered("twice", 2), answered("once", 1), face("right", synthetic, 0.99)];
        check(&faces, &["right", "once", "twice"]);
        assert!(
            why(&faces[0]).ends_with("; has 2 answers already") && why(&faces[1]).ends_with("has an answer already")
        );
    }
}
