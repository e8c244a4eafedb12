//! A live stream from the network, decoded as it comes.

use crate::BoxError;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::address::Address;
use super::video::{Decode, OpenSettings, VideoSource};
use super::{AtEnd, Open, Opened};

/// Opens a stream. It is taken as fast as it comes: a file behind an address is over sooner than it lasts.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Where it is.
    pub address: Address,
    /// How long the network may be silent.
    pub patience: Duration,
    /// Who decodes.
    pub decode: Decode,
    /// Ends a wait for the network when it becomes true.
    pub stop: Option<&'static AtomicBool>,
    /// Whether it may lead nowhere else; see [`OpenSettings::confined`].
    pub confined: bool,
}

impl Open for Stream {
    fn open(&self) -> Result<Opened, BoxError> {
        // One thread: each more would hold back a frame.
        let Self { patience, decode, stop, confined, .. } = *self;
        let settings = OpenSettings { patience, decode, stop, confined, ..OpenSettings::whole(NonZeroUsize::MIN) };
        let source = VideoSource::open_with(&self.address, &settings)?;
        if decode != Decode::Cpu {
            log::info!("{}: decoder: {}", self.address.name(), source.decoded_by());
        }
        Ok(Opened { source: Box::new(source), differs: None, at_end: AtEnd::Reopen })
    }
}
