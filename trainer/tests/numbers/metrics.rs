//! The metrics give the numbers of scikit-learn, and of plain sums in numpy and scipy.
//!
//! The numbers to meet were written by `fixtures/metrics.py`.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use cyborg_trainer::data::list::Label;
use cyborg_trainer::metrics::report::summarise;
use cyborg_trainer::metrics::{
    ClassWeights, IntervalRule, Scored, at_threshold, auc, auc_difference, auc_interval, brier, ece, fit_calibration,
    log_loss, reliability, roc, weighted_auc,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    sets: Vec<Set>,
    pairs: Vec<Pair>,
    calibrations: Vec<Calibration>,
}

#[derive(Deserialize)]
struct Set {
    name: String,
    scores: Vec<f64>,
    labels: Vec<u8>,
    auc: f64,
    weighted_auc: f64,
    variance: Option<f64>,
    fdr: Vec<f64>,
    tdr: Vec<f64>,
    thresholds: Vec<Option<f64>>,
    eer: f64,
    tdr_at: Vec<(f64, f64)>,
    confusion: [usize; 4],
    accuracy: f64,
    least_acer: f64,
    brier: f64,
    log_loss: f64,
    bins: HashMap<NonZeroUsize, Bins>,
}

/// Of the bins that aren't empty.
#[derive(Deserialize)]
struct Bins {
    synthetic: Vec<f64>,
    score: Vec<f64>,
    ece: f64,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    labels: Vec<u8>,
    first: Vec<f64>,
    second: Vec<f64>,
    difference: f64,
    variance: f64,
    low: f64,
    high: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Calibration {
    name: String,
    d: Vec<f64>,
    labels: Vec<u8>,
    balanced: bool,
    temperature: f64,
    bias: f64,
    loss: f64,
    limited: bool,
}

fn fixture() -> Fixture {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../fixtures/metrics.json")).expect("the fixture is whole");
    assert_eq!((fixture.sets.len(), fixture.pairs.len(), fixture.calibrations.len()), (12, 4, 18));
    fixture
}

fn scored(scores: &[f64], labels: &[u8]) -> Vec<Scored> {
    assert_eq!(scores.len(), labels.len());
    let label = |label: &u8| if *label == 1 { Label::Synthetic } else { Label::Authentic };
    scores.iter().zip(labels).map(|(&score, each)| Scored { score, label: label(each) }).collect()
}

/// Equal up to 1e-9, relative where the numbers are large.
fn close(what: &str, found: f64, expected: f64) {
    let off = (found - expected).abs();
    assert!(off <= 1e-9 * expected.abs().max(1.0), "{what}: {found} is not {expected}");
}

fn all_close(what: &str, found: impl Iterator<Item = f64>, expected: &[f64]) {
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        close(what, *found, *expected);
    }
}

#[test]
fn auc_and_its_variance() {
    for set in fixture().sets {
        let scored = scored(&set.scores, &set.labels);
        close(&set.name, auc(&scored).expect("both classes"), set.auc);
        let found = auc_interval(&scored).expect("both classes");
        close(&set.name, found.value, set.auc);
        assert_eq!(found.variance.is_some(), set.variance.is_some(), "{}", set.name);
        close(&set.name, found.variance.unwrap_or(0.0), set.variance.unwrap_or(0.0));
        let rule = if set.variance.unwrap_or(0.0) > 0.0 { IntervalRule::DeLong } else { IntervalRule::Hoeffding };
        assert_eq!(found.rule, rule, "{}", set.name);
        assert!(0.0 <= found.low && found.low <= found.value && found.value <= found.high && found.high <= 1.0);
        assert!(found.high - found.low > 0.01, "{}: {found:?}", set.name);
    }
}

#[test]
fn auc_with_a_weight_for_each_face() {
    for set in fixture().sets {
        let scored = scored(&set.scores, &set.labels);
        let weights: Vec<f64> = (0..scored.len()).map(|at| 0.1 + (at * 37 % 11) as f64 / 7.0).collect();
        close(&set.name, weighted_auc(&scored, &weights).expect("both classes"), set.weighted_auc);
        close(&set.name, weighted_auc(&scored, &vec![3.0; scored.len()]).expect("both classes"), set.auc);
    }
}

#[test]
fn curve_and_what_is_read_off_it() {
    for set in fixture().sets {
        let name = &set.name;
        let curve = roc(&scored(&set.scores, &set.labels)).expect("both classes");
        all_close(name, curve.points.iter().map(|point| point.fdr), &set.fdr);
        all_close(name, curve.points.iter().map(|point| point.tdr), &set.tdr);
        let thresholds: Vec<_> = set.thresholds.iter().map(|each| each.unwrap_or(f64::INFINITY)).collect();
        assert_eq!(curve.points.iter().map(|point| point.threshold).collect::<Vec<_>>(), thresholds, "{name}");
        close(name, curve.eer().rate, set.eer);
        close(name, curve.least_acer().acer.expect("both classes"), set.least_acer);
        for (target, tdr) in set.tdr_at {
            close(name, curve.tdr_at(target).tdr, tdr);
        }
    }
}

#[test]
fn confusion_and_accuracy_at_one_half() {
    for set in fixture().sets {
        let found = at_threshold(&scored(&set.scores, &set.labels), 0.5).expect("numbers");
        let counts = found.confusion;
        let counts = [
            counts.authentic_as_authentic,
            counts.authentic_as_synthetic,
            counts.synthetic_as_authentic,
            counts.synthetic_as_synthetic,
        ];
        assert_eq!(counts, set.confusion, "{}", set.name);
        close(&set.name, found.accuracy.expect("there are faces"), set.accuracy);
    }
}

#[test]
fn calibration_errors() {
    for set in fixture().sets {
        let scored = scored(&set.scores, &set.labels);
        close(&set.name, brier(&scored).expect("probabilities"), set.brier);
        close(&set.name, log_loss(&scored).expect("probabilities"), set.log_loss);
        assert_eq!(set.bins.len(), 2);
        for (count, expected) in set.bins {
            let what = format!("{}, {count} bins", set.name);
            let bins = reliability(&scored, count).expect("probabilities");
            assert_eq!(bins.len(), count.get());
            assert_eq!(bins.iter().map(|bin| bin.faces).sum::<usize>(), scored.len());
            all_close(&what, bins.iter().filter_map(|bin| bin.synthetic), &expected.synthetic);
            all_close(&what, bins.iter().filter_map(|bin| bin.mean_score), &expected.score);
            close(&what, ece(&bins).expect("there are faces"), expected.ece);
        }
    }
}

#[test]
fn a_summary_holds_the_same_numbers() {
    for set in fixture().sets {
        let found = summarise(&scored(&set.scores, &set.labels)).expect("probabilities");
        close(&set.name, found.auc.expect("both classes").value, set.auc);
        close(&set.name, found.accuracy.expect("there are faces"), set.accuracy);
        close(&set.name, found.log_loss.expect("there are faces"), set.log_loss);
        let bins = NonZeroUsize::new(15).expect("it isn't zero");
        close(&set.name, found.ece.expect("there are faces"), set.bins[&bins].ece);
        close(&set.name, found.eer.expect("both classes").rate, set.eer);
    }
}

#[test]
fn difference_of_two_aucs() {
    for pair in fixture().pairs {
        let first = scored(&pair.first, &pair.labels);
        let found = auc_difference(&first, &scored(&pair.second, &pair.labels)).expect("the same faces");
        close(&pair.name, found.difference, pair.difference);
        close(&pair.name, found.variance.expect("many faces"), pair.variance);
        close(&pair.name, found.low, pair.low);
        close(&pair.name, found.high, pair.high);
        close(&pair.name, found.p, pair.p);
        assert_eq!(found.rule, IntervalRule::DeLong);
    }
}

#[test]
fn temperature_and_bias() {
    for each in fixture().calibrations {
        let weights = if each.balanced { ClassWeights::Balanced } else { ClassWeights::AsListed };
        let what = format!("{}, {weights:?}", each.name);
        let found = fit_calibration(&scored(&each.d, &each.labels), weights).expect("it can be fitted");
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{what}: {found} is not {expected}");
        };
        near(found.temperature, each.temperature);
        near(found.bias, each.bias);
        close(&what, found.loss, each.loss);
        assert_eq!(found.limited, each.limited, "{what}");
    }
}
