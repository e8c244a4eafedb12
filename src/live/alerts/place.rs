//! Where events are sent over the network, and how that is named without its secrets.

use std::ffi::OsStr;
use std::fmt;

use percent_encoding::percent_decode_str;
use ureq::http::Uri;

use crate::capture::address::Address;
use crate::capture::secrets::{HIDDEN, shown_hook};

/// An address in the network, with user and password apart.
#[derive(Clone)]
pub struct Place {
    /// The scheme, in small letters.
    pub(super) scheme: String,
    /// The host as a name or an address, without brackets.
    pub(super) host: String,
    /// The port, where one is named.
    pub(super) port: Option<u16>,
    /// User and password.
    pub(super) login: Option<(String, String)>,
    /// The address without user and password.
    pub(super) plain: String,
    /// The path with its slash, without the query.
    pub(super) path: String,
    name: String,
    /// What must not be told, the longest first.
    secrets: Vec<String>,
}

/// An address that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not a valid address for {flag}: {reason}; it must begin with {schemes}")]
pub struct PlaceError {
    name: String,
    flag: &'static str,
    reason: String,
    schemes: String,
}

impl Place {
    /// Reads the address that was given with `flag`; it has one of `schemes`.
    ///
    /// # Errors
    ///
    /// When it is no address, has no host, or another scheme.
    pub fn read(text: &str, flag: &'static str, schemes: &[&str]) -> Result<Self, PlaceError> {
        // A text without `://` may be all secret: its name would be that of a file.
        let name =
            if text.contains("://") { Address::of(OsStr::new(text)).name() } else { "what was given".to_owned() };
        let schemes_named = schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ");
        let fault = |reason: &str| PlaceError {
            name: name.clone(),
            flag,
            reason: reason.to_owned(),
            schemes: schemes_named.clone(),
        };
        let uri: Uri = text.parse().map_err(|_| fault("it can't be read"))?;
        let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
        if !schemes.contains(&&*scheme) {
            return Err(fault("its scheme is another one"));
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let (login, at) = match authority.rsplit_once('@') {
            Some((login, at)) => (Some(login), at),
            None => (None, authority),
        };
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(fault("it names no host"));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let split = login.map(|login| login.split_once(':').unwrap_or((login, "")));
        let read = |(user, password): (&str, &str)| Ok((decoded(user)?, decoded(password)?));
        let login_read: Result<_, std::str::Utf8Error> = split.map(read).transpose();
        let login_read = login_read.map_err(|_| fault("user or password is not valid UTF-8"))?;
        // The path of a hook is often all that keeps others from using it.
        let name = {
            let (login, port) =
                (login.map_or("", |_| "***@"), uri.port().map_or(String::new(), |port| format!(":{port}")));
            let host = uri.host().unwrap_or_default();
            let path = if uri.path() == "/" && !text.ends_with('/') { "" } else { uri.path() };
            let query = uri.query().map_or(String::new(), |_| format!("?{HIDDEN}"));
            format!("{scheme}://{login}{host}{port}{}{query}", shown_hook(path))
        };
        let fragment = text.split_once('#').map(|(_, fragment)| fragment);
        let mut secrets: Vec<String> =
            login.into_iter().chain(uri.query()).chain(fragment).map(str::to_owned).collect();
        if shown_hook(uri.path()) != uri.path() {
            secrets.push(uri.path().to_owned());
            secrets.extend(uri.path().split('/').filter(|part| part.len() > 3).map(str::to_owned));
        }
        secrets.extend(login_read.iter().map(|(_, password)| password.clone()));
        secrets.extend(split.map(|(_, password)| password.to_owned()));
        secrets.push(text.to_owned());
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16(),
            login: login_read,
            plain: format!("{scheme}://{at}{rest}"),
            path: uri.path().to_owned(),
            scheme,
            name,
            secrets,
        })
    }

    /// Its name, without its secrets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A message of somebody else's without the secrets of this address.
    pub(super) fn scrubbed(&self, message: &str) -> String {
        self.secrets.iter().fold(message.to_owned(), |message, secret| message.replace(secret, "***"))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Place, PlaceError> {
        Place::read(text, "--webhook", &["http", "https"])
    }

    #[test]
    fn user_and_password_are_apart() {
        let place = read("https://me%40home:se%2Fcret@host.example:8443/a/b?key=abc").expect("an address");
        assert_eq!(place.login, Some(("me@home".to_owned(), "se/cret".to_owned())));
        assert_eq!(place.plain, "https://host.example:8443/a/b?key=abc");
        assert_eq!((&*place.host, place.port, &*place.path), ("host.example", Some(8443), "/a/b"));
        assert_eq!(place.name(), "https://***@host.example:8443/***?***");
        let said = place
            .scrubbed("can't reach https://me%40home:se%2Fcret@host.example:8443/a/b?key=abc with se/cret, key=abc");
        for secret in ["cret", "abc"] {
            assert!(!said.contains(secret) && !format!("{place:?}").contains(secret), "{said} {place:?}");
        }
        let place = read("http://[::1]:80").expect("an address");
        assert_eq!((&*place.host, &*place.plain, place.login), ("::1", "http://[::1]:80/", None));
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_secrets() {
        for (text, words) in [
            ("ftp://me:secret@host/", "its scheme is another one; it must begin with http:// or https://"),
            ("secret", "what was given is not a valid address for --webhook"),
            ("http://me:secret@", "is not a valid address"),
            ("http://me:sec ret@host", "it can't be read"),
            ("http://me:secret%ff@host", "not valid UTF-8"),
            ("", "what was given"),
        ] {
            let error = read(text).map(|place| place.plain).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }
}
