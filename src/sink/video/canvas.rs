//! Where a picture is shown in a video whose size is another one: as large as it fits, in its own shape, with bars beside it.

/// A part of the output, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Place {
    /// The place of a picture of `from` pixels in an output of `size`.
    pub(super) fn of(from: (usize, usize), size: (usize, usize)) -> Self {
        // Sides are even in the output, so its shape may be off by a little: no bar is drawn for that.
        let fit = |length: usize, of: usize, other: usize| ((length * of + other / 2) / other.max(1)).max(1);
        let (width, height) = (fit(size.1, from.0, from.1).min(size.0), fit(size.0, from.1, from.0).min(size.1));
        let near = |inner: usize, outer: usize| if outer - inner <= 2 { outer } else { inner };
        let (width, height) = (near(width, size.0), near(height, size.1));
        Self { left: (size.0 - width) / 2, top: (size.1 - height) / 2, width, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: (usize, usize), size: (usize, usize), expected: (usize, usize, usize, usize)) {
        let Place { left, top, width, height } = Place::of(from, size);
        assert_eq!((left, top, width, height), expected, "{from:?} in {size:?}");
    }

    #[test]
    fn a_picture_keeps_its_shape() {
        check((640, 360), (640, 360), (0, 0, 640, 360));
        check((1280, 720), (640, 360), (0, 0, 640, 360));
        check((320, 180), (640, 360), (0, 0, 640, 360));
        check((360, 640), (640, 360), (218, 0, 203, 360));
        check((640, 480), (640, 360), (80, 0, 480, 360));
        check((1920, 800), (1920, 1080), (0, 140, 1920, 800));
    }

    #[test]
    fn even_sides_make_no_bars() {
        check((175, 143), (176, 144), (0, 0, 176, 144));
        check((1000, 1), (102, 2), (0, 0, 102, 2));
        check((0, 0), (2, 2), (0, 0, 2, 2));
    }
}
