//! Where people look at a face: a human map, or landmarks to draw a prior from. Moves with the pixels, and ends as the
//! map that the activation map is compared with.

use anyhow::Context;
use cyborg_edge::face::crop::Cropper;
use cyborg_edge::frame::PixelPoint;

use super::prior::{self, Landmarks, min_max};

/// A square grey picture, bright where people look.
#[derive(Clone, Debug, PartialEq)]
pub struct GreyMap {
    /// Side in pixels.
    pub side: usize,
    /// `side * side` values, rows from the top.
    pub values: Vec<u8>,
}

/// What is known of where people look at a face, in a square crop of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Saliency {
    /// Nothing: the face has no saliency term.
    Unknown,
    /// Eyes, nose and mouth, as shares of the crop; the prior is drawn around them.
    Landmarks(Landmarks),
    /// A map over the whole crop.
    Map(GreyMap),
}

/// A square part of a square crop, in shares of the crop's side; it may reach over the edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Distance from the left edge.
    pub left: f32,
    /// Distance from the upper edge.
    pub top: f32,
    /// Side.
    pub side: f32,
}

impl Saliency {
    /// The same in a part of the crop.
    #[must_use]
    pub fn part(self, part: Part) -> Self {
        let inside = |point: PixelPoint| PixelPoint {
            x: (point.x - part.left) / part.side,
            y: (point.y - part.top) / part.side,
        };
        match self {
            Self::Unknown => Self::Unknown,
            Self::Landmarks(landmarks) => Self::Landmarks(landmarks.map(inside)),
            Self::Map(map) => Self::Map(map.part(part)),
        }
    }

    /// The same in the mirrored crop.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Landmarks([left_eye, right_eye, nose, left_mouth, right_mouth]) => {
                // Left and right change places, so that the left eye stays the one on the left of the picture.
                let turned = [right_eye, left_eye, nose, right_mouth, left_mouth];
                Self::Landmarks(turned.map(|point| PixelPoint { x: 1.0 - point.x, y: point.y }))
            }
            Self::Map(mut map) => {
                map.values.chunks_exact_mut(map.side).for_each(<[u8]>::reverse);
                Self::Map(map)
            }
        }
    }

    /// The map at the size of the activation map, `cam * cam` values min-max scaled to 0 to 1, or nothing. A constant map
    /// gives zeros.
    ///
    /// # Errors
    ///
    /// When a map can't be resized, which is a fault in here.
    pub fn draw(&self, cam: usize, cropper: &mut Cropper) -> anyhow::Result<Option<Vec<f32>>> {
        Ok(match self {
            Self::Unknown => None,
            Self::Landmarks(landmarks) => Some(prior::draw(landmarks, cam, cam)),
            Self::Map(map) => {
                let mut values: Vec<f32> = map.resized(cam, cropper)?.values.into_iter().map(f32::from).collect();
                min_max(&mut values);
                Some(values)
            }
        })
    }
}

impl GreyMap {
    /// The nearest values of a part; as many pixels as the map has there.
    fn part(&self, part: Part) -> Self {
        let pixels = self.side as f32;
        let side = ((pixels * part.side).round() as usize).max(1);
        let step = part.side * pixels / side as f32;
        let nearest =
            |start: f32, index: usize| (start * pixels + (index as f32 + 0.5) * step).clamp(0.0, pixels - 1.0) as usize;
        let values = (0..side * side)
            .map(|index| self.values[nearest(part.top, index / side) * self.side + nearest(part.left, index % side)])
            .collect();
        Self { side, values }
    }

    /// Resized as photos are: bilinear, antialiased.
    fn resized(&self, side: usize, cropper: &mut Cropper) -> anyhow::Result<Self> {
        if self.side == side {
            return Ok(self.clone());
        }
        let three: Vec<u8> = self.values.iter().flat_map(|&value| [value; 3]).collect();
        let mut out = vec![0; side * side * 3];
        cropper
            .resize(&three, (self.side, self.side), &mut out, (side, side))
            .context("can't resize a saliency map")?;
        Ok(Self { side, values: out.chunks_exact(3).map(|pixel| pixel[0]).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> Saliency {
        Saliency::Map(GreyMap { side: 4, values: (0..16).collect() })
    }

    #[test]
    fn a_part_of_a_map_is_what_lies_there() {
        let part = map().part(Part { left: 0.5, top: 0.25, side: 0.5 });
        assert_eq!(part, Saliency::Map(GreyMap { side: 2, values: vec![6, 7, 10, 11] }));
        let over = map().part(Part { left: -0.25, top: 0.0, side: 0.5 });
        assert_eq!(over, Saliency::Map(GreyMap { side: 2, values: vec![0, 0, 4, 4] }));
    }

    #[test]
    fn a_mirrored_map_is_turned() {
        let Saliency::Map(map) = map().mirrored() else { unreachable!("a map stays one") };
        assert_eq!(map.values[..4], [3, 2, 1, 0]);
    }

    #[test]
    fn landmarks_move_and_turn() {
        let face = [(0.2, 0.0), (0.7, 0.1), (0.5, 0.2), (0.3, 0.3), (0.6, 0.4)].map(|(x, y)| PixelPoint { x, y });
        let Saliency::Landmarks(turned) = Saliency::Landmarks(face).mirrored() else { unreachable!("they stay some") };
        assert!(turned[0].x < turned[1].x && turned[3].x < turned[4].x, "{turned:?}");
        assert_eq!(turned[0].y, 0.1, "the eye on the left was on the right");
        let part = Part { left: 0.1, top: -0.1, side: 0.5 };
        let Saliency::Landmarks(moved) = Saliency::Landmarks(face).part(part) else { unreachable!("they stay some") };
        assert!((moved[0].x - 0.2).abs() < 1e-6 && (moved[0].y - 0.2).abs() < 1e-6, "{moved:?}");
    }

    #[test]
    fn a_map_is_scaled_to_the_size_asked_for_and_a_constant_one_to_zeros() {
        let mut cropper = Cropper::new();
        let drawn = map().draw(2, &mut cropper).expect("it can be resized").expect("there is one");
        assert_eq!((drawn[0], drawn[3]), (0.0, 1.0));
        assert!(drawn[0] < drawn[1] && drawn[1] < drawn[2], "{drawn:?}");
        let even = Saliency::Map(GreyMap { side: 3, values: vec![9; 9] });
        assert_eq!(even.draw(2, &mut cropper).expect("it can be resized"), Some(vec![0.0; 4]));
        assert_eq!(Saliency::Unknown.draw(2, &mut cropper).expect("there is nothing to do"), None);
    }
}
