//! The figures of agreement are those of scikit-learn, scipy and the package krippendorff.
//!
//! The numbers to meet were written by `fixtures/agreement.py`.

use cyborg_trainer::agreement::chance::{Votes, alpha, kappa};
use cyborg_trainer::agreement::figures::calibration;
use cyborg_trainer::agreement::overlap::overlap;
use cyborg_trainer::agreement::signal::{Answers, d_prime_of_pairs};
use cyborg_trainer::data::list::Label;
use cyborg_trainer::metrics::Scored;
use cyborg_trainer::study::painted::Painted;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    annotators: Vec<Annotator>,
    pairs: Vec<(usize, usize, f64)>,
    paintings: Vec<Paintings>,
    many: Vec<Many>,
    repeats: Vec<(Vec<u8>, Vec<u8>, f64)>,
}

#[derive(Deserialize)]
struct Annotator {
    name: String,
    labels: Vec<u8>,
    answers: Vec<u8>,
    confidence: Vec<f64>,
    accuracy: f64,
    d_prime: f64,
    criterion: f64,
    brier: f64,
    ece: f64,
    /// Share of right answers, mean confidence and number of answers of the bins that aren't empty.
    bins: (Vec<f64>, Vec<f64>, Vec<usize>),
}

#[derive(Deserialize)]
struct Paintings {
    name: String,
    width: u32,
    height: u32,
    one: Vec<u8>,
    other: Vec<u8>,
    iou: f64,
    correlation: f64,
    divergence: f64,
}

#[derive(Deserialize)]
struct Many {
    name: String,
    /// A row an annotator.
    said: Vec<Vec<Option<u8>>>,
    alpha: f64,
}

fn fixture() -> Fixture {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../fixtures/agreement.json")).expect("the fixture is whole");
    let counts = (fixture.annotators.len(), fixture.pairs.len(), fixture.paintings.len());
    assert_eq!((counts, fixture.many.len(), fixture.repeats.len()), ((6, 5, 6), 5, 3));
    fixture
}

fn label(class: u8) -> Label {
    if class == 1 { Label::Synthetic } else { Label::Authentic }
}

fn close(what: &str, found: Option<f64>, expected: f64) {
    let found = found.unwrap_or(f64::NAN);
    assert!((found - expected).abs() <= 1e-9, "{what}: {found} is not {expected}");
}

#[test]
fn accuracy_sensitivity_and_calibration() {
    for each in fixture().annotators {
        let mut answers = Answers::default();
        let mut scored = Vec::new();
        for ((&class, &answer), &confidence) in each.labels.iter().zip(&each.answers).zip(&each.confidence) {
            let called = usize::from(answer);
            if class == 1 {
                answers.synthetic += 1;
                answers.hits += called;
            } else {
                answers.real += 1;
                answers.false_alarms += called;
            }
            scored.push(Scored { score: confidence, label: label(u8::from(class == answer)) });
        }
        let name = &each.name;
        close(name, Some(answers.right() as f64 / answers.all() as f64), each.accuracy);
        close(name, answers.d_prime(), each.d_prime);
        close(name, answers.criterion(), each.criterion);
        let found = calibration(&scored).expect("there are answers");
        close(name, Some(found.brier), each.brier);
        close(name, Some(found.ece), each.ece);
        let (right, confidence, held) = each.bins;
        assert_eq!(found.bins.iter().map(|bin| bin.answers).collect::<Vec<_>>(), held, "{name}");
        for (bin, (right, confidence)) in found.bins.iter().zip(right.iter().zip(confidence)) {
            close(name, Some(bin.right), *right);
            close(name, Some(bin.confidence), confidence);
        }
    }
}

#[test]
fn sensitivity_by_pairs() {
    for (right, all, expected) in fixture().pairs {
        close("pairs", d_prime_of_pairs(right, all), expected);
    }
}

#[test]
fn likeness_of_paintings() {
    for each in fixture().paintings {
        let painted = |mask: &[u8]| {
            let mask: Vec<bool> = mask.iter().map(|&value| value == 1).collect();
            Painted::of_mask(each.width, each.height, &mask)
        };
        let found = overlap(&painted(&each.one), &painted(&each.other)).expect("both are painted");
        close(&each.name, Some(found.iou), each.iou);
        close(&each.name, Some(found.correlation), each.correlation);
        close(&each.name, Some(found.divergence), each.divergence);
    }
}

#[test]
fn alpha_with_missing_answers() {
    for each in fixture().many {
        let mut votes = vec![Votes::default(); each.said[0].len()];
        for row in &each.said {
            for (votes, said) in votes.iter_mut().zip(row) {
                said.iter().for_each(|&class| votes.add(label(class)));
            }
        }
        close(&each.name, alpha(&votes), each.alpha);
    }
}

#[test]
fn kappa_of_repeats() {
    for (first, second, expected) in fixture().repeats {
        let answers: Vec<[Label; 2]> = first.iter().zip(&second).map(|(&a, &b)| [label(a), label(b)]).collect();
        close("kappa", kappa(&answers), expected);
    }
}
