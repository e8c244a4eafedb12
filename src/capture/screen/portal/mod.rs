//! Wayland: the desktop's portal lets its user choose a screen (`bus`; `consent` is what becomes of it, `token` what is kept of it,
//! `response` what answers mean), and PipeWire brings its pictures (`stream`; `params` is what is asked for, `picture` what is made
//! of it). `source` makes frames of that.
//!
//! Nothing of another program can be seen without its user's consent here, so nothing is chosen by title or number.

mod bus;
mod consent;
mod error;
mod params;
mod picture;
mod response;
mod source;
mod stream;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use error::PortalError;

use super::USUAL_RATE;
use crate::BoxError;
use crate::capture::{AtEnd, Open, Opened};
use consent::Consent;
use source::PortalSource;
use stream::Stream;
use token::TokenFile;

/// The name of such a source.
const NAME: &str = "portal";
/// How often it looks whether the program is to end while the desktop asks.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long an opening waits for the user. The next one waits for the same answer.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Opens the screen that the desktop's user chooses, and the same again when it was lost.
#[derive(Debug)]
pub struct PortalOpener {
    /// Looks a second at most, 1 to 60.
    rate: f64,
    consent: Arc<Consent>,
}

impl PortalOpener {
    /// Of the desktop that the environment names, `rate` looks a second at most. Nobody is asked yet.
    ///
    /// # Errors
    ///
    /// When the system gives no timer.
    pub fn new(rate: f64) -> Result<Self, PortalError> {
        Ok(Self::of(rate, Consent::new(None, TokenFile::usual())?))
    }

    /// Of the desktop on the D-Bus at `address`; its token is kept in the file `token`.
    ///
    /// # Errors
    ///
    /// When the system gives no timer.
    pub fn at(rate: f64, address: &str, token: PathBuf) -> Result<Self, PortalError> {
        Ok(Self::of(rate, Consent::new(Some(address.to_owned()), TokenFile::at(token))?))
    }

    fn of(rate: f64, consent: Consent) -> Self {
        let rate = if rate.is_finite() { rate.clamp(1.0, 60.0) } else { USUAL_RATE };
        Self { rate, consent: Arc::new(consent) }
    }

    fn source(&self) -> Result<PortalSource, PortalError> {
        self.consent.obtain(OPEN_WITHIN)?;
        let (remote, node) = self.consent.remote()?;
        let stream = Stream::hear(remote, node, self.rate)?;
        PortalSource::of(stream, Arc::clone(&self.consent), NAME.to_owned(), self.rate)
    }
}

impl Open for PortalOpener {
    /// Asks the desktop, which may ask its user, and waits for the answer. Opening asks too, where nobody was asked before, but
    /// doesn't wait for long.
    fn prepare(&self, stop: &AtomicBool) -> Result<bool, BoxError> {
        while !stop.load(Ordering::Relaxed) {
            match self.consent.obtain(POLL_INTERVAL) {
                Err(PortalError::Waiting) => {}
                answer => return Ok(answer.map(|()| true)?),
            }
        }
        Ok(false)
    }

    fn open(&self) -> Result<Opened, BoxError> {
        let source = self.source().map_err(|error| self.consent.not_opened(error))?;
        Ok(Opened { source: Box::new(source), differs: None, at_end: AtEnd::Reopen })
    }
}
