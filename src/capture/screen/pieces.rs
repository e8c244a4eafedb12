//! A rectangle across monitors, put together of what each of them shows.

use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};

use super::choice::Place;

/// Where no monitor is.
const NOTHING: Rgba<u8> = Rgba([0, 0, 0, 255]);

/// What both have in common, counted as they are; `None` where that is nothing.
pub(super) fn common(one: Place, other: Place) -> Option<Place> {
    let end = |start: i32, length: u32| i64::from(start) + i64::from(length);
    let along = |(start, length): (i32, u32), (other, others): (i32, u32)| {
        let first = start.max(other);
        let length = u32::try_from(end(start, length).min(end(other, others)) - i64::from(first)).ok()?;
        (length > 0).then_some((first, length))
    };
    let (left, width) = along((one.left, one.width), (other.left, other.width))?;
    let (top, height) = along((one.top, one.height), (other.top, other.height))?;
    Some(Place { left, top, width, height })
}

/// The picture of a rectangle, of pieces that lie in it. A monitor may have more pixels than its place says, twice as many along a
/// side where letters are drawn finely; then so has the whole, as many as the finest piece.
pub(super) fn joined(whole: Place, mut pieces: Vec<(Place, RgbaImage)>) -> RgbaImage {
    // What is all of it needs no other.
    if let Some(at) = pieces.iter().position(|(place, _)| *place == whole) {
        return pieces.swap_remove(at).1;
    }
    let scale = |(place, picture): &(Place, RgbaImage)| f64::from(picture.width()) / f64::from(place.width.max(1));
    let finest = pieces.iter().map(scale).fold(1.0, f64::max);
    let scaled = |length: u32| ((f64::from(length) * finest).round() as u32).max(1);
    let mut picture = RgbaImage::from_pixel(scaled(whole.width), scaled(whole.height), NOTHING);
    for (place, piece) in pieces {
        let size = (scaled(place.width), scaled(place.height));
        let piece = if piece.dimensions() == size {
            piece
        } else {
            imageops::resize(&piece, size.0, size.1, FilterType::Triangle)
        };
        let from = |start: i32, whole: i32| (f64::from(start - whole) * finest).round() as i64;
        imageops::replace(&mut picture, &piece, from(place.left, whole.left), from(place.top, whole.top));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgba<u8> = Rgba([255, 0, 0, 255]);
    const BLUE: Rgba<u8> = Rgba([0, 0, 255, 255]);

    fn place(left: i32, top: i32, width: u32, height: u32) -> Place {
        Place { left, top, width, height }
    }

    #[test]
    fn what_two_rectangles_share() {
        assert_eq!(common(place(0, 0, 10, 10), place(6, -3, 10, 8)), Some(place(6, 0, 4, 5)));
        assert_eq!(common(place(0, 0, 10, 10), place(10, 0, 10, 10)), None, "they only touch");
        assert_eq!(common(place(0, 0, 10, 10), place(0, 40, 10, 10)), None);
        let far = place(i32::MAX, 0, u32::MAX, 10);
        assert_eq!(common(far, far), Some(far));
    }

    #[test]
    fn two_monitors_and_a_gap() {
        let whole = place(90, 0, 20, 4);
        let pieces = vec![
            (place(90, 0, 10, 4), RgbaImage::from_pixel(10, 4, RED)),
            (place(100, 2, 10, 2), RgbaImage::from_pixel(10, 2, BLUE)),
        ];
        let picture = joined(whole, pieces);
        assert_eq!(picture.dimensions(), (20, 4));
        let at = |x, y| *picture.get_pixel(x, y);
        assert_eq!([at(9, 0), at(9, 3), at(10, 1), at(10, 2), at(19, 3)], [RED, RED, NOTHING, BLUE, BLUE]);
    }

    #[test]
    fn a_finer_monitor_makes_it_finer() {
        let pieces = vec![
            (place(0, 0, 10, 4), RgbaImage::from_pixel(20, 8, RED)),
            (place(10, 0, 10, 4), RgbaImage::from_pixel(10, 4, BLUE)),
        ];
        let picture = joined(place(0, 0, 20, 4), pieces);
        assert_eq!(picture.dimensions(), (40, 8));
        assert_eq!((*picture.get_pixel(19, 7), *picture.get_pixel(20, 7)), (RED, BLUE));
        let alone = joined(place(0, 0, 10, 4), vec![(place(0, 0, 10, 4), RgbaImage::from_pixel(15, 6, RED))]);
        assert_eq!(alone.dimensions(), (15, 6), "as it is");
    }
}
