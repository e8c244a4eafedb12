//! Tests of the fusion: numbers by hand, then properties over many random tracks.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

/// A look: seconds, evidence, weight.
type Look = (f64, f32, f64);

fn fuse(fades: Fading, looks: &[Look]) -> Option<f32> {
    let mut fusion = Fusion::new(fades);
    for &(seconds, evidence, weight) in looks {
        fusion.add(PresentationTime((seconds * 1e6) as i64), evidence, weight);
    }
    fusion.evidence()
}

fn check(fades: Fading, looks: &[Look], expected: f32) {
    let found = fuse(fades, looks).expect("there are looks");
    assert!((found - expected).abs() < 1e-4, "{looks:?}: {found}, expected {expected}");
}

#[test]
fn like_looks_have_their_mean() {
    check(Fading::Never, &[(0.0, 1.23, 1.0)], 1.23);
    check(Fading::Never, &[(0.0, 1.0, 1.0), (0.0, 2.0, 1.0)], 1.5);
    check(Fading::Never, &[(0.0, 1.0, 3.0), (9.0, 2.0, 1.0)], 1.25);
}

#[test]
fn a_bad_frame_cannot_carry_the_mean_away() {
    // Three at 0 and one at 8: 3 * (0 - m) + 2 = 0.
    let looks = [(0.0, 0.0, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, 1.0), (0.0, 100.0, 1.0)];
    check(Fading::Never, &looks, 2.0 / 3.0);
}

#[test]
fn old_looks_fade() {
    // After one constant the first counts 1/e: (2 + 1 * 0.3679) / 1.3679.
    check(Fading::Seconds(2.0), &[(0.0, 1.0, 1.0), (2.0, 2.0, 1.0)], 1.731_058_6);
    check(Fading::Seconds(2.0), &[(2.0, 2.0, 1.0), (0.0, 1.0, 1.0)], 1.731_058_6);
    check(Fading::Never, &[(0.0, 1.0, 1.0), (2.0, 2.0, 1.0)], 1.5);
    check(Fading::Seconds(2.0), &[(0.0, 1.0, 1.0), (1e9, 2.0, 1.0)], 2.0);
}

#[test]
fn looks_that_are_far_apart_fade_as_if_they_were_not() {
    // As after 0.4 of 2 seconds the first counts 0.8187: (2 + 0.8187) / 1.8187.
    let fades = Fading::Looks { seconds: 2.0, most: 0.4 };
    for gap in [0.4, 10.0, 1e9] {
        check(fades, &[(0.0, 1.0, 1.0), (gap, 2.0, 1.0)], 1.549_834);
    }
    // Those that are near fade as ever.
    check(
        fades,
        &[(0.0, 1.0, 1.0), (0.2, 2.0, 1.0)],
        fuse(Fading::Seconds(2.0), &[(0.0, 1.0, 1.0), (0.2, 2.0, 1.0)]).expect("looks"),
    );
}

#[test]
fn what_is_no_number_says_nothing() {
    assert_eq!(fuse(Fading::Never, &[]), None);
    let odd =
        [(0.0, f32::NAN, 1.0), (0.0, 1.0, f64::NAN), (0.0, 1.0, 0.0), (0.0, 1.0, -1.0), (0.0, 1.0, f64::INFINITY)];
    assert_eq!(fuse(Fading::Never, &odd), None);
    check(Fading::Never, &[(0.0, f32::NAN, 1.0), (0.0, 1.0, 1.0)], 1.0);
    check(Fading::Never, &[(0.0, f32::INFINITY, 1.0)], 8.0);
    check(Fading::Never, &[(0.0, f32::NEG_INFINITY, 1.0)], -8.0);
}

/// A random number in 0 to 1.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / f64::from(u32::MAX)
}

/// Up to forty looks, several of them at the same time.
fn looks(random: &mut ChaCha8Rng) -> Vec<Look> {
    let count = 1 + random.next_u32() as usize % 40;
    let look = |random: &mut ChaCha8Rng| {
        let seconds = (unit(random) * 10.0).floor();
        (seconds, (unit(random) * 24.0 - 12.0) as f32, 0.01 + unit(random))
    };
    (0..count).map(|_| look(random)).collect()
}

/// Calls `property` with many random tracks.
fn for_many(property: impl Fn(&mut ChaCha8Rng, Fading, Vec<Look>)) {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for round in 0..300 {
        let fades = if round % 2 == 0 { Fading::Never } else { Fading::Seconds(0.5 + 5.0 * unit(&mut random)) };
        let looks = looks(&mut random);
        property(&mut random, fades, looks);
    }
}

#[test]
fn the_order_of_the_looks_does_not_matter() {
    for_many(|random, fades, mut looks| {
        let before = fuse(fades, &looks).expect("there are looks");
        for at in (1..looks.len()).rev() {
            looks.swap(at, random.next_u32() as usize % (at + 1));
        }
        let after = fuse(fades, &looks).expect("there are looks");
        assert!((before - after).abs() < 1e-5, "{before} {after}: {looks:?}");
    });
}

#[test]
fn more_evidence_never_gives_less() {
    for_many(|random, fades, mut looks| {
        let before = fuse(fades, &looks).expect("there are looks");
        let at = random.next_u32() as usize % looks.len();
        looks[at].1 += (unit(random) * 6.0) as f32;
        let after = fuse(fades, &looks).expect("there are looks");
        assert!(after >= before - 1e-5, "{before} {after}: {looks:?}, look {at}");
    });
}

#[test]
fn the_mean_lies_among_its_looks() {
    for_many(|_, fades, looks| {
        let found = fuse(fades, &looks).expect("there are looks");
        let lowest = looks.iter().fold(f32::MAX, |low, look| low.min(look.1)).clamp(-8.0, 8.0);
        let highest = looks.iter().fold(f32::MIN, |high, look| high.max(look.1)).clamp(-8.0, 8.0);
        assert!((lowest - 0.126..=highest + 0.126).contains(&found), "{found} of {looks:?}");
    });
}
