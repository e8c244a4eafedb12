//! Serving a page, from a thread with a server of its own.

use std::net::{IpAddr, SocketAddr};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::settings::{PageError, WebSettings};
use super::site::Site;
use super::{guard, server};

/// A page that is being served; dropping it ends that within a second.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    secure: bool,
    stop: watch::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// Serves a site from a thread of its own.
///
/// # Errors
///
/// When other machines could watch without a token, the address is taken, or certificate and key are of no use.
pub fn serve(settings: &WebSettings, site: Site) -> Result<Served, PageError> {
    let local = settings.listen.ip().is_loopback();
    if !local && settings.secrets.is_empty() {
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

    let guard = guard::Guard::new(settings, address, secure);
    let runtime = server::runtime().map_err(PageError::Start)?;
    let (stop, stopped) = watch::channel(());
    let thread = std::thread::Builder::new()
        .name("page".into())
        .spawn(move || server::run(runtime, listener, acceptor, guard, site, stopped))
        .map_err(PageError::Start)?;
    Ok(Served { address, secure, stop, thread: Some(thread) })
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
