//! What is served: routes, and what runs beside them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use tokio::sync::Semaphore;

/// More connections are not served at a time.
pub const MOST_CONNECTIONS: usize = 256;

/// What is served.
pub struct Site {
    pub(super) router: Router,
    pub(super) background: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    pub(super) places: Arc<Semaphore>,
}

impl Site {
    /// The routes, to which the guards are added.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self { router, background: None, places: Arc::new(Semaphore::new(MOST_CONNECTIONS)) }
    }

    /// Runs beside the server, on its thread. The page ends when this does.
    #[must_use]
    pub fn beside(mut self, background: impl Future<Output = ()> + Send + 'static) -> Self {
        self.background = Some(Box::pin(background));
        self
    }

    /// Takes the connections' places from `places`, in which others see how many are left.
    #[must_use]
    pub fn places(mut self, places: Arc<Semaphore>) -> Self {
        self.places = places;
        self
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("router", &self.router).field("places", &self.places).finish_non_exhaustive()
    }
}
