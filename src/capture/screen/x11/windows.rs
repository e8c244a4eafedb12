//! Which monitors and windows there are, and which one is meant.

use x11rb::errors::ReplyError;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Window as Id};

use super::server::Server;
use crate::capture::screen::choice::{Place, ScreenChoice};
use crate::capture::screen::error::ScreenError;
use crate::capture::screen::opener::ScreenOpener;
use crate::capture::screen::window::Window;

/// How deep below the root a program's window may lie, where no window manager tells them: frames are a level or two.
const DEPTH: usize = 3;
/// The longest title, in units of four bytes.
const TITLE: u32 = 1024;

/// The name and place of each monitor; all of the screen, where the server knows none.
pub(super) fn monitors(server: &Server) -> Result<Vec<(String, Place)>, ScreenError> {
    let mut found = Vec::new();
    if server.has_monitors {
        for monitor in server.connection.randr_get_monitors(server.root(), true)?.reply()?.monitors {
            let name = server.connection.get_atom_name(monitor.name)?.reply()?.name;
            let place = Place {
                left: monitor.x.into(),
                top: monitor.y.into(),
                width: monitor.width.into(),
                height: monitor.height.into(),
            };
            found.push((String::from_utf8_lossy(&name).into_owned(), place));
        }
    }
    if found.is_empty() {
        let screen = server.screen();
        let (width, height) = (screen.width_in_pixels.into(), screen.height_in_pixels.into());
        found.push(("screen".to_owned(), Place { left: 0, top: 0, width, height }));
    }
    Ok(found)
}

/// All programs' windows.
pub(super) fn windows(server: &Server) -> Result<Vec<Window>, ScreenError> {
    let mut found = Vec::new();
    for id in ids(server)? {
        found.extend(living(window(server, id))?);
    }
    Ok(found)
}

/// The window that is chosen, which can be seen.
pub(super) fn find(server: &Server, opener: &ScreenOpener) -> Result<Id, ScreenError> {
    let found = match &opener.choice {
        ScreenChoice::WindowId(id) if *id != server.root() => living(window(server, *id))?,
        ScreenChoice::Window(title) => opener.titled(title, windows(server)?)?,
        _ => None,
    };
    Ok(opener.takes(found)?.id)
}

/// Whether a window can be seen; `None` of one that was closed.
pub(super) fn is_seen(server: &Server, id: Id) -> Result<Option<bool>, ScreenError> {
    let attributes = living(server.connection.get_window_attributes(id)?.reply().map_err(Into::into))?;
    Ok(attributes.map(|attributes| attributes.map_state == MapState::VIEWABLE))
}

/// What a window manager lists, or what looks like a program's window where there is none.
fn ids(server: &Server) -> Result<Vec<Id>, ScreenError> {
    let (root, list) = (server.root(), server.atoms._NET_CLIENT_LIST);
    let reply = server.connection.get_property(false, root, list, AtomEnum::WINDOW, 0, u32::MAX)?.reply()?;
    if let Some(ids) = reply.value32() {
        return Ok(ids.collect());
    }
    let (mut found, mut level) = (Vec::new(), vec![root]);
    for depth in 0..DEPTH {
        let mut below = Vec::new();
        for parent in level {
            let Some(tree) = living(server.connection.query_tree(parent)?.reply().map_err(Into::into))? else {
                continue;
            };
            for id in tree.children {
                // Without a manager nobody gives a window a state, and all of them lie on the root.
                if has_state(server, id)? || depth == 0 && living(title(server, id))?.is_some_and(|it| !it.is_empty()) {
                    found.push(id);
                } else {
                    below.push(id);
                }
            }
        }
        level = below;
    }
    Ok(found)
}

fn has_state(server: &Server, id: Id) -> Result<bool, ScreenError> {
    let reply = server.connection.get_property(false, id, server.atoms.WM_STATE, AtomEnum::ANY, 0, 0)?.reply();
    Ok(living(reply.map_err(Into::into))?.is_some_and(|reply| reply.type_ != u32::from(AtomEnum::NONE)))
}

fn window(server: &Server, id: Id) -> Result<Window, Gone> {
    let connection = &server.connection;
    let geometry = connection.get_geometry(id)?.reply()?;
    let corner = connection.translate_coordinates(id, server.root(), 0, 0)?.reply()?;
    let hidden = connection.get_window_attributes(id)?.reply()?.map_state != MapState::VIEWABLE;
    let place = Place {
        left: corner.dst_x.into(),
        top: corner.dst_y.into(),
        width: geometry.width.into(),
        height: geometry.height.into(),
    };
    Ok(Window { id, title: title(server, id)?, place, hidden })
}

fn title(server: &Server, id: Id) -> Result<String, Gone> {
    let (modern, utf8) = (server.atoms._NET_WM_NAME, server.atoms.UTF8_STRING);
    let reply = server.connection.get_property(false, id, modern, utf8, 0, TITLE)?.reply()?;
    if !reply.value.is_empty() {
        return Ok(String::from_utf8_lossy(&reply.value).into_owned());
    }
    let reply = server.connection.get_property(false, id, AtomEnum::WM_NAME, AtomEnum::ANY, 0, TITLE)?.reply()?;
    Ok(match String::from_utf8(reply.value) {
        Ok(text) => text,
        // By the old rules it is Latin-1, whose numbers are those of Unicode.
        Err(error) => error.as_bytes().iter().copied().map(char::from).collect(),
    })
}

/// Why nothing is known of a window.
enum Gone {
    /// It may have been closed just now.
    Refused,
    Failed(ScreenError),
}

impl<E: Into<ReplyError>> From<E> for Gone {
    fn from(error: E) -> Self {
        match error.into() {
            ReplyError::X11Error(_) => Self::Refused,
            error @ ReplyError::ConnectionError(_) => Self::Failed(error.into()),
        }
    }
}

/// Nothing of a window that isn't there any more.
fn living<T>(found: Result<T, Gone>) -> Result<Option<T>, ScreenError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Gone::Refused) => Ok(None),
        Err(Gone::Failed(error)) => Err(error),
    }
}
