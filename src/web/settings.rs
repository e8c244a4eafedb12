//! Where a page is served and to whom.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::origin;
use super::secret::Secret;
use crate::name;

/// Where a page is served, and to whom.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// The address to listen at; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What readers have to know, one of these. Only an address of this machine alone does without.
    pub secrets: Vec<Secret>,
    /// Name of the cookie that holds it. Pages on several ports of a machine share its cookies, so each kind has its own.
    pub cookie: &'static str,
    /// Certificate and key; without them the page is served in the clear.
    pub tls: Option<TlsFiles>,
    /// Names, beside its addresses and `localhost`, by which readers may call this machine; and, with their scheme
    /// (`https://host/path`), the addresses at which proxies serve the page.
    pub names: Vec<String>,
}

/// Reads the address at which a proxy serves the page, to be one of [`WebSettings::names`].
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

/// A page that can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Everybody in the network could watch.
    #[error("{0} can be reached from other machines, so a token is needed")]
    NeedsToken(SocketAddr),
    /// The address can't be had.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: std::io::Error,
    },
    /// Certificate or key is of no use.
    #[error("{}: {reason}", name::of(path))]
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
