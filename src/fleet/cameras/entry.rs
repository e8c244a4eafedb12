//! A camera: where it is, and how it is judged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::capture::address::Address;
use crate::fleet::SCHEMA;
use crate::fleet::job::{check_schema, is_name};

/// Bytes of an entry at most.
const MOST_BYTES: usize = 16 << 10;

/// The name of a camera: 1 to 64 letters, digits, `-` and `_`, the first one a letter or a digit. It is a key, and part of subjects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CameraName(String);

/// A text that can't be the name of a camera.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} can't be the name of a camera: take 1 to 64 letters, digits, - and _, the first one a letter or a digit")]
pub struct NameError(String);

impl CameraName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CameraName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // Where an address stands in its place, it isn't told.
        let shown = || Address::of(text.as_ref()).name().escape_debug().to_string();
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(NameError(shown())) }
    }
}

impl TryFrom<String> for CameraName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<CameraName> for String {
    fn from(name: CameraName) -> Self {
        name.0
    }
}

impl fmt::Display for CameraName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A camera, in the bucket `cyborg-cameras` under its name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// Its name.
    pub name: CameraName,
    /// Where it is. It may hold a password: show [`Camera::shown`].
    pub address: String,
    /// The flags that say how it is judged, as `--name=value`.
    pub flags: Vec<String>,
}

impl Camera {
    /// A camera of this version.
    #[must_use]
    pub fn new(name: CameraName, address: String, flags: Vec<String>) -> Self {
        Self { schema: SCHEMA, name, address, flags }
    }

    /// Its address without user, password and query.
    #[must_use]
    pub fn shown(&self) -> String {
        Address::of(self.address.as_ref()).name()
    }

    /// Reads what stands under a key.
    ///
    /// # Errors
    ///
    /// When it is no camera of this version and of this name.
    pub fn read(key: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MOST_BYTES {
            return Err(format!("it has {} bytes, more than {MOST_BYTES}", bytes.len()));
        }
        check_schema(bytes)?;
        // The parser's own words could quote an address.
        let told = |error: serde_json::Error| format!("the entry is no camera's, at column {}", error.column());
        let camera: Self = serde_json::from_slice(bytes).map_err(told)?;
        if camera.name.as_str() != key {
            return Err(format!("it says that it is {}", camera.name));
        }
        Ok(camera)
    }

    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Camera").field("name", &self.name).field("address", &self.shown()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(address: &str) -> Camera {
        Camera::new("door".parse().expect("a name"), address.to_owned(), vec!["--detect-every=2".to_owned()])
    }

    #[test]
    fn a_camera_comes_back_and_shows_no_secret() {
        let door = camera("rtsp://me:secret@door.example/live");
        assert_eq!(Camera::read("door", &door.written()), Ok(door.clone()));
        assert_eq!(door.shown(), "rtsp://***@door.example/live");
        assert!(!format!("{door:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_camera_is_told_without_its_secrets() {
        let good = String::from_utf8(camera("rtsp://me:secret@door/").written()).expect("text");
        let check = |key: &str, text: &str, part: &str| {
            let told = Camera::read(key, text.as_bytes()).expect_err(text);
            assert!(told.contains(part) && !told.contains("secret"), "{told}");
        };
        check("gate", &good, "says that it is door");
        check("door", &good.replace("\"schema\":1", "\"schema\":2"), "2");
        check("door", &good.replace("[\"--detect-every=2\"]", "\"rtsp://me:secret@x\""), "no camera's");
        check("door", "{}", "");
        check("door", &" ".repeat(MOST_BYTES + 1), "more than");
        assert!("rtsp://me:secret@x".parse::<CameraName>().is_err_and(|error| !error.to_string().contains("secret")));
        for wrong in ["", "a.b", "a*", "-a", "a b", &"a".repeat(65)] {
            assert!(wrong.parse::<CameraName>().is_err(), "{wrong}");
        }
    }
}
