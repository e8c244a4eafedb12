//! The page of a live run: a small server that shows the newest picture, the verdicts and the numbers to whoever asks.
//!
//! A [`Page`] is an [`Audience`]: it keeps the newest picture and never waits. [`Page::serve`] starts a thread with a
//! server of its own. There, one task turns each picture into data once for all readers (`recorder`), pictures are
//! encoded when somebody asks (`picture`), and `guard` decides who may ask.
//!
//! A reader gets what is newest at the time it can take something, so that a slow one misses pictures and holds up nobody.

mod guard;
mod history;
mod numbers;
mod origin;
mod patient;
mod picture;
mod recorder;
mod routes;
mod secret;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::metrics::LiveMetrics;
use super::view::{Audience, SourceState, View};

use crate::name;

pub use super::limits::{Limits, LimitsError, SharedLimits, ThresholdSwitch};
pub use secret::{Secret, SecretError};

/// What is shown at a moment.
#[derive(Clone, Debug)]
struct Shown {
    /// Counts the pictures from 1, over all times the source came back; 0 before the first.
    number: u64,
    view: Option<Arc<View>>,
}

/// Keeps what there is to see, for a server and its readers.
#[derive(Debug)]
pub struct Page {
    shown: watch::Sender<Shown>,
    source: watch::Sender<SourceState>,
}

/// Where a page is served, and to whom.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// The address to listen at; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What readers have to know. Only an address of this machine alone does without.
    pub token: Option<Secret>,
    /// Certificate and key; without them the page is served in the clear.
    pub tls: Option<TlsFiles>,
    /// Names, beside its addresses and `localhost`, by which readers may call this machine; and, with their scheme
    /// (`https://host/path`), the addresses at which proxies serve the page.
    pub names: Vec<String>,
}

/// Reads the address at which a proxy serves the page, to be one of [`PageSettings::names`].
///
/// # Errors
///
/// When it has no scheme of the web, no host, or more than a path behind it.
pub fn read_origin(text: &str) -> Result<String, String> {
    origin::Origin::read(text).map(|_| text.to_owned()).ok_or_else(|| origin::EXPECTED.to_owned())
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain of certificates, the server's own first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the page says of the run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Facts {
    /// Program and version.
    pub tool: String,
    /// The source's name, without its secrets.
    pub source: String,
    /// The model's name.
    pub model: String,
    /// The execution provider: asked, got, why.
    pub provider: String,
    /// The model's own thresholds.
    pub thresholds: Limits,
}

/// A page that can't be served.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Everybody in the network could watch.
    #[error(
        "{0} can be reached from other machines, so a token is needed; give one with --token-file, or listen at 127.0.0.1"
    )]
    NeedsToken(SocketAddr),
    /// The address can't be had.
    #[error("can't listen at {address}: {reason}; choose another one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: std::io::Error,
    },
    /// Certificate or key is of no use.
    #[error("{}: {reason}; --tls-cert and --tls-key want a certificate and its key as PEM files", name::of(path))]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gave no thread or no timer.
    #[error("can't start the server of the page: {0}")]
    Start(#[source] std::io::Error),
}

/// A page that is being served; dropping it ends that within a second.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    secure: bool,
    stop: watch::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

impl Page {
    /// A page that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let shown = watch::Sender::new(Shown { number: 0, view: None });
        Self { shown, source: watch::Sender::new(SourceState::Starting) }
    }

    /// Serves the page from a thread of its own.
    ///
    /// # Errors
    ///
    /// When other machines could watch without a token, the address is taken, or certificate and key are of no use.
    pub fn serve(
        self: &Arc<Self>,
        settings: PageSettings,
        metrics: Arc<LiveMetrics>,
        facts: Facts,
        switch: Arc<dyn ThresholdSwitch>,
    ) -> Result<Served, PageError> {
        let local = settings.listen.ip().is_loopback();
        if !local && settings.token.is_none() {
            return Err(PageError::NeedsToken(settings.listen));
        }
        if !local && settings.tls.is_none() {
            log::warn!(
                "{} is served in the clear: whoever sits between can read pictures and token; give --tls-cert and --tls-key",
                settings.listen
            );
        }
        let acceptor = settings.tls.as_ref().map(server::tls).transpose()?;
        let secure = acceptor.is_some();
        let cannot = |reason| PageError::Listen { address: settings.listen, reason };
        let listener = std::net::TcpListener::bind(settings.listen).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(PageError::Start)?;
        let address = listener.local_addr().map_err(PageError::Start)?;

        let guard = guard::Guard::new(&settings, address, secure);
        let room = routes::Room::new(Arc::clone(self), metrics, facts, switch);
        let runtime = server::runtime().map_err(PageError::Start)?;
        let (stop, stopped) = watch::channel(());
        let thread = std::thread::Builder::new()
            .name("page".into())
            .spawn(move || server::run(runtime, listener, acceptor, guard, room, stopped))
            .map_err(PageError::Start)?;
        Ok(Served { address, secure, stop, thread: Some(thread) })
    }
}

impl Audience for Page {
    fn show(&self, view: Arc<View>) {
        // The picture before goes away outside the channel's lock.
        let number = self.shown.borrow().number + 1;
        drop(self.shown.send_replace(Shown { number, view: Some(view) }));
    }

    fn source(&self, state: SourceState) {
        self.source.send_replace(state);
    }
}

impl Served {
    /// The address that is listened at, with the port that was got.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser of this machine; the token is not in it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        let port = self.address.port();
        match self.address.ip() {
            ip if ip.is_unspecified() => format!("{scheme}://localhost:{port}/"),
            IpAddr::V4(ip) => format!("{scheme}://{ip}:{port}/"),
            IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{port}/"),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.send_replace(());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of the page's server panicked");
        }
    }
}
