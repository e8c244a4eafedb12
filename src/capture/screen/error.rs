//! Why a screen can't be watched, or no longer.

use super::choice::{Place, ScreenChoice};

/// A screen that can't be watched, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenError {
    /// This system's screens can't be watched.
    #[error("screens are watched on Linux with an X server, on Windows and on macOS, not on {}", std::env::consts::OS)]
    Unsupported,
    /// The library that looks at screens has a bug.
    #[error("the library that looks at screens crashed")]
    Crashed,
    /// Windows or macOS gives no picture.
    #[error("the system gives no picture of the screen: {0}")]
    System(String),
    /// There is no X server that the program knows of.
    #[error(
        "no X server is known: DISPLAY is not set; run it in the desktop's session, or set DISPLAY and XAUTHORITY as they \
         are there"
    )]
    NoDisplay,
    /// A Wayland session without an X server.
    #[error(
        "this is a Wayland session without an X server (WAYLAND_DISPLAY is set, DISPLAY is not), where programs can neither \
         list nor watch what others show unless the desktop's user lets them"
    )]
    Wayland,
    /// The X server can't be reached, or refuses.
    #[error(
        "the X server at DISPLAY `{display}` can't be used: {reason}; is it running, and may this user (XAUTHORITY) use it?"
    )]
    Connect {
        /// Its name.
        display: String,
        /// Why.
        reason: String,
    },
    /// The X server lacks what watching needs.
    #[error("the X server lacks the extension {0}, which watching its screens needs")]
    Extension(&'static str),
    /// The X server failed, or went away.
    #[error("the X server failed: {0}")]
    Server(String),
    /// No such monitor.
    #[error("there is no monitor {asked}; {}", monitors(*.count))]
    NoMonitor {
        /// The number that was asked for.
        asked: usize,
        /// How many there are.
        count: usize,
    },
    /// The monitor that it was is there no more.
    #[error("monitor {asked} was `{name}`, which is there no more")]
    Unplugged {
        /// The number that was asked for.
        asked: usize,
        /// The name of the monitor that had it at first.
        name: String,
    },
    /// No such window, at the moment.
    #[error("there is no window for {0}")]
    NoWindow(ScreenChoice),
    /// Several windows have such a title.
    #[error("several windows fit `{title}`: {}; choose one by window-id= (`cyborg screens` lists them)", named(.windows))]
    Several {
        /// The title that was asked for.
        title: String,
        /// The number of each.
        windows: Vec<u32>,
    },
    /// It is there, and can't be seen: it is minimised, or on another desktop.
    #[error("the window for {0} is hidden: it shows nothing while it is minimised")]
    Hidden(ScreenChoice),
    /// Another source of the run watches it.
    #[error(
        "the window for {choice} is watched already, as {by}: each window is watched once, so leave one of the two out"
    )]
    Watched {
        /// How it is meant here.
        choice: ScreenChoice,
        /// How the other source was told of it.
        by: ScreenChoice,
    },
    /// It was closed while it was watched.
    #[error("the window was closed")]
    Closed,
    /// The monitors are others than before.
    #[error("the monitors have changed")]
    Rearranged,
    /// A rectangle, or a part of it, lies outside of the screen.
    #[error("the rectangle {}x{} at {},{} is not within the screen of {}x{} pixels",
        .place.width, .place.height, .place.left, .place.top, .screen.0, .screen.1)]
    Outside {
        /// The rectangle.
        place: Place,
        /// Width and height of the screen.
        screen: (u32, u32),
    },
    /// Pixels of a kind that isn't read.
    #[error("pixels of {bits} bits, {depth} of them in use, can't be read: only those of 32 bits with 8 a colour can")]
    Depth {
        /// Bits in use.
        depth: u8,
        /// Bits a pixel.
        bits: u8,
    },
}

impl Place {
    /// Refuses one that isn't within a screen of this size.
    pub(super) fn within(self, screen: (u32, u32)) -> Result<(), ScreenError> {
        let along = |start: i32, length: u32, most: u32| {
            start >= 0 && length > 0 && i64::from(start) + i64::from(length) <= i64::from(most)
        };
        let fits = along(self.left, self.width, screen.0) && along(self.top, self.height, screen.1);
        if fits { Ok(()) } else { Err(ScreenError::Outside { place: self, screen }) }
    }
}

fn monitors(count: usize) -> String {
    match count {
        0 => "there is none at all".to_owned(),
        1 => "the only one is monitor 0".to_owned(),
        more => format!("they are numbered from 0 to {}", more - 1),
    }
}

/// By number alone: titles of other windows are nobody's business who watches the page.
fn named(windows: &[u32]) -> String {
    let each: Vec<String> = windows.iter().map(|id| format!("{id:#x}")).collect();
    each.join(", ")
}
