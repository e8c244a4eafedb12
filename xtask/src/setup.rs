//! `cargo xtask setup`: system packages, and what is fetched. `cargo xtask trainer`: the trainer, with its libtorch.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use anyhow::Context;
use cyborg_models::cache;
use cyborg_models::lock::{Group, cached};

use crate::step::{cargo, say};
use crate::{fetch, system};

/// Sets up the runtime, with `trainer` the trainer, with `media` the clips and photos of demo and tests.
pub(crate) fn run(trainer: bool, media: bool) -> anyhow::Result<()> {
    let mut groups = vec![Group::Runtime];
    groups.extend(trainer.then_some(Group::Trainer));
    groups.extend([Group::Demo, Group::Test].into_iter().filter(|_| media));
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    let folder = cache::folder().unwrap_or_default();
    say(&format!("set up: the cache folder is {}", folder.display()));
    if trainer {
        say(&format!("to build the trainer without `cargo xtask trainer`: export LIBTORCH={}", libtorch()?.display()));
    }
    Ok(())
}

/// The folder that libtorch lies in, as its Rust binding wants it in `LIBTORCH`.
pub(crate) fn libtorch() -> anyhow::Result<PathBuf> {
    let library =
        cached("libtorch_cpu").context("no libtorch is locked for this kind of machine: the trainer runs on x86-64")?;
    let folder = library.parent().and_then(|lib| lib.parent());
    Ok(folder.context("the lock file puts libtorch nowhere")?.to_owned())
}

/// Runs `cyborg-train`, built for speed, and hands on its exit code.
pub(crate) fn trainer(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let groups = [Group::Runtime, Group::Trainer];
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    let mut command = cargo();
    // The user's own folder: paths among the arguments are meant from there.
    command.current_dir(std::env::current_dir().context("the current folder is gone")?);
    command
        .args(["run", "--quiet", "--release", "--package", "cyborg-trainer", "--features", "video", "--"])
        .args(arguments);
    let status = command.env("LIBTORCH", libtorch()?).stdin(Stdio::null()).status().context("can't run cargo")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
