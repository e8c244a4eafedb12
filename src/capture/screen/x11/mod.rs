//! X11: `server` is the connection, `windows` finds what there is, `pixels` reads it, and `source` makes frames of that.

mod layout;
mod pixels;
mod server;
mod source;
mod watched;
mod windows;

use server::Server;
use source::ScreenSource;
use watched::Watched;

use super::choice::ScreenChoice;
use super::error::ScreenError;
use super::opener::{Display, Listed, ScreenOpener};
use super::window::Window;
use crate::capture::Source;
use crate::frame::Frame;

/// What X11 programs show is all that an Xwayland knows.
const XWAYLAND: &str = "the X server is Xwayland: of other programs' windows it shows nothing";

pub(super) fn list(display: &Display) -> Result<Vec<Listed>, ScreenError> {
    let server = Server::connect(display.0.as_deref())?;
    let monitors = windows::monitors(&server)?.into_iter().enumerate();
    let monitors = monitors.map(|(number, (title, place))| {
        let choice = ScreenChoice::Monitor(number);
        Listed { choice, title, place, hidden: false }
    });
    let windows = windows::windows(&server)?.into_iter().map(|window| {
        let Window { id, title, place, hidden } = window;
        Listed { choice: ScreenChoice::WindowId(id), title, place, hidden }
    });
    Ok(monitors.chain(windows).collect())
}

/// What it shows now.
pub(super) fn picture(display: &Display, choice: &ScreenChoice) -> Result<Frame, ScreenError> {
    let opener = ScreenOpener::new(choice.clone(), 1.0, display.clone());
    let mut source = ScreenSource::of(Watched::open(&opener)?, &opener);
    let mut frame = Frame::empty();
    source.next(&mut frame)?;
    Ok(frame)
}

/// Opens it; in words, what it may lack.
pub(super) fn open(opener: &ScreenOpener) -> Result<(Box<dyn Source>, Option<String>), ScreenError> {
    let watched = Watched::open(opener)?;
    let lacks = !watched.is_window() && watched.server.is_xwayland();
    Ok((Box::new(ScreenSource::of(watched, opener)), lacks.then(|| XWAYLAND.to_owned())))
}
