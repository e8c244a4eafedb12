//! The token that readers have to know, which is never shown and compared in constant time.

use std::fmt;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq;

use crate::name;

/// A shorter one could be guessed.
const LEAST: usize = 16;
/// A longer one would not fit into what a reader may send.
const MOST: usize = 512;

/// A token: 16 to 512 letters, digits, and `-`, `.`, `_`, `~`, which stand for themselves in addresses and cookies.
#[derive(Clone)]
pub struct Secret(String);

/// A token that is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is too short, too long, or has other signs.
    #[error(
        "the token must have {LEAST} to {MOST} letters, digits, `-`, `.`, `_` or `~`; `openssl rand -hex 24` makes one"
    )]
    Unfit,
    /// The file can't be read.
    #[error("can't read the token from {}: {reason}", name::of(path))]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: std::io::Error,
    },
}

impl Secret {
    /// Takes a token.
    ///
    /// # Errors
    ///
    /// When it is too short or too long, or has signs that an address or a cookie can't hold.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let plain = |sign: u8| sign.is_ascii_alphanumeric() || b"-._~".contains(&sign);
        let fits = (LEAST..=MOST).contains(&text.len()) && text.bytes().all(plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(SecretError::Unfit) }
    }

    /// Reads a token from a file that holds nothing else; white space around it doesn't count.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or [`Secret::new`] doesn't take what is in it.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|reason| SecretError::File { path: path.to_owned(), reason })?;
        Self::new(text.trim())
    }

    /// Whether this is the token. How long that takes tells nothing but whether the length is right.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The token itself, for the cookie of a reader who knew it, and for links.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_taken() {
        let secret = Secret::new("0123456789abcdef").expect("long enough");
        assert!(secret.is("0123456789abcdef"));
        for other in ["", "0123456789abcdeg", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"] {
            assert!(!secret.is(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn what_could_be_guessed_or_broken_is_refused() {
        for unfit in ["", "short", "0123456789abcde;", "0123456789 abcdef", "0123456789abcd\u{e9}f", &"a".repeat(513)] {
            assert!(Secret::new(unfit).is_err(), "{unfit}");
        }
    }
}
