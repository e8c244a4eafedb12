//! Events as HTTP requests: a POST each, whose body is the event.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::event::Event;
use super::output::{Output, Trouble};
use super::place::Place;
use super::trust::{self, TrustError};

use crate::name;

/// From the first look at the network to the end of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The part of it for the connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The schemes of its addresses.
pub const SCHEMES: [&str; 2] = ["http", "https"];
/// A longer token is no token.
const LONGEST_TOKEN: usize = 4096;

/// A token that is sent with each event (`Authorization: Bearer`), and never shown.
#[derive(Clone)]
pub struct Token(String);

/// A token that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}; a token file holds only the token, in printable ASCII", name::of(path))]
pub struct TokenError {
    path: PathBuf,
    reason: String,
}

/// Sends events to a web server.
pub struct Webhook {
    place: Place,
    agent: Agent,
    authorization: Option<String>,
}

impl Token {
    /// Reads a token from a file that holds nothing else; white space around it doesn't count.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or holds no token.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let fault = |reason: String| TokenError { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let token = text.trim();
        let fits = (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|sign| sign.is_ascii_graphic());
        if fits { Ok(Self(token.to_owned())) } else { Err(fault("it contains no token".to_owned())) }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Webhook {
    /// Sends to `place`, with a token or, where the address has them, user and password.
    ///
    /// # Errors
    ///
    /// When the address is one with TLS, and the system names nobody to trust.
    pub fn new(place: Place, token: Option<Token>) -> Result<Self, TrustError> {
        let basic = || {
            let (user, password) = place.login.as_ref()?;
            Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
        };
        let authorization = token.map(|Token(token)| format!("Bearer {token}")).or_else(basic);
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(trust::provider());
        if place.scheme == "https" {
            let roots = trust::roots()?;
            let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
            tls = tls.root_certs(RootCerts::from(roots));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(ANSWER_WITHIN))
            .timeout_connect(Some(CONNECT_WITHIN))
            .user_agent(concat!("cyborg/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // An event goes to whom it was meant for, and to nobody that this one names.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build();
        Ok(Self { agent: config.new_agent(), authorization, place })
    }
}

impl Output for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn send(&mut self, event: &Event) -> Result<(), Trouble> {
        let mut request = self.agent.post(&self.place.plain).content_type("application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let name = self.place.name();
        let answer = request.send(&*event.json).map_err(|error| {
            // A server that is not there may come back. What it says of the address is ours to hide.
            Trouble::Later(format!("{name}: {}", self.place.scrubbed(&error.to_string())))
        })?;
        let status = answer.status().as_u16();
        match status {
            200..300 => Ok(()),
            // Timeout, too early, too many: its own words for a later try.
            408 | 425 | 429 | 500.. => Err(Trouble::Later(format!("{name} answered {status}"))),
            _ => Err(Trouble::Refused(format!("{name} answered {status}"))),
        }
    }
}
