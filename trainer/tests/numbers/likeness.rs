//! How far activation maps lie where people looked comes to the numbers of scipy, scikit-learn and numpy.
//!
//! The numbers to meet were written by `fixtures/likeness.py`.

use cyborg_trainer::metrics::{Bootstrap, FaceMean, likeness};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    pairs: Vec<Pair>,
    means: Vec<Mean>,
    hits: Vec<Hits>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    cam: Vec<f32>,
    people: Vec<f32>,
    correlation: f64,
    iou: f64,
    pointing: f64,
}

#[derive(Deserialize)]
struct Mean {
    name: String,
    values: Vec<f64>,
    groups: Vec<usize>,
    mean: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Hits {
    count: usize,
    of: usize,
    low: f64,
    high: f64,
}

fn fixture() -> Fixture {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../fixtures/likeness.json")).expect("the fixture is whole");
    assert_eq!((fixture.pairs.len(), fixture.means.len(), fixture.hits.len()), (14, 2, 4));
    fixture
}

#[test]
fn maps_are_as_like_as_scipy_and_scikit_learn_say() {
    for Pair { name, cam, people, correlation, iou, pointing } in fixture().pairs {
        let found = likeness(&cam, &people).expect("people's map has contrast");
        for (found, wanted) in [(found.correlation, correlation), (found.iou, iou), (found.pointing, pointing)] {
            assert!((found - wanted).abs() < 1e-9, "{name}: {found} is not {wanted}");
        }
    }
}

#[test]
fn intervals_are_those_of_scipy() {
    let fixture = fixture();
    for Mean { name, values, groups, mean, low, high } in fixture.means {
        let found = FaceMean::drawn(&values, &groups, Bootstrap { draws: 20_000, seed: 1 }).expect("there are values");
        assert!((found.value - mean).abs() < 1e-9, "{name}: {found:?}");
        // Both are drawn, by different random numbers.
        let near = |end: Option<f64>, wanted: f64| (end.expect("groups") - wanted).abs() < 0.03 * (high - low);
        assert!(near(found.low, low) && near(found.high, high), "{name}: {found:?} is not {low} to {high}");
    }
    for Hits { count, of, low, high } in fixture.hits {
        let values: Vec<f64> = (0..of).map(|face| if face < count { 1.0 } else { 0.0 }).collect();
        let found = FaceMean::of_hits(&values, &(0..of).collect::<Vec<_>>()).expect("there are values");
        let near = |end: Option<f64>, wanted: f64| (end.expect("it has one") - wanted).abs() < 1e-9;
        assert!(near(found.low, low) && near(found.high, high), "{count} of {of}: {found:?}");
    }
}
