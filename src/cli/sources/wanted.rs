//! What is asked for of a source.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::capture::raw::RawShape;
use crate::capture::stretch::Stretch;
use crate::capture::video::Decode;

/// What is asked for of a source.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Wanted {
    /// Standard input has no container, but frames of this shape.
    pub(in crate::cli) raw: Option<RawShape>,
    /// Which frames.
    pub(in crate::cli) stretch: Stretch,
    /// Pictures with more pixels are refused.
    pub(in crate::cli) most_pixels: u64,
    /// How long an address may be silent.
    pub(in crate::cli) patience: Duration,
    /// Threads of the whole run; half of them may decode.
    pub(in crate::cli) threads: NonZeroUsize,
    /// Who decodes.
    pub(in crate::cli) decode: Decode,
    /// Ends a wait for what is read.
    pub(in crate::cli) stop: &'static AtomicBool,
    /// Whether it may lead nowhere else.
    pub(in crate::cli) confined: bool,
}
