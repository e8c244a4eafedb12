//! A live stream from the network, decoded as it comes.

use crate::BoxError;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::address::Address;
use super::video::{OpenSettings, VideoSource};
use super::{AtEnd, Open, Opened};

/// Opens a stream. It is taken as fast as it comes: a file behind an address is over sooner than it lasts.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Where it is.
    pub address: Address,
    /// How long the network may be silent.
    pub patience: Duration,
    /// Ends a wait for the network when it becomes true.
    pub stop: Option<&'static AtomicBool>,
}

impl Open for Stream {
    fn open(&self) -> Result<Opened, BoxError> {
        // One thread: each more would hold back a frame.
        let settings =
            OpenSettings { patience: self.patience, stop: self.stop, ..OpenSettings::whole(NonZeroUsize::MIN) };
        let source = Box::new(VideoSource::open_with(&self.address, &settings)?);
        Ok(Opened { source, differs: None, at_end: AtEnd::Reopen })
    }
}
