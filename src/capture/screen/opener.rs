//! What there is to watch, and how it is opened, whatever shows it.

use super::choice::{Place, ScreenChoice};

/// Looks a second, unless it is said otherwise.
pub const USUAL_RATE: f64 = 10.0;

/// Where the screens are: the X server that the environment names (`DISPLAY`), or another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Display(pub Option<String>);

/// What can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// How it is chosen, for certain: a monitor by number, a window by its own.
    pub choice: ScreenChoice,
    /// The window's title; the monitor's name.
    pub title: String,
    /// Where it is, and its size.
    pub place: Place,
    /// Whether it is minimised, or on another desktop: then it can't be watched now.
    pub hidden: bool,
}

/// Opens a screen, and again when it was lost: a window is looked for each time.
#[derive(Clone, Debug)]
pub struct ScreenOpener {
    /// What is watched.
    pub choice: ScreenChoice,
    /// Looks a second at most, 1 to 60.
    pub rate: f64,
    /// Where the screens are.
    pub display: Display,
}
