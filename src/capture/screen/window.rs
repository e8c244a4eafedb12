//! A program's window, and which one a title means: the same rules on each system.

use super::choice::Place;
use super::error::ScreenError;

/// A program's window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) place: Place,
    pub(super) hidden: bool,
}

/// The one of this title: those that are called just so come before others, and of these those that can be seen before hidden ones.
/// `exactly`: others are none.
pub(super) fn named(title: &str, exactly: bool, windows: Vec<Window>) -> Result<Option<Window>, ScreenError> {
    let part = title.to_lowercase();
    let fits: [&dyn Fn(&Window) -> bool; 4] = [
        &|window| !window.hidden && window.title == title,
        // One that is minimised is waited for: another whose title only has these words is somebody else's.
        &|window| window.title == title,
        &|window| !window.hidden && window.title.to_lowercase().contains(&part),
        &|window| window.title.to_lowercase().contains(&part),
    ];
    for fits in fits.iter().take(if exactly { 2 } else { 4 }) {
        let fitting: Vec<&Window> = windows.iter().filter(|window| fits(window)).collect();
        match fitting[..] {
            [] => {}
            [one] => return Ok(Some(one.clone())),
            _ => {
                let windows = fitting.iter().map(|window| window.id).collect();
                return Err(ScreenError::Several { title: title.to_owned(), windows });
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { left: 0, top: 0, width: 9, height: 9 };

    fn find(title: &str, exactly: bool) -> Result<Option<u32>, String> {
        let window = |id, title: &str, hidden| Window { id, title: title.into(), place: PLACE, hidden };
        let windows = vec![
            window(1, "Meeting", false),
            window(2, "Meeting notes", false),
            window(3, "Call one", false),
            window(4, "call two", false),
            window(5, "Call three", true),
            window(6, "Music", true),
            window(7, "Music shop", false),
        ];
        let found = named(title, exactly, windows).map_err(|error| error.to_string());
        found.map(|found| found.map(|found| found.id))
    }

    fn check(title: &str, expected: Result<Option<u32>, &str>) {
        assert_eq!(find(title, false), expected.map_err(str::to_owned), "{title}");
    }

    #[test]
    fn a_window_is_found_by_its_title_or_a_part_of_it() {
        check("Meeting", Ok(Some(1)));
        check("notes", Ok(Some(2)));
        check("CALL T", Ok(Some(4)));
        check("music", Ok(Some(7)));
        check("chess", Ok(None));
        check("Call three", Ok(Some(5)));
        check(
            "call",
            Err("several windows fit `call`: 0x3, 0x4; choose one by window-id= (`cyborg screens` lists them)"),
        );
        // It is minimised, and the other has only its words.
        check("Music", Ok(Some(6)));
    }

    #[test]
    fn a_part_of_a_title_is_no_exact_one() {
        assert_eq!(find("Meeting", true), Ok(Some(1)));
        assert_eq!(find("Call three", true), Ok(Some(5)));
        assert_eq!(find("notes", true), Ok(None));
        assert_eq!(find("music", true), Ok(None));
    }
}
