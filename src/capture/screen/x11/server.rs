//! The connection to an X server, with what is asked of it once.

use std::env;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd as _;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::composite::{self, ConnectionExt as _};
use x11rb::protocol::damage::{self, ConnectionExt as _};
use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{Screen, Window};
use x11rb::rust_connection::RustConnection;
use x11rb::x11_utils::X11Error;

use crate::capture::screen::error::ScreenError;

/// A server whose extensions are as they are needed.
pub(super) struct Server {
    pub(super) connection: RustConnection,
    pub(super) atoms: Atoms,
    /// Whether it knows monitors (RandR 1.5).
    pub(super) has_monitors: bool,
    /// Whether it takes memory that is shared by a file descriptor (SHM 1.2).
    pub(super) shares_memory: bool,
    screen: usize,
}

x11rb::atom_manager! {
    /// Names of properties.
    pub(super) Atoms: AtomsCookie {
        _NET_CLIENT_LIST,
        _NET_WM_NAME,
        UTF8_STRING,
        WM_STATE,
    }
}

impl Server {
    /// The server of this name, or the one that the environment names.
    pub(super) fn connect(name: Option<&str>) -> Result<Self, ScreenError> {
        let named = |variable| env::var(variable).ok().filter(|value| !value.is_empty());
        let display = match name.map(ToOwned::to_owned).or_else(|| named("DISPLAY")) {
            Some(display) => display,
            None if named("WAYLAND_DISPLAY").is_some() => return Err(ScreenError::Wayland),
            None => return Err(ScreenError::NoDisplay),
        };
        let (connection, screen) = RustConnection::connect(Some(&display))
            .map_err(|reason| ScreenError::Connect { display, reason: reason.to_string() })?;
        let needed = [composite::X11_EXTENSION_NAME, damage::X11_EXTENSION_NAME, xfixes::X11_EXTENSION_NAME];
        for extension in needed {
            if connection.extension_information(extension)?.is_none() {
                return Err(ScreenError::Extension(extension));
            }
        }
        // A server takes their requests only from who said what version it speaks.
        connection.composite_query_version(0, 4)?.reply()?;
        connection.damage_query_version(1, 1)?.reply()?;
        connection.xfixes_query_version(5, 0)?.reply()?;
        let has_monitors = connection.extension_information(randr::X11_EXTENSION_NAME)?.is_some() && {
            let version = connection.randr_query_version(1, 5)?.reply()?;
            (version.major_version, version.minor_version) >= (1, 5)
        };
        let shares_memory = connection.extension_information(shm::X11_EXTENSION_NAME)?.is_some() && {
            let version = connection.shm_query_version()?.reply()?;
            (version.major_version, version.minor_version) >= (1, 2)
        };
        let atoms = Atoms::new(&connection)?.reply()?;
        Ok(Self { connection, atoms, has_monitors, shares_memory, screen })
    }

    pub(super) fn screen(&self) -> &Screen {
        // The connection refuses a screen that isn't there.
        &self.connection.setup().roots[self.screen]
    }

    pub(super) fn root(&self) -> Window {
        self.screen().root
    }

    /// Whether it shows on a Wayland desktop what X11 programs draw.
    pub(super) fn is_xwayland(&self) -> bool {
        self.connection.extension_information("XWAYLAND").is_ok_and(|found| found.is_some())
    }

    /// Waits until it says something, so long at most; gives whether a signal ended the wait.
    pub(super) fn wait(&self, patience: Duration) -> Result<bool, ScreenError> {
        self.connection.flush()?;
        let mut waits = [PollFd::new(self.connection.stream().as_fd(), PollFlags::POLLIN)];
        // Up: one that ends a little early begins another that is shorter still.
        let millis = u16::try_from(patience.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        match poll(&mut waits, PollTimeout::from(millis)) {
            Ok(_) => Ok(false),
            Err(Errno::EINTR) => Ok(true),
            Err(error) => Err(ScreenError::Server(error.to_string())),
        }
    }
}

impl From<ConnectionError> for ScreenError {
    fn from(error: ConnectionError) -> Self {
        Self::Server(error.to_string())
    }
}

impl From<ReplyError> for ScreenError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => error.into(),
            ReplyError::X11Error(error) => refused(&error),
        }
    }
}

impl From<ReplyOrIdError> for ScreenError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => refused(&error),
            ReplyOrIdError::IdsExhausted => Self::Server("it gives no more numbers".to_owned()),
        }
    }
}

fn refused(error: &X11Error) -> ScreenError {
    let request = error.request_name.unwrap_or("a request");
    ScreenError::Server(format!("it refuses {request} ({:?})", error.error_kind))
}
