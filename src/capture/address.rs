//! Where a video is: a file, an address in the network, or the standard input; and how it is named without its secrets.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::secrets::{HIDDEN, shown_path};
use crate::name;

/// Schemes of addresses that people give with user and password.
const SCHEMES: [&str; 14] =
    ["ftp", "http", "https", "mms", "rtmp", "rtmps", "rtmpt", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp", "ws"];

/// Where a video is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A file.
    File(PathBuf),
    /// An address with a scheme (`rtsp://`, `https://`), as it was given. It may hold a password: show [`Address::name`].
    Url(String),
    /// The standard input, written `-`.
    Stdin,
}

impl Address {
    /// Tells what a word of the command line means. `-` is the standard input, `scheme://` an address.
    #[must_use]
    pub fn of(word: &OsStr) -> Self {
        match word.to_str() {
            Some("-") => Self::Stdin,
            Some(text) if has_scheme(text) => Self::Url(text.to_owned()),
            _ => Self::File(PathBuf::from(word)),
        }
    }

    /// Its name in tables and messages: the path as the user wrote it (see [`name`]); an address without user, password, query,
    /// and whatever else looks like a secret.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => {
                let name = name::of(path);
                // An address that was mistyped, a blank before it for example.
                if name.contains("://") { scrub(&name) } else { mistyped(&name).unwrap_or(name) }
            }
            Self::Url(text) => name::of_text(&scrub(text)).into_owned(),
            Self::Stdin => "-".to_owned(),
        }
    }

    /// A file name without ending, for what is made from the video.
    #[must_use]
    pub fn stem(&self) -> OsString {
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_owned();
        match self {
            Self::File(path) => match path.to_str().and_then(mistyped) {
                Some(_) => HIDDEN.into(),
                None => stem(path),
            },
            Self::Url(text) => {
                let named = scrub(text);
                let place = named.split(['?', '#']).next().unwrap_or_default();
                let last = place.trim_end_matches('/').rsplit(['/', '@']).next().unwrap_or_default();
                stem(Path::new(&last.replace(':', "_")))
            }
            Self::Stdin => "stdin".into(),
        }
    }

    /// The path, where it is a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Url(_) | Self::Stdin => None,
        }
    }
}

/// What may be shown of an address that lacks its slashes, or its scheme; `None` where it looks like no address.
fn mistyped(text: &str) -> Option<String> {
    if text.contains("://") {
        return None;
    }
    let words = text.trim_start();
    if let Some((scheme, _)) = words.split_once(':').filter(|(scheme, rest)| {
        SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) && rest.contains(['@', '?', '=', '#'])
    }) {
        return Some(format!("{scheme}:{HIDDEN}"));
    }
    // `user:password@host/live`
    let (login, place) = words.split_once('/').map_or(words, |(first, _)| first).rsplit_once('@')?;
    let (host, port) = place.split_once(':').unwrap_or((place, ""));
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let is_port = port.chars().all(|c| c.is_ascii_digit());
    let has_more = !port.is_empty() || words.contains('/');
    (login.contains(':') && is_host && is_port && has_more).then(|| format!("{HIDDEN}@{place}/{HIDDEN}"))
}

fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once("://") else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Hides user, password, query and fragment of an address, and what looks like a secret in its path.
fn scrub(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return HIDDEN.to_owned();
    };
    let (place, hidden) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], &rest[at..=at]),
        None => (rest, ""),
    };
    let host_end = place.find('/').unwrap_or(place.len());
    // A password may hold a slash or a question mark, against the rules: then what looks like a port is no number, or
    // the sign that ends it comes later, and all before that sign is hidden.
    let port = place[..host_end].rsplit_once(':').map(|(_, port)| port);
    let odd = port.is_some_and(|port| !port.ends_with(']') && !port.chars().all(|c| c.is_ascii_digit()));
    let sign = if odd { rest.rfind('@') } else { place[..host_end].rfind('@') };
    let shown = match sign {
        Some(sign) if sign >= place.len() => return format!("{scheme}://{HIDDEN}"),
        Some(sign) => format!("{HIDDEN}@{}", path_scrubbed(&place[sign + 1..])),
        // User and password, and no host.
        None if odd => return format!("{scheme}://{HIDDEN}"),
        None => path_scrubbed(place),
    };
    let hidden = if hidden.is_empty() { String::new() } else { format!("{hidden}{HIDDEN}") };
    format!("{scheme}://{shown}{hidden}")
}

/// Hides in the path of `host/path`.
fn path_scrubbed(place: &str) -> String {
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    format!("{host}{}", shown_path(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, name: &str, stem: &str) {
        let address = Address::of(OsStr::new(word));
        assert_eq!((address.name().as_str(), address.stem()), (name, stem.into()), "{word}");
    }

    #[test]
    fn no_secret_is_named() {
        check("rtsp://host/live", "rtsp://host/live", "live");
        check("rtsp://me:secret@host:554/live?token=abc", "rtsp://***@host:554/live?***", "live");
        check("https://host/a/clip.mp4?sig=abc#part", "https://host/a/clip.mp4?***", "clip");
        check("https://host/a/clip.mp4#token", "https://host/a/clip.mp4#***", "clip");
        check("https://host/@user/clip.mp4", "https://host/@user/clip.mp4", "clip");
        check("rtsp://me:se@cret@host", "rtsp://***@host", "host");
        check("rtsp://host/user=admin_password=X_channel=1.sdp", "rtsp://host/***", "***");
        check("rtsp://me:secret@host/token/abc/live", "rtsp://***@host/***/***/live", "live");
        check("rtsp://me:secret/live", "rtsp://***", "***");
        check(" rtsp://me:secret@host/live", " rtsp://***@host/live", "live");
        check("rtsp://me:se/cret@host/live", "rtsp://***@host/live", "live");
        check("rtsp://me:se?cret@host/live", "rtsp://***", "***");
        check("rtsp://[::1]:8554/live", "rtsp://[::1]:8554/live", "live");
        check("udp://239.0.0.1:1234", "udp://239.0.0.1:1234", "239.0.0");
    }

    #[test]
    fn files_keep_their_names() {
        check("a/clip.mp4", "a/clip.mp4", "clip");
        check("odd:name@1?.mkv", "odd:name@1?.mkv", "odd:name@1?");
        check("-", "-", "stdin");
        check("16:38:41.mp4", "16:38:41.mp4", "16:38:41");
        check("me:you@home.mp4", "me:you@home.mp4", "me:you@home");
        check("http:notes.mp4", "http:notes.mp4", "http:notes");
        check("a/me:you@home.mp4", "a/me:you@home.mp4", "me:you@home");
    }

    #[test]
    fn a_mistyped_address_is_no_name() {
        check("rtsp:me:secret@host/live", "rtsp:***", "***");
        check("http:/host/clip.mp4?token=abc", "http:***", "***");
        check("me:secret@host:554/live", "***@host:554/***", "***");
        check("me:secret@192.0.2.1/live", "***@192.0.2.1/***", "***");
        check("me:secret@host:554", "***@host:554/***", "***");
        assert_eq!(Address::of(OsStr::new("1://x")), Address::File("1://x".into()));
    }
}
