//! A source whose pictures change their size on the way: where a place in the old ones may be in the new ones.
//!
//! Nobody says how one came of the other. A call that gets more room scales its pictures; one that changes their shape cuts
//! them, puts bars beside them or stretches them; a phone that is turned shows as much around the same middle.

use crate::frame::PixelBox;

/// One way to get from pictures of a size to those of another: the middle stays the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resize {
    /// Pixels across and down in place of one.
    scale: (f32, f32),
    from: (f32, f32),
    to: (f32, f32),
}

impl Resize {
    /// The ways that there are, the likeliest first: at the same scale, cut, with bars, stretched. Between pictures of the same
    /// shape they are one.
    #[must_use]
    pub fn ways(from: (usize, usize), to: (usize, usize)) -> [Self; 4] {
        let middle = |(width, height): (usize, usize)| (width as f32 / 2.0, height as f32 / 2.0);
        let ratio = |to: usize, from: usize| to.max(1) as f32 / from.max(1) as f32;
        let (across, down) = (ratio(to.0, from.0), ratio(to.1, from.1));
        let way = |scale| Self { scale, from: middle(from), to: middle(to) };
        let alike = |scale: f32| way((scale, scale));
        [alike((across * down).sqrt()), alike(across.max(down)), alike(across.min(down)), way((across, down))]
    }

    /// Where a point of the old pictures is in the new ones.
    #[must_use]
    pub fn point(&self, x: f32, y: f32) -> (f32, f32) {
        (self.to.0 + (x - self.from.0) * self.scale.0, self.to.1 + (y - self.from.1) * self.scale.1)
    }

    /// Where a box of the old pictures is in the new ones.
    #[must_use]
    pub fn place(&self, place: &PixelBox) -> PixelBox {
        let (left, top) = self.point(place.left, place.top);
        PixelBox { left, top, width: place.width * self.scale.0, height: place.height * self.scale.1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: (usize, usize), to: (usize, usize), expected: [(f32, f32, f32, f32); 4]) {
        let place = PixelBox { left: 100.0, top: 100.0, width: 40.0, height: 50.0 };
        let found = Resize::ways(from, to).map(|way| way.place(&place));
        let expected = expected.map(|(left, top, width, height)| PixelBox { left, top, width, height });
        assert_eq!(found, expected);
    }

    #[test]
    fn the_same_shape_is_scaled() {
        check((640, 360), (1280, 720), [(200.0, 200.0, 80.0, 100.0); 4]);
    }

    #[test]
    fn another_shape_has_the_same_middle() {
        // A phone is turned: 180 - (320 - 100), 320 + (100 - 180).
        let [turned, cut, bars, stretched] = Resize::ways((640, 360), (360, 640));
        let place = PixelBox { left: 100.0, top: 100.0, width: 40.0, height: 50.0 };
        assert_eq!(turned.place(&place), PixelBox { left: -40.0, top: 240.0, width: 40.0, height: 50.0 });
        assert!(cut.place(&place).width > 70.0 && bars.place(&place).width < 23.0);
        assert_eq!(stretched.place(&place).width, 22.5);
        // Bars above and below.
        let [.., bars, _] = Resize::ways((640, 360), (640, 480));
        assert_eq!(bars.place(&place), PixelBox { left: 100.0, top: 160.0, width: 40.0, height: 50.0 });
    }
}
