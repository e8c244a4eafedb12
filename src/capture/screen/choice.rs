//! What of a screen is watched, as it is written on the command line: a monitor, a window, or a rectangle.

use std::fmt;
use std::str::FromStr;

/// The longest side of a rectangle, in pixels: X11 counts no further.
const MOST_SIDE: u32 = 32_767;

/// A part of a screen that can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScreenChoice {
    /// All of a monitor, by its number in the list of [`list`](super::list), from 0.
    Monitor(usize),
    /// The window whose title is this, or else the only one whose title has it as a part, in whatever case.
    Window(String),
    /// The window of this number.
    WindowId(u32),
    /// A rectangle of the screen, across all monitors.
    Region(Place),
}

/// A rectangle on the screen in pixels, counted from the upper left corner of all monitors together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Distance from the left edge.
    pub left: i32,
    /// Distance from the upper edge.
    pub top: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A word that chooses nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// It doesn't begin with one of the four words.
    #[error("expected monitor=N, window=TITLE, window-id=ID or region=X,Y,WIDTHxHEIGHT, got `{0}`")]
    Unknown(String),
    /// No number of a monitor.
    #[error("`{0}` is no number of a monitor: they count from 0, as in monitor=0")]
    Monitor(String),
    /// No title.
    #[error("a window's title is missing: window=TITLE takes a part of it")]
    Title,
    /// No number of a window.
    #[error("`{0}` is no number of a window: window-id=ID takes one in decimal or hexadecimal digits, as in 0x1400003")]
    Id(String),
    /// No rectangle.
    #[error(
        "`{0}` is no rectangle: region=X,Y,WIDTHxHEIGHT takes whole pixels from the upper left corner, as in \
         region=100,50,1280x720"
    )]
    Region(String),
}

impl FromStr for ScreenChoice {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let (kind, rest) = text.split_once('=').ok_or_else(|| ChoiceError::Unknown(text.to_owned()))?;
        match kind {
            "monitor" => match rest.parse() {
                Ok(number) => Ok(Self::Monitor(number)),
                Err(_) => Err(ChoiceError::Monitor(rest.to_owned())),
            },
            "window" if rest.trim().is_empty() => Err(ChoiceError::Title),
            "window" => Ok(Self::Window(rest.to_owned())),
            "window-id" => match id(rest) {
                Some(id) => Ok(Self::WindowId(id)),
                None => Err(ChoiceError::Id(rest.to_owned())),
            },
            "region" => match region(rest) {
                Some(place) => Ok(Self::Region(place)),
                None => Err(ChoiceError::Region(rest.to_owned())),
            },
            _ => Err(ChoiceError::Unknown(text.to_owned())),
        }
    }
}

/// As it is written on the command line.
impl fmt::Display for ScreenChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Monitor(number) => write!(f, "monitor={number}"),
            Self::Window(title) => write!(f, "window={title}"),
            Self::WindowId(id) => write!(f, "window-id={id:#x}"),
            Self::Region(Place { left, top, width, height }) => write!(f, "region={left},{top},{width}x{height}"),
        }
    }
}

fn id(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        // A sign would be read as a part of the number.
        Some(digits) if digits.starts_with(['+', '-']) => return None,
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().filter(|&id| id > 0)
}

fn region(text: &str) -> Option<Place> {
    let mut parts = text.split(',').map(str::trim);
    let (left, top) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (width, height) = parts.next()?.split_once('x')?;
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    let fits = (0..=MOST_SIDE as i32).contains(&left) && (0..=MOST_SIDE as i32).contains(&top);
    let has_area = (1..=MOST_SIDE).contains(&width) && (1..=MOST_SIDE).contains(&height);
    (parts.next().is_none() && fits && has_area).then_some(Place { left, top, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: ScreenChoice) {
        let found: ScreenChoice = text.parse().expect("it is a choice");
        assert_eq!(found, expected);
        assert_eq!(found.to_string().parse(), Ok(expected), "as it is written");
    }

    fn check_wrong(text: &str, words: &str) {
        let error = text.parse::<ScreenChoice>().expect_err(text).to_string();
        assert!(error.contains(words), "`{words}` is not in `{error}`");
    }

    #[test]
    fn the_four_kinds() {
        check("monitor=0", ScreenChoice::Monitor(0));
        check("window=Meeting = a call", ScreenChoice::Window("Meeting = a call".into()));
        check("window-id=0x1400003", ScreenChoice::WindowId(0x140_0003));
        check("window-id=20971523", ScreenChoice::WindowId(20_971_523));
        let place = Place { left: 100, top: 50, width: 1280, height: 720 };
        check("region=100,50,1280x720", ScreenChoice::Region(place));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for text in ["", "0", "monitor", "screen=0", "Meeting"] {
            check_wrong(text, "expected monitor=N");
        }
        check_wrong("monitor=-1", "`-1` is no number of a monitor");
        check_wrong("monitor=", "count from 0");
        check_wrong("window=", "title is missing");
        for text in ["window-id=0", "window-id=0x", "window-id=0x+1", "window-id=one", "window-id=99999999999"] {
            check_wrong(text, "is no number of a window");
        }
        for text in ["1,2", "1,2,3", "1,2,0x5", "-1,2,5x5", "1,2,5x5,6", "1,2,5x99999", "a,2,5x5", "1.5,2,5x5"] {
            check_wrong(&format!("region={text}"), "is no rectangle");
        }
    }
}
