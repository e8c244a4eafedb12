//! From the marks on a photo to its map.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

use super::mark::{Mark, Shape};

/// A blur is drawn as far as so many sigmas; beyond lies less than a ten-thousandth of its height.
const REACH: f64 = 4.5;
/// Width over height of a photo may differ so much from what the file says, as where a whole number was rounded.
const SAME_SHAPE: f64 = 0.02;

/// A map and how many people it is of.
#[derive(Debug)]
pub(super) struct Drawn {
    /// `width * height` values, rows from the top.
    pub(super) grey: Vec<u8>,
    /// Those who are told apart; 1 where the file doesn't say whose marks are, 0 where nothing is drawn.
    pub(super) people: usize,
    /// Fixations beside the photo.
    pub(super) beside: usize,
}

/// Draws a photo of a size in pixels: fixations as Gaussian bumps of `sigma` pixels weighted by their duration, the largest
/// value 255; else the mean over people of the regions that each marked. Of nobody where no mark lies on the photo.
pub(super) fn draw(marks: &[Mark], size: (u32, u32), sigma: Option<f64>) -> anyhow::Result<Drawn> {
    let (width, height) = (size.0 as usize, size.1 as usize);
    let is_on = |[x, y]: [f64; 2]| (0.0..f64::from(size.0)).contains(&x) && (0.0..f64::from(size.1)).contains(&y);
    let (mut heat, mut beside): (Vec<f32>, usize) = (Vec::new(), 0);
    let mut regions: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    let weight = |mark: &Mark| if let Shape::Fixation { weight, .. } = mark.shape { weight } else { 0.0 };
    let heaviest = marks.iter().map(weight).fold(0.0, f64::max);
    for mark in marks {
        if let Shape::Fixation { place, weight } = mark.shape {
            if !is_on(place) {
                beside += 1;
                continue;
            }
            let sigma = sigma.context("fixations need the width of their blur: give it with `--sigma`")?;
            heat.resize(width * height, 0.0);
            // Over the heaviest, so that durations in any unit stay within what 32 bits hold.
            bump(&mut heat, (width, height), place, weight / heaviest, sigma);
            continue;
        }
        let region = regions.entry(&mark.by).or_insert_with(|| vec![false; width * height]);
        paint(region, mark, size).with_context(|| mark.at.clone())?;
    }
    if !heat.is_empty() {
        let most = heat.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let grey = heat.iter().map(|value| (value / most * 255.0).round() as u8).collect();
        return Ok(Drawn { grey, people: 1, beside });
    }
    regions.retain(|_, region| region.contains(&true));
    if regions.is_empty() {
        return Ok(Drawn { grey: Vec::new(), people: 0, beside });
    }
    let all = regions.len() as u32;
    let mut counts = vec![0_u32; width * height];
    for region in regions.values() {
        counts.iter_mut().zip(region).for_each(|(count, marked)| *count += u32::from(*marked));
    }
    let grey = counts.into_iter().map(|count| ((2 * 255 * count + all) / (2 * all)) as u8).collect();
    Ok(Drawn { grey, people: regions.len(), beside })
}

/// Adds a Gaussian bump around a place.
fn bump(heat: &mut [f32], (width, height): (usize, usize), place: [f64; 2], weight: f64, sigma: f64) {
    let along = |at: f64, length: usize| {
        let first = (at - REACH * sigma).floor().max(0.0) as usize;
        let last = ((at + REACH * sigma).ceil() as usize).min(length);
        let height = |pixel: usize| (-((pixel as f64 + 0.5 - at) / sigma).powi(2) / 2.0).exp();
        (first, (first..last).map(height).collect::<Vec<f64>>())
    };
    let ((left, across), (top, down)) = (along(place[0], width), along(place[1], height));
    for (row, down) in down.iter().enumerate() {
        let start = (top + row) * width + left;
        for (value, across) in heat[start..start + across.len()].iter_mut().zip(&across) {
            *value += (weight * down * across) as f32;
        }
    }
}

fn paint(region: &mut [bool], mark: &Mark, (width, height): (u32, u32)) -> anyhow::Result<()> {
    match &mark.shape {
        Shape::Fixation { .. } => {}
        Shape::Outlines { outlines, size } => {
            if let Some([wide, high]) = size {
                let (said, is) = (f64::from(*wide) / f64::from(*high), f64::from(width) / f64::from(height));
                ensure!(
                    (said / is - 1.0).abs() <= SAME_SHAPE,
                    "it was marked on {wide} x {high} pixels, and the photo has {width} x {height}"
                );
            }
            fill(region, width as usize, outlines, [f64::from(width), f64::from(height)]);
        }
        Shape::Mask(mask) => {
            let (wide, high) = mask.size();
            ensure!(
                (wide, high) == (width, height),
                "it was marked on {wide} x {high} pixels, and the photo has {width} x {height}"
            );
            for (start, length) in mask.spans() {
                region[start..start + length].fill(true);
            }
        }
    }
    Ok(())
}

/// Marks the pixels whose middle lies in the outlines: row by row, between every second crossing and the next.
fn fill(region: &mut [bool], width: usize, outlines: &[Vec<[f64; 2]>], size: [f64; 2]) {
    let mut crossings: Vec<f64> = Vec::new();
    for (row, line) in region.chunks_exact_mut(width).enumerate() {
        let y = row as f64 + 0.5;
        crossings.clear();
        for outline in outlines {
            for (from, to) in outline.iter().zip(outline.iter().cycle().skip(1)) {
                let [from, to] = [from, to].map(|[x, y]| [x * size[0], y * size[1]]);
                if (from[1] > y) != (to[1] > y) {
                    crossings.push(from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]));
                }
            }
        }
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.as_chunks::<2>().0 {
            let [first, last] = pair.map(|at| (at - 0.5).ceil().clamp(0.0, width as f64) as usize);
            line[first..last.max(first)].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::painted::Painted;

    fn mark(by: &str, shape: Shape) -> Mark {
        Mark { image: "1.jpg".to_owned(), by: by.to_owned(), label: String::new(), at: "line 3".to_owned(), shape }
    }

    fn square(left: f64, top: f64, right: f64, bottom: f64) -> Vec<[f64; 2]> {
        vec![[left, top], [right, top], [right, bottom], [left, bottom]]
    }

    #[test]
    fn outlines_are_filled_and_averaged_over_people() {
        let left = Shape::Outlines { outlines: vec![square(0.0, 0.0, 0.5, 1.0)], size: Some([8, 4]) };
        let hole =
            Shape::Outlines { outlines: vec![square(0.0, 0.0, 1.0, 1.0), square(0.25, 0.0, 0.75, 1.0)], size: None };
        let found = draw(&[mark("a", left), mark("b", hole)], (4, 2), None).expect("it fits");
        assert_eq!((found.grey, found.people), (vec![255, 128, 0, 128, 255, 128, 0, 128], 2));
    }

    #[test]
    fn fixations_are_bumps_of_their_duration() {
        let at = |x: f64, weight: f64| mark("", Shape::Fixation { place: [x, 5.5], weight });
        let marks = [at(5.5, 1.0), at(25.5, 0.5), at(40.0, 9.0)];
        let found = draw(&marks, (32, 11), Some(2.0)).expect("it can be drawn");
        let row = &found.grey[5 * 32..6 * 32];
        assert_eq!((row[5], row[25], row[15], found.beside), (255, 128, 0, 1));
        // exp(-1/2) one sigma away.
        assert_eq!((row[7], row[3], found.grey[3 * 32 + 5]), (155, 155, 155));
        let error = draw(&marks, (32, 11), None).expect_err("no sigma").to_string();
        assert!(error.contains("--sigma"), "{error}");
    }

    #[test]
    fn another_photo_is_told_and_nothing_is_nothing() {
        let other = mark("", Shape::Mask(Painted::of_mask(2, 2, &[true; 4])));
        let error = format!("{:#}", draw(&[other], (4, 2), None).expect_err("another size"));
        assert!(error.contains("line 3: it was marked on 2 x 2 pixels, and the photo has 4 x 2"), "{error}");
        let wide = Shape::Outlines { outlines: vec![square(0.0, 0.0, 1.0, 1.0)], size: Some([10, 10]) };
        assert!(draw(&[mark("", wide)], (4, 2), None).is_err());
        let beside = Shape::Outlines { outlines: vec![square(1.5, 0.0, 2.0, 1.0)], size: None };
        assert_eq!(draw(&[mark("", beside)], (4, 2), None).expect("it fits").people, 0);
        assert_eq!(draw(&[], (4, 2), None).expect("it fits").people, 0);
    }
}
