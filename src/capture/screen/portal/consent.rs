//! The desktop's consent: asked for once, waited for in pieces, and asked for again by the token when the stream was lost.
//!
//! The user may take minutes over the dialog, and whoever opens a source gives up sooner and tries again. So a question goes on
//! while nobody waits for it, and who comes next waits for the same one: no second dialog stands beside the first.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::bus::{self, Grant};
use super::error::PortalError;
use super::token::TokenFile;
use crate::BoxError;
use crate::capture::NeverAgain;

/// A stream that is lost because the desktop ended the sharing: that is heard of within this time.
const HEARD_WITHIN: Duration = Duration::from_millis(300);

/// The consent to one screen, for who opens it and who reads it.
pub(super) struct Consent(Mutex<Held>);

/// How things stand with it.
struct Held {
    state: State,
    /// Whether it was given with a token: then it is given again without a dialog.
    remembered: bool,
    /// Of the bus; as the session says where absent.
    address: Option<String>,
    token: TokenFile,
    // Last: what the others leave behind on it needs it.
    runtime: Runtime,
}

enum State {
    Open,
    Asked(JoinHandle<Result<Grant, PortalError>>),
    Given(Box<Grant>),
    /// For good.
    Refused(PortalError),
}

impl Consent {
    /// Of the desktop on the bus at `address`, or of the session's. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// When the system gives no timer.
    pub(super) fn new(address: Option<String>, token: TokenFile) -> Result<Self, PortalError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| PortalError::Session(error.to_string()))?;
        Ok(Self(Mutex::new(Held { state: State::Open, remembered: false, address, token, runtime })))
    }

    /// Asks, where that isn't done, and waits for the answer up to `patience`.
    ///
    /// # Errors
    ///
    /// [`PortalError::Waiting`] while the desktop still asks its user; else when nothing may be watched.
    pub(super) fn obtain(&self, patience: Duration) -> Result<(), PortalError> {
        self.held().obtain(patience)
    }

    /// A way to the stream, and its number there.
    ///
    /// # Errors
    ///
    /// When there is no consent, or the portal gives no way.
    pub(super) fn remote(&self) -> Result<(OwnedFd, u32), PortalError> {
        let held = &mut *self.held();
        let State::Given(grant) = &held.state else {
            return Err(PortalError::Waiting);
        };
        Ok((held.runtime.block_on(grant.remote())?, grant.granted.node))
    }

    /// Whether the desktop has ended the sharing; waits up to `patience` to hear of it.
    pub(super) fn is_withdrawn(&self, patience: Duration) -> bool {
        self.held().is_withdrawn(patience)
    }

    /// What it means that the screen was lost. It is asked for anew the next time, unless the sharing was ended on purpose.
    pub(super) fn lost(&self, error: PortalError) -> BoxError {
        self.held().lost(error, |_| false)
    }

    /// What it means that the screen can't be opened. Where the desktop would show its dialog for each try, there is no other.
    pub(super) fn not_opened(&self, error: PortalError) -> BoxError {
        self.held().lost(error, |held| !held.remembered)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn obtain(&mut self, patience: Duration) -> Result<(), PortalError> {
        if let State::Open = self.state {
            self.state = State::Asked(self.runtime.spawn(bus::ask(self.address.clone(), self.token.read())));
        }
        let asking = match &mut self.state {
            State::Asked(asking) => asking,
            State::Refused(error) => return Err(error.clone()),
            State::Open | State::Given(_) => return Ok(()),
        };
        let answer = match self.runtime.block_on(async { timeout(patience, asking).await }) {
            Err(_) => return Err(PortalError::Waiting),
            Ok(Ok(answer)) => answer,
            // It panicked: what the portal says is foreign.
            Ok(Err(error)) => Err(PortalError::Session(error.to_string())),
        };
        match answer {
            Ok(grant) => {
                let token = grant.granted.token.as_deref();
                self.remembered = token.is_some();
                self.token.keep(token);
                self.state = State::Given(Box::new(grant));
                Ok(())
            }
            Err(error) => {
                self.state = if error == PortalError::Cancelled { State::Refused(error.clone()) } else { State::Open };
                Err(error)
            }
        }
    }

    fn is_withdrawn(&mut self, patience: Duration) -> bool {
        if let State::Given(grant) = &mut self.state
            && self.runtime.block_on(async { timeout(patience, grant.ended()).await }).is_ok()
        {
            let ended = std::mem::replace(&mut self.state, State::Refused(PortalError::Withdrawn));
            self.leave(ended);
        }
        matches!(self.state, State::Refused(_))
    }

    fn lost(&mut self, error: PortalError, for_good: impl FnOnce(&Self) -> bool) -> BoxError {
        self.is_withdrawn(HEARD_WITHIN);
        match &self.state {
            State::Refused(no) => NeverAgain(no.clone().into()).into(),
            State::Open | State::Asked(_) => error.into(),
            // It is shared as before, and something may be drawn yet.
            State::Given(_) if matches!(error, PortalError::NoPicture(_)) => error.into(),
            State::Given(_) => {
                self.forget();
                if for_good(self) { NeverAgain(error.into()).into() } else { error.into() }
            }
        }
    }

    /// Gives it back, to ask anew the next time.
    fn forget(&mut self) {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Given(grant) => self.runtime.block_on(grant.close()),
            other => self.leave(other),
        }
    }

    /// Lets go of it on the runtime, which the connection needs for that.
    fn leave(&self, state: State) {
        self.runtime.block_on(async { drop(state) });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.forget();
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent").finish_non_exhaustive()
    }
}
