//! Events to an MQTT broker, each acknowledged by the broker (QoS 1).

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rumqttc::{
    AsyncClient, ConnectReturnCode, Event as Happened, EventLoop, MqttOptions, Packet, QoS, TlsConfiguration, Transport,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::event::Event;
use super::output::{Output, Trouble};
use super::place::Place;
use super::trust::{self, TrustError};
use crate::live::backoff::chance;

/// The schemes of its addresses: in the clear, and with TLS.
pub const SCHEMES: [&str; 2] = ["mqtt", "mqtts"];
/// From the first look at the network to the broker's word.
const ACK_WITHIN: Duration = Duration::from_secs(10);
/// The part of it for the connection, in seconds.
const CONNECT_WITHIN: u64 = 5;
/// The broker is told that often that we are there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a look after the connection takes while there is nothing to send.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// While there is nothing to send, a lost connection is tried again so often.
const TRIED_EACH: Duration = Duration::from_secs(30);

/// A broker that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MqttError {
    /// The topic is none.
    #[error("invalid MQTT topic `{0}`: a topic has 1 to 200 characters, without `+`, `#` or NUL")]
    Topic(String),
    /// The address says more than where the broker is.
    #[error("{0}: the address of a broker ends with host and port")]
    Path(String),
    /// The system names nobody to trust.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The system gave no timer.
    #[error("can't start the MQTT client: {0}")]
    Start(#[source] io::Error),
}

/// Sends events to a broker.
pub struct Mqtt {
    place: Place,
    options: MqttOptions,
    topic: String,
    runtime: Runtime,
    link: Option<Link>,
    tried: Option<Instant>,
    /// Whether a lost connection was reported: once, not at each try of an outage that may last for days.
    told: bool,
}

/// A connection. One that failed is not used again, so that nothing of an older try is sent twice by the client.
struct Link {
    client: AsyncClient,
    events: EventLoop,
}

impl Mqtt {
    /// Sends to the topic `prefix/events` of the broker at `place`.
    ///
    /// # Errors
    ///
    /// When the prefix is no topic, or the address is one with TLS and the system names nobody to trust.
    pub fn new(place: Place, prefix: &str) -> Result<Self, MqttError> {
        let prefix = prefix.trim_end_matches('/');
        if prefix.is_empty() || prefix.len() > 200 || prefix.contains(['+', '#', '\0']) {
            return Err(MqttError::Topic(prefix.to_owned()));
        }
        if !matches!(&*place.path, "" | "/") {
            return Err(MqttError::Path(place.name().to_owned()));
        }
        let secure = place.scheme == "mqtts";
        let port = place.port.unwrap_or(if secure { 8883 } else { 1883 });
        let host = if place.host.contains(':') { format!("[{}]", place.host) } else { place.host.clone() };
        // Two runs with the same name would throw each other out. Old brokers take 23 signs at most.
        let id = format!("cyborg-{:08x}", (chance() * f64::from(u32::MAX)) as u32);
        let mut options = MqttOptions::new(id, host, port);
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(true);
        if let Some((user, password)) = &place.login {
            options.set_credentials(user, password);
        }
        if secure {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(trust::client()?))));
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(MqttError::Start)?;
        Ok(Self { place, options, topic: format!("{prefix}/events"), runtime, link: None, tried: None, told: false })
    }

    /// Connects, if not connected.
    fn connect(&mut self) -> Result<(), Trouble> {
        if self.link.is_some() {
            return Ok(());
        }
        self.tried = Some(Instant::now());
        let (client, mut events) = AsyncClient::new(self.options.clone(), 1);
        events.network_options.set_connection_timeout(CONNECT_WITHIN);
        match self.runtime.block_on(async { timeout(ACK_WITHIN, events.poll()).await }) {
            Ok(Ok(Happened::Incoming(Packet::ConnAck(answer)))) if answer.code == ConnectReturnCode::Success => {
                self.link = Some(Link { client, events });
                self.told = false;
                Ok(())
            }
            Ok(Ok(_)) => Err(self.trouble("the broker doesn't speak MQTT 3.1.1")),
            Ok(Err(error)) => Err(self.trouble(&error.to_string())),
            Err(_) => Err(self.trouble("no answer in time")),
        }
    }

    fn trouble(&self, reason: &str) -> Trouble {
        Trouble::Later(format!("{}: {}", self.place.name(), self.place.scrubbed(reason)))
    }
}

impl Link {
    /// Publishes, and waits for the broker's word.
    async fn publish(&mut self, topic: &str, json: &str) -> Result<(), String> {
        let sent = self.client.try_publish(topic, QoS::AtLeastOnce, false, json);
        sent.map_err(|error| error.to_string())?;
        loop {
            match self.events.poll().await {
                // One is on its way at a time, so that this is the word for it.
                Ok(Happened::Incoming(Packet::PubAck(_))) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

impl Output for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn send(&mut self, event: &Event) -> Result<(), Trouble> {
        self.connect()?;
        let Some(mut link) = self.link.take() else {
            return Err(self.trouble("not connected"));
        };
        let published = link.publish(&self.topic, &event.json);
        match self.runtime.block_on(async { timeout(ACK_WITHIN, published).await }) {
            Ok(Ok(())) => {
                self.link = Some(link);
                Ok(())
            }
            Ok(Err(reason)) => Err(self.trouble(&reason)),
            Err(_) => Err(self.trouble("the broker doesn't say that it has the event")),
        }
    }

    /// Keeps the connection alive, and has one ready for the next event.
    fn rest(&mut self) {
        if let Some(link) = &mut self.link {
            let poll = async { timeout(POLL_INTERVAL, link.events.poll()).await };
            if let Ok(Err(error)) = self.runtime.block_on(poll) {
                log::debug!("mqtt: {}", self.place.scrubbed(&error.to_string()));
                self.link = None;
            }
        } else if self.tried.is_none_or(|tried| tried.elapsed() > TRIED_EACH)
            && let Err(Trouble::Later(reason) | Trouble::Refused(reason)) = self.connect()
            && !std::mem::replace(&mut self.told, true)
        {
            log::warn!("mqtt: {reason}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_no_wildcards() {
        let place = || Place::read("mqtt://host", "--mqtt", &SCHEMES).expect("an address");
        assert_eq!(Mqtt::new(place(), "a/b/").expect("a topic").topic, "a/b/events");
        for wrong in ["", "/", "a/+", "#", "a\0", &"a".repeat(201)] {
            assert!(matches!(Mqtt::new(place(), wrong), Err(MqttError::Topic(_))), "{wrong}");
        }
        let place = Place::read("mqtt://host/topic", "--mqtt", &SCHEMES).expect("an address");
        assert!(matches!(Mqtt::new(place, "a"), Err(MqttError::Path(_))));
    }
}
