//! How alike two paintings of one photo are.
//!
//! - **IoU**: painted by both over painted by either.
//! - **Correlation**: Pearson's, of the two masks (0 and 1) over all pixels of the photo, without blur.
//! - **Divergence**: Kullback and Leibler's, in nats, of the two as distributions over the pixels, the mean of both directions.
//!   Each is smoothed by mixing in a hundredth of the even distribution (F. Jelinek and R. Mercer 1980), so that it is finite
//!   where one painted and the other didn't, and doesn't depend on the photo's resolution.

use serde::Serialize;

use crate::study::painted::Painted;

/// Share of the even distribution in each.
pub const SMOOTHING: f64 = 0.01;

/// Likeness of two paintings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// 0 to 1.
    pub iou: f64,
    /// -1 to 1; 0 where one of them covers the whole photo, which goes with nothing.
    pub correlation: f64,
    /// 0 for the same, in nats.
    pub divergence: f64,
}

/// The likeness of two paintings; nothing where one is empty or they are of photos of two sizes.
#[must_use]
pub fn overlap(one: &Painted, other: &Painted) -> Option<Overlap> {
    let counted = one.area() > 0 && other.area() > 0 && one.size() == other.size();
    counted.then(|| {
        let pixels = f64::from(one.size().0) * f64::from(one.size().1);
        let (first, second, both) = (one.area() as f64, other.area() as f64, shared(one, other) as f64);
        Overlap {
            iou: both / (first + second - both),
            correlation: correlation(pixels, first, second, both),
            divergence: (divergence(pixels, first, second, both) + divergence(pixels, second, first, both)) / 2.0,
        }
    })
}

/// Pixels that both painted.
fn shared(one: &Painted, other: &Painted) -> u64 {
    let (mut first, mut second) = (one.spans().peekable(), other.spans().peekable());
    let mut both = 0;
    while let (Some(&(a, a_length)), Some(&(b, b_length))) = (first.peek(), second.peek()) {
        let (a_end, b_end) = (a + a_length, b + b_length);
        both += a_end.min(b_end).saturating_sub(a.max(b)) as u64;
        if a_end <= b_end {
            first.next();
        } else {
            second.next();
        }
    }
    both
}

fn correlation(pixels: f64, first: f64, second: f64, both: f64) -> f64 {
    let spread = (first * (pixels - first) * second * (pixels - second)).sqrt();
    if spread > 0.0 { (pixels * both - first * second) / spread } else { 0.0 }
}

/// From the second to the first. A pixel has one of two values in each, so there are four kinds of pixels.
fn divergence(pixels: f64, first: f64, second: f64, both: f64) -> f64 {
    let even = SMOOTHING / pixels;
    let [p, q] = [first, second].map(|area| even + (1.0 - SMOOTHING) / area);
    let kinds =
        [(both, p, q), (first - both, p, even), (second - both, even, q), (pixels - first - second + both, even, even)];
    kinds.iter().map(|(count, p, q)| count * p * (p / q).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(rows: [&str; 2]) -> Painted {
        let mask: Vec<bool> = rows.concat().chars().map(|letter| letter == 'x').collect();
        Painted::of_mask(4, 2, &mask)
    }

    #[test]
    fn the_same_is_alike_and_what_lies_apart_is_not() {
        let left = painted(["xx..", "xx.."]);
        let same = overlap(&left, &left).expect("it is painted");
        assert_eq!((same.iou, same.correlation, same.divergence), (1.0, 1.0, 0.0));
        let apart = overlap(&left, &painted(["..xx", "..xx"])).expect("it is painted");
        assert_eq!((apart.iou, apart.correlation), (0.0, -1.0));
        assert!(apart.divergence > 4.0 && apart.divergence.is_finite(), "{apart:?}");
        let part = overlap(&left, &painted([".xx.", ".xx."])).expect("it is painted");
        assert!((part.iou - 1.0 / 3.0).abs() < 1e-12 && part.correlation.abs() < 1e-12, "{part:?}");
        assert!(part.divergence > 0.5 && part.divergence < apart.divergence);
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        let left = painted(["xx..", "xx.."]);
        assert_eq!(overlap(&left, &painted(["....", "...."])), None);
        assert_eq!(overlap(&left, &Painted::of_mask(2, 4, &[true; 8])), None);
        let all = overlap(&left, &painted(["xxxx", "xxxx"])).expect("both are painted");
        assert_eq!((all.iou, all.correlation), (0.5, 0.0));
    }
}
