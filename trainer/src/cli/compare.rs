//! `cyborg-train compare`: two settings side by side, on the same faces, with the difference of their AUCs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::checkpoint;
use crate::evaluation::compared::Compared;
use crate::metrics::Bootstrap;
use crate::plot::curves::{Band, TrainingCurves};
use crate::runs::curves_of;
use cyborg_models::name;

#[derive(Args, Debug)]
pub(super) struct CompareArgs {
    /// Folder of runs, evaluated before
    #[arg(value_name = "RUNS_A")]
    pub(super) first: PathBuf,
    /// Folder of other runs, evaluated on the same faces
    #[arg(value_name = "RUNS_B")]
    pub(super) second: PathBuf,
    /// Folder in each of them that the evaluation was written to
    #[arg(long, value_name = "NAME", default_value = "evaluation")]
    pub(super) evaluation: PathBuf,
    /// Folder to write tables and pictures to [default: print the table alone]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub(super) draws: u32,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let bootstrap = Bootstrap { draws: args.draws as usize, seed: args.seed };
    let compared = Compared::read(&args.first, &args.second, &args.evaluation, bootstrap)?;
    let page = compared.to_markdown();
    // A reader that has gone is no failure.
    let _ = writeln!(std::io::stdout().lock(), "{page}");
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).with_context(|| format!("can't make {}", name::of(out)))?;
        let path = out.join("comparison.md");
        checkpoint::replace(&path, page.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
        let path = out.join("comparison.json");
        let json = serde_json::to_string_pretty(&compared.lines)? + "\n";
        checkpoint::replace(&path, json.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
        let [first, second] = &compared.names;
        let settings = vec![curves_of(&args.first, first)?, curves_of(&args.second, second)?];
        let title = format!("{first} and {second}");
        TrainingCurves { title, settings, band: Band::Deviation }.save(&out.join("training"))?;
    }
    Ok(())
}
