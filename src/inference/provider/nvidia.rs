//! What the system says of NVIDIA's cards, driver and libraries, from files alone: nothing is loaded or started for it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the driver tells of itself.
const DRIVER: &str = "/proc/driver/nvidia";
/// Where a Jetson says which one it is.
const BOARD: &str = "/proc/device-tree/model";
/// Where Debian, Red Hat and NVIDIA's own installers put libraries.
const FOLDERS: [&str; 8] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/cuda/lib64",
    "/usr/local/cuda/targets/x86_64-linux/lib",
    "/usr/local/tensorrt/lib",
];

/// What is known of a machine; what can't be found is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// Names of the cards, in order.
    pub(super) gpus: Vec<String>,
    /// Version of the driver.
    pub(super) driver: Option<String>,
    /// Version of TensorRT's library, as its file name has it.
    pub(super) tensorrt: Option<String>,
}

impl Machine {
    /// Looks at this machine.
    pub(super) fn found() -> Self {
        let driver = Path::new(DRIVER);
        let mut gpus = cards(&driver.join("gpus"));
        if gpus.is_empty() {
            let board = fs::read_to_string(BOARD).unwrap_or_default();
            let board = board.trim_end_matches('\0').trim();
            gpus.extend(board.contains("NVIDIA").then(|| board.to_owned()));
        }
        Self {
            gpus,
            driver: fs::read_to_string(driver.join("version")).ok().as_deref().and_then(driver_version),
            tensorrt: library("libnvinfer.so").as_deref().and_then(version_in_name),
        }
    }

    /// What is missing for CUDA, or for TensorRT on top of it, with its cure; nothing when all was found.
    pub(super) fn lacks(&self, libraries: &[&str], is_there: impl Fn(&str) -> bool) -> Option<String> {
        if self.gpus.is_empty() && self.driver.is_none() {
            return Some("no NVIDIA driver runs here: install it".to_owned());
        }
        let missing: Vec<&str> = libraries.iter().copied().filter(|library| !is_there(library)).collect();
        if missing.is_empty() {
            return None;
        }
        Some(format!("{} can't be found: install it and name its folder in LD_LIBRARY_PATH", missing.join(", ")))
    }
}

/// Whether some folder of the library search has a file of this name or one that begins so.
pub(super) fn has_library(name: &str) -> bool {
    library(name).is_some()
}

/// The file, links followed, of the library whose name begins so.
fn library(start: &str) -> Option<PathBuf> {
    let path = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders.filter_map(|folder| library_in(&folder, start)).next()
}

fn library_in(folder: &Path, start: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut found: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    found.retain(|path| path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(start)));
    // The longest name is the one with the whole version.
    found.into_iter().filter_map(|path| path.canonicalize().ok()).max_by_key(|path| path.as_os_str().len())
}

/// `10.9.0` of `libnvinfer.so.10.9.0`.
fn version_in_name(path: impl AsRef<Path>) -> Option<String> {
    let name = path.as_ref().file_name()?.to_str()?;
    name.split_once(".so.").map(|(_, version)| version.to_owned())
}

/// The names of the cards, from the driver's folder with one folder a card.
fn cards(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path().join("information")).collect();
    paths.sort();
    let model = |text: String| Some(text.lines().find_map(|line| line.strip_prefix("Model:"))?.trim().to_owned());
    paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).filter_map(model).collect()
}

/// The version in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  ...`: the first word that is one.
fn driver_version(text: &str) -> Option<String> {
    let is_version = |word: &&str| word.contains('.') && word.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
    text.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_tells_its_version() {
        let text =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\nGCC version: 12.2";
        assert_eq!(driver_version(text).as_deref(), Some("580.95.05"));
        assert_eq!(driver_version("no version here"), None);
    }

    #[test]
    fn cards_are_read_from_the_drivers_folder() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        for (slot, text) in [("0000:41:00.0", "Model: \t\t Card B\nIRQ: 7\n"), ("0000:01:00.0", "Model:  Card A\n")] {
            fs::create_dir(folder.path().join(slot)).expect("it can be made");
            fs::write(folder.path().join(slot).join("information"), text).expect("it can be written");
        }
        assert_eq!(cards(folder.path()), ["Card A", "Card B"]);
        assert!(cards(&folder.path().join("absent")).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_librarys_version_is_that_of_the_file_behind_its_links() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("libnvinfer.so.10.9.0");
        fs::write(&file, "").expect("it can be written");
        std::os::unix::fs::symlink(&file, folder.path().join("libnvinfer.so.10")).expect("it can be made");
        fs::write(folder.path().join("libnvinfer_plugin.so.10.9.0.34"), "").expect("it can be written");
        let found = library_in(folder.path(), "libnvinfer.so").expect("it is there");
        assert_eq!(version_in_name(found).as_deref(), Some("10.9.0"));
        assert_eq!(library_in(folder.path(), "libcudnn.so"), None);
    }

    #[test]
    fn what_is_missing_comes_with_its_cure() {
        let none = Machine::default();
        assert!(none.lacks(&["libcudnn.so.9"], |_| true).is_some_and(|text| text.contains("no NVIDIA driver")));
        let some = Machine { gpus: vec!["card".into()], ..Machine::default() };
        assert_eq!(some.lacks(&["libcudnn.so.9"], |_| true), None);
        let text = some.lacks(&["libcudart.so.13", "libcudnn.so.9"], |name| name.contains("cudart"));
        assert!(text.is_some_and(|text| text.starts_with("libcudnn.so.9 can't be found")));
    }
}
