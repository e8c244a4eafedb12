//! `cyborg-train agreement`: brings the maps of a study up to date, and says how right its annotators are and how far they
//! agree.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cyborg_models::name;

use super::session::positive;
use crate::agreement::figures::figures;
use crate::agreement::gather::gather;
use crate::agreement::report::{self, Report, markdown};
use crate::agreement::rules::Rules;
use crate::metrics::Bootstrap;
use crate::study::maps::{self, Which};

#[derive(Args, Debug)]
pub(super) struct AgreementArgs {
    /// Folder of a study, as `annotate` writes it; its maps, list and table are brought up to date
    #[arg(value_name = "MAPS")]
    study: PathBuf,
    /// Folder for the report [default: `agreement` in the study's folder]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Make maps of all answers, and not of the right ones alone
    #[arg(long)]
    all_answers: bool,
    /// Leave an annotator out of the maps and of all figures but their own; may be given several times
    #[arg(long, value_name = "NAME")]
    leave_out: Vec<String>,
    /// A median answer that took less seconds speaks against its annotator
    #[arg(long, value_name = "SECONDS", default_value_t = 1.5, value_parser = positive)]
    quickest: f64,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    draws: u32,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

pub(super) fn run(args: &AgreementArgs) -> anyhow::Result<()> {
    let which = if args.all_answers { Which::All } else { Which::Correct };
    let written = maps::write_without(&args.study, which, &args.leave_out)?;
    log::info!(
        "{}: {} maps ({} new or changed, {} removed) from {} answers",
        name::of(&args.study),
        written.maps,
        written.changed,
        written.removed,
        written.answers
    );
    let found = gather(&args.study, &args.leave_out)?;
    let bootstrap = Bootstrap { draws: args.draws as usize, seed: args.seed };
    let figures = figures(&found, &args.leave_out, Rules::usual(args.quickest), bootstrap);
    let study = std::path::absolute(&args.study).unwrap_or_else(|_| args.study.clone());
    let study = study.file_name().map_or_else(|| name::of(&study), |file| name::of(Path::new(file)));
    let report = Report { study: &study, which, maps: written.maps, figures: &figures, averages: &found.averages };
    let out = args.out.clone().unwrap_or_else(|| args.study.join("agreement"));
    report::write(&report, &out)?;
    // A reader who has seen enough is no failure.
    match std::io::stdout().lock().write_all(markdown(&report).as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        printed => printed.context("can't print the figures")?,
    }
    log::info!("the report: {}", name::of(out.join("report.html")));
    Ok(())
}
