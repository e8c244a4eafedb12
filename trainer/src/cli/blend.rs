//! `cyborg-train blend`: two heads of one tower as one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cyborg_models::head::Head;
use cyborg_models::name;

use super::Outcome;
use crate::checkpoint;
use crate::head::blend;

#[derive(Args, Debug)]
pub(super) struct BlendArgs {
    /// Head that `cyborg-train head` wrote; the contract of both comes from it
    first: PathBuf,
    /// Another one, on other blocks of the same tower or learnt in another way
    second: PathBuf,
    /// Head to write, whose evidence is the mean of both
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &BlendArgs) -> anyhow::Result<Outcome> {
    let read = |path: &Path| -> anyhow::Result<Head> {
        let fail = || format!("can't read the head in {}", name::of(path));
        Head::read(&fs::read(path).with_context(fail)?).with_context(fail)
    };
    let both = blend::blend(&read(&args.first)?, &read(&args.second)?)
        .with_context(|| format!("can't blend {} and {}", name::of(&args.first), name::of(&args.second)))?;
    checkpoint::replace(&args.out, &both.to_bytes()?)
        .with_context(|| format!("can't write {}", name::of(&args.out)))?;
    log::info!("wrote {}", name::of(&args.out));
    Ok(Outcome::Done)
}
