//! Building for another kind of machine, and running here what was built: see docs/aarch64.md.
//!
//! `sysroot` has that machine's libraries, `emulator` runs its programs, `suite` is `cargo xtask test --aarch64`, and `compare`
//! holds the numbers of both machines against each other.

mod compare;
pub(crate) mod emulator;
pub(crate) mod suite;
pub(crate) mod sysroot;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cyborg_models::cache;
use cyborg_models::lock::{Group, Sign, SystemPackage};

use crate::architecture::Architecture;
use crate::build::Build;
use crate::step::{root, run, say, step, succeeds};
use crate::{fetch, system};
use sysroot::Sysroot;

/// What is the same for every kind of machine, as the cache folder calls it.
const COMMON: [&str; 5] = ["detectors", "licences", "media", "models", "weights"];

/// All that it takes to build for another kind of machine here.
#[derive(Clone, Debug)]
pub(crate) struct Cross {
    architecture: Architecture,
    cache: PathBuf,
    sysroot: Sysroot,
}

impl Cross {
    /// Sets it up, with what was fetched of some groups.
    pub(crate) fn prepare(architecture: Architecture, groups: &[Group]) -> anyhow::Result<Self> {
        ensure!(!architecture.is_own(), "this is such a machine: build and test as usual");
        system::provide(programs(architecture).iter())?;
        add_standard_library(architecture.target())?;
        system::prepare(groups)?;
        fetch::fetch(groups)?;
        let common = cache::folder().context("no cache folder is known: set CYBORG_CACHE or HOME")?;
        // A cache folder for that machine, in which other things are found than in this one's.
        let cache = common.join(architecture.machine());
        fetch::fetch_foreign(architecture.machine(), groups, &cache)?;
        link_common(&common, &cache)?;
        let sysroot = Sysroot::prepare(architecture, &cache)?;
        Ok(Self { architecture, cache, sysroot })
    }

    /// The cache folder for programs of that machine.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// That machine's libraries.
    pub(crate) fn sysroot(&self) -> &Sysroot {
        &self.sysroot
    }

    /// How the program is built.
    pub(crate) fn build(&self, profile: &str) -> Build {
        let (target, environment) = (Some(self.architecture.target()), self.environment());
        Build { target, environment, ..Build::of_profile(profile) }
    }

    /// What cargo, and the tools that it calls, have to be told.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let (architecture, triple) = (self.architecture, self.architecture.triple());
        let lower = architecture.target().replace('-', "_");
        let cargo = |name: &str| format!("CARGO_TARGET_{}_{name}", lower.to_uppercase());
        let [libraries, base] = self.sysroot.libraries();
        let beyond = format!("{}:{}", libraries.display(), base.display());
        vec![
            (cargo("LINKER"), architecture.tool("gcc")),
            // Where the libraries are that FFmpeg's libraries are linked with.
            (cargo("RUSTFLAGS"), format!("-Clink-arg=-Wl,-rpath-link,{beyond}")),
            (cargo("RUNNER"), emulator::words(architecture, self.sysroot.folder()).join(" ")),
            (format!("CC_{lower}"), architecture.tool("gcc")),
            (format!("CXX_{lower}"), architecture.tool("g++")),
            (format!("AR_{lower}"), architecture.tool("ar")),
            ("PKG_CONFIG_ALLOW_CROSS".to_owned(), "1".to_owned()),
            (format!("PKG_CONFIG_LIBDIR_{lower}"), self.sysroot.modules()),
            (format!("PKG_CONFIG_SYSROOT_DIR_{lower}"), self.sysroot.folder().display().to_string()),
            // The headers of C for that machine come with its compiler; bindings to FFmpeg and to cameras are made of them.
            (format!("BINDGEN_EXTRA_CLANG_ARGS_{lower}"), format!("--target={triple} -isystem /usr/{triple}/include")),
        ]
    }
}

/// `cargo xtask setup --aarch64`: sets up, and says what plain cargo is to be told.
pub(crate) fn setup(groups: &[Group]) -> anyhow::Result<()> {
    let cross = Cross::prepare(Architecture::Arm64, groups)?;
    say("to build and test for it by plain cargo:");
    for (name, value) in cross.environment() {
        say(&format!("  export {name}='{value}'"));
    }
    let target = Architecture::Arm64.target();
    say(&format!("  cargo build --target {target}"));
    say(&format!("  CYBORG_CACHE='{}' cargo run --target {target} -- doctor", cross.cache.display()));
    Ok(())
}

/// The programs of this system that build for a kind of machine and run what was built.
fn programs(architecture: Architecture) -> Vec<SystemPackage> {
    let debian = architecture.triple().replace('_', "-");
    let compilers = ["gcc", "g++"].map(|name| (format!("{name}-{debian}"), architecture.tool(name)));
    let others = [("qemu-user-static", emulator::program(architecture)), ("mmdebstrap", "mmdebstrap".to_owned())];
    let others = others.map(|(name, program)| (name.to_owned(), program));
    let package = |(name, program)| SystemPackage { name, group: Group::Package, sign: Sign::Program(program) };
    compilers.into_iter().chain(others).map(package).collect()
}

/// Rust's standard library for another kind of machine.
fn add_standard_library(target: &str) -> anyhow::Result<()> {
    let output =
        Command::new("rustc").current_dir(root()).args(["--print", "target-libdir", "--target", target]).output();
    if output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()) {
        return Ok(());
    }
    let cure =
        format!("install Rust's standard library for {target}: `rustup target add`, or Debian's libstd-rust-web-dev");
    ensure!(succeeds(Command::new("rustup").arg("--version")), "rustup is missing: {cure}");
    step("Rust's standard library", || {
        run(Command::new("rustup").current_dir(root()).args(["target", "add", target]), &cure)
    })
}

/// Makes the cache folder of a machine have what all have in common: folders of its own, as links to folders aren't searched for
/// models, with links to the files.
fn link_common(common: &Path, cache: &Path) -> anyhow::Result<()> {
    let folders = COMMON.iter().filter(|name| common.join(name).is_dir());
    folders.copied().try_for_each(|name| link_below(&common.join(name), &cache.join(name)))
}

fn link_below(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("can't make {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("can't read {}", from.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("can't read {}", from.display()))?.path();
        let link = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            link_below(&path, &link)?;
        } else if !link.is_symlink() && !link.exists() {
            // What was fetched for that machine alone may be there already.
            let made = std::os::unix::fs::symlink(&path, &link);
            made.with_context(|| format!("can't make {}", link.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_have_in_common_is_linked_file_by_file() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (common, cache) = (folder.path(), folder.path().join("aarch64"));
        for (name, text) in [("models/set/a", "abc"), ("licences/b", "of all"), ("aarch64/licences/b", "its own")] {
            let path = common.join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        }
        (0..2).for_each(|_| link_common(common, &cache).expect("they can be made"));
        let read = |name: &str| fs::read_to_string(cache.join(name)).expect("it is there");
        assert_eq!((read("models/set/a").as_str(), read("licences/b").as_str()), ("abc", "its own"));
        assert!(!cache.join("models/set").is_symlink(), "links to folders aren't searched");
        assert!(!cache.join("media").exists(), "what set-up didn't fetch isn't there");
    }

    #[test]
    fn another_machine_has_tools_of_its_own() {
        let names: Vec<String> = programs(Architecture::Arm64).into_iter().map(|package| package.name).collect();
        assert_eq!(names, ["gcc-aarch64-linux-gnu", "g++-aarch64-linux-gnu", "qemu-user-static", "mmdebstrap"]);
    }
}
