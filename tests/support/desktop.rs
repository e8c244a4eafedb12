//! A desktop without a screen: on a message bus of its own, a service that shows notifications to the test.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedVariant};

pub(crate) use super::bus::Bus;
use super::events::PATIENCE;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What was asked to be shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) program: String,
    pub(crate) replaces: u32,
    pub(crate) summary: String,
    pub(crate) body: String,
    pub(crate) actions: Vec<String>,
    /// The names of the hints.
    pub(crate) hints: Vec<String>,
    pub(crate) urgency: Option<u8>,
    /// The number that it was given.
    pub(crate) number: u32,
}

/// Whether a service gives answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Answers,
    Silent,
}

/// A service that shows notifications to the test. It counts from the number that it is given.
pub(crate) struct Service {
    asked: Receiver<Asked>,
    tell: UnboundedSender<(&'static str, u32)>,
}

impl Service {
    /// Comes to the bus; it can be asked when this returns.
    pub(crate) fn start(bus: &Bus, manner: Manner, first: u32) -> Self {
        let ((show, asked), (tell, told), (ready, is_ready)) = (mpsc::channel(), unbounded_channel(), mpsc::channel());
        let address = bus.address.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let served = runtime.block_on(serve(&address, manner, first, show, told, ready));
            // It ends with the test that holds the other end; nobody waits for it then.
            assert!(served.is_ok(), "{served:?}");
        });
        is_ready.recv_timeout(PATIENCE).expect("the service begins");
        Self { asked, tell }
    }

    pub(crate) fn next(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("something is to be shown")
    }

    /// Whether nothing was asked for a moment.
    pub(crate) fn is_quiet(&self) -> bool {
        self.asked.recv_timeout(Duration::from_millis(100)).is_err()
    }

    /// Somebody clicks a notification.
    pub(crate) fn click(&self, number: u32) {
        self.tell.send(("ActionInvoked", number)).expect("the service is there");
    }

    /// Somebody clicks it away.
    pub(crate) fn close(&self, number: u32) {
        self.tell.send(("NotificationClosed", number)).expect("the service is there");
    }
}

async fn serve(
    address: &str,
    manner: Manner,
    first: u32,
    show: Sender<Asked>,
    mut told: UnboundedReceiver<(&'static str, u32)>,
    ready: Sender<()>,
) -> zbus::Result<()> {
    let connection = zbus::connection::Builder::address(address).build().await?;
    let mut calls = MessageStream::from(&connection);
    connection.request_name(NAME).await?;
    let _ = ready.send(());
    let mut last = first - 1;
    loop {
        tokio::select! {
            call = calls.next() => match call {
                Some(Ok(call)) => {
                    if let Some(asked) = answer(&connection, &call, manner, &mut last).await?
                        && show.send(asked).is_err()
                    {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            },
            news = told.recv() => match news {
                Some(("ActionInvoked", number)) => signal(&connection, "ActionInvoked", &(number, "default")).await?,
                Some((name, number)) => signal(&connection, name, &(number, 2_u32)).await?,
                None => return Ok(()),
            },
        }
    }
}

async fn signal<T: serde::Serialize + zbus::Type>(connection: &Connection, name: &str, body: &T) -> zbus::Result<()> {
    connection.emit_signal(None::<&str>, PATH, NAME, name, body).await
}

async fn answer(
    connection: &Connection,
    call: &Message,
    manner: Manner,
    last: &mut u32,
) -> zbus::Result<Option<Asked>> {
    let header = call.header();
    let member = header.member().map(|member| member.to_string()).unwrap_or_default();
    if call.message_type() != Type::MethodCall {
        return Ok(None);
    }
    match member.as_str() {
        "GetCapabilities" => {
            connection.reply(&header, &vec!["actions", "body", "body-markup"]).await?;
            Ok(None)
        }
        "Notify" => {
            type Words = (String, u32, String, String, String, Vec<String>, HashMap<String, OwnedVariant>, i32);
            let body = call.body();
            let (program, replaces, _icon, summary, body, actions, hints, _time): Words = body.deserialize()?;
            if replaces == 0 {
                *last += 1;
            }
            let number = if replaces == 0 { *last } else { replaces };
            if manner == Manner::Answers {
                connection.reply(&header, &number).await?;
            }
            let urgency = hints.get("urgency").and_then(|hint| u8::try_from(hint).ok());
            let mut hints: Vec<String> = hints.into_keys().collect();
            hints.sort_unstable();
            Ok(Some(Asked { program, replaces, summary, body, actions, hints, urgency, number }))
        }
        _ => Ok(None),
    }
}
