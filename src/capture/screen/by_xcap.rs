//! Windows and macOS, by xcap: each look takes all of a window, or of the parts of monitors that are watched.
//!
//! On macOS a window that is minimised, or on another desktop, isn't listed. What is counted there are points, of which each has
//! several pixels on a fine monitor; a picture has all pixels.

use image::RgbaImage;
use xcap::XCapError;

use super::choice::{Place, ScreenChoice};
use super::error::ScreenError;
use super::opener::{Display, Listed, ScreenOpener};
use super::pieces::{common, joined};
use super::polled::{Look, PolledSource};
use super::window::Window;
use crate::capture::Source;
use crate::capture::names::distinct;
use crate::frame::Frame;

pub(super) fn list(_: &Display) -> Result<Vec<Listed>, ScreenError> {
    let monitors = Monitors::now()?;
    let windows = windows(monitors.corner)?.into_iter().map(|(Window { id, title, place, hidden }, _)| {
        let choice = ScreenChoice::WindowId(id);
        Listed { choice, title, place, hidden }
    });
    let monitors = monitors.named().into_iter().enumerate().map(|(number, (title, place))| {
        let choice = ScreenChoice::Monitor(number);
        Listed { choice, title, place, hidden: false }
    });
    Ok(monitors.chain(windows).collect())
}

/// What it shows now.
pub(super) fn picture(display: &Display, choice: &ScreenChoice) -> Result<Frame, ScreenError> {
    let opener = ScreenOpener::new(choice.clone(), 1.0, display.clone());
    let mut frame = Frame::empty();
    PolledSource::open(Watched::open(&opener)?, &opener)?.next(&mut frame)?;
    Ok(frame)
}

pub(super) fn open(opener: &ScreenOpener) -> Result<(Box<dyn Source>, Option<String>), ScreenError> {
    Ok((Box::new(PolledSource::open(Watched::open(opener)?, opener)?), None))
}

/// What is watched.
enum Watched {
    Window {
        window: xcap::Window,
        choice: ScreenChoice,
    },
    /// A rectangle, or a monitor, of an arrangement of monitors.
    Part {
        place: Place,
        monitors: Vec<(String, Place)>,
    },
}

/// All monitors.
struct Monitors {
    each: Vec<(String, Place, xcap::Monitor)>,
    /// Where the upper left corner of all of them together is, as the system counts.
    corner: (i32, i32),
}

impl Watched {
    fn open(opener: &ScreenOpener) -> Result<Self, ScreenError> {
        let monitors = Monitors::now()?;
        let place = match &opener.choice {
            ScreenChoice::Window(_) | ScreenChoice::WindowId(_) => {
                let window = window(opener, windows(monitors.corner)?)?;
                return Ok(Self::Window { window, choice: opener.choice.clone() });
            }
            ScreenChoice::Monitor(number) => opener.numbered(*number, &monitors.named())?.1,
            ScreenChoice::Region(place) => {
                place.within(monitors.size())?;
                *place
            }
        };
        Ok(Self::Part { place, monitors: monitors.named() })
    }
}

impl Look for Watched {
    fn look(&mut self) -> Result<RgbaImage, ScreenError> {
        match self {
            Self::Window { window, choice } => {
                if window.is_minimized().is_ok_and(|is_minimized| is_minimized) {
                    return Err(ScreenError::Hidden(choice.clone()));
                }
                match window.capture_image() {
                    Ok(picture) if picture.width() > 0 && picture.height() > 0 => Ok(picture),
                    Err(error) if is_there(window)? => Err(error.into()),
                    // It may be minimised too, on macOS.
                    _ => Err(ScreenError::Closed),
                }
            }
            Self::Part { place, monitors } => {
                let now = Monitors::now()?;
                if now.named() != *monitors {
                    return Err(ScreenError::Rearranged);
                }
                let mut pieces = Vec::new();
                for (_, monitor, system) in &now.each {
                    if let Some(part) = common(*place, *monitor) {
                        // It lies within: neither is negative.
                        let (left, top) = ((part.left - monitor.left) as u32, (part.top - monitor.top) as u32);
                        pieces.push((part, system.capture_region(left, top, part.width, part.height)?));
                    }
                }
                Ok(joined(*place, pieces))
            }
        }
    }
}

impl Monitors {
    fn now() -> Result<Self, ScreenError> {
        let monitors = xcap::Monitor::all()?;
        let names = monitors.iter().map(xcap::Monitor::name).collect::<Result<Vec<_>, _>>()?;
        let mut each: Vec<(String, Place, xcap::Monitor)> = Vec::new();
        // Two of one make have one name on macOS.
        for (name, monitor) in distinct(names.into_iter()).into_iter().zip(monitors) {
            let (left, top) = (monitor.x()?, monitor.y()?);
            let place = Place { left, top, width: monitor.width()?, height: monitor.height()? };
            each.push((name, place, monitor));
        }
        let least = |side: fn(&Place) -> i32| each.iter().map(|(_, place, _)| side(place)).min().unwrap_or(0);
        let corner = (least(|place| place.left), least(|place| place.top));
        each.iter_mut().for_each(|(_, place, _)| *place = from(corner, *place));
        Ok(Self { each, corner })
    }

    fn named(&self) -> Vec<(String, Place)> {
        self.each.iter().map(|(name, place, _)| (name.clone(), *place)).collect()
    }

    /// Width and height of all of them together.
    fn size(&self) -> (u32, u32) {
        let end = |start: i32, length: u32| u32::try_from(start).unwrap_or(0).saturating_add(length);
        let ends = self.each.iter().map(|(_, place, _)| (end(place.left, place.width), end(place.top, place.height)));
        ends.fold((0, 0), |(right, bottom), (other, below)| (right.max(other), bottom.max(below)))
    }
}

/// A place as it is counted from this corner.
fn from((left, top): (i32, i32), place: Place) -> Place {
    Place { left: place.left.saturating_sub(left), top: place.top.saturating_sub(top), ..place }
}

/// All programs' windows that have a title: of those without one the systems have many that nobody sees.
fn windows(corner: (i32, i32)) -> Result<Vec<(Window, xcap::Window)>, ScreenError> {
    let known = |window: &xcap::Window| -> Result<Window, XCapError> {
        let (left, top) = (window.x()?, window.y()?);
        let place = Place { left, top, width: window.width()?, height: window.height()? };
        let (id, title, hidden) = (window.id()?, window.title()?, window.is_minimized()?);
        Ok(Window { id, title, place: from(corner, place), hidden })
    };
    // Of one that was closed just now nothing is known.
    let all = xcap::Window::all()?.into_iter().filter_map(|window| Some((known(&window).ok()?, window)));
    Ok(all.filter(|(window, _)| !window.title.trim().is_empty()).collect())
}

/// The window that is chosen, which can be seen.
fn window(opener: &ScreenOpener, windows: Vec<(Window, xcap::Window)>) -> Result<xcap::Window, ScreenError> {
    let each = || windows.iter().map(|(window, _)| window);
    let found = match &opener.choice {
        ScreenChoice::WindowId(id) => each().find(|window| window.id == *id).cloned(),
        ScreenChoice::Window(title) => opener.titled(title, each().cloned().collect())?,
        _ => None,
    };
    let taken = opener.takes(found)?.id;
    let system = windows.into_iter().find(|(window, _)| window.id == taken).map(|(_, system)| system);
    system.ok_or_else(|| ScreenError::NoWindow(opener.choice.clone()))
}

fn is_there(window: &xcap::Window) -> Result<bool, ScreenError> {
    let id = window.id()?;
    Ok(xcap::Window::all()?.iter().any(|other| other.id().is_ok_and(|other| other == id)))
}

impl From<XCapError> for ScreenError {
    fn from(error: XCapError) -> Self {
        Self::System(error.to_string())
    }
}
