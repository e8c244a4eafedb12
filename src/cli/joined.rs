//! Names of files that are made from others.

use std::ffi::{OsStr, OsString};

use crate::name;

/// Longest name that is made, in bytes: file systems take 255, and while a file is written there may be more behind its name.
const LONGEST_NAME: usize = 235;

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
        check(&long[..231], ".mp4", &format!("{}.mp4", &long[..231]));
        check(&long, ".annotated.mp4", &format!("{}.annotated.mp4", &long[..221]));
        check(&long, ".2.annotated.mp4", &format!("{}.2.annotated.mp4", &long[..219]));
        check(&"é".repeat(125), ".annotated.mp4", &format!("{}.annotated.mp4", "é".repeat(110)));
    }
}
