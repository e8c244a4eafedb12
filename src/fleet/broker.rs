//! The way to the broker: its address, who we are there, and what is said when it goes away.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};

use percent_encoding::percent_decode_str;
use url::Url;

use super::error::FleetError;
use crate::capture::address::Address;
use crate::name;

/// For a connection to be made, and for an answer to a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries to reach a broker that went away, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// A broker that is silent for twice as long is gone, whatever the connection says.
const PING: Duration = Duration::from_secs(10);

/// Where the broker is, and who we are there.
#[derive(Clone)]
pub struct BrokerSettings {
    /// Addresses of servers (`nats://host:4222`, `tls://host`), with commas between them. They may hold a login.
    pub url: String,
    /// A file of credentials, as `nsc` makes it.
    pub credentials: Option<PathBuf>,
    /// A file with the seed of an nkey.
    pub nkey: Option<PathBuf>,
    /// Certificates of those who may vouch for the broker, in PEM; those of the system where there is none.
    pub authorities: Option<PathBuf>,
}

impl std::fmt::Debug for BrokerSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerSettings").field("url", &self.name()).finish_non_exhaustive()
    }
}

impl BrokerSettings {
    /// At this address, without credentials.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), credentials: None, nkey: None, authorities: None }
    }

    /// The addresses without their secrets.
    #[must_use]
    pub fn name(&self) -> String {
        let names = self.addresses().map(|address| Address::Url(address).name());
        names.collect::<Vec<_>>().join(",")
    }

    fn addresses(&self) -> impl Iterator<Item = String> {
        let full = |text: &str| if text.contains("://") { text.to_owned() } else { format!("nats://{text}") };
        self.url.split(',').map(str::trim).filter(|text| !text.is_empty()).map(full)
    }

    /// Connects. From then on the connection is made again whenever it is lost, for as long as it takes.
    pub(super) async fn connect(&self) -> Result<Client, FleetError> {
        let options = self.options().await?;
        let addresses: Vec<String> = self.addresses().collect();
        let connected = tokio::time::timeout(PATIENCE + PATIENCE, options.connect(addresses)).await;
        let broker = self.name();
        let error = match connected {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => error,
            Err(_) => return Err(FleetError::Away { broker, reason: "it doesn't answer".to_owned() }),
        };
        // An address may stand in the words of what lies behind: they are left out where they could.
        let reason = match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                let reason = "it wants other credentials".to_owned();
                return Err(FleetError::Refused { broker, reason });
            }
            ConnectErrorKind::ServerParse => "the address can't be read".to_owned(),
            ConnectErrorKind::Dns => "its name is not known".to_owned(),
            ConnectErrorKind::TimedOut => "it doesn't answer".to_owned(),
            ConnectErrorKind::Tls => format!("TLS failed: {}", source(&error)),
            ConnectErrorKind::Io => source(&error),
            other => other.to_string(),
        };
        Err(FleetError::Away { broker, reason })
    }

    async fn options(&self) -> Result<ConnectOptions, FleetError> {
        let secret = |path: &PathBuf, reason: String| FleetError::Secret { path: name::of(path), reason };
        let mut options = ConnectOptions::new();
        // The client doesn't take a login from an address by itself.
        if let Some(login) = self.addresses().find_map(|address| login(&address)) {
            options = match login {
                (token, None) => options.token(token),
                (user, Some(password)) => options.user_and_password(user, password),
            };
        }
        if let Some(path) = &self.credentials {
            let text = std::fs::read_to_string(path).map_err(|error| secret(path, error.to_string()))?;
            // Its own words could quote the file.
            let told = |_| secret(path, "it is no file of credentials".to_owned());
            options = options.credentials(&text).map_err(told)?;
        }
        if let Some(path) = &self.nkey {
            let seed = std::fs::read_to_string(path).map_err(|error| secret(path, error.to_string()))?;
            let line = seed.lines().map(str::trim).find(|line| line.starts_with("SU"));
            let seed = line.ok_or_else(|| secret(path, "it holds no user's seed, which begins with SU".to_owned()))?;
            options = options.nkey(seed.to_owned());
        }
        if let Some(path) = &self.authorities {
            std::fs::metadata(path).map_err(|error| secret(path, error.to_string()))?;
            options = options.add_root_certificates(path.clone()).require_tls(true);
        }
        let (broker, away) = (self.name(), Arc::new(AtomicBool::new(false)));
        let told = move |event: Event| {
            let (broker, away) = (broker.clone(), away.clone());
            async move { tell(&event, &broker, &away) }
        };
        Ok(options
            .name("cyborg")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(PING)
            .reconnect_delay_callback(wait)
            .event_callback(told))
    }
}

/// User and password that stand in an address, or a token alone.
fn login(address: &str) -> Option<(String, Option<String>)> {
    let address = Url::parse(address).ok().filter(|address| !address.username().is_empty())?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((plain(address.username()), address.password().map(plain)))
}

/// Before the next try, after so many: from a twentieth of a second to two seconds.
fn wait(tries: usize) -> Duration {
    let doubled = u32::try_from(tries.min(10)).unwrap_or(10);
    (Duration::from_millis(50) * 2_u32.pow(doubled)).min(LONGEST_WAIT)
}

/// Says once that it is away, and once that it is back.
fn tell(event: &Event, broker: &str, away: &AtomicBool) {
    match event {
        Event::Disconnected => {
            if !away.swap(true, Ordering::Relaxed) {
                log::warn!("the broker at {broker} is away: waiting for it, nothing is lost");
            }
        }
        Event::Connected => {
            if away.swap(false, Ordering::Relaxed) {
                log::warn!("the broker at {broker} is back");
            }
        }
        Event::ServerError(error) => log::warn!("the broker at {broker} says: {error}"),
        other => log::debug!(
            "the broker at {broker}: {}",
            match other {
                Event::LameDuckMode => "it is about to end",
                Event::SlowConsumer(_) => "messages come faster than they are read",
                _ => "the connection changes",
            }
        ),
    }
}

/// What lies behind an error, in its own words.
fn source(error: &(dyn std::error::Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_named() {
        let broker = BrokerSettings::at("nats://me:secret@a:4222, b:4223");
        assert_eq!(broker.name(), "nats://***@a:4222,nats://b:4223");
        assert!(!format!("{broker:?}").contains("secret"));
    }

    #[test]
    fn a_login_stands_in_the_address() {
        let found = |address: &str| login(address).map(|(user, password)| (user, password.unwrap_or_default()));
        assert_eq!(found("nats://me:a%40b@h:4222"), Some(("me".to_owned(), "a@b".to_owned())));
        assert_eq!(found("nats://token@h"), Some(("token".to_owned(), String::new())));
        assert_eq!(found("nats://h:4222"), None);
    }

    #[test]
    fn waits_grow_to_a_bound() {
        assert_eq!(wait(0), Duration::from_millis(50));
        assert!(wait(3) > wait(2));
        assert_eq!(wait(1000), LONGEST_WAIT);
    }
}
