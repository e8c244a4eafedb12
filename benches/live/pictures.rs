//! The pictures of the source: a person in 720p, each with its number in it as black and white squares, so that whoever judges
//! a picture can say which it was.

use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_edge::capture::video::VideoSource;
use cyborg_edge::capture::{Read, Source};
use cyborg_edge::frame::Frame;
use cyborg_models::lock;
use image::codecs::jpeg::JpegEncoder;
use std::num::NonZeroUsize;
use std::process::Command;

/// Width and height in pixels.
pub(crate) const SIZE: (usize, usize) = (1280, 720);
/// Pictures that are different; kept as pixels.
const FRAMES: usize = 30;
/// Marks that are different. At 30 a second they last for 17 seconds: no picture is older than that.
pub(crate) const MARKS: usize = 1 << BITS;
const BITS: usize = 9;
/// Side of a mark's squares in pixels: several of JPEG's own.
const SQUARE: usize = 24;

/// Pictures without their marks.
pub(crate) struct Pictures {
    pub(crate) frames: Vec<Vec<u8>>,
}

/// Makes them from the cached selfie, in `folder`.
pub(crate) fn make(folder: &Path) -> anyhow::Result<Pictures> {
    let clip = lock::cached("selfie").filter(|clip| clip.is_file());
    let clip = clip.context("the clip is missing: `cargo xtask setup --media`")?;
    let path = folder.join("720p.mp4");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "-1", "-i"])
        .arg(clip)
        .args([
            "-an",
            "-vf",
            "scale=1280:720,fps=30",
            "-frames:v",
            &FRAMES.to_string(),
            "-c:v",
            "libx264",
            "-crf",
            "18",
        ])
        .arg(&path)
        .status()
        .context("ffmpeg makes the clip, and can't be run")?;
    ensure!(status.success(), "ffmpeg could not make the clip");
    let mut source = VideoSource::open(&path, NonZeroUsize::MIN)?;
    let (mut frame, mut frames) = (Frame::empty(), Vec::with_capacity(FRAMES));
    while let Read::Frame = source.read(&mut frame).map_err(anyhow::Error::from_boxed)? {
        ensure!((frame.width, frame.height) == SIZE, "the clip is {}x{}", frame.width, frame.height);
        frames.push(frame.pixels.clone());
    }
    ensure!(!frames.is_empty(), "the clip is empty");
    Ok(Pictures { frames })
}

impl Pictures {
    /// The picture with this mark, as pixels.
    pub(crate) fn draw(&self, mark: usize, pixels: &mut Vec<u8>) {
        pixels.clear();
        pixels.extend_from_slice(&self.frames[mark % self.frames.len()]);
        for row in pixels.chunks_exact_mut(SIZE.0 * 3).take(SQUARE) {
            for (bit, square) in row.chunks_exact_mut(SQUARE * 3).take(BITS).enumerate() {
                square.fill(if mark >> bit & 1 == 1 { 255 } else { 0 });
            }
        }
    }

    /// The same as a JPEG file.
    pub(crate) fn coded(&self, mark: usize) -> anyhow::Result<Vec<u8>> {
        let (mut pixels, mut file) = (Vec::new(), Vec::new());
        self.draw(mark, &mut pixels);
        let (width, height) = (SIZE.0 as u32, SIZE.1 as u32);
        JpegEncoder::new_with_quality(&mut file, 85).encode(&pixels, width, height, image::ExtendedColorType::Rgb8)?;
        Ok(file)
    }
}

/// The mark that is in a picture.
pub(crate) fn mark(frame: &Frame) -> usize {
    let middle = (SQUARE / 2 * frame.width + SQUARE / 2) * 3;
    let bright = |bit: usize| frame.pixels.get(middle + bit * SQUARE * 3).is_some_and(|&value| value > 127);
    (0..BITS).filter(|&bit| bright(bit)).map(|bit| 1 << bit).sum()
}
