//! What `--detect-size` asks for.

use super::outcome::UsageError;

/// The picture in which faces are looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum AskedSize {
    /// By the faces that are there.
    Auto,
    /// Of this longer side in pixels.
    Side(u16),
}

impl AskedSize {
    /// What a word of the command line asks for.
    pub(super) fn read(word: &str) -> Result<Self, String> {
        if word == "auto" {
            return Ok(Self::Auto);
        }
        let side = word.parse().ok().filter(|side| (32..=8192).contains(side));
        side.map(Self::Side).ok_or_else(|| "expected a whole number in 32 to 8192, or auto".to_owned())
    }

    /// In a file all frames are looked at alike, so that no row depends on where one begins.
    pub(super) fn check_for_files(asked: Option<Self>) -> Result<(), UsageError> {
        if asked == Some(Self::Auto) {
            let message = "--detect-size auto is for `cyborg live`: name a number of pixels, or the smallest faces that are wanted by --min-face";
            return Err(UsageError(message.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_or_auto() {
        assert_eq!(AskedSize::read("auto"), Ok(AskedSize::Auto));
        assert_eq!(AskedSize::read("320"), Ok(AskedSize::Side(320)));
        for wrong in ["31", "8193", "-320", "large", "", "320px"] {
            assert!(AskedSize::read(wrong).is_err(), "{wrong}");
        }
        assert!(AskedSize::check_for_files(Some(AskedSize::Auto)).is_err());
        assert!(AskedSize::check_for_files(Some(AskedSize::Side(96))).is_ok());
    }
}
