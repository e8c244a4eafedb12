//! What there is to watch, and how it is opened, whatever shows it.

use std::sync::{Arc, Mutex, PoisonError};

use super::choice::{Place, ScreenChoice};
use super::claims::Claims;
use super::error::ScreenError;
use super::window::{Window, named};

/// Looks a second, unless it is said otherwise.
pub const USUAL_RATE: f64 = 10.0;

/// Where the screens are: the X server that the environment names (`DISPLAY`), or another. Only X11 has several.
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
    claims: Claims,
    known: Arc<Mutex<Known>>,
}

/// What was learnt when it was opened, and holds when it is opened again.
#[derive(Debug, Default)]
struct Known {
    /// There was a window of just this title: one whose title only has these words is somebody else's.
    exactly: bool,
    /// The monitor's name: by its number it may be another one by now.
    monitor: Option<String>,
}

impl ScreenOpener {
    /// One that has opened nothing yet.
    #[must_use]
    pub fn new(choice: ScreenChoice, rate: f64, display: Display) -> Self {
        Self { choice, rate, display, claims: Claims::default(), known: Arc::default() }
    }

    /// The same, which opens no window that another choice of these watches.
    #[must_use]
    pub fn among(self, claims: &Claims) -> Self {
        Self { claims: claims.clone(), ..self }
    }

    /// Looks a second that are kept to.
    pub(super) fn kept_rate(&self) -> f64 {
        if self.rate.is_finite() { self.rate.clamp(1.0, 60.0) } else { USUAL_RATE }
    }

    /// The window of a title, of all that there are.
    pub(super) fn titled(&self, title: &str, windows: Vec<Window>) -> Result<Option<Window>, ScreenError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = named(title, known.exactly, windows)?;
        known.exactly |= found.as_ref().is_some_and(|found| found.title == title);
        Ok(found)
    }

    /// What is watched from here on: this window, if it can be seen and nobody else watches it.
    pub(super) fn takes(&self, window: Option<Window>) -> Result<Window, ScreenError> {
        self.claims.give_up(&self.choice);
        let window = window.ok_or_else(|| ScreenError::NoWindow(self.choice.clone()))?;
        if window.hidden {
            return Err(ScreenError::Hidden(self.choice.clone()));
        }
        self.claims.claim(&self.choice, window.id)?;
        Ok(window)
    }

    /// Name and place of the monitor with this number, of all that there are in their order; once it was found, of the one that
    /// it was.
    pub(super) fn numbered(&self, number: usize, monitors: &[(String, Place)]) -> Result<(String, Place), ScreenError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match &known.monitor {
            Some(name) => monitors
                .iter()
                .find(|(other, _)| other == name)
                .ok_or_else(|| ScreenError::Unplugged { asked: number, name: name.clone() }),
            None => monitors.get(number).ok_or(ScreenError::NoMonitor { asked: number, count: monitors.len() }),
        };
        let (name, place) = found?;
        known.monitor.get_or_insert_with(|| name.clone());
        Ok((name.clone(), *place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(left: i32) -> Place {
        Place { left, top: 0, width: 640, height: 480 }
    }

    fn window(id: u32, title: &str, hidden: bool) -> Window {
        Window { id, title: title.to_owned(), place: place(0), hidden }
    }

    #[test]
    fn once_it_was_the_very_title_it_stays_so() {
        let opener = ScreenOpener::new(ScreenChoice::Window("Call".into()), 10.0, Display::default());
        let find = |windows: &[Window]| {
            let found = opener.titled("Call", windows.to_vec()).expect("it is clear");
            found.map(|found| found.id)
        };
        let [call, notes] = [window(1, "Call", false), window(2, "Call notes", false)];
        assert_eq!(find(std::slice::from_ref(&notes)), Some(2), "there was none of this title yet");
        assert_eq!(find(&[call, notes.clone()]), Some(1));
        assert_eq!(find(&[notes]), None);
        assert_eq!(find(&[window(3, "Call", false)]), Some(3));
    }

    #[test]
    fn a_window_is_taken_when_it_can_be_seen_and_is_free() {
        let claims = Claims::default();
        let opener = |choice| ScreenOpener::new(choice, 10.0, Display::default()).among(&claims);
        let [one, other] = [opener(ScreenChoice::Window("Call".into())), opener(ScreenChoice::WindowId(1))];
        assert_eq!(one.takes(Some(window(1, "Call", false))).map(|it| it.id).ok(), Some(1));
        assert!(matches!(other.takes(Some(window(1, "Call", false))), Err(ScreenError::Watched { .. })));
        assert!(matches!(one.takes(Some(window(1, "Call", true))), Err(ScreenError::Hidden(_))));
        assert!(other.takes(Some(window(1, "Call", false))).is_ok(), "it was given up");
        assert!(matches!(one.takes(None), Err(ScreenError::NoWindow(_))));
    }

    #[test]
    fn a_monitor_is_known_by_its_name() {
        let opener = ScreenOpener::new(ScreenChoice::Monitor(1), 10.0, Display::default());
        let find = |monitors: &[(&str, i32)]| {
            let monitors: Vec<_> = monitors.iter().map(|&(name, left)| (name.to_owned(), place(left))).collect();
            opener.numbered(1, &monitors).map(|(_, place)| place.left).map_err(|error| error.to_string())
        };
        assert_eq!(find(&[("HDMI-1", 0)]), Err("there is no monitor 1; the only one is monitor 0".to_owned()));
        assert_eq!(find(&[("HDMI-1", 0), ("DP-1", 640)]), Ok(640));
        assert_eq!(find(&[("DP-1", 0), ("HDMI-1", 640)]), Ok(0), "they changed places");
        let gone = "monitor 1 was `DP-1`, which is there no more";
        assert_eq!(find(&[("HDMI-1", 0), ("VGA-1", 640)]), Err(gone.to_owned()));
    }

    #[test]
    fn rates_are_within_bounds() {
        for (asked, kept) in [(0.1, 1.0), (25.0, 25.0), (900.0, 60.0), (f64::NAN, USUAL_RATE)] {
            let opener = ScreenOpener::new(ScreenChoice::Monitor(0), asked, Display::default());
            assert_eq!(opener.kept_rate(), kept);
        }
    }
}
