//! Swaps as a whole, on drawn faces.

use std::collections::HashSet;

use cyborg_edge::frame::PixelPoint;
use rand::SeedableRng;

use super::*;

const SIDE: usize = 96;
const TARGET: [(f32, f32); 5] = [(0.4, 0.42), (0.6, 0.42), (0.5, 0.53), (0.42, 0.62), (0.58, 0.62)];
const DONOR: [(f32, f32); 5] = [(0.38, 0.4), (0.6, 0.41), (0.5, 0.52), (0.41, 0.62), (0.57, 0.63)];

fn landmarks(points: [(f32, f32); 5]) -> Landmarks {
    points.map(|(x, y)| PixelPoint { x, y })
}

/// Skin with dark eyes and a red mouth before a backdrop, all of it with some grain.
fn photo(face: [(f32, f32); 5], skin: [u8; 3], backdrop: [u8; 3]) -> Vec<u8> {
    let near = |x: f32, y: f32, index: usize, radius: f32| (x - face[index].0).hypot(y - face[index].1) < radius;
    (0..SIDE * SIDE)
        .flat_map(|index| {
            let (x, y) = ((index % SIDE) as f32 / SIDE as f32, (index / SIDE) as f32 / SIDE as f32);
            let colour = if near(x, y, 0, 0.03) || near(x, y, 1, 0.03) {
                [50, 40, 35]
            } else if near(x, y, 3, 0.05) || near(x, y, 4, 0.05) {
                [170, 80, 80]
            } else if near(x, y, 2, 0.24) {
                skin
            } else {
                backdrop
            };
            colour.map(|value: u8| value + (index * 7919 % 13) as u8)
        })
        .collect()
}

fn target() -> Vec<u8> {
    photo(TARGET, [150, 110, 95], [60, 80, 150])
}

fn donor() -> Vec<u8> {
    photo(DONOR, [225, 180, 160], [30, 120, 40])
}

fn swap(swapper: &mut Swapper, seed: u64) -> Forged<SwapRecipe> {
    let (target, donor) = (target(), donor());
    let target = Portrait { pixels: &target, landmarks: &landmarks(TARGET) };
    let donor = Portrait { pixels: &donor, landmarks: &landmarks(DONOR) };
    swapper.swap(target, donor, SIDE, &mut ChaCha8Rng::seed_from_u64(seed)).expect("drawn faces can be swapped")
}

#[test]
fn the_same_random_numbers_give_the_same_swap() {
    let mut used = Swapper::default();
    let first = swap(&mut used, 1);
    assert_ne!(swap(&mut used, 2).pixels, first.pixels);
    assert_eq!(swap(&mut used, 1), first);
    assert_eq!(swap(&mut Swapper::default(), 1), first);
}

#[test]
fn the_target_stands_outside_the_mask_and_another_face_inside() {
    let (photo, mut swapper) = (target(), Swapper::default());
    let (mut changed, mut before) = (0.0, 0.0);
    for seed in 0..150 {
        let Forged { pixels, mask, target, recipe, change } = swap(&mut swapper, seed);
        assert!(change >= LEAST_CHANGE, "{recipe}: {change}");
        assert_eq!((pixels.len(), mask.len()), (photo.len(), SIDE * SIDE));
        assert_eq!(target == photo, !recipe.coarse_target, "{recipe}");
        for (index, &level) in mask.iter().enumerate() {
            let at = index * 3..index * 3 + 3;
            assert!(level > 0 || pixels[at.clone()] == target[at], "{recipe}: pixel {index} is outside the mask");
            // The face and the softest edge around it, and not the corners of the picture.
            let (x, y) = ((index % SIDE) as f32 / SIDE as f32, (index / SIDE) as f32 / SIDE as f32);
            assert!(level == 0 || (x - 0.5).hypot(y - 0.53) < 0.45, "{recipe}: {level} at {x}, {y}");
        }
        // The forehead's and cheeks' skin: far nearer to the target's colours than the donor's is.
        let cheek = (46 * SIDE + 36) * 3;
        changed += (f32::from(pixels[cheek]) - f32::from(target[cheek])).abs();
        before += 75.0;
    }
    assert!(changed < 0.5 * before, "colours are matched: {changed} of {before}");
}

#[test]
fn every_recipe_is_met() {
    let mut swapper = Swapper::default();
    let (mut parts, mut blends, mut colours) = (HashSet::new(), HashSet::new(), HashSet::new());
    let (mut changes, mut generated, mut coarse) = (HashSet::new(), HashSet::new(), HashSet::new());
    for seed in 0..300 {
        let recipe = swap(&mut swapper, seed).recipe;
        parts.insert(recipe.outline);
        blends.insert(recipe.blend);
        colours.insert(recipe.colours);
        changes.extend(recipe.changes);
        generated.insert(recipe.output.is_some());
        coarse.insert(recipe.coarse_target);
    }
    assert_eq!((parts.len(), blends.len()), (Outline::ALL.len(), Blend::ALL.len()), "{parts:?} {blends:?}");
    assert_eq!((colours.len(), changes.len()), (ColourMatch::ALL.len(), FURTHER.len()), "{colours:?} {changes:?}");
    // The drawn face's eyes are 19 pixels apart: no network's output is so small.
    assert_eq!((generated.len(), coarse.len()), (1, 2));
}

#[test]
fn a_donor_on_a_grey_photo_is_grey() {
    let mut swapper = Swapper::default();
    let mut grey_target = target();
    grey(&mut grey_target);
    let donor = donor();
    for seed in 0..30 {
        let target = Portrait { pixels: &grey_target, landmarks: &landmarks(TARGET) };
        let donor = Portrait { pixels: &donor, landmarks: &landmarks(DONOR) };
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let made = swapper.swap(target, donor, SIDE, random).expect("drawn faces can be swapped");
        assert_eq!(Tone::of(&made.pixels), Tone::Grey, "{}", made.recipe);
    }
}

#[test]
fn what_cant_be_swapped_is_a_clear_error() {
    let (photo, other, mut swapper) = (target(), donor(), Swapper::default());
    let mut check = |points: [(f32, f32); 5], pixels: &[u8], text: &str| {
        let target = Portrait { pixels: &photo, landmarks: &landmarks(points) };
        let donor = Portrait { pixels, landmarks: &landmarks(DONOR) };
        let result = swapper.swap(target, donor, SIDE, &mut ChaCha8Rng::seed_from_u64(1));
        let message = result.expect_err(text).to_string();
        assert!(message.contains(text), "{message}");
    };
    check(TARGET, &other[3..], "has 27648 bytes, not 27645");
    check([(0.5, 0.5); 5], &other, "span no face");
    check([(f32::NAN, 0.5); 5], &other, "not a finite number");
    check(TARGET.map(|(x, y)| (x + 5.0, y)), &other, "outside the picture");
    let flat = vec![128; SIDE * SIDE * 3];
    let (target, donor) = (landmarks(TARGET), landmarks(DONOR));
    let target = Portrait { pixels: &flat, landmarks: &target };
    let donor = Portrait { pixels: &flat, landmarks: &donor };
    // Noise alone may tell two grey squares apart; without it there is nothing to see.
    let told = (0..30).filter_map(|seed| {
        swapper.swap(target, donor, SIDE, &mut ChaCha8Rng::seed_from_u64(seed)).err().map(|error| error.to_string())
    });
    let told: Vec<String> = told.collect();
    assert!(told.len() > 20 && told.iter().all(|error| error.contains("is indistinguishable")), "{told:?}");
}

#[test]
fn landmarks_at_odd_places_do_no_harm() {
    let (photo, other, mut swapper) = (target(), donor(), Swapper::default());
    for seed in 0..200 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut odd =
            || landmarks(std::array::from_fn(|_| (random.random_range(-0.6..1.6), random.random_range(-0.6..1.6))));
        let (at, from) = (odd(), odd());
        let target = Portrait { pixels: &photo, landmarks: &at };
        let donor = Portrait { pixels: &other, landmarks: &from };
        if let Ok(made) = swapper.swap(target, donor, SIDE, &mut ChaCha8Rng::seed_from_u64(seed)) {
            assert!(made.mask.iter().any(|&level| level > 0), "{}", made.recipe);
        }
    }
}

#[test]
fn a_recipe_is_told_in_words() {
    let recipe = SwapRecipe {
        outline: Outline::Hull,
        blend: Blend::Alpha,
        ratio: 1.0,
        colours: ColourMatch::Light,
        output: Some(128),
        changes: vec![Change::Noise],
        coarse_target: true,
    };
    assert_eq!(
        recipe.to_string(),
        "brows to chin, alpha 1.00, colours and light, as of 128 pixels + noise, coarse target"
    );
}
