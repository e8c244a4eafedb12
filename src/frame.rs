//! A picture on its way through the pipeline, and the units of its place and time.

mod changed;

use std::time::Instant;

pub use changed::Changed;

/// A moment on the clock of a source, in microseconds from its zero; negative where a file starts early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PresentationTime(pub i64);

impl PresentationTime {
    /// The same in seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// How far a source has run when a frame of it is shown: its own clock, with the jumps taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// From the source's first frame; never less than that of the frame before.
    pub time: PresentationTime,
    /// How often the source's own clock has jumped up to here.
    pub jumps: u64,
}

/// A picture: RGB, eight bits a channel, rows from the top with no gap between them.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `width * height * 3` bytes, RGB.
    pub pixels: Vec<u8>,
    /// Counts the frames of a source from 0, damaged ones left out.
    pub number: u64,
    /// When the source wants it shown, by its own clock.
    pub time: PresentationTime,
    /// How far the source has run; absent where nobody has told yet, which is then what `time` says.
    pub running: Option<Running>,
    /// When it was captured or decoded: the age of a verdict counts from here.
    pub captured: Instant,
    /// Whether the decoder found it damaged and made up a part of it.
    pub patched: bool,
    /// Where it differs from an earlier frame, which who captures a screen can tell; of a clip, that it doesn't. `None`: anywhere.
    pub changed: Option<Changed>,
}

impl Frame {
    /// A frame of no size, to be filled by a source. Its buffer grows once and is then kept.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            width: 0,
            height: 0,
            pixels: Vec::new(),
            number: 0,
            time: PresentationTime::default(),
            running: None,
            captured: Instant::now(),
            patched: false,
            changed: None,
        }
    }

    /// Whether the picture is the same as that of the frame of this number.
    #[must_use]
    pub fn repeats(&self, number: u64) -> bool {
        self.changed.as_ref().is_some_and(|changed| changed.parts().is_empty() && changed.since() == number)
    }

    /// When it is shown on the source's running clock: what lies between two frames is counted by this.
    #[must_use]
    pub fn running(&self) -> PresentationTime {
        self.running.map_or(self.time, |running| running.time)
    }

    /// How often the source's own clock has jumped up to here.
    #[must_use]
    pub fn jumps(&self) -> u64 {
        self.running.map_or(0, |running| running.jumps)
    }

    /// Gives the frame a size, and its buffer the length for it. What the pixels hold is left open.
    pub fn resize(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        self.pixels.resize(width * height * 3, 0);
    }
}

/// A box in pixels of a frame, fractions and parts outside the frame allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelBox {
    /// Distance from the left edge of the frame.
    pub left: f32,
    /// Distance from the upper edge of the frame.
    pub top: f32,
    /// Width, not negative.
    pub width: f32,
    /// Height, not negative.
    pub height: f32,
}

impl PixelBox {
    /// Intersection over union with another box, in 0 to 1; 0 when both are empty.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f32 {
        let width = (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let height = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        let common = width.max(0.0) * height.max(0.0);
        let union = self.width * self.height + other.width * other.height - common;
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// Its area in pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The smallest box around both.
    #[must_use]
    pub fn around(&self, other: &Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        Self { left, top, width: right - left, height: bottom - top }
    }

    /// Whether both have a part in common. A box without an area has none.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let width = (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let height = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        width > 0.0 && height > 0.0
    }

    /// The same box in a picture whose sides are `across` and `down` times as long.
    #[must_use]
    pub fn scaled(&self, across: f32, down: f32) -> Self {
        Self { left: self.left * across, top: self.top * down, width: self.width * across, height: self.height * down }
    }
}

/// A point in pixels of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PixelPoint {
    /// Distance from the left edge of the frame.
    pub x: f32,
    /// Distance from the upper edge of the frame.
    pub y: f32,
}

/// Grey of an RGB pixel, 0 to 255, with the weights of ITU-R BT.601.
pub(crate) fn luma(pixel: &[u8]) -> f32 {
    0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
}
