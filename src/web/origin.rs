//! What readers call this server when a proxy stands before it: scheme, host, and the path below which the page is.

use axum::http::Uri;

/// A place that a proxy serves this page at, as its operator named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Whether readers come by TLS, which ends at the proxy.
    pub(super) secure: bool,
    /// Host, and port where it is not the usual one, in small letters.
    pub(super) authority: String,
    /// The path without its last slash; empty where the page is at the root.
    pub(super) base: String,
}

/// Why a text names no origin.
pub(super) const EXPECTED: &str = "expected the address that readers open, as https://host/path";

impl Origin {
    /// Reads `https://host:port/path`. `None` where it is none: no host, a user or a query in it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str().to_ascii_lowercase();
        if authority.is_empty() || authority.contains('@') || uri.query().is_some() || text.contains('#') {
            return None;
        }
        let base = uri.path().trim_end_matches('/').to_owned();
        Some(Self { secure, authority: usual(&authority, secure).to_owned(), base })
    }

    /// Whether a page of this origin is what an `Origin` header speaks of.
    pub(super) fn is(&self, header: &str) -> bool {
        let Some((scheme, place)) = header.split_once("://") else {
            return false;
        };
        (scheme == if self.secure { "https" } else { "http" }) && self.is_called(place)
    }

    /// Whether a `Host` header calls it.
    pub(super) fn is_called(&self, host: &str) -> bool {
        usual(host, self.secure).eq_ignore_ascii_case(&self.authority)
    }
}

/// Without the port that the scheme has by itself.
fn usual(authority: &str, secure: bool) -> &str {
    authority.strip_suffix(if secure { ":443" } else { ":80" }).unwrap_or(authority)
}

/// The path below one of `bases` in place of the whole one, for proxies that leave it as it is.
pub(super) fn strip(bases: &[String], uri: &mut Uri) {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let rest = bases.iter().find_map(|base| path.strip_prefix(base.as_str()).filter(|rest| rest.starts_with('/')));
    if let Some(Ok(stripped)) = rest.map(str::parse::<Uri>) {
        *uri = stripped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_a_host_and_a_path() {
        let origin = Origin::read("https://Cam.example:443/watch/door/").expect("an origin");
        assert_eq!(origin, Origin { secure: true, authority: "cam.example".into(), base: "/watch/door".into() });
        for (header, same) in [
            ("https://cam.example", true),
            ("https://CAM.example:443", true),
            ("http://cam.example", false),
            ("https://cam.example:8443", false),
            ("https://cam.example.evil", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(origin.is(header), same, "{header}");
        }
        for wrong in ["cam.example", "ftp://cam.example", "https://me@cam.example", "https://cam/?a", "https://", ""] {
            assert_eq!(Origin::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_path_that_the_proxy_left_is_taken_away() {
        let bases = ["/watch".to_owned()];
        for (path, expected) in [
            ("/watch/", "/"),
            ("/watch/api/state?a=1", "/api/state?a=1"),
            ("/api/state", "/api/state"),
            ("/watchers/", "/watchers/"),
            ("/watch", "/watch"),
            ("/watch//evil.example/", "//evil.example/"),
        ] {
            let mut uri: Uri = path.parse().expect("a path");
            strip(&bases, &mut uri);
            assert_eq!(uri.path_and_query().map(|path| path.as_str()), Some(expected), "{path}");
        }
    }
}
