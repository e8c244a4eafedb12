//! Names of files in UTF-8. On most systems a path is bytes; those that aren't valid UTF-8 are shown as `\xNN`.
//!
//! A name with such a byte has each of its backslashes doubled, so that the path can be had back from it; so has one that
//! holds the letters `\x` itself. All others stand as they are. [`is_escaped`] tells one kind from the other.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The name of a path, for tables and messages.
#[must_use]
pub fn of(path: impl AsRef<Path>) -> String {
    of_bytes(path.as_ref().as_os_str().as_encoded_bytes())
}

/// The name of something that has one in UTF-8.
#[must_use]
pub fn of_text(name: &str) -> Cow<'_, str> {
    if is_escaped(name) { Cow::Owned(name.replace('\\', r"\\")) } else { Cow::Borrowed(name) }
}

/// Whether a name has `\xNN` for bytes and `\\` for a backslash.
#[must_use]
pub fn is_escaped(name: &str) -> bool {
    name.contains(r"\x")
}

/// The name of a path that these bytes are.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    if let Ok(name) = std::str::from_utf8(bytes) {
        return of_text(name).into_owned();
    }
    let mut name = String::with_capacity(bytes.len() + 6);
    for chunk in bytes.utf8_chunks() {
        name += &chunk.valid().replace('\\', r"\\");
        for byte in chunk.invalid() {
            name += &format!("\\x{byte:02x}");
        }
    }
    name
}

/// The path that a name of [`of`] stands for; `None` where there is none of this name, as where paths are no bytes.
#[cfg(not(unix))]
#[must_use]
pub fn path(name: &str) -> Option<PathBuf> {
    (!is_escaped(name)).then(|| name.into())
}

/// The path that a name of [`of`] stands for; `None` where it is the name of none.
#[cfg(unix)]
#[must_use]
pub fn path(name: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;

    if !is_escaped(name) {
        return Some(name.into());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'\\', [b'\\', behind @ ..]) => {
                bytes.push(b'\\');
                rest = behind;
            }
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16);
                bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
                rest = behind;
            }
            (b'\\', _) => return None,
            _ => bytes.push(first),
        }
    }
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn check(bytes: &[u8], name: &str) {
        let given = Path::new(OsStr::from_bytes(bytes));
        assert_eq!(of(given), name);
        assert_eq!(path(name).as_deref(), Some(given), "{name}");
    }

    #[test]
    fn a_name_tells_its_path() {
        check(b"a/clip.mp4", "a/clip.mp4");
        check("é/日本.mp4".as_bytes(), "é/日本.mp4");
        check(b"caf\xe9.jpg", r"caf\xe9.jpg");
        check(b"caf\xe9\\x.jpg", r"caf\xe9\\x.jpg");
        check(b"a\xff\xfeb\xc3", r"a\xff\xfeb\xc3");
        // A backslash alone is no escape, and what looks like one is told from one.
        check(br"a\b.mp4", r"a\b.mp4");
        check(br"caf\xe9.jpg", r"caf\\xe9.jpg");
        check(br"\\x", r"\\\\x");
    }

    #[test]
    fn what_no_path_has_given() {
        for odd in [r"\xg0", r"\x", r"\x0", r"\xe9\n"] {
            assert_eq!(path(odd), None, "{odd}");
        }
    }
}
