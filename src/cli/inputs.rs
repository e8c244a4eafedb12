//! The flags of `video` that say what is read: files, folders, addresses and the standard input.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::frames::FrameArgs;
use super::outcome::UsageError;
use super::sources::{self, Wanted};
use crate::capture::address::Address;
use crate::capture::raw::RawShape;
use crate::capture::{Source, folder, video};
use crate::name;
use crate::sink::video::Sound;

#[derive(Args, Debug)]
pub(super) struct InputArgs {
    /// Video files, folders with videos, addresses (rtsp://, https://), or - for standard input
    #[arg(required = true, value_name = "CLIP")]
    clips: Vec<OsString>,
    /// Standard input is raw RGB frames without a container, at 25 frames a second unless given
    #[arg(long, value_name = "WIDTHxHEIGHT[@FPS]", value_parser = raw_shape)]
    raw: Option<RawShape>,
    #[command(flatten)]
    pub(super) frames: FrameArgs,
}

impl InputArgs {
    /// All inputs, folders replaced by the videos in them; what can't be read is an error of its own.
    pub(super) fn expand(&self) -> anyhow::Result<Expanded> {
        self.frames.check()?;
        let given: Vec<Address> = self.clips.iter().map(|clip| Address::of(clip)).collect();
        let stdin = given.iter().filter(|address| **address == Address::Stdin).count();
        if stdin > 1 {
            return Err(UsageError("- is named twice, but standard input can be read only once".to_owned()).into());
        }
        if self.raw.is_some() && (stdin == 0 || given.len() > 1) {
            return Err(UsageError("--raw is for standard input: give - as the only clip".to_owned()).into());
        }
        Ok(Expanded::of(given))
    }

    /// Opens one of them; of `threads`, half may decode. `stop` ends a wait for the network.
    pub(super) fn open(
        &self,
        address: &Address,
        threads: NonZeroUsize,
        stop: &'static AtomicBool,
    ) -> anyhow::Result<Box<dyn Source>> {
        sources::open(address, &Wanted { raw: self.raw, ..self.frames.wanted(threads, stop) })
    }

    /// The sound that goes with an annotated video: that of a file, between `--start` and `--end`. What can be read but once
    /// has none.
    pub(super) fn sound(&self, address: &Address) -> Option<Sound> {
        let path = address.path().filter(|path| path.is_file())?.to_owned();
        Some(Sound { path, from: self.frames.start, until: self.frames.end })
    }
}

/// What the named inputs are.
#[derive(Default)]
pub(super) struct Expanded {
    /// The clips, those of a folder in the order of their names.
    pub(super) clips: Vec<Address>,
    /// Inputs that can't be read.
    pub(super) failures: Vec<anyhow::Error>,
    /// What was left out of each folder, in words.
    pub(super) left_out: Vec<String>,
}

impl Expanded {
    pub(super) fn of(given: Vec<Address>) -> Self {
        let mut expanded = Self::default();
        given.into_iter().for_each(|address| expanded.add(address));
        expanded
    }

    fn add(&mut self, address: Address) {
        let Some(folder) = address.path().filter(|path| path.is_dir()) else {
            self.clips.push(address);
            return;
        };
        let told = name::of(folder);
        let listing = match folder::list(folder, &video::ENDINGS) {
            Ok(listing) => listing,
            Err(error) => {
                self.failures.push(anyhow::Error::from(error).context(format!("can't read folder {told}")));
                return;
            }
        };
        if listing.files.is_empty() {
            let endings = video::ENDINGS.join(", ");
            self.failures.push(anyhow::anyhow!("{told} contains no videos (looked for {endings})"));
        }
        self.clips.extend(listing.files.into_iter().map(Address::File));
        let unreadable = listing.unreadable.into_iter();
        self.failures.extend(unreadable.map(|(below, error)| {
            anyhow::Error::from(error).context(format!("can't read folder {}", name::of(below)))
        }));
        if !listing.left_out.is_empty() {
            self.left_out.push(format!("{told}: {}", listing.left_out));
        }
    }
}

fn raw_shape(text: &str) -> Result<RawShape, String> {
    let shape = || -> Option<RawShape> {
        let (size, rate) = text.split_once('@').unwrap_or((text, "25"));
        let (width, height) = size.split_once('x')?;
        let shape = RawShape { width: width.parse().ok()?, height: height.parse().ok()?, rate: rate.parse().ok()? };
        let rate_is_one = shape.rate.is_finite() && (1e-3..=1e6).contains(&shape.rate);
        (shape.width > 0 && shape.height > 0 && rate_is_one).then_some(shape)
    };
    shape().ok_or_else(|| "expected width and height in pixels, and a rate if it isn't 25: 640x480@30".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_shapes() {
        let shape = |width, height, rate| Some(RawShape { width, height, rate });
        assert_eq!(raw_shape("640x480").ok(), shape(640, 480, 25.0));
        assert_eq!(raw_shape("3x2@29.97").ok(), shape(3, 2, 29.97));
        for wrong in ["", "640", "0x4", "4x0", "4x4@0", "4x4@nan", "4x4@-1", "-4x4", "4x4x4", "4294967296x1"] {
            assert!(raw_shape(wrong).is_err(), "{wrong}");
        }
    }
}
