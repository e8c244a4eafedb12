//! Screens as sources: a monitor, a window or a rectangle, looked at so many times a second. X11 on Linux.
//!
//! What is drawn is heard of by Damage, so only what changed is read again, and where nothing did a frame says so
//! ([`Frame::changed`]). A window is read from its own memory (Composite): what lies over it isn't seen. `choice` is what may be
//! watched, `x11` does it. Under Wayland it is the desktop's user who chooses: `portal`.

mod choice;
mod error;
mod opener;
#[cfg(all(target_os = "linux", feature = "wayland"))]
pub mod portal;
#[cfg(target_os = "linux")]
mod x11;

pub use choice::{ChoiceError, Place, ScreenChoice};
pub use error::ScreenError;
pub use opener::{Display, Listed, ScreenOpener, USUAL_RATE};

use super::{AtEnd, Open, Opened};
use crate::BoxError;
use crate::frame::Frame;
use crate::wall;

/// The monitors and windows that there are, monitors first, each in the server's order.
///
/// # Errors
///
/// When there is no X server, or it can't be used.
pub fn list(display: &Display) -> Result<Vec<Listed>, ScreenError> {
    behind(|| {
        #[cfg(target_os = "linux")]
        return x11::list(display);
        #[cfg(not(target_os = "linux"))]
        return unsupported(display);
    })
}

/// A small picture of what it shows now, `width` pixels wide, or as wide as it is where that is less.
///
/// # Errors
///
/// When it isn't there, is hidden, or can't be read.
pub fn thumbnail(display: &Display, choice: &ScreenChoice, width: u32) -> Result<Frame, ScreenError> {
    behind(|| {
        #[cfg(target_os = "linux")]
        return x11::picture(display, choice);
        #[cfg(not(target_os = "linux"))]
        return unsupported((display, choice));
    })
    .map(|frame| smaller(frame, width))
}

impl Open for ScreenOpener {
    fn open(&self) -> Result<Opened, BoxError> {
        let (source, differs) = behind(|| {
            #[cfg(target_os = "linux")]
            return x11::open(self);
            #[cfg(not(target_os = "linux"))]
            return unsupported::<(Box<dyn super::Source>, Option<String>)>(self);
        })?;
        Ok(Opened { source, differs, at_end: AtEnd::Reopen })
    }
}

/// What a server says is foreign: the library that reads it may have a bug.
fn behind<T>(act: impl FnOnce() -> Result<T, ScreenError>) -> Result<T, ScreenError> {
    wall::behind(act).unwrap_or_else(|_| Err(ScreenError::Server("the library that speaks to it crashed".to_owned())))
}

#[cfg(not(target_os = "linux"))]
fn unsupported<T>(_: impl Sized) -> Result<T, ScreenError> {
    Err(ScreenError::Unsupported)
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
