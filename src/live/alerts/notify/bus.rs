//! The notification service of a desktop, over D-Bus (org.freedesktop.Notifications): asked to show something, and heard of what
//! was clicked. No call of it takes longer than a few seconds.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, Variant};

/// From a question to its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long a look for news takes while there is nothing to show.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// What it is called, and its interface.
const NAME: &str = "org.freedesktop.Notifications";
/// Where it is.
const PATH: &str = "/org/freedesktop/Notifications";
/// The action of a click on the notification itself.
const DEFAULT_ACTION: &str = "default";
/// Neither low, which may be left out, nor critical, which stays until it is clicked away and goes through "do not disturb".
const URGENCY: u8 = 1;

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusError {
    /// There is no desktop session here, or it can't be reached.
    #[error(
        "no D-Bus session to show notifications in ({0}): run it within the desktop session, as a user's service where it is one"
    )]
    Session(#[source] zbus::Error),
    /// Nobody shows notifications.
    #[error("no notification service shows it ({0}): start one, such as dunst or mako, where the desktop has none")]
    Service(#[source] zbus::Error),
    /// It doesn't answer.
    #[error("the notification service gave no answer within {} s: restart it", ANSWER_WITHIN.as_secs())]
    Silent,
}

/// What a notification says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// The number of the one whose place it takes; 0 for none.
    pub(super) replaces: u32,
    pub(super) icon: &'a str,
    pub(super) summary: &'a str,
    pub(super) body: &'a str,
    /// What a click on it does, in words; none where it does nothing.
    pub(super) action: Option<&'a str>,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It was clicked.
    Clicked(u32),
    /// It is gone.
    Closed(u32),
}

/// The way to the service. A connection is made when it is needed first, and anew after a failure.
pub(super) struct Bus {
    runtime: Runtime,
    /// Of the session's bus; as the session says where absent.
    address: Option<String>,
    link: Option<Link>,
}

struct Link {
    connection: Connection,
    signals: MessageStream,
    /// What it can do, in the specification's words.
    abilities: Vec<String>,
    /// Its name on the bus: another one begins to count anew.
    owner: String,
    news: Vec<News>,
}

impl Bus {
    /// The bus at `address`, or that of the session.
    ///
    /// # Errors
    ///
    /// When the system gives no timer.
    pub(super) fn new(address: Option<String>) -> io::Result<Self> {
        Ok(Self { runtime: Builder::new_current_thread().enable_all().build()?, address, link: None })
    }

    /// Connects, if not connected; gives what the service can do.
    ///
    /// # Errors
    ///
    /// When there is no session, no service, or no answer.
    pub(super) fn abilities(&mut self) -> Result<&[String], BusError> {
        if self.link.is_none() {
            let address = self.address.clone();
            self.link = Some(self.runtime.block_on(within(Link::open(address)))?);
        }
        Ok(self.link.as_ref().map_or(&[], |link| &link.abilities))
    }

    /// Shows a notification; gives its number, and whether it is another service than before that gave it.
    ///
    /// # Errors
    ///
    /// When nobody shows it. The connection is then made anew the next time.
    pub(super) fn show(&mut self, shown: &Shown<'_>) -> Result<(u32, bool), BusError> {
        self.abilities()?;
        let outcome = match &mut self.link {
            Some(link) => self.runtime.block_on(within(link.show(shown))),
            None => Err(BusError::Silent),
        };
        if outcome.is_err() {
            self.leave();
        }
        outcome
    }

    /// What became of the notifications since the last call; nothing where there is no connection.
    pub(super) fn news(&mut self) -> Vec<News> {
        let Some(link) = &mut self.link else {
            return Vec::new();
        };
        // A time that runs out is how it ends well.
        let heard = self.runtime.block_on(async { timeout(POLL_INTERVAL, link.listen()).await });
        let news = std::mem::take(&mut link.news);
        if heard.is_ok() {
            // The bus has hung up.
            self.leave();
        }
        news
    }

    fn leave(&mut self) {
        let link = self.link.take();
        // What it leaves behind on the runtime needs that.
        self.runtime.block_on(async { drop(link) });
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
    timeout(ANSWER_WITHIN, asked).await.unwrap_or(Err(BusError::Silent))
}

impl Link {
    async fn open(address: Option<String>) -> Result<Self, BusError> {
        let builder = match &address {
            Some(address) => zbus::connection::Builder::address(address.as_str()),
            None => zbus::connection::Builder::session(),
        };
        let connection = builder.build().await.map_err(BusError::Session)?;
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(NAME).interface(NAME).path(PATH).build();
        let rule = rule.map_err(BusError::Service)?;
        let signals = MessageStream::for_match_rule(rule, &connection, None).await.map_err(BusError::Service)?;
        let answer = connection.call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &()).await;
        let answer = answer.map_err(BusError::Service)?;
        let abilities = answer.body().deserialize().map_err(BusError::Service)?;
        Ok(Self { connection, signals, abilities, owner: sender(&answer), news: Vec::new() })
    }

    async fn show(&mut self, shown: &Shown<'_>) -> Result<(u32, bool), BusError> {
        let Shown { replaces, icon, summary, body, action } = *shown;
        let actions: Vec<&str> = action.iter().flat_map(|&words| [DEFAULT_ACTION, words]).collect();
        let hints = HashMap::from([("urgency", Variant::from(URGENCY))]);
        let program = "cyborg";
        // As long as the desktop thinks right.
        let time: i32 = -1;
        let asked = (program, replaces, icon, summary, body, actions, hints, time);
        let connection = self.connection.clone();
        let call = connection.call_method(Some(NAME), PATH, Some(NAME), "Notify", &asked);
        // News are taken meanwhile: the connection waits where nobody takes them.
        let answer = tokio::select! {
            answer = call => answer.map_err(BusError::Service)?,
            () = self.listen() => return Err(BusError::Silent),
        };
        let number = answer.body().deserialize().map_err(BusError::Service)?;
        let owner = sender(&answer);
        let is_another = owner != self.owner;
        self.owner = owner;
        Ok((number, is_another))
    }

    /// Takes news until the bus hangs up.
    async fn listen(&mut self) {
        while let Some(Ok(message)) = self.signals.next().await {
            self.news.extend(read(&message));
        }
    }
}

/// The name on the bus of who sent it.
fn sender(message: &Message) -> String {
    message.header().sender().map(ToString::to_string).unwrap_or_default()
}

fn read(message: &Message) -> Option<News> {
    let (header, body) = (message.header(), message.body());
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (number, action): (u32, String) = body.deserialize().ok()?;
            (action == DEFAULT_ACTION).then_some(News::Clicked(number))
        }
        "NotificationClosed" => {
            let (number, _reason): (u32, u32) = body.deserialize().ok()?;
            Some(News::Closed(number))
        }
        _ => None,
    }
}
