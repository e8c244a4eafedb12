//! Serving the page of a live run.

use std::sync::Arc;

use super::feed::Page;
use super::routes;
use super::settings::{Facts, PageSettings};
use crate::live::limits::ThresholdSwitch;
use crate::web::{self, PageError, Served, Site};

impl Page {
    /// Serves the page from a thread of its own.
    ///
    /// # Errors
    ///
    /// When other machines could watch without a token, the address is taken, or certificate and key are of no use.
    pub fn serve(
        self: &Arc<Self>,
        settings: PageSettings,
        facts: Facts,
        switch: Arc<dyn ThresholdSwitch>,
    ) -> Result<Served, PageError> {
        let room = Arc::new(routes::Room::new(Arc::clone(self), facts, switch));
        let site = Site::new(routes::router(Arc::clone(&room))).places(Arc::clone(&room.places));
        web::serve(&settings.into(), site.beside(async move { room.recorder.run().await }))
    }
}
