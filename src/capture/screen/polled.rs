//! The frames of a screen whose system doesn't tell what was drawn: so many looks a second, each compared with the last one.

use std::thread;
use std::time::{Duration, Instant};

use image::RgbaImage;

use super::colours::{BYTES, to_rgb};
use super::error::ScreenError;
use super::frames::{Frames, QUIET};
use super::opener::ScreenOpener;
use crate::BoxError;
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::{Changed, Frame, PixelBox};
use crate::wall;

/// Somebody who gives pictures of what is watched.
pub(super) trait Look: Send {
    /// All of it, as it is now.
    fn look(&mut self) -> Result<RgbaImage, ScreenError>;
}

/// A screen that is watched.
pub(super) struct PolledSource<L> {
    looker: L,
    info: SourceInfo,
    /// Between two looks, at least.
    step: Duration,
    looked: Option<Instant>,
    /// When the last frame was given.
    given: Option<Instant>,
    frames: Frames,
    /// The picture as it was last seen.
    size: (usize, usize),
    picture: Vec<u8>,
    /// A row of the picture as it is now.
    row: Vec<u8>,
}

impl<L: Look> PolledSource<L> {
    /// Looks once, to see whether that works and how large it is.
    pub(super) fn open(mut looker: L, opener: &ScreenOpener) -> Result<Self, ScreenError> {
        let first = looker.look()?;
        let size = (first.width() as usize, first.height() as usize);
        let rate = opener.kept_rate();
        let info = SourceInfo { name: opener.choice.to_string(), size, rate: Some(rate), claimed_frames: None };
        Ok(Self {
            looker,
            info,
            step: Duration::from_secs_f64(1.0 / rate),
            looked: None,
            given: None,
            frames: Frames::begin(),
            size: (0, 0),
            picture: Vec::new(),
            row: Vec::new(),
        })
    }

    /// Waits for the next frame and fills it.
    pub(super) fn next(&mut self, frame: &mut Frame) -> Result<(), ScreenError> {
        loop {
            let due = self.looked.map_or(Duration::ZERO, |last| (last + self.step).duration_since(Instant::now()));
            thread::sleep(due);
            // What is drawn from here on may be missed.
            let captured = Instant::now();
            self.looked = Some(captured);
            let seen = self.looker.look()?;
            let changed = self.compare(&seen);
            let is_quiet = changed.as_ref().is_some_and(|changed| changed.parts().is_empty());
            if is_quiet && self.given.is_some_and(|last| captured < last + QUIET) {
                continue;
            }
            self.give(captured, changed, frame);
            return Ok(());
        }
    }

    /// Takes the picture over, and gives where it differs from the last one: in the rows from the first that does to the last.
    fn compare(&mut self, seen: &RgbaImage) -> Option<Changed> {
        let size = (seen.width() as usize, seen.height() as usize);
        let (width, is_new) = (size.0, size != self.size);
        self.size = size;
        self.picture.resize(size.0 * size.1 * 3, 0);
        self.row.resize(width * 3, 0);
        let mut band = None;
        if width > 0 {
            let rows = seen.as_raw().chunks_exact(width * BYTES).zip(self.picture.chunks_exact_mut(width * 3));
            for (at, (from, into)) in rows.enumerate() {
                to_rgb([0, 1, 2], from, &mut self.row);
                if self.row != into {
                    into.copy_from_slice(&self.row);
                    band = Some((band.map_or(at, |(first, _)| first), at));
                }
            }
        }
        if is_new {
            return None;
        }
        let mut changed = self.frames.unchanged()?;
        if let Some((first, last)) = band {
            let (top, height) = (first as f32, (last + 1 - first) as f32);
            changed.add(PixelBox { left: 0.0, top, width: width as f32, height });
        }
        Some(changed)
    }

    fn give(&mut self, captured: Instant, changed: Option<Changed>, frame: &mut Frame) {
        self.frames.give(self.size, &self.picture, captured, changed, frame);
        self.given = Some(captured);
    }
}

impl<L: Look> Source for PolledSource<L> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        wall::behind(|| self.next(frame))??;
        Ok(Read::Frame)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use image::Rgba;

    use super::*;
    use crate::capture::screen::choice::ScreenChoice;
    use crate::capture::screen::opener::Display;

    /// Gives these pictures, the last one for ever, until it is closed.
    struct Album {
        pictures: VecDeque<RgbaImage>,
        looks: usize,
    }

    impl Look for Album {
        fn look(&mut self) -> Result<RgbaImage, ScreenError> {
            self.looks = self.looks.checked_sub(1).ok_or(ScreenError::Closed)?;
            if self.pictures.len() > 1 {
                return self.pictures.pop_front().ok_or(ScreenError::Closed);
            }
            self.pictures.front().cloned().ok_or(ScreenError::Closed)
        }
    }

    fn grey(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_pixel(width, height, Rgba([90, 90, 90, 255]))
    }

    fn watch(pictures: Vec<RgbaImage>, looks: usize) -> PolledSource<Album> {
        let opener = ScreenOpener::new(ScreenChoice::Monitor(0), 60.0, Display::default());
        PolledSource::open(Album { pictures: pictures.into(), looks }, &opener).expect("it is there")
    }

    fn next(source: &mut PolledSource<Album>) -> Frame {
        let mut frame = Frame::empty();
        // What was in the buffer before must not matter.
        frame.pixels.resize(99, 77);
        source.next(&mut frame).expect("a frame");
        assert_eq!(frame.pixels.len(), frame.width * frame.height * 3);
        frame
    }

    #[test]
    fn what_changed_is_told_by_rows() {
        let mut dotted = grey(4, 6);
        dotted.put_pixel(3, 2, Rgba([1, 2, 3, 255]));
        dotted.put_pixel(0, 4, Rgba([4, 5, 6, 0]));
        let mut source = watch(vec![grey(4, 6), grey(4, 6), dotted, grey(8, 2)], usize::MAX);
        assert_eq!(source.info().size, (4, 6));
        let first = next(&mut source);
        assert_eq!((first.number, first.changed.as_ref()), (0, None), "of the first nobody knows");
        let second = next(&mut source);
        let changed = second.changed.as_ref().expect("it is told");
        assert_eq!((second.number, changed.since()), (1, 0));
        assert_eq!(changed.parts(), [PixelBox { left: 0.0, top: 2.0, width: 4.0, height: 3.0 }]);
        let at = |x: usize, y: usize| &second.pixels[(y * 4 + x) * 3..][..3];
        assert_eq!([at(3, 2), at(0, 4), at(0, 0)], [[1, 2, 3], [4, 5, 6], [90, 90, 90]]);
        let larger = next(&mut source);
        assert_eq!(((larger.width, larger.height), larger.changed), ((8, 2), None), "another size is another picture");
    }

    #[test]
    fn where_nothing_is_drawn_it_is_confirmed_now_and_then() {
        let mut source = watch(vec![grey(4, 4)], usize::MAX);
        let first = next(&mut source);
        let quiet = next(&mut source);
        assert!(quiet.captured >= first.captured + QUIET, "nothing to see, and yet a frame");
        assert!(quiet.changed.as_ref().is_some_and(|changed| changed.parts().is_empty()));
        assert_eq!(quiet.pixels, first.pixels);
    }

    #[test]
    fn what_is_closed_is_lost() {
        let mut source = watch(vec![grey(4, 4)], 3);
        next(&mut source);
        let error = source.next(&mut Frame::empty()).expect_err("it was closed");
        assert_eq!(error.to_string(), "the window was closed");
    }
}
