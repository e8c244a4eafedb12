//! Which choices are good, and how a window is named from then on.

use axum::http::StatusCode;

use crate::capture::screen::{Listed, ScreenChoice};

/// A choice that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Unreadable(String),
    #[error("{0} is not in the list; look again, and choose what is there")]
    NotListed(ScreenChoice),
    #[error("{0} is minimised or on another desktop, so there is nothing to see; show it, and look again")]
    Hidden(ScreenChoice),
    #[error("{0} is watched already; choose another one")]
    Taken(ScreenChoice),
    #[error("a screen has been chosen already")]
    Over,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::NotListed(_) => StatusCode::NOT_FOUND,
            Self::Hidden(_) | Self::Taken(_) | Self::Over => StatusCode::CONFLICT,
        }
    }
}

/// What a word of the list means, if it can be seen.
pub(super) fn find<'a>(listed: &'a [Listed], word: &str) -> Result<&'a Listed, Refusal> {
    let choice: ScreenChoice = word.parse().map_err(|error| Refusal::Unreadable(format!("{error}")))?;
    match listed.iter().find(|each| each.choice == choice) {
        None => Err(Refusal::NotListed(choice)),
        Some(each) if each.hidden => Err(Refusal::Hidden(choice)),
        Some(each) => Ok(each),
    }
}

/// What will be watched. A window goes by its title where no other has the same, for by that it is found again when it was closed
/// and opened anew; its number would be another one.
pub(super) fn settle(listed: &[Listed], word: &str, taken: &[ScreenChoice]) -> Result<ScreenChoice, Refusal> {
    let found = find(listed, word)?;
    let alike = listed.iter().filter(|each| is_window(each) && each.title == found.title).count();
    let clean = !found.title.trim().is_empty() && !found.title.contains(char::is_control);
    let titled = is_window(found) && alike == 1 && clean;
    let choice = if titled { ScreenChoice::Window(found.title.clone()) } else { found.choice.clone() };
    if taken.contains(&choice) || taken.contains(&found.choice) {
        return Err(Refusal::Taken(choice));
    }
    Ok(choice)
}

pub(super) fn is_window(each: &Listed) -> bool {
    matches!(each.choice, ScreenChoice::WindowId(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::screen::Place;

    fn listed() -> Vec<Listed> {
        let place = Place { left: 0, top: 0, width: 640, height: 360 };
        let each = |choice, title: &str, hidden| Listed { choice, title: title.to_owned(), place, hidden };
        vec![
            each(ScreenChoice::Monitor(0), "Meeting", false),
            each(ScreenChoice::WindowId(1), "Meeting", false),
            each(ScreenChoice::WindowId(2), "Chat", false),
            each(ScreenChoice::WindowId(3), "Chat", true),
            each(ScreenChoice::WindowId(4), " ", false),
            each(ScreenChoice::WindowId(5), "two\nlines", false),
            each(ScreenChoice::WindowId(6), "Watched", false),
        ]
    }

    fn settled(word: &str) -> Result<String, u16> {
        let taken = [ScreenChoice::Window("Watched".to_owned()), ScreenChoice::Monitor(1)];
        let found = settle(&listed(), word, &taken);
        found.map(|choice| choice.to_string()).map_err(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn a_window_goes_by_its_title_where_that_is_clear() {
        assert_eq!(settled("monitor=0").as_deref(), Ok("monitor=0"));
        assert_eq!(settled("window-id=1").as_deref(), Ok("window=Meeting"), "a monitor's name is no title");
        assert_eq!(settled("window-id=0x2").as_deref(), Ok("window-id=0x2"), "a hidden one may come back");
        assert_eq!(settled("window-id=4").as_deref(), Ok("window-id=0x4"));
        assert_eq!(settled("window-id=5").as_deref(), Ok("window-id=0x5"), "it would break the lines of the terminal");
    }

    #[test]
    fn what_is_not_to_be_had_is_refused() {
        assert_eq!(settled("window-id=3"), Err(409), "hidden");
        assert_eq!(settled("window-id=6"), Err(409), "watched already");
        // A title is no choice of the list, nor is a rectangle.
        for word in ["window-id=7", "monitor=1", "window=Meeting", "region=0,0,10x10"] {
            assert_eq!(settled(word), Err(404), "{word}");
        }
        for word in ["", "choose", "window-id=", "monitor=x"] {
            assert_eq!(settled(word), Err(400), "{word}");
        }
    }
}
