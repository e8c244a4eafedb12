//! From the memory of a stream to a picture: rows with gaps between them, of which a part may be shown, in one of four orders of
//! bytes. Pure functions; what comes from another process may be anything.

use crate::capture::screen::colours::{BYTES, to_rgb};
use crate::frame::{Changed, PixelBox};

/// At which of a pixel's four bytes its colours are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Blue, green, red, and one that says nothing.
    Bgr,
    /// Red, green, blue, and one that says nothing.
    Rgb,
}

impl Order {
    /// At which bytes red, green and blue are.
    fn at(self) -> [usize; 3] {
        match self {
            Self::Bgr => [2, 1, 0],
            Self::Rgb => [0, 1, 2],
        }
    }
}

/// A rectangle in pixels of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Where the pixels of a buffer are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    /// All of its memory.
    pub(super) bytes: &'a [u8],
    /// Where the first row begins in it.
    pub(super) offset: usize,
    /// From one row to the next, in bytes; 0 where they follow each other without a gap.
    pub(super) stride: i32,
    pub(super) order: Order,
}

/// A picture as it was last seen.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// RGB, rows with no gap between them.
    pub(super) pixels: Vec<u8>,
    /// Which part of the stream it shows.
    shown: Option<Region>,
}

/// What differs from the picture that was taken last.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum News {
    Nothing,
    /// These parts; the number of the earlier frame is for another to say.
    Parts(Changed),
    Everything,
}

impl News {
    /// Something else differs too.
    pub(super) fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Everything, _) | (_, Self::Nothing) => {}
            (Self::Parts(known), Self::Parts(parts)) => known.unite(&parts),
            (_, other) => *self = other,
        }
    }

    /// What differs beside what `known` says, which is nothing where there was none before; `None` for everything.
    pub(super) fn changed(self, known: Option<Changed>) -> Option<Changed> {
        let mut known = known?;
        match self {
            Self::Everything => return None,
            Self::Nothing => {}
            Self::Parts(parts) => parts.parts().iter().for_each(|&part| known.add(part)),
        }
        Some(known)
    }
}

impl Picture {
    /// Takes the picture from a buffer of `size`, of which the part `crop` is shown; `damage` says where it differs from the buffer
    /// before, in pixels of the buffer. No damage means that nobody says, for a buffer that is like the last isn't sent. Gives what
    /// is new; `None` where the buffer isn't what it says, and the picture stays as it was.
    ///
    /// All of it is taken, for a buffer that was passed over takes its damage with it.
    pub(super) fn take(
        &mut self,
        rows: Rows<'_>,
        size: (u32, u32),
        crop: Option<Region>,
        damage: &[Region],
    ) -> Option<News> {
        let all = Region { left: 0, top: 0, width: size.0, height: size.1 };
        let shown = crop.map_or(Some(all), |crop| all.common(&crop))?;
        if shown.width == 0 || shown.height == 0 {
            return None;
        }
        let (left, top) = (usize::try_from(shown.left).ok()?, usize::try_from(shown.top).ok()?);
        let (width, height) = (shown.width as usize, shown.height as usize);
        let stride = match usize::try_from(rows.stride).ok()? {
            0 => (size.0 as usize).checked_mul(BYTES)?,
            stride => stride,
        };
        if stride < (left + width).checked_mul(BYTES)? {
            return None;
        }
        let first = rows.offset.checked_add(top.checked_mul(stride)?)?.checked_add(left * BYTES)?;
        let length = (height - 1).checked_mul(stride)?.checked_add(width * BYTES)?;
        let bytes = rows.bytes.get(first..first.checked_add(length)?)?;
        self.pixels.resize(width * height * 3, 0);
        for (from, into) in bytes.chunks(stride).zip(self.pixels.chunks_exact_mut(width * 3)) {
            to_rgb(rows.order.at(), from, into);
        }
        (self.width, self.height) = (width, height);
        let same = self.shown.replace(shown) == Some(shown);
        if !same || damage.is_empty() {
            return Some(News::Everything);
        }
        let mut parts = Changed::nothing(0);
        damage.iter().filter_map(|part| shown.common(part)).for_each(|part| parts.add(part.within(&shown)));
        Some(if parts.parts().is_empty() { News::Nothing } else { News::Parts(parts) })
    }
}

impl Region {
    /// What both have in common; `None` where that is nothing.
    fn common(&self, other: &Self) -> Option<Self> {
        let along = |start: (i32, i32), length: (u32, u32)| {
            let first = i64::from(start.0.max(start.1));
            let last = (i64::from(start.0) + i64::from(length.0)).min(i64::from(start.1) + i64::from(length.1));
            Some((i32::try_from(first).ok()?, u32::try_from(last - first).ok().filter(|&length| length > 0)?))
        };
        let (left, width) = along((self.left, other.left), (self.width, other.width))?;
        let (top, height) = along((self.top, other.top), (self.height, other.height))?;
        Some(Self { left, top, width, height })
    }

    /// Its place in a picture that shows `shown`, of which it is a part.
    fn within(&self, shown: &Self) -> PixelBox {
        PixelBox {
            left: (self.left - shown.left) as f32,
            top: (self.top - shown.top) as f32,
            width: self.width as f32,
            height: self.height as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(left: i32, top: i32, width: u32, height: u32) -> Region {
        Region { left, top, width, height }
    }

    /// Rows of which each pixel tells its place, with `gap` bytes behind each, after `offset` bytes.
    fn memory(size: (u32, u32), offset: usize, gap: usize, order: Order) -> (Vec<u8>, i32) {
        let mut bytes = vec![99; offset];
        for y in 0..size.1 as u8 {
            for x in 0..size.0 as u8 {
                bytes.extend(match order {
                    Order::Bgr => [200, y, x, 99],
                    Order::Rgb => [x, y, 200, 99],
                });
            }
            bytes.extend(std::iter::repeat_n(99, gap));
        }
        (bytes, (size.0 as usize * BYTES + gap) as i32)
    }

    fn check(offset: usize, gap: usize, order: Order, crop: Option<Region>, expected: Region) {
        let size = (5, 4);
        let (mut bytes, stride) = memory(size, offset, gap, order);
        // The last row needs no gap behind it.
        bytes.truncate(bytes.len() - gap);
        let mut picture = Picture::default();
        let rows = Rows { bytes: &bytes, offset, stride: if gap == 0 { 0 } else { stride }, order };
        assert_eq!(picture.take(rows, size, crop, &[]), Some(News::Everything));
        assert_eq!((picture.width, picture.height), (expected.width as usize, expected.height as usize));
        let place = |at: usize| (at % picture.width, at / picture.width);
        for (at, pixel) in picture.pixels.chunks_exact(3).enumerate() {
            let (x, y) = place(at);
            assert_eq!(pixel, [x as u8 + expected.left as u8, y as u8 + expected.top as u8, 200], "{x} {y}");
        }
        assert_eq!(picture.pixels.len(), picture.width * picture.height * 3);
    }

    #[test]
    fn gaps_offsets_orders_and_crops() {
        let all = region(0, 0, 5, 4);
        for order in [Order::Bgr, Order::Rgb] {
            check(0, 0, order, None, all);
            check(8, 12, order, None, all);
            check(8, 12, order, Some(region(1, 2, 3, 2)), region(1, 2, 3, 2));
            check(0, 4, order, Some(region(4, 3, 1, 1)), region(4, 3, 1, 1));
            // A part of it lies outside.
            check(0, 4, order, Some(region(-2, 1, 4, 9)), region(0, 1, 2, 3));
        }
    }

    #[test]
    fn a_buffer_that_is_not_what_it_says_changes_nothing() {
        let size = (5, 4);
        let (bytes, stride) = memory(size, 0, 4, Order::Bgr);
        let rows = |offset, stride| Rows { bytes: &bytes, offset, stride, order: Order::Bgr };
        let mut picture = Picture::default();
        let before = picture.take(rows(0, stride), size, None, &[]);
        assert_eq!(before, Some(News::Everything));
        let kept = picture.pixels.clone();
        for wrong in [rows(8, stride), rows(usize::MAX, stride), rows(0, -stride), rows(0, 8), rows(0, i32::MAX)] {
            assert_eq!(picture.take(wrong, size, None, &[]), None, "{wrong:?}");
        }
        assert_eq!(picture.take(rows(0, stride), (u32::MAX, u32::MAX), None, &[]), None);
        assert_eq!(picture.take(rows(0, stride), (0, 4), None, &[]), None);
        assert_eq!(picture.take(rows(0, stride), size, Some(region(9, 9, 4, 4)), &[]), None);
        assert_eq!((picture.width, picture.height, &picture.pixels), (5, 4, &kept));
    }

    #[test]
    fn damage_is_told_where_the_picture_shows_it() {
        let size = (5, 4);
        let (bytes, stride) = memory(size, 0, 0, Order::Bgr);
        let rows = Rows { bytes: &bytes, offset: 0, stride, order: Order::Bgr };
        let mut picture = Picture::default();
        let crop = Some(region(1, 1, 4, 3));
        let mut take = |crop, damage: &[Region]| picture.take(rows, size, crop, damage);
        assert_eq!(take(crop, &[region(2, 2, 1, 1)]), Some(News::Everything), "the first is new");
        let parts = |part: PixelBox| {
            let mut parts = Changed::nothing(0);
            parts.add(part);
            Some(News::Parts(parts))
        };
        let expected = PixelBox { left: 1.0, top: 0.0, width: 2.0, height: 2.0 };
        assert_eq!(take(crop, &[region(2, 0, 2, 3)]), parts(expected));
        assert_eq!(take(crop, &[region(0, 0, 1, 1)]), Some(News::Nothing), "it isn't shown");
        assert_eq!(take(crop, &[]), Some(News::Everything), "nobody says");
        assert_eq!(take(None, &[region(2, 2, 1, 1)]), Some(News::Everything), "of another size");
    }

    #[test]
    fn news_add_up_until_they_are_told() {
        let parts = |left: f32| {
            let mut parts = Changed::nothing(0);
            parts.add(PixelBox { left, top: 0.0, width: 1.0, height: 1.0 });
            News::Parts(parts)
        };
        let mut news = News::Nothing;
        news.add(News::Nothing);
        assert_eq!(news.clone().changed(Some(Changed::nothing(6))), Some(Changed::nothing(6)));
        news.add(parts(1.0));
        news.add(parts(50.0));
        news.add(News::Nothing);
        let changed = news.clone().changed(Some(Changed::nothing(6))).expect("parts are known");
        assert_eq!((changed.since(), changed.parts().len()), (6, 2));
        assert_eq!(parts(1.0).changed(None), None, "there was none before");
        news.add(News::Everything);
        news.add(parts(1.0));
        assert_eq!(news.changed(Some(Changed::nothing(6))), None);
    }
}
