//! Which cameras a worker opens: those below addresses that its operator named. A camera's entry is foreign: without this it could have the
//! worker speak to any server of its network.

use url::Url;

use crate::capture::address::Address;
use crate::fleet::addresses::{OF_CAMERAS, is_below, plain, shown, without_login};
use crate::fleet::places::PlaceError;

/// The addresses below which cameras may be opened.
#[derive(Clone, Debug, Default)]
pub struct AllowedCameras {
    prefixes: Vec<Url>,
}

impl AllowedCameras {
    /// Addresses (`rtsp://host/`, `https://host:8443/cameras/`), without logins; cameras below them may be opened, with a login or without.
    ///
    /// # Errors
    ///
    /// When one of them is no such address.
    pub fn new(prefixes: &[String]) -> Result<Self, PlaceError> {
        let read = |text: &String| plain(text, OF_CAMERAS).map_err(|reason| PlaceError::Prefix(shown(text), reason));
        Ok(Self { prefixes: prefixes.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Whether no camera may be opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// The address of a camera as it is to be opened: in plain spelling, with its login. No error tells that.
    ///
    /// # Errors
    ///
    /// When it may not be opened.
    pub fn camera(&self, text: &str) -> Result<Address, PlaceError> {
        let refused = |reason| PlaceError::Address(shown(text), reason);
        let (login, place) = without_login(text).map_err(refused)?;
        let address = plain(&place, OF_CAMERAS).map_err(refused)?;
        if !self.prefixes.iter().any(|prefix| is_below(&address, prefix)) {
            return Err(refused("its operator named no such address by --allow-url"));
        }
        let plain = address.as_str();
        Ok(Address::Url(match (login, plain.split_once("://")) {
            (Some(login), Some((scheme, rest))) => format!("{scheme}://{login}@{rest}"),
            _ => plain.to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(prefixes: &[&str]) -> AllowedCameras {
        let prefixes: Vec<String> = prefixes.iter().map(|&text| text.to_owned()).collect();
        AllowedCameras::new(&prefixes).expect("they are addresses")
    }

    #[test]
    fn cameras_below_the_addresses_that_are_named() {
        let allowed = allowed(&[
            "rtsp://door.example/",
            "rtsp://10.0.0.7:8554/live",
            "https://web.example/cams",
            "rtsps://safe/",
        ]);
        let check = |text: &str, opened: Option<&str>| {
            let got = allowed.camera(text);
            assert_eq!(got.as_ref().ok(), opened.map(|text| Address::Url(text.to_owned())).as_ref(), "{text}: {got:?}");
        };
        let as_it_is = |text: &str| check(text, Some(text));
        as_it_is("rtsp://door.example/live?channel=1");
        as_it_is("rtsp://DOOR.example/live");
        as_it_is("rtsp://door.example:554/live");
        as_it_is("rtsp://door.example");
        as_it_is("rtsp://me:secret@door.example/live");
        as_it_is("rtsp://me:se%40cr%2Fet!@door.example/live");
        as_it_is("rtsp://me@10.0.0.7:8554/live/2");
        as_it_is("rtsps://safe:322/a");
        check("RTSP://door.example/live", Some("rtsp://door.example/live"));
        check("rtsp://door.example/x/../live", Some("rtsp://door.example/live"));
        check("https://me:secret@WEB.example:443/cams/1", Some("https://me:secret@web.example/cams/1"));
        for wrong in [
            "rtsp://door.example:8554/live",
            "rtsps://door.example/live",
            "http://door.example/live",
            "rtsp://10.0.0.7:8554/lively",
            "rtsp://10.0.0.7:8554/live/../admin",
            "rtsp://10.0.0.7:8554/live/%2e%2e/admin",
            "rtsp://door.example.evil/live",
            "rtsp://door.example@evil/live",
            "rtsp://door.example:554@evil/live",
            "rtsp://me:secret@door.example@evil/live",
            "rtsp://me:se@cret@door.example/live",
            "rtsp://me:secret/x@door.example/live",
            "rtsp://evil/@door.example/live",
            "rtsp://evil?@door.example/live",
            "rtsp://evil#@door.example/live",
            "rtsp://evil\\@door.example/live",
            "rtsp://evil\\.door.example/live",
            "rtsp://me:sec%0d%0aret@door.example/live",
            "rtsp://me:se cret@door.example/live",
            "rtsp://me:s\u{e9}cret@door.example/live",
            "rtsp://[door.example]/live",
            "rtsp:///live",
            "rtsp:door.example/live",
            "file:///etc/passwd",
            "concat:rtsp://door.example/live",
            "udp://door.example/live",
            " rtsp://door.example/live",
            "",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn no_login_is_told() {
        let allowed = allowed(&["rtsp://door.example/"]);
        for text in [
            "rtsp://me:secret@evil/live",
            "rtsp://me:secret@door.example@evil/live",
            "rtsp://me:sec\u{7}ret@door.example/live",
            "rtsp://me:secret/x@door.example/live",
            "ftp://me:secret@door.example/live",
        ] {
            let told = allowed.camera(text).expect_err(text).to_string();
            assert!(!told.contains("secret") && !told.contains("sec\u{7}"), "{told}");
        }
        let told = AllowedCameras::new(&["rtsp://me:secret@door.example/".to_owned()]).expect_err("a login");
        assert!(!told.to_string().contains("secret"), "{told}");
    }

    #[test]
    fn who_is_told_of_nothing_opens_nothing() {
        assert!(AllowedCameras::default().is_empty());
        assert!(AllowedCameras::default().camera("rtsp://door.example/live").is_err());
        for wrong in ["door.example", "ftp://door.example/", "rtsp://", "rtsp://a/#x", "udp://239.0.0.1/"] {
            assert!(AllowedCameras::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
