//! Packages of the system, by the lock file: libraries to build with, programs to test with.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::bail;
use cyborg_models::lock::{Group, Sign, SystemPackage, lock};

use crate::step::{run, say, succeeds};

/// Where shared libraries of the system live, and where a package of several versions keeps its own.
const LIBRARY_FOLDERS: [&str; 4] = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib"];

/// Sees to it that the system packages of some groups are there.
pub(crate) fn prepare(groups: &[Group]) -> anyhow::Result<()> {
    provide(lock().systems.iter().filter(|package| groups.contains(&package.group)))
}

/// Sees to it that packages of the system are there.
pub(crate) fn provide<'a>(packages: impl Iterator<Item = &'a SystemPackage> + Clone) -> anyhow::Result<()> {
    let wanted = || packages.clone().filter(|package| !is_there(&package.sign));
    let absent: Vec<&str> = wanted().map(|package| package.name.as_str()).collect();
    if absent.is_empty() {
        return Ok(());
    }
    if !succeeds(Command::new("apt-get").arg("--version")) {
        bail!(
            "packages of the system are missing, and there is no apt-get to install them with; on Debian they are \
             called {}",
            absent.join(" ")
        );
    }
    say(&format!("installing system packages: {}", absent.join(" ")));
    let cure = "these packages need the rights of root: run it as root, or install them by hand";
    run(apt().args(["update", "-qq"]), cure)?;
    run(apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&absent), cure)?;
    if let Some(SystemPackage { name, sign, .. }) = wanted().next() {
        bail!("{name} was installed but still can't be found ({sign:?})");
    }
    Ok(())
}

fn is_there(sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => {
            let path = env::var_os("PATH").unwrap_or_default();
            env::split_paths(&path).any(|folder| folder.join(name).is_file())
        }
        Sign::PkgConfig(module) => succeeds(Command::new("pkg-config").args(["--exists", module])),
        Sign::Header(name) => Path::new("/usr/include").join(name).is_file(),
        Sign::Library(start) => LIBRARY_FOLDERS.iter().any(|folder| has_library(Path::new(folder), start, 3)),
    }
}

/// Whether a file whose name begins so lies in a folder, or up to `depth` folders below it.
fn has_library(folder: &Path, start: &str, depth: u32) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    let named =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_library(name, start));
    paths.iter().any(|path| named(path))
        || depth > 0
            && paths.iter().any(|path| path.is_dir() && !path.is_symlink() && has_library(path, start, depth - 1))
}

/// `libclang` is in `libclang.so`, `libclang-14.so.1` and the like, and not in `libclang-cpp.so`.
fn is_library(name: &str, start: &str) -> bool {
    let rest = name.strip_prefix(start).and_then(|rest| rest.split_once(".so"));
    rest.is_some_and(|(version, _)| {
        version.chars().all(|letter| letter == '-' || letter == '.' || letter.is_ascii_digit())
    })
}

fn apt() -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut command = Command::new(if root { "apt-get" } else { "sudo" });
    if !root {
        command.arg("apt-get");
    }
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_found_or_not() {
        assert!(is_there(&Sign::Program("cargo".into())), "this test runs by cargo");
        assert!(!is_there(&Sign::Program("no-such-program".into())));
        assert!(!is_there(&Sign::Header("no/such/header.h".into())));
        assert!(!is_there(&Sign::Library("libnosuchlibrary".into())));
    }

    #[test]
    fn a_library_is_told_from_its_relatives() {
        assert!(is_library("libclang.so", "libclang") && is_library("libclang-14.so.1", "libclang"));
        assert!(!is_library("libclang-cpp.so.14", "libclang") && !is_library("libclang.a", "libclang"));
    }
}
