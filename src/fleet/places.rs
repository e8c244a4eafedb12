//! What a worker may read: files below folders that its operator named, and addresses below those that its operator named. A
//! message in a queue is foreign: without this it could name any file of the worker's machine, or any server of its network.

use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use super::addresses::{OF_CLIPS, is_below, plain, shown};
use super::task::Place;
use crate::capture::address::Address;
use crate::name;

/// Why a worker doesn't read something, or can't be told what it may read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// A folder to read below isn't there.
    #[error("{} can't be a folder to read clips from: {reason}", name::of(folder))]
    Root {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// It lies outside all folders that are allowed.
    #[error("{0} is not below a folder that this worker may read")]
    Outside(String),
    /// It isn't there, or can't be read.
    #[error("{clip} can't be read by this worker: {reason}")]
    Missing {
        /// Its name.
        clip: String,
        /// What the system says.
        reason: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{0} is not a file")]
    NoFile(String),
    /// An address that can't be one to read below.
    #[error("{0} can't be an address to read below: {1}")]
    Prefix(String, &'static str),
    /// An address that may not be read.
    #[error("{0} is not below an address that this worker may read: {1}")]
    Address(String, &'static str),
}

/// What may be read.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    roots: Vec<PathBuf>,
    addresses: Vec<Url>,
}

impl Allowed {
    /// Folders, and addresses (`https://host/folder/`); what lies below may be read.
    ///
    /// # Errors
    ///
    /// When a folder isn't there, or an address is none.
    pub fn new(roots: &[PathBuf], addresses: &[String]) -> Result<Self, PlaceError> {
        let root = |folder: &PathBuf| {
            let found = folder.canonicalize().and_then(|found| match found.is_dir() {
                true => Ok(found),
                false => Err(io::ErrorKind::NotADirectory.into()),
            });
            found.map_err(|reason| PlaceError::Root { folder: folder.clone(), reason })
        };
        let address = |text: &String| plain(text, OF_CLIPS).map_err(|reason| PlaceError::Prefix(shown(text), reason));
        Ok(Self {
            roots: roots.iter().map(root).collect::<Result<_, _>>()?,
            addresses: addresses.iter().map(address).collect::<Result<_, _>>()?,
        })
    }

    /// Whether nothing may be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.addresses.is_empty()
    }

    /// The clip as it is to be opened: a path without links, an address in plain spelling.
    ///
    /// # Errors
    ///
    /// When it may not be read, or isn't there.
    pub fn clip(&self, place: &Place) -> Result<Address, PlaceError> {
        match place {
            Place::Path(path) => self.file(path).map(Address::File),
            Place::Url(text) => self.address(text).map(|address| Address::Url(address.into())),
        }
    }

    /// A file as it is to be opened, where all links are followed.
    ///
    /// # Errors
    ///
    /// When it may not be read, or isn't there.
    pub fn file(&self, path: &Path) -> Result<PathBuf, PlaceError> {
        let clip = || name::of(path);
        // Whether a file outside is there is nobody's business: the path is looked at first as it is written.
        let is_written_below = self.roots.iter().any(|root| path.starts_with(root))
            || path.parent().and_then(|folder| folder.canonicalize().ok()).is_some_and(|folder| self.is_below(&folder));
        if !path.is_absolute() || !is_written_below {
            return Err(PlaceError::Outside(clip()));
        }
        let found = path.canonicalize().map_err(|reason| PlaceError::Missing { clip: clip(), reason })?;
        if !self.is_below(&found) {
            return Err(PlaceError::Outside(clip()));
        }
        let kind = found.metadata().map_err(|reason| PlaceError::Missing { clip: clip(), reason })?;
        if kind.is_file() { Ok(found) } else { Err(PlaceError::NoFile(clip())) }
    }

    fn is_below(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn address(&self, text: &str) -> Result<Url, PlaceError> {
        let refused = |reason| PlaceError::Address(shown(text), reason);
        let address = plain(text, OF_CLIPS).map_err(refused)?;
        let is_named = self.addresses.iter().any(|prefix| is_below(&address, prefix));
        if is_named { Ok(address) } else { Err(refused("its operator named no such address")) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of_addresses(prefixes: &[&str]) -> Allowed {
        let prefixes: Vec<String> = prefixes.iter().map(|&text| text.to_owned()).collect();
        Allowed::new(&[], &prefixes).expect("they are addresses")
    }

    #[test]
    fn addresses_below_those_that_are_named() {
        let allowed = of_addresses(&["https://media.example/clips/", "http://10.0.0.7:8080/a"]);
        let check = |text: &str, may: bool| {
            let got = allowed.clip(&Place::Url(text.to_owned()));
            assert_eq!(got.is_ok(), may, "{text}: {got:?}");
        };
        for right in [
            "https://media.example/clips/a.mp4",
            "https://MEDIA.example:443/clips/2026/a.mp4?sig=1",
            "https://media.example/clips",
            "http://10.0.0.7:8080/a",
            "http://10.0.0.7:8080/a/b",
            "https://media.example/clips/x/../a.mp4",
        ] {
            check(right, true);
        }
        for wrong in [
            "http://media.example/clips/a.mp4",
            "https://media.example/clipsx/a.mp4",
            "https://media.example/clips/../a.mp4",
            "https://media.example/clips/%2e%2e/a.mp4",
            "https://media.example/clips/..%2Fa.mp4",
            "https://media.example.evil/clips/a.mp4",
            "https://media.example@evil/clips/a.mp4",
            "https://me:you@media.example/clips/a.mp4",
            "https://evil\\@media.example/clips/a.mp4",
            "https://evil#media.example/clips/a.mp4",
            "https://media.example:8443/clips/a.mp4",
            "http://10.0.0.7/a",
            "http://10.0.0.7:8080/ab",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "rtsp://media.example/clips/a",
            "concat:https://media.example/clips/a.mp4",
            "https:///clips/a.mp4",
            " https://media.example/clips/a.mp4",
            "",
        ] {
            check(wrong, false);
        }
        let told = allowed.clip(&Place::Url("https://me:secret@media.example/x".to_owned())).expect_err("a login");
        assert!(!told.to_string().contains("secret"), "{told}");
    }

    #[test]
    fn what_is_read_by_http_has_one_spelling() {
        let allowed = of_addresses(&["https://media.example/clips/"]);
        let got = allowed.clip(&Place::Url("https://MEDIA.example/clips/x/../a b".replace(' ', "%20")));
        assert_eq!(got.ok(), Some(Address::Url("https://media.example/clips/a%20b".to_owned())));
        for wrong in ["media.example", "ftp://media.example/", "https://a@b/", "https://"] {
            assert!(Allowed::new(&[], &[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_below_folders_that_are_named() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("inner")).expect("it can be made");
        let outside = folder.path().join("outside.mp4");
        for file in [&root.join("a.mp4"), &root.join("inner/b.mp4"), &outside] {
            fs::write(file, "x").expect("it can be written");
        }
        let link = |to: &Path, at: &str| std::os::unix::fs::symlink(to, root.join(at)).expect("a link");
        link(&outside, "out.mp4");
        link(&root.join("a.mp4"), "in.mp4");
        link(folder.path(), "up");
        let allowed = Allowed::new(std::slice::from_ref(&root), &[]).expect("it is a folder");
        let real = root.canonicalize().expect("it is there");
        let check = |path: PathBuf, expected: Result<PathBuf, &str>| match (allowed.file(&path), expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected),
            (Err(told), Err(part)) => assert!(told.to_string().contains(part), "no `{part}` in: {told}"),
            (got, expected) => unreachable!("{}: {got:?}, where {expected:?} was expected", path.display()),
        };
        check(root.join("a.mp4"), Ok(real.join("a.mp4")));
        check(root.join("in.mp4"), Ok(real.join("a.mp4")));
        check(root.join("inner/../a.mp4"), Ok(real.join("a.mp4")));
        check(root.join("none.mp4"), Err("can't be read by this worker"));
        check(root.join("inner"), Err("is not a file"));
        let far = "is not below a folder";
        check(outside.clone(), Err(far));
        check(root.join("out.mp4"), Err(far));
        check(root.join("up/outside.mp4"), Err(far));
        check(root.join("../outside.mp4"), Err(far));
        check(folder.path().join("none.mp4"), Err(far));
        check(PathBuf::from("a.mp4"), Err(far));
        let nothing = Allowed::new(&[], &[]).expect("nothing is asked");
        assert!(nothing.is_empty() && nothing.file(&root.join("a.mp4")).is_err());
        assert!(Allowed::new(&[folder.path().join("none")], &[]).is_err());
        assert!(Allowed::new(&[outside], &[]).is_err(), "a file is no folder");
    }
}
