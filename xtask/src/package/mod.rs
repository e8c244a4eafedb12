//! `cargo xtask package`: a Debian package and an archive of the program with all that it needs. See docs/packages.md.
//!
//! `layout` says what lies where, `tree` puts it there, `pack` makes files of it; `check` installs them in a clean Debian.

mod check;
mod check_foreign;
mod clean_root;
mod container;
mod control;
mod layout;
mod notices;
mod pack;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cyborg_models::cache;
use cyborg_models::lock::{Group, lock};

use crate::architecture::Architecture;
use crate::build::Build;
use crate::cross::{Cross, emulator};
use crate::step::{root, say, step};
use crate::{fetch, release, system};
use control::Control;
use layout::Parts;
use pack::Moment;

/// What is packed, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct PackageArgs {
    /// Kind of machine to make them for, as Debian names it [default: this machine's]
    #[arg(long, value_name = "NAME")]
    arch: Option<Architecture>,
    /// Cargo's profile for the program. `dev` builds faster; what is passed on has `release`
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    /// Then install them in a clean Debian, run the program there and remove it; root and Debian's packages are needed
    #[arg(long)]
    check: bool,
}

/// What was made.
pub(crate) struct Made {
    /// The Debian package.
    package: PathBuf,
    /// The archive.
    archive: PathBuf,
    /// The tree that they were made of.
    tree: PathBuf,
    /// The program before its names were taken out, which runs here.
    program: PathBuf,
    control: String,
    moment: Moment,
}

/// Makes package and archive, and checks them if asked to.
pub(crate) fn run(args: &PackageArgs) -> anyhow::Result<()> {
    let architecture = args.arch.map_or_else(Architecture::own, Ok)?;
    if args.check {
        // Before the work: what can't be done is said at once.
        check::ensure_possible()?;
    }
    let made = make(architecture, &args.profile, &root().join("out/package"))?;
    if args.check {
        check::run(&made, architecture)?;
    }
    tell(&made);
    Ok(())
}

/// Makes them for a release, on this kind of machine.
pub(crate) fn release(out: &Path) -> anyhow::Result<()> {
    tell(&make(Architecture::own()?, "release", out)?);
    Ok(())
}

fn tell(made: &Made) {
    for path in [&made.package, &made.archive] {
        let size = fs::metadata(path).map_or(0, |found| found.len());
        say(&format!("{} ({:.0} MB)", path.display(), size as f64 / 1e6));
    }
}

/// Makes package and archive in a folder.
fn make(architecture: Architecture, profile: &str, out: &Path) -> anyhow::Result<Made> {
    let groups = [Group::Runtime, Group::Package];
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    // What they are made of lies elsewhere, so that the folder holds what is passed on and no more.
    let parts = root().join("out/parts");
    for folder in [out, &parts] {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    let cache = cache::folder().context("no cache folder is known: set CYBORG_CACHE or HOME")?;
    let cross = if architecture.is_own() { None } else { Some(Cross::prepare(architecture, &groups)?) };
    let made_for = cross.as_ref().map_or(cache.as_path(), Cross::cache);
    let build = cross.as_ref().map_or_else(|| Build::of_profile(profile), |cross| cross.build(profile));
    let program = build.packaged().program()?;
    // The program writes its own pages, for which it has to run here.
    let runs_here = match &cross {
        Some(cross) => emulator::starter(&emulator::words(architecture, cross.sysroot().folder()), &program)?,
        None => program.clone(),
    };
    step("manual pages and completions", || release::beside(&runs_here, &parts))?;
    let moment = Moment::of_commit(&root())?;
    let version = release::VERSION;
    let tree = parts.join(format!("tree-{}", architecture.debian()));
    step("tree of the package", || {
        let stripped = parts.join(format!("cyborg-{}", architecture.debian()));
        pack::strip(&program, &stripped, architecture)?;
        let from = Parts {
            root: &root(),
            program: &stripped,
            beside: &parts,
            pages: &pages(&parts.join("man"))?,
            cache: &cache,
            made_for,
            machine: architecture.machine(),
            crates: notices::crates(architecture.target())?,
            changelog: control::changelog(version, &moment.mail),
            standard_library: notices::standard_library(),
        };
        tree::lay_out(&layout::places(from, lock()), &tree, moment.time())
    })?;
    let (size, depends) = (pack::size(&tree)?, pack::depends(&tree, architecture, cross.as_ref().map(Cross::sysroot))?);
    let control = Control { version, architecture, size, depends: &depends }.text();
    let package = out.join(control::package_name(version, architecture));
    let archive_name = control::archive_name(version, architecture);
    let archive = out.join(format!("{archive_name}.tar.gz"));
    step("Debian package", || pack::debian(&tree, &control, &root(), &moment, &package))?;
    step("archive", || pack::archive(&tree, &archive_name, &moment, &archive))?;
    Ok(Made { package, archive, tree, program: runs_here, control, moment })
}

/// The names of the manual pages in a folder.
fn pages(folder: &Path) -> anyhow::Result<Vec<String>> {
    let read = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(tree::below(folder)?.iter().filter_map(read).collect())
}
