//! A page to choose a screen from, before a live run begins: small pictures of all monitors and windows.
//!
//! It is served at the address that the run's own page has later, behind the same guards, and ends with the first choice that is
//! good. `settle` decides what is, `routes` has the addresses.

mod routes;
mod settle;

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::capture::screen::{Display, Listed, ScreenChoice};
use crate::web::{self, PageError, Served, Site, WebSettings};

/// So long the server stays when something was chosen, for the browser to get its answer.
const ANSWERED: Duration = Duration::from_millis(300);

/// A page that is being chosen from; dropping it ends that within a second, and the address is free.
#[derive(Debug)]
pub struct Chooser {
    served: Served,
    chosen: Receiver<ScreenChoice>,
}

impl Chooser {
    /// Serves the page. `listed` is what there is now; a reader can ask for more. What is in `taken` can't be chosen, for it is
    /// watched already.
    ///
    /// # Errors
    ///
    /// As [`web::serve`]: other machines could choose without a token, the address is taken, or certificate and key are of no use.
    pub fn serve(
        settings: &WebSettings,
        display: Display,
        listed: Vec<Listed>,
        taken: Vec<ScreenChoice>,
    ) -> Result<Self, PageError> {
        let (tell, chosen) = channel();
        let served = web::serve(settings, Site::new(routes::router(routes::Room::new(display, listed, taken, tell))))?;
        Ok(Self { served, chosen })
    }

    /// Where it is.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.served
    }

    /// What was chosen, waiting for it at most so long; `None` if nothing was until then.
    ///
    /// # Errors
    ///
    /// When the server is gone, so that nothing will be chosen.
    pub fn wait(&self, at_most: Duration) -> Result<Option<ScreenChoice>, RecvTimeoutError> {
        match self.chosen.recv_timeout(at_most) {
            Ok(choice) => {
                thread::sleep(ANSWERED);
                Ok(Some(choice))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(gone) => Err(gone),
        }
    }
}
