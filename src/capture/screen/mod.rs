//! Screens as sources: a monitor, a window or a rectangle, looked at so many times a second. X11 on Linux, and xcap on Windows and
//! macOS.
//!
//! What is drawn is heard of by Damage, so only what changed is read again, and where nothing did a frame says so
//! ([`Frame::changed`]); where nobody tells, each picture is compared with the last (`polled`). A window is read from its own
//! memory (Composite): what lies over it isn't seen. `choice` is what may be watched, and the `system` does it. Under Wayland it is
//! the desktop's user who chooses: `portal`.

#[cfg(any(windows, target_os = "macos"))]
mod by_xcap;
mod choice;
mod claims;
mod colours;
mod error;
mod frames;
#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
mod nowhere;
mod opener;
#[cfg(any(test, windows, target_os = "macos"))]
mod pieces;
#[cfg(any(test, windows, target_os = "macos"))]
mod polled;
#[cfg(all(target_os = "linux", feature = "wayland"))]
pub mod portal;
mod window;
#[cfg(target_os = "linux")]
mod x11;

pub use choice::{ChoiceError, Place, ScreenChoice};
pub use claims::Claims;
pub use error::ScreenError;
pub use opener::{Display, Listed, ScreenOpener, USUAL_RATE};

// The one that this system has.
#[cfg(any(windows, target_os = "macos"))]
use by_xcap as system;
#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
use nowhere as system;
#[cfg(target_os = "linux")]
use x11 as system;

use super::{AtEnd, Open, Opened};
use crate::BoxError;
use crate::frame::Frame;
use crate::wall;

/// The monitors and windows that there are, monitors first, each in the system's order.
///
/// # Errors
///
/// When there is no X server, or it can't be used.
pub fn list(display: &Display) -> Result<Vec<Listed>, ScreenError> {
    behind(|| system::list(display))
}

/// A small picture of what it shows now, `width` pixels wide, or as wide as it is where that is less.
///
/// # Errors
///
/// When it isn't there, is hidden, or can't be read.
pub fn thumbnail(display: &Display, choice: &ScreenChoice, width: u32) -> Result<Frame, ScreenError> {
    behind(|| system::picture(display, choice)).map(|frame| smaller(frame, width))
}

impl Open for ScreenOpener {
    fn open(&self) -> Result<Opened, BoxError> {
        let (source, differs) = behind(|| system::open(self))?;
        Ok(Opened { source, differs, at_end: AtEnd::Reopen })
    }
}

/// What a server says is foreign: the library that reads it may have a bug.
fn behind<T>(act: impl FnOnce() -> Result<T, ScreenError>) -> Result<T, ScreenError> {
    wall::behind(act).unwrap_or(Err(ScreenError::Crashed))
}

fn smaller(mut frame: Frame, width: u32) -> Frame {
    let (from, height) = (frame.width as u32, frame.height as u32);
    if width == 0 || from <= width {
        return frame;
    }
    let tall = (u64::from(height) * u64::from(width) / u64::from(from)).max(1) as u32;
    let pixels = std::mem::take(&mut frame.pixels);
    if let Some(picture) = image::RgbImage::from_raw(from, height, pixels) {
        let small = image::imageops::thumbnail(&picture, width, tall);
        (frame.width, frame.height) = (width as usize, tall as usize);
        frame.pixels = small.into_raw();
    }
    frame
}
