//! A desktop's portal that answers as the test wants.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedObjectPath, OwnedVariant, Variant};

use crate::support::bus::Bus;

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const REQUEST: &str = "org.freedesktop.portal.Request";
const SESSION: &str = "org.freedesktop.portal.Session";

type Options = HashMap<String, OwnedVariant>;

/// What the user does with the dialog.
#[derive(Clone, Debug, Default)]
pub(crate) enum User {
    /// Chooses this node.
    Chooses(u32),
    /// Cancels it.
    Cancels,
    /// Sits before it.
    #[default]
    Thinks,
}

/// How the portal is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) user: User,
    /// The token that it gives with a consent; none where it keeps none.
    pub(crate) token: Option<String>,
    /// Tokens that it knows: for one of these there is no dialog, and it gives this node.
    pub(crate) knows: HashMap<String, u32>,
    /// Where PipeWire is; it isn't there for the portal where absent.
    pub(crate) pipewire: Option<PathBuf>,
}

/// What it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Select {
        types: u32,
        cursor: Option<u32>,
        persist: Option<u32>,
        token: Option<String>,
    },
    /// It showed its dialog.
    Dialog,
    /// It gave a way to PipeWire.
    Remote,
    /// A session was given back.
    Closed,
}

/// A portal. It is gone when this is dropped.
pub(crate) struct Portal {
    manner: Arc<Mutex<Manner>>,
    asked: Receiver<Asked>,
    tell: UnboundedSender<Tell>,
}

enum Tell {
    /// The user answers the dialog now, as its manner has it.
    Answer,
    /// The user ends all sharing.
    End,
}

impl Portal {
    /// Comes to the bus; it can be asked when this returns.
    pub(crate) fn start(bus: &Bus, manner: Manner) -> Self {
        let ((show, asked), (tell, told), (ready, is_ready)) = (mpsc::channel(), unbounded_channel(), mpsc::channel());
        let (address, manner) = (bus.address.clone(), Arc::new(Mutex::new(manner)));
        let desk = Desk { manner: Arc::clone(&manner), show, dialog: None, restored: None, session: None };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let served = runtime.block_on(desk.serve(&address, told, ready));
            assert!(served.is_ok(), "{served:?}");
        });
        is_ready.recv_timeout(Duration::from_secs(20)).expect("the portal begins");
        Self { manner, asked, tell }
    }

    /// From now on it knows this token, which stands for this node.
    pub(crate) fn knows(&self, token: &str, node: u32) {
        self.manner.lock().expect("nobody panicked").knows.insert(token.to_owned(), node);
    }

    /// Whether it was asked nothing more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.asked.recv_timeout(Duration::from_millis(100)).is_err()
    }

    /// What it was asked next.
    pub(crate) fn next(&self) -> Asked {
        self.asked.recv_timeout(Duration::from_secs(40)).expect("it is asked something")
    }

    /// The user comes to a decision.
    pub(crate) fn decide(&self, user: User) {
        self.manner.lock().expect("nobody panicked").user = user;
        self.tell.send(Tell::Answer).expect("the portal is there");
    }

    /// The user ends all sharing.
    pub(crate) fn end(&self) {
        self.tell.send(Tell::End).expect("the portal is there");
    }
}

/// The portal's own side.
struct Desk {
    manner: Arc<Mutex<Manner>>,
    show: Sender<Asked>,
    /// The request that its user thinks about.
    dialog: Option<OwnedObjectPath>,
    /// The node that a token stands for: nobody is asked.
    restored: Option<u32>,
    session: Option<OwnedObjectPath>,
}

impl Desk {
    async fn serve(mut self, address: &str, mut told: UnboundedReceiver<Tell>, ready: Sender<()>) -> zbus::Result<()> {
        let connection = zbus::connection::Builder::address(address).build().await?;
        let mut calls = MessageStream::from(&connection);
        connection.request_name(NAME).await?;
        let _ = ready.send(());
        loop {
            tokio::select! {
                call = calls.next() => match call {
                    Some(Ok(call)) if call.message_type() == Type::MethodCall => self.answer(&connection, &call).await?,
                    Some(_) => {}
                    None => return Ok(()),
                },
                news = told.recv() => match news {
                    Some(Tell::Answer) => self.decide(&connection).await?,
                    Some(Tell::End) => {
                        let session = self.session.take().expect("there is a session");
                        let details = Options::new();
                        connection.emit_signal(None::<&str>, &session, SESSION, "Closed", &details).await?;
                    }
                    None => return Ok(()),
                },
            }
        }
    }

    fn manner(&self) -> Manner {
        self.manner.lock().expect("nobody panicked").clone()
    }

    fn told(&self, asked: Asked) {
        // The test may have heard enough.
        let _ = self.show.send(asked);
    }

    async fn answer(&mut self, connection: &Connection, call: &Message) -> zbus::Result<()> {
        let (header, body) = (call.header(), call.body());
        let member = header.member().map(|member| member.to_string()).unwrap_or_default();
        match member.as_str() {
            "GetAll" => {
                let number = |number: u32| Variant::from(number);
                let known = HashMap::from([
                    ("version", number(4)),
                    ("AvailableSourceTypes", number(1)),
                    ("AvailableCursorModes", number(3)),
                ]);
                connection.reply(&header, &known).await
            }
            "CreateSession" => {
                let options: Options = body.deserialize()?;
                let session = format!("{PATH}/session/{}", text(&options, "session_handle_token"));
                let request = self.request(connection, call, &options).await?;
                self.session = Some(session.clone().try_into()?);
                let results = HashMap::from([("session_handle", Variant::from(session))]);
                respond(connection, &request, 0, results).await
            }
            "SelectSources" => {
                let (_session, options): (OwnedObjectPath, Options) = body.deserialize()?;
                let number = |name: &str| options.get(name).and_then(|value| u32::try_from(value).ok());
                let token = options.get("restore_token").map(|_| text(&options, "restore_token"));
                self.told(Asked::Select {
                    types: number("types").expect("it says which kinds"),
                    cursor: number("cursor_mode"),
                    persist: number("persist_mode"),
                    token: token.clone(),
                });
                if token.as_ref().is_some_and(|token| token == "malformed") {
                    let error = "org.freedesktop.portal.Error.InvalidArgument";
                    return connection.reply_error(&header, error, &"it is no token").await;
                }
                let request = self.request(connection, call, &options).await?;
                self.restored = token.and_then(|token| self.manner().knows.get(&token).copied());
                respond(connection, &request, 0, HashMap::new()).await
            }
            "Start" => {
                let (_session, _window, options): (OwnedObjectPath, String, Options) = body.deserialize()?;
                let request = self.request(connection, call, &options).await?;
                self.dialog = Some(request);
                if self.restored.is_none() {
                    self.told(Asked::Dialog);
                }
                self.decide(connection).await
            }
            "OpenPipeWireRemote" => {
                let remote = self.manner().pipewire.and_then(|socket| UnixStream::connect(socket).ok());
                let Some(remote) = remote else {
                    let error = "org.freedesktop.portal.Error.Failed";
                    return connection.reply_error(&header, error, &"Couldn't connect to PipeWire").await;
                };
                self.told(Asked::Remote);
                connection.reply(&header, &zbus::Fd::from(std::os::fd::OwnedFd::from(remote))).await
            }
            "Close" => {
                self.told(Asked::Closed);
                connection.reply(&header, &()).await
            }
            _ => Ok(()),
        }
    }

    /// Says where the response to a call will come.
    async fn request(
        &self,
        connection: &Connection,
        call: &Message,
        options: &Options,
    ) -> zbus::Result<OwnedObjectPath> {
        let path = format!("{PATH}/request/{}", text(options, "handle_token"));
        let path = OwnedObjectPath::try_from(path)?;
        connection.reply(&call.header(), &path).await?;
        Ok(path)
    }

    /// Answers the dialog that is open, if its user has come to a decision.
    async fn decide(&mut self, connection: &Connection) -> zbus::Result<()> {
        let manner = self.manner();
        let (code, results) = match self.restored.map_or(manner.user, User::Chooses) {
            User::Thinks => return Ok(()),
            User::Cancels => (1, HashMap::new()),
            User::Chooses(node) => {
                let stream = (node, HashMap::<String, Variant<'_>>::new());
                let mut results = HashMap::from([("streams", Variant::from(vec![stream]))]);
                results.extend(manner.token.map(|token| ("restore_token", Variant::from(token))));
                (0, results)
            }
        };
        match self.dialog.take() {
            Some(request) => respond(connection, &request, code, results).await,
            None => Ok(()),
        }
    }
}

fn text(options: &Options, name: &str) -> String {
    let found = options.get(name).and_then(|value| value.try_clone().ok());
    found.and_then(|value| String::try_from(value).ok()).expect("it is named")
}

async fn respond(
    connection: &Connection,
    request: &OwnedObjectPath,
    code: u32,
    results: HashMap<&str, Variant<'_>>,
) -> zbus::Result<()> {
    connection.emit_signal(None::<&str>, request, REQUEST, "Response", &(code, results)).await
}
