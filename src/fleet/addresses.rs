//! Addresses that an operator allows by what they begin with. Each is brought into the one spelling that is then opened, so that whoever
//! opens it can't understand another place than the one that was looked at.

use url::Url;

use crate::capture::address::Address;

/// What may stand in a login as it is; all else is written as codes.
const PLAIN_IN_LOGIN: &str = "-._~!$&'()*+,;=:%";

/// Schemes of addresses, and what is said of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schemes {
    names: &'static [&'static str],
    others: &'static str,
}

/// Those of clips.
pub(super) const OF_CLIPS: Schemes =
    Schemes { names: &["http", "https"], others: "only http:// and https:// are read" };
/// Those of cameras.
pub(super) const OF_CAMERAS: Schemes = Schemes {
    names: &["http", "https", "rtsp", "rtsps"],
    others: "only rtsp://, rtsps://, http:// and https:// are read",
};

/// An address without a login, in plain spelling, which every reader understands alike.
pub(super) fn plain(text: &str, schemes: Schemes) -> Result<Url, &'static str> {
    if text.chars().any(|letter| letter.is_control() || letter.is_whitespace() || matches!(letter, '\\' | '@' | '#')) {
        return Err("it has a login, a fragment or odd characters in it");
    }
    let small = text.to_ascii_lowercase();
    // Servers may take these for what they stand for, after the path was looked at.
    if ["%2e", "%2f", "%5c", "%00"].iter().any(|code| small.contains(code)) {
        return Err("dots and slashes are written as codes in it");
    }
    let address = Url::parse(text).map_err(|_| "it is no address")?;
    if !schemes.names.contains(&address.scheme()) {
        return Err(schemes.others);
    }
    if address.host_str().is_none_or(str::is_empty) {
        return Err("it has no host");
    }
    Ok(address)
}

/// The login of an address, and the address without it. A login ends at the only `@` before the path.
pub(super) fn without_login(text: &str) -> Result<(Option<&str>, String), &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("it is no address");
    };
    let place = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    let Some((login, _)) = place.split_once('@') else {
        return Ok((None, text.to_owned()));
    };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || PLAIN_IN_LOGIN.contains(letter);
    let small = login.to_ascii_lowercase();
    // Whoever sends it may take the codes of ends of lines for such.
    if !login.chars().all(fits) || ["%0", "%1", "%7f"].iter().any(|code| small.contains(code)) {
        return Err("its login has characters in it that must be written as codes, as %40 for @");
    }
    // A second one is in what is left, and refused there.
    Ok((Some(login), format!("{scheme}://{}", &rest[login.len() + 1..])))
}

/// Whether an address lies below another one: scheme, host and port are the same, and its path goes on where that one's ends.
pub(super) fn is_below(address: &Url, prefix: &Url) -> bool {
    let host = |url: &Url| url.host_str().map(str::to_ascii_lowercase);
    let (path, folder) = (address.path(), prefix.path().trim_end_matches('/'));
    address.scheme() == prefix.scheme()
        && host(address) == host(prefix)
        && port(address) == port(prefix)
        && path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn port(address: &Url) -> Option<u16> {
    address.port_or_known_default().or(match address.scheme() {
        "rtsp" => Some(554),
        "rtsps" => Some(322),
        _ => None,
    })
}

/// What may be shown of an address.
pub(super) fn shown(text: &str) -> String {
    Address::Url(text.to_owned()).name()
}
