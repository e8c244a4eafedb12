//! The tree of a package on the disk, the same each time: modes and times are set, not inherited.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use flate2::{Compression, GzBuilder};

use super::layout::{Content, Place};

/// Lays out a tree in an empty folder, of files and folders that were last changed at `time`.
pub(super) fn lay_out(places: &[Place], tree: &Path, time: SystemTime) -> anyhow::Result<()> {
    if tree.exists() {
        fs::remove_dir_all(tree).with_context(|| format!("can't remove the old {}", tree.display()))?;
    }
    for place in places {
        let path = tree.join(&place.to);
        let folder = path.parent().unwrap_or(tree);
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        fill(place, &path)?;
        set_mode(&path, place.mode)?;
    }
    settle(tree, time)
}

/// Gives folders their mode, and everything its time.
pub(super) fn settle(tree: &Path, time: SystemTime) -> anyhow::Result<()> {
    for path in below(tree)?.into_iter().chain([tree.to_owned()]) {
        if path.is_dir() {
            set_mode(&path, 0o755)?;
        }
        let set = File::open(&path).and_then(|file| file.set_modified(time));
        set.with_context(|| format!("can't set the time of {}", path.display()))?;
    }
    Ok(())
}

/// All files and folders of a tree, in the order of their names.
pub(super) fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("can't read {}", folder.display()))?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn fill(place: &Place, path: &Path) -> anyhow::Result<()> {
    let write = || format!("can't write {}", path.display());
    let read = |from: &Path| fs::read(from).with_context(|| format!("can't read {}", from.display()));
    match &place.content {
        Content::Copy(from) => {
            fs::copy(from, path).with_context(|| format!("can't copy {} to {}", from.display(), path.display()))?;
            Ok(())
        }
        Content::Packed(from) => fs::write(path, packed(&read(from)?)?).with_context(write),
        Content::PackedText(text) => fs::write(path, packed(text.as_bytes())?).with_context(write),
    }
}

/// As `gzip -9n` does it: without name and time.
fn packed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).context("can't pack a file")
}

fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("can't set the mode of {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn the_tree_is_as_listed() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (from, tree) = (folder.path().join("from"), folder.path().join("tree"));
        fs::write(&from, "abc").expect("it can be written");
        let place = |to: &str, content, mode| Place { to: to.to_owned(), content, mode };
        let places = [
            place("usr/bin/a", Content::Copy(from.clone()), 0o755),
            place("etc/b", Content::Copy(from.clone()), 0o640),
            place("usr/c.gz", Content::Packed(from), 0o644),
            place("usr/d.gz", Content::PackedText("text".to_owned()), 0o644),
        ];
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        // What an earlier run left goes.
        fs::create_dir(&tree).and_then(|()| fs::write(tree.join("old"), "")).expect("it can be written");
        lay_out(&places, &tree, time).expect("all is there");
        let found = below(&tree).expect("it can be read");
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(&tree).expect("below it").display().to_string()).collect();
        assert_eq!(names, ["etc", "etc/b", "usr", "usr/bin", "usr/bin/a", "usr/c.gz", "usr/d.gz"]);
        for path in &found {
            let found = fs::metadata(path).expect("it is there");
            assert_eq!(found.modified().expect("it has a time"), time, "{}", path.display());
        }
        let mode = |name: &str| fs::metadata(tree.join(name)).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode("usr/bin"), mode("usr/bin/a"), mode("etc/b")), (0o755, 0o755, 0o640));
        let mut text = String::new();
        let packed = fs::read(tree.join("usr/c.gz")).expect("it is there");
        GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("it is packed");
        assert_eq!(text, "abc");
        assert_eq!(packed[4..8], [0; 4], "no time in it");
    }

    #[test]
    fn a_part_that_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let absent = folder.path().join("absent");
        let place = Place { to: "usr/a".to_owned(), content: Content::Copy(absent), mode: 0o644 };
        let error = lay_out(&[place], &folder.path().join("tree"), SystemTime::now()).expect_err("a part is missing");
        assert!(error.to_string().contains("absent"), "{error:#}");
    }
}
