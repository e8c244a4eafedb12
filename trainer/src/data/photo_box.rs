//! Where a photo is in a crop that may reach beyond it: what lies there is its edge, repeated.

/// Where the photo is in a crop, as shares of the crop's side; below 0 and above 1 where the photo goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotoBox {
    /// Its left edge.
    pub left: f32,
    /// Its upper edge.
    pub top: f32,
    /// Its right edge.
    pub right: f32,
    /// Its lower edge.
    pub bottom: f32,
}

impl PhotoBox {
    /// First column and row, last column and row of a crop of `side` pixels that lie wholly in the photo; nothing where
    /// there are none.
    #[must_use]
    pub fn pixels(&self, side: usize) -> Option<[usize; 4]> {
        let length = side as f32;
        // A share is a quotient, which may be off by its last digit.
        let first = |at: f32| (at * length - 1e-3).ceil().clamp(0.0, length) as usize;
        let last = |at: f32| ((at * length + 1e-3).floor().clamp(0.0, length) as usize).checked_sub(1);
        let (left, top) = (first(self.left), first(self.top));
        let (right, bottom) = (last(self.right)?, last(self.bottom)?);
        (left <= right && top <= bottom).then_some([left, top, right, bottom])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pixels_of_the_photo_are_inside() {
        let inside = |left: f32, top: f32, right: f32, bottom: f32| PhotoBox { left, top, right, bottom }.pixels(10);
        assert_eq!(inside(-0.5, 0.0, 1.0, 2.0), Some([0, 0, 9, 9]));
        assert_eq!(inside(0.1, 0.25, 0.9, 0.75), Some([1, 3, 8, 6]));
        assert_eq!(inside(0.5, 0.0, 0.55, 1.0), None, "no column is wholly inside");
        assert_eq!(inside(1.2, 0.0, 2.0, 1.0), None, "beside the crop");
    }
}
