//! Names of files that are made from others.

use std::ffi::{OsStr, OsString};

use crate::name;

/// No file system takes a longer name of a file, in bytes.
const LONGEST_NAME: usize = 255;

/// A stem and what comes behind it. The stem is cut where both together are too long for a name.
pub(super) fn joined(stem: &OsStr, ending: &str) -> OsString {
    let room = LONGEST_NAME.saturating_sub(ending.len());
    let mut name = if stem.len() > room {
        let stem = name::of(stem);
        stem[..stem.floor_char_boundary(room)].into()
    } else {
        stem.to_owned()
    };
    name.push(ending);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stem: &str, ending: &str, expected: &str) {
        let name = joined(OsStr::new(stem), ending);
        assert_eq!(name, expected);
        assert!(name.len() <= LONGEST_NAME);
    }

    #[test]
    fn a_name_has_room_for_its_ending() {
        let long = "x".repeat(251);
        check("a", ".annotated.mp4", "a.annotated.mp4");
        check(&long, ".mp4", &format!("{long}.mp4"));
        check(&long, ".annotated.mp4", &format!("{}.annotated.mp4", &long[..241]));
        check(&long, ".2.annotated.mp4", &format!("{}.2.annotated.mp4", &long[..239]));
        check(&"é".repeat(125), ".annotated.mp4", &format!("{}.annotated.mp4", "é".repeat(120)));
    }
}
