//! Where a page is served and to whom, and what it says of the run.

use std::net::SocketAddr;

use crate::live::limits::Limits;
use crate::web::{Secret, TlsFiles, WebSettings};

/// The cookie that holds the token.
const COOKIE: &str = "cyborg_token";

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

impl From<PageSettings> for WebSettings {
    fn from(PageSettings { listen, token, tls, names }: PageSettings) -> Self {
        Self { listen, secrets: token.into_iter().collect(), cookie: COOKIE, tls, names }
    }
}

/// What the page says of the run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Facts {
    /// Program and version.
    pub tool: String,
    /// The model's name.
    pub model: String,
    /// The execution provider: asked, got, why.
    pub provider: String,
    /// The model's own thresholds.
    pub thresholds: Limits,
    /// What is said while the run is recorded; absent where it isn't.
    pub record: Option<String>,
}
