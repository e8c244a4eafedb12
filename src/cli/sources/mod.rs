//! What can be read frame by frame: one file for each kind of source, and a row of each here.

mod animation;
mod raw;
mod video;

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::capture::Source;
use crate::capture::address::Address;
use crate::capture::raw::RawShape;
use crate::capture::stretch::Stretch;

/// What is asked for of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Standard input has no container, but frames of this shape.
    pub(super) raw: Option<RawShape>,
    /// Which frames.
    pub(super) stretch: Stretch,
    /// Pictures with more pixels are refused.
    pub(super) most_pixels: u64,
    /// How long an address may be silent.
    pub(super) patience: Duration,
    /// Threads of the whole run; half of them may decode.
    pub(super) threads: NonZeroUsize,
    /// Ends a wait for what is read.
    pub(super) stop: &'static AtomicBool,
}

/// Opens a source where it is of this kind, `None` where it isn't.
type Open = fn(&Address, &Wanted) -> Option<anyhow::Result<Box<dyn Source>>>;

/// All kinds. The first that takes it has it: the last takes everything.
const KINDS: [Open; 3] = [raw::open, animation::open, video::open];

/// Opens a source of any kind.
pub(super) fn open(address: &Address, wanted: &Wanted) -> anyhow::Result<Box<dyn Source>> {
    let opened = KINDS.iter().find_map(|open| open(address, wanted));
    opened.unwrap_or_else(|| anyhow::bail!("{} is of no kind that can be read", address.name()))
}
