//! The lock file: what set-up fetches, pinned by version and digest.
//!
//! `lock.toml` beside this package is the only list of fetched things. It is compiled in, so that the runtime knows
//! where set-up puts a file, and `cyborg doctor` which digest it must have. Nothing here touches the network.

use std::collections::BTreeSet;
use std::env::consts::ARCH;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{beside, cache, digest};

/// The version of the lock file's format that this code reads.
const FORMAT: u32 = 1;

/// All that set-up fetches.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of the format.
    pub version: u32,
    /// Packages of registries, in the order in which they are fetched.
    #[serde(rename = "package")]
    pub packages: Vec<Package>,
    /// Packages of the operating system.
    #[serde(rename = "system", default)]
    pub systems: Vec<SystemPackage>,
}

/// A package of a registry, and what is taken out of its archive.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Where it is published.
    pub registry: Registry,
    /// Its name there.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// The processor it is for, as Rust names it; any when absent.
    pub machine: Option<String>,
    /// The platform tag of the wheel to ask for; absent for a wheel that fits every platform.
    pub platform: Option<String>,
    /// Size of the archive in bytes, to be told while one waits.
    pub bytes: u64,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// Single files to take out.
    #[serde(rename = "file", default)]
    pub files: Vec<LockedFile>,
    /// Whole folders to take out; the archive's digest covers what is in them.
    #[serde(rename = "folder", default)]
    pub folders: Vec<LockedFolder>,
    /// Symbolic links to make beside them.
    #[serde(rename = "link", default)]
    pub links: Vec<LockedLink>,
}

/// Where a package is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registry {
    /// The Python package index; archives are wheels, which are zip files.
    Pypi,
}

/// What a fetched thing is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The program `cyborg` needs it.
    Runtime,
    /// The program `cyborg` needs it to run on an NVIDIA card.
    Gpu,
    /// The demo shows it.
    Demo,
    /// The program `cyborg-train` needs it.
    Trainer,
    /// Only tests need it.
    Test,
    /// Whoever makes packages to pass on needs it, or must pass it on with them: licences.
    Package,
    /// Only the check of such packages needs it.
    PackageCheck,
}

/// A file of an archive, and its place in the cache folder.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// The name by which the project's code asks for it.
    pub id: String,
    /// What it is for.
    pub group: Group,
    /// Licence of the file, an SPDX expression.
    pub licence: String,
    /// Its path in the archive.
    pub member: String,
    /// Its path in the cache folder.
    pub cache: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// A folder of an archive, and its place in the cache folder.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFolder {
    /// What it is for.
    pub group: Group,
    /// Licence of its files, an SPDX expression.
    pub licence: String,
    /// Its path in the archive.
    pub member: String,
    /// Its path in the cache folder.
    pub cache: String,
}

/// A symbolic link in the cache folder.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedLink {
    /// What it is for.
    pub group: Group,
    /// Its path in the cache folder.
    pub cache: String,
    /// What it points to: a file in the same folder.
    pub to: String,
}

/// A package of the operating system, by its Debian name.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SystemPackage {
    /// The name that apt knows.
    pub name: String,
    /// What it is for.
    pub group: Group,
    /// How to see that it is there, whoever installed it.
    pub sign: Sign,
}

/// The sign that a system package is there.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// A program of this name on the search path.
    Program(String),
    /// pkg-config knows this module.
    PkgConfig(String),
    /// The C compiler finds this header.
    Header(String),
    /// A shared library whose name starts so, where such libraries live.
    Library(String),
}

/// Why a lock file is no good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It isn't TOML of the expected form.
    #[error("the lock file can't be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// It is of another format.
    #[error("the lock file has format {found}, this program reads format {FORMAT}")]
    Format {
        /// The version found.
        found: u32,
    },
    /// A digest isn't 64 lower-case hexadecimal digits.
    #[error("the lock file gives `{of}` the digest `{found}`, which isn't 64 lower-case hexadecimal digits")]
    Digest {
        /// Package or file.
        of: String,
        /// The text found.
        found: String,
    },
    /// A path leaves the folder it belongs in.
    #[error("the lock file has the path `{0}`, which isn't a plain relative path")]
    Path(String),
    /// An id or a place in the cache is given twice for one kind of machine.
    #[error("the lock file names `{0}` twice")]
    Twice(String),
}

/// Why a file isn't the locked one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// It can't be read.
    #[error("{path} can't be read; `cargo xtask setup` fetches it")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It has other content.
    #[error(
        "{path} isn't the locked file: expected SHA-256 {expected}, got {got}; \
         delete it and run `cargo xtask setup`, or update models/lock.toml if the change is intended"
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest in the lock file.
        expected: String,
        /// The digest of the file.
        got: String,
    },
}

static LOCK: LazyLock<Lock> = LazyLock::new(|| {
    // The text is part of the program, and a test below parses it.
    Lock::parse(include_str!("../lock.toml")).expect("models/lock.toml is well formed")
});

/// The project's own lock file.
#[must_use]
pub fn lock() -> &'static Lock {
    &LOCK
}

/// The locked file of this id for this kind of machine; `None` when there is none.
#[must_use]
pub fn file(id: &str) -> Option<&'static LockedFile> {
    lock().packages().flat_map(|package| &package.files).find(|file| file.id == id)
}

/// Where the locked file of this id is once set-up has run; `None` when there is no such file, or no cache folder.
#[must_use]
pub fn cached(id: &str) -> Option<PathBuf> {
    Some(cache::folder()?.join(&file(id)?.cache))
}

/// Where the locked file of this id is: beside the program where an installation brought it along, else as [`cached`].
#[must_use]
pub fn placed(id: &str) -> Option<PathBuf> {
    beside::file(&file(id)?.cache).or_else(|| cached(id))
}

/// Checks the digest of the file at `path`.
///
/// # Errors
///
/// When it can't be read, or has another digest than `sha256`.
pub fn verify(path: &Path, sha256: &str) -> Result<(), IntegrityError> {
    let got = digest::of_file(path).map_err(|source| IntegrityError::Read { path: path.to_owned(), source })?;
    if got == sha256 {
        return Ok(());
    }
    Err(IntegrityError::Digest { path: path.to_owned(), expected: sha256.to_owned(), got })
}

impl Lock {
    /// Reads and checks the text of a lock file.
    ///
    /// # Errors
    ///
    /// When it has another form, a path that leaves its folder, a malformed digest, or names a thing twice.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let lock: Self = toml::from_str(text)?;
        if lock.version != FORMAT {
            return Err(LockError::Format { found: lock.version });
        }
        let mut named = BTreeSet::new();
        for package in &lock.packages {
            package.check()?;
            let ids = package.files.iter().map(|file| &file.id);
            for name in ids.chain(package.places()) {
                if !named.insert((package.machine.as_deref(), name)) {
                    return Err(LockError::Twice(name.clone()));
                }
            }
        }
        Ok(lock)
    }

    /// The packages for this kind of machine.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages_for(ARCH)
    }

    /// The packages for a kind of machine, as Rust names it.
    pub fn packages_for(&self, machine: &str) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(move |package| package.machine.as_deref().is_none_or(|made_for| made_for == machine))
    }
}

impl Package {
    /// Whether something in it is for one of these groups.
    #[must_use]
    pub fn serves(&self, groups: &[Group]) -> bool {
        let files = self.files.iter().map(|file| file.group);
        let folders = self.folders.iter().map(|folder| folder.group);
        files.chain(folders).any(|group| groups.contains(&group))
    }

    /// All the paths in the cache folder that it fills.
    pub fn places(&self) -> impl Iterator<Item = &String> {
        let files = self.files.iter().map(|file| &file.cache);
        let folders = self.folders.iter().map(|folder| &folder.cache);
        files.chain(folders).chain(self.links.iter().map(|link| &link.cache))
    }

    fn check(&self) -> Result<(), LockError> {
        check_digest(&self.name, &self.sha256)?;
        self.files.iter().try_for_each(|file| check_digest(&file.id, &file.sha256))?;
        let members = self.files.iter().map(|file| &file.member);
        let members = members.chain(self.folders.iter().map(|folder| &folder.member));
        members.chain(self.places()).chain(self.links.iter().map(|link| &link.to)).try_for_each(check_path)
    }
}

fn check_digest(of: &str, text: &str) -> Result<(), LockError> {
    if digest::is_digest(text) {
        return Ok(());
    }
    Err(LockError::Digest { of: of.to_owned(), found: text.to_owned() })
}

fn check_path(text: &String) -> Result<(), LockError> {
    let mut parts = Path::new(text).components().peekable();
    if parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_))) && !text.contains('\\') {
        return Ok(());
    }
    Err(LockError::Path(text.clone()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Lock, LockError, cached, file, lock, verify};

    const GOOD: &str = r#"
        version = 1
        [[package]]
        registry = "pypi"
        name = "thing"
        version = "1.0"
        bytes = 10
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        [[package.file]]
        id = "part"
        group = "runtime"
        licence = "MIT"
        member = "thing/part.bin"
        cache = "things/part.bin"
        bytes = 3
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    "#;

    /// The message that `GOOD` gives with `from` replaced by `to`.
    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "`{from}` isn't in the example");
        Lock::parse(&GOOD.replace(from, to)).map(|_| ()).expect_err("a bad lock file").to_string()
    }

    #[test]
    fn the_projects_own_lock_file_is_good() {
        assert!(Lock::parse(GOOD).is_ok());
        assert!(lock().packages().count() > 5);
        assert!(file("centerface").is_some_and(|file| file.cache == "detectors/centerface.onnx"));
        assert!(cached("no such thing").is_none());
    }

    #[test]
    fn bad_lock_files_are_refused_with_the_reason() {
        assert!(refused("version = 1\n", "version = 7\n").contains("format 7"));
        assert!(refused("bytes = 3", "bytes = 3\nsurprise = 1").contains("surprise"));
        assert!(refused("registry = \"pypi\"", "registry = \"elsewhere\"").contains("elsewhere"));
        assert!(refused("things/part.bin", "../part.bin").contains("`../part.bin`"));
        assert!(refused("things/part.bin", "/etc/part.bin").contains("`/etc/part.bin`"));
        assert!(refused("thing/part.bin", "thing/../../part.bin").contains("plain relative path"));
        assert!(refused("61f20015ad", "61f20015AD").contains("hexadecimal"));
        assert!(refused("cache = \"things/part.bin\"", "cache = \"part\"").contains("twice"));
        assert!(matches!(Lock::parse("version = "), Err(LockError::Syntax(_))));
    }

    #[test]
    fn a_wrong_digest_names_file_digests_and_cure() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/lock.toml");
        let got = crate::digest::of_bytes(&fs::read(here).expect("our own lock file"));
        assert!(verify(here.as_ref(), &got).is_ok());
        let expected = "0".repeat(64);
        let message = verify(here.as_ref(), &expected).expect_err("another digest").to_string();
        for part in [here, &expected, &got, "delete it"] {
            assert!(message.contains(part), "no `{part}` in: {message}");
        }
    }
}
