//! Forgeries as a whole, on a drawn face.

use std::collections::HashSet;

use cyborg_edge::frame::PixelPoint;
use rand::SeedableRng;

use super::*;

const SIDE: usize = 96;
const FACE: [(f32, f32); 5] = [(0.4, 0.42), (0.6, 0.42), (0.5, 0.53), (0.42, 0.62), (0.58, 0.62)];

fn landmarks(points: [(f32, f32); 5]) -> Landmarks {
    points.map(|(x, y)| PixelPoint { x, y })
}

/// Skin with dark eyes and a red mouth on a blue slope, all of it with some grain.
fn photo() -> Vec<u8> {
    let spot = |x: f32, y: f32, index: usize, radius: f32| {
        let (left, top) = FACE[index];
        (x - left).hypot(y - top) < radius
    };
    (0..SIDE * SIDE)
        .flat_map(|index| {
            let (x, y) = ((index % SIDE) as f32 / SIDE as f32, (index / SIDE) as f32 / SIDE as f32);
            let grain = (index * 7919 % 13) as u8;
            let colour = if spot(x, y, 0, 0.03) || spot(x, y, 1, 0.03) {
                [50, 40, 35]
            } else if spot(x, y, 3, 0.05) || spot(x, y, 4, 0.05) {
                [170, 80, 80]
            } else if spot(x, y, 2, 0.24) {
                [200, 150, 125]
            } else {
                [60, 80, (100.0 + 80.0 * y) as u8]
            };
            colour.map(|value: u8| value + grain)
        })
        .collect()
}

fn forge(forger: &mut Forger, seed: u64) -> Forged {
    let forged = forger.forge(&photo(), SIDE, &landmarks(FACE), &mut ChaCha8Rng::seed_from_u64(seed));
    forged.expect("the drawn face can be forged")
}

#[test]
fn the_same_random_numbers_give_the_same_forgery() {
    let (photo, mut used) = (photo(), Forger::default());
    let first = forge(&mut used, 1);
    // A small face in a corner is where the large one leaves nothing behind but what a buffer keeps by mistake.
    let small = landmarks(FACE.map(|(x, y)| (x * 0.4, y * 0.4)));
    for seed in 2..12 {
        let small_one = |forger: &mut Forger| {
            let forged = forger.forge(&photo, SIDE, &small, &mut ChaCha8Rng::seed_from_u64(seed));
            forged.expect("a small face can be forged")
        };
        assert_eq!(small_one(&mut used), small_one(&mut Forger::default()), "seed {seed}");
        assert_eq!(forge(&mut used, 1), first, "seed {seed}");
    }
    assert_ne!(forge(&mut used, 2).pixels, first.pixels);
}

#[test]
fn the_target_stands_outside_the_mask_and_not_inside() {
    let (photo, mut forger) = (photo(), Forger::default());
    for seed in 0..150 {
        let Forged { pixels, mask, target, recipe, change } = forge(&mut forger, seed);
        assert!(change >= LEAST_CHANGE, "{recipe}: {change}");
        assert_eq!((pixels.len(), mask.len()), (photo.len(), SIDE * SIDE));
        let peak = mask.iter().copied().max().unwrap_or(0);
        assert!((f32::from(peak) - recipe.ratio * 255.0).abs() < 14.0, "{recipe}: {peak}");
        assert_eq!(target == photo, recipe.layer == Layer::Copy, "{recipe}");
        let (mut moved, mut weight) = (0.0, 0.0);
        for (index, &level) in mask.iter().enumerate() {
            let at = index * 3..index * 3 + 3;
            if level == 0 {
                assert_eq!(pixels[at.clone()], target[at], "{recipe}: pixel {index} is outside the mask");
                continue;
            }
            let off: u32 = target[at.clone()].iter().zip(&pixels[at]).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
            moved += off as f32 / 3.0 * f32::from(level);
            weight += f32::from(level);
        }
        assert!((moved / weight - change).abs() < 0.01, "{recipe}: {} is not {change}", moved / weight);
    }
}

#[test]
fn the_mask_is_about_the_face() {
    let mut forger = Forger::default();
    for seed in 0..100 {
        let Forged { mask, recipe, .. } = forge(&mut forger, seed);
        for (index, &level) in mask.iter().enumerate() {
            let (x, y) = ((index % SIDE) as f32 / SIDE as f32, (index / SIDE) as f32 / SIDE as f32);
            // Two distances between the eyes from the tip of the nose the face has ended, with its softest edge.
            assert!(level == 0 || (x - 0.5).hypot(y - 0.53) < 0.42, "{recipe}: {level} at {x}, {y}");
        }
    }
}

#[test]
fn every_recipe_is_met() {
    let mut forger = Forger::default();
    let (mut regions, mut blends, mut changes, mut layers) =
        (HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new());
    for seed in 0..300 {
        let recipe = forge(&mut forger, seed).recipe;
        assert!(!recipe.changes.is_empty());
        regions.insert((recipe.region, recipe.blend));
        blends.extend(recipe.changes.iter().map(|&change| (recipe.blend, change)));
        changes.extend(recipe.changes.iter().map(|&change| (recipe.layer, change)));
        layers.insert(recipe.layer);
    }
    assert_eq!(regions.len(), Region::ALL.len() * Blend::ALL.len(), "{regions:?}");
    assert_eq!(blends.len(), Blend::ALL.len() * Change::ALL.len(), "{blends:?}");
    assert_eq!(changes.len(), 2 * Change::ALL.len(), "{changes:?}");
    assert_eq!(layers.len(), 2);
}

#[test]
fn pictures_without_contrast_are_forged_by_the_last_resort() {
    let mut forger = Forger::default();
    for grey in [0, 255] {
        let picture = vec![grey; SIDE * SIDE * 3];
        for seed in 0..30 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let forged = forger.forge(&picture, SIDE, &landmarks(FACE), &mut random).expect("it can be forged");
            assert!(forged.change >= LEAST_CHANGE, "{}: {}", forged.recipe, forged.change);
        }
    }
}

#[test]
fn what_cant_be_forged_is_a_clear_error() {
    let (photo, mut forger) = (photo(), Forger::default());
    let mut check = |points: [(f32, f32); 5], text: &str| {
        let result = forger.forge(&photo, SIDE, &landmarks(points), &mut ChaCha8Rng::seed_from_u64(1));
        let message = result.expect_err(text).to_string();
        assert!(message.contains(text), "{message}");
    };
    check([(0.5, 0.5); 5], "span no face");
    check([(f32::NAN, 0.5); 5], "landmark 0 is not a finite number");
    check(FACE.map(|(x, y)| (x * 1e30, y * 1e30)), "span no face");
    check(FACE.map(|(x, y)| (x + 5.0, y)), "outside the picture");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let short = forger.forge(&photo[3..], SIDE, &landmarks(FACE), &mut random).expect_err("a pixel short");
    assert_eq!(short.to_string(), "a square RGB picture of side 96 has 27648 bytes, not 27645");
    let small = forger.forge(&[0; 12], 2, &landmarks(FACE), &mut random).expect_err("too small");
    assert!(matches!(small, ForgeError::TooSmall { side: 2 }));
}

#[test]
fn landmarks_at_odd_places_do_no_harm() {
    let (photo, mut forger) = (photo(), Forger::default());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for seed in 0..200 {
        let mut points = ChaCha8Rng::seed_from_u64(seed);
        let points = std::array::from_fn(|_| (points.random_range(-0.6..1.6), points.random_range(-0.6..1.6)));
        // Any face or error will do; what is forged has a mask.
        if let Ok(forged) = forger.forge(&photo, SIDE, &landmarks(points), &mut random) {
            assert!(forged.mask.iter().any(|&level| level > 0), "{}", forged.recipe);
        }
        let mut far = FACE;
        far[2] = (f32::MAX, -f32::MAX);
        if let Ok(forged) = forger.forge(&photo, SIDE, &landmarks(far), &mut random) {
            assert!(forged.mask.iter().any(|&level| level > 0), "{}", forged.recipe);
        }
    }
}

#[test]
fn a_recipe_is_told_in_words() {
    let recipe = Recipe {
        region: Region::HalfFace,
        blend: Blend::Multiband,
        ratio: 0.5,
        changes: vec![Change::Geometry, Change::Colour],
        layer: Layer::Copy,
    };
    assert_eq!(recipe.to_string(), "half face, multiband 0.50, geometry + colour of the copy");
}
