//! What is said to the portal over D-Bus (org.freedesktop.portal.ScreenCast): a session, what may be chosen, the start, at which
//! the desktop asks its user, and the way to PipeWire.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::os::fd::OwnedFd;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::wire::{self, DynamicType};
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, Variant, fdo};

use super::error::PortalError;
use super::response::{self, Granted, Results};

/// From a call to its answer. What the user is asked comes as a signal, later.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// What a goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// What the portal is called.
const NAME: &str = "org.freedesktop.portal.Desktop";
/// Where it is, and all its sessions and requests.
const PATH: &str = "/org/freedesktop/portal/desktop";
/// Its part that shares screens.
const SCREEN_CAST: &str = "org.freedesktop.portal.ScreenCast";
const REQUEST: &str = "org.freedesktop.portal.Request";
const SESSION: &str = "org.freedesktop.portal.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const BUS: &str = "org.freedesktop.DBus";
/// What may be chosen: monitors and windows.
const SOURCES: u32 = 1 | 2;
/// The pointer is no part of the picture.
const HIDDEN: u32 = 1;
/// The permission holds until it is taken back.
const UNTIL_REVOKED: u32 = 2;
/// The version of the interface that gives tokens.
const GIVES_TOKENS: u32 = 4;

/// Options of a call, by name.
type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// A screen that may be watched, for as long as this is kept.
pub(super) struct Grant {
    link: Link,
    session: OwnedObjectPath,
    pub(super) granted: Granted,
}

/// The way to the portal.
struct Link {
    connection: Connection,
    /// What its requests and sessions tell.
    signals: MessageStream,
    /// Whether it went, or another came.
    owners: MessageStream,
    /// Names given so far: each session and each request has its own.
    names: u32,
}

/// Asks for a screen, on the bus at `address` or that of the session: for the one that the token stands for, or else for one that the user chooses.
///
/// # Errors
///
/// When there is no portal, it fails, or the user says no.
pub(super) async fn ask(address: Option<String>, token: Option<String>) -> Result<Grant, PortalError> {
    let mut link = Link::open(address.as_deref()).await?;
    let known = link.known().await?;
    let mut shared = link.share(&known, token.as_deref()).await;
    if let (Some(_), Err(PortalError::Failed { request, reason })) = (&token, &shared) {
        // Most portals show their dialog where they don't know a token any more. Some fail.
        log::debug!("the token that was kept is refused at {request}: {reason}");
        shared = link.share(&known, None).await;
    }
    shared.map(|(session, granted)| Grant { link, session, granted })
}

impl Grant {
    /// A way to PipeWire on which the stream is seen, and nothing else.
    pub(super) async fn remote(&self) -> Result<OwnedFd, PortalError> {
        let asked: zbus::Result<zbus::OwnedFd> =
            self.link.call("OpenPipeWireRemote", &(&self.session, Options::new())).await?;
        // Without PipeWire the portal has nothing to connect to.
        asked.map(Into::into).map_err(|error| PortalError::PipeWire(error.to_string()))
    }

    /// Waits until the desktop ends the sharing.
    pub(super) async fn ended(&mut self) {
        while let Some(signal) = self.link.signals.next().await {
            if signal.is_ok_and(|signal| is(&signal, SESSION, "Closed", self.session.as_str())) {
                return;
            }
        }
        // The bus is gone and tells nothing any more. What that means the stream will show.
        pending().await
    }

    /// Gives it back.
    pub(super) async fn close(self) {
        let Self { link, session, .. } = self;
        let closing = link.connection.call_method(Some(NAME), &session, Some(SESSION), "Close", &());
        // Without a portal there is nobody to give it back to.
        let _ = timeout(FAREWELL, closing).await;
    }
}

impl Link {
    async fn open(address: Option<&str>) -> Result<Self, PortalError> {
        let failed = |error: zbus::Error| PortalError::Session(error.to_string());
        let builder = match address {
            Some(address) => Builder::address(address),
            None => Builder::session(),
        };
        let connection = within(builder.build()).await?.map_err(failed)?;
        let told = MatchRule::builder().msg_type(Type::Signal).path_namespace(PATH).build().map_err(failed)?;
        let signals = MessageStream::for_match_rule(told, &connection, None).await.map_err(failed)?;
        let owners = MatchRule::builder().msg_type(Type::Signal).sender(BUS).interface(BUS).member("NameOwnerChanged");
        let owners = owners.arg(0, NAME).build().map_err(failed)?;
        let owners = MessageStream::for_match_rule(owners, &connection, None).await.map_err(failed)?;
        Ok(Self { connection, signals, owners, names: 0 })
    }

    /// What it says of itself.
    async fn known(&self) -> Result<Results, PortalError> {
        let asked = self.connection.call_method(Some(NAME), PATH, Some(PROPERTIES), "GetAll", &SCREEN_CAST);
        let answer = within(asked).await?.map_err(absent)?;
        let known: Results = answer.body().deserialize().map_err(absent)?;
        // For an interface that it doesn't have a portal may answer with no properties at all.
        if known.is_empty() { Err(PortalError::NoScreenCast("it has none".to_owned())) } else { Ok(known) }
    }

    /// A session, from its begin to its stream.
    async fn share(&mut self, known: &Results, token: Option<&str>) -> Result<(OwnedObjectPath, Granted), PortalError> {
        let number = |name: &str| known.get(name).and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
        let mut options = self.options();
        options.insert("session_handle_token", self.name().into());
        let mut created = within(self.request("CreateSession", &options)).await??;
        // A string, although it is a path.
        let session = created.remove("session_handle").and_then(|session| String::try_from(session).ok());
        let session = session.and_then(|session| OwnedObjectPath::try_from(session).ok());
        let session = session.ok_or_else(|| failed("CreateSession", "it gave no session"))?;

        let mut options = self.options();
        options.insert("types", (SOURCES & number("AvailableSourceTypes")).into());
        options.insert("multiple", false.into());
        if number("AvailableCursorModes") & HIDDEN != 0 {
            options.insert("cursor_mode", HIDDEN.into());
        }
        if number("version") >= GIVES_TOKENS {
            options.insert("persist_mode", UNTIL_REVOKED.into());
            options.extend(token.map(|token| ("restore_token", token.into())));
        }
        self.request("SelectSources", &(&session, options)).await?;
        // No window of ours is there for the dialog to stand before.
        let options = self.options();
        let results = self.request("Start", &(&session, "", options)).await?;
        Ok((session, response::granted("Start", results)?))
    }

    /// The options that each request has.
    fn options<'a>(&mut self) -> Options<'a> {
        Options::from([("handle_token", self.name().into())])
    }

    /// A name that nothing of ours has had.
    fn name(&mut self) -> String {
        self.names += 1;
        format!("cyborg{}", self.names)
    }

    /// Makes a request, and waits for its response: as long as the user takes, where the desktop asks.
    async fn request<B: Serialize + DynamicType>(
        &mut self,
        name: &'static str,
        body: &B,
    ) -> Result<Results, PortalError> {
        let asked: zbus::Result<OwnedObjectPath> = self.call(name, body).await?;
        let request = asked.map_err(|error| failed(name, &error.to_string()))?;
        loop {
            tokio::select! {
                signal = self.signals.next() => {
                    let Some(signal) = signal else {
                        return Err(PortalError::Session("it hung up".to_owned()));
                    };
                    let Ok(signal) = signal else { continue };
                    if is(&signal, REQUEST, "Response", request.as_str()) {
                        let read: zbus::Result<(u32, Results)> = signal.body().deserialize();
                        let (code, results) = read.map_err(|error| failed(name, &error.to_string()))?;
                        return response::results(name, code, results);
                    }
                }
                Some(_) = self.owners.next() => return Err(failed(name, "it went away")),
            }
        }
    }

    /// Calls a method of it, and reads the answer.
    async fn call<A, B>(&self, name: &'static str, body: &B) -> Result<zbus::Result<A>, PortalError>
    where
        A: DeserializeOwned + wire::Type,
        B: Serialize + DynamicType,
    {
        let answer = within(self.connection.call_method(Some(NAME), PATH, Some(SCREEN_CAST), name, body)).await?;
        Ok(answer.and_then(|answer| answer.body().deserialize()))
    }
}

async fn within<T>(asked: impl Future<Output = T>) -> Result<T, PortalError> {
    timeout(ANSWER_WITHIN, asked).await.map_err(|_| PortalError::Silent(ANSWER_WITHIN.as_secs()))
}

/// Whether it is this signal of the portal's, at this place.
fn is(signal: &Message, interface: &str, member: &str, path: &str) -> bool {
    let header = signal.header();
    header.interface().is_some_and(|name| name.as_str() == interface)
        && header.member().is_some_and(|name| name.as_str() == member)
        && header.path().is_some_and(|found| found.as_str() == path)
}

fn failed(request: &'static str, reason: &str) -> PortalError {
    PortalError::Failed { request, reason: reason.to_owned() }
}

/// Why the portal says nothing of itself.
fn absent(error: zbus::Error) -> PortalError {
    use fdo::Error::{InvalidArgs, UnknownInterface, UnknownMethod, UnknownProperty};
    match error {
        zbus::Error::FDO(error) => match *error {
            InvalidArgs(reason) | UnknownInterface(reason) | UnknownMethod(reason) | UnknownProperty(reason) => {
                PortalError::NoScreenCast(reason)
            }
            other => PortalError::NoPortal(other.to_string()),
        },
        other => PortalError::NoPortal(other.to_string()),
    }
}
