//! Assembles the accurate set from the fetched tower, unless this checkout's version is already there.

use std::fs;

use anyhow::Context;
use cyborg_models::accurate::{self, FOLDER, TOWER};
use cyborg_models::{cache, lock};

use crate::step::say;

/// Sees to it that the set lies in the cache folder.
pub(crate) fn install() -> anyhow::Result<()> {
    let locked = lock::file(TOWER).context("the lock file has no tower")?;
    let tower = lock::cached(TOWER).context("no cache folder is known: set CYBORG_CACHE or HOME")?;
    let folder =
        cache::folder().context("no cache folder is known: set CYBORG_CACHE or HOME")?.join("models").join(FOLDER);
    let is_there = |name: &str, bytes: &[u8]| fs::read(folder.join(name)).is_ok_and(|found| found == bytes);
    let bytes = fs::read(&tower).with_context(|| format!("can't read {}", tower.display()))?;
    let files = accurate::files(&bytes, &locked.sha256).with_context(|| format!("can't use {}", tower.display()))?;
    if files.iter().all(|(name, bytes)| is_there(name, bytes)) {
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (name, bytes) in &files {
        let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
        let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, &path));
        written.with_context(|| format!("can't write {}", path.display()))?;
    }
    say(&format!("assembled the {FOLDER} set"));
    Ok(())
}
