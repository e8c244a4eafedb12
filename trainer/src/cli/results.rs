//! `cyborg-train results`: a page of results from folders of runs, and the numbers behind it as files that can be published:
//! without photos, their names, or places on this machine.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;

use super::arms::{Arm, CLASSICAL, CYBORG};
use super::experiment::{COMPARISON, EVALUATION};
use crate::checkpoint;
use crate::data::list::Label;
use crate::evaluation::table;
use crate::fit::FitSettings;
use crate::run_folder::{BEST, METRICS, RunFolder, is_smoothed};
use cyborg_models::name;

#[derive(Args, Debug)]
pub(super) struct ResultsArgs {
    /// Folders of runs that were evaluated, and of experiments
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// Page to write, in Markdown
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Folder for the numbers behind it: settings, metrics by epoch, scores without names, reports, pictures of curves and maps
    #[arg(long, value_name = "FOLDER")]
    keep: PathBuf,
    /// Markdown to put at the top of the page: what was measured, in which order, and what it means
    #[arg(long, value_name = "FILE")]
    intro: Option<PathBuf>,
}

/// Settings without places on this machine.
#[derive(Serialize)]
struct Settings<'a> {
    tool: &'a str,
    network: &'a str,
    cam_tap: &'a str,
    side: Option<usize>,
    margin: f32,
    left_out: &'a [String],
    data_sha256: &'a str,
    runs: u64,
    /// Whether the network smooths its input.
    smoothed: bool,
    fit: &'a FitSettings,
}

/// A score without the name of its photo.
#[derive(Serialize)]
struct Score<'a> {
    source: &'a str,
    label: Label,
    score: f64,
}

pub(super) fn run(args: &ResultsArgs) -> anyhow::Result<()> {
    let mut page = match &args.intro {
        Some(path) => read(path)?,
        None => "# Results\n".to_owned(),
    };
    for folder in &args.folders {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.with_context(|| format!("{} has no name", name::of(folder)))?;
        let kept = args.keep.join(&name);
        if folder.join(COMPARISON).is_dir() && RunFolder::is_free(folder).is_ok() {
            experiment(folder, &name, &kept, &mut page)?;
        } else {
            writeln!(page, "\n## {name}\n")?;
            setting(folder, &kept, &mut page)?;
            page += &below(&read(&folder.join(EVALUATION).join("report.md"))?);
        }
    }
    checkpoint::replace(&args.out, page.as_bytes()).with_context(|| format!("can't write {}", name::of(&args.out)))?;
    log::info!("{}; the numbers behind it: {}", name::of(&args.out), name::of(&args.keep));
    Ok(())
}

/// The settings of an experiment, side by side.
fn experiment(folder: &Path, name: &str, kept: &Path, page: &mut String) -> anyhow::Result<()> {
    writeln!(page, "\n## {name}\n")?;
    let known = [CLASSICAL, CYBORG].into_iter().chain(Arm::folders());
    for setting_name in known.filter(|name| folder.join(name).is_dir()) {
        write!(page, "**{setting_name}**: ")?;
        setting(&folder.join(setting_name), &kept.join(setting_name), page)?;
    }
    let compared = folder.join(COMPARISON);
    page.push_str(&below(&read(&compared.join("comparison.md"))?));
    for file in ["comparison.json", "comparison.md", "training.svg", "cams.svg"] {
        copy(&compared.join(file), &kept.join(file))?;
    }
    let people = compared.join("people.json");
    if people.is_file() { copy(&people, &kept.join("people.json")) } else { Ok(()) }
}

/// The settings of a folder of runs as a line, and its numbers as files.
fn setting(folder: &Path, kept: &Path, page: &mut String) -> anyhow::Result<()> {
    let runs = RunFolder::open(folder)?;
    let config = &runs.config;
    fs::create_dir_all(kept).with_context(|| format!("can't make {}", name::of(kept)))?;
    let first = runs.seeds().next().map(|seed| runs.of_seed(seed).join(BEST)).filter(|path| path.is_file());
    let first = first.map(|path| checkpoint::read(&path)).transpose()?;
    let smoothed = first.is_some_and(|first| is_smoothed(&first.metadata));
    let settings = Settings {
        tool: &config.tool,
        network: &config.network,
        cam_tap: &config.cam_tap,
        side: config.side,
        margin: config.data.margin,
        left_out: &config.data.left_out,
        data_sha256: &config.data_sha256,
        runs: config.runs,
        smoothed,
        fit: &config.fit,
    };
    let path = kept.join("settings.json");
    checkpoint::replace(&path, (serde_json::to_string_pretty(&settings)? + "\n").as_bytes())?;
    let (fit, mut done) = (&config.fit, 0);
    for seed in runs.seeds() {
        let metrics = runs.of_seed(seed).join(METRICS);
        if metrics.is_file() {
            copy(&metrics, &kept.join(format!("metrics-seed-{seed}.csv")))?;
            done += 1;
        }
        let scores = folder.join(EVALUATION).join(format!("scores-seed-{seed}.csv"));
        if scores.is_file() {
            nameless(&scores, &kept.join(format!("scores-seed-{seed}.csv")))?;
        }
        plot(folder, kept, &format!("reliability-seed-{seed}.svg"))?;
    }
    ensure!(done > 0, "no run in {} has finished an epoch yet", name::of(folder));
    copy(&folder.join(EVALUATION).join("report.json"), &kept.join("report.json"))?;
    for name in ["cams.svg", "people.svg", "robustness.svg", "roc.svg"] {
        plot(folder, kept, name)?;
    }
    writeln!(
        page,
        "{}, input {}{}, alpha {}, map of the {} class at the {} tap, {}{}{}{} epochs, batch {}, augmentation {}, {} forged pairs a \
         real face, {}{}layers frozen above 1/{}, {}rate {}, seeds from {}, {done} runs.\n",
        config.network,
        config.side.map_or_else(|| "of its own size".to_owned(), |side| format!("{side} x {side}")),
        if smoothed { ", smoothed" } else { "" },
        fit.loss.alpha,
        format!("{:?}", fit.loss.cam_class).to_lowercase(),
        config.cam_tap,
        unusual(fit.loss.cam_entropy, 0.0, "weight of its entropy"),
        unusual(fit.loss.map_power, 1.0, "saliency maps to the power of"),
        unusual(fit.loss.taught_share, 0.0, "share wanted by a teacher"),
        fit.epochs,
        fit.batch,
        fit.augment,
        fit.forge,
        unusual(fit.swap, 0.0, "swapped pairs a real face"),
        unusual(fit.video_coding, 0.0, "share coded as video"),
        fit.freeze,
        fit.average.map_or_else(String::new, |decay| format!("weights averaged by {decay}, ")),
        fit.rate,
        fit.seed
    )?;
    Ok(())
}

/// A setting that is seldom another than the usual one.
fn unusual(value: f64, usual: f64, what: &str) -> String {
    if value == usual { String::new() } else { format!("{what} {value}, ") }
}

/// Copies a picture of numbers, where the evaluation drew it; none of these shows a face.
fn plot(folder: &Path, kept: &Path, name: &str) -> anyhow::Result<()> {
    let path = folder.join(EVALUATION).join("plots").join(name);
    if path.is_file() { copy(&path, &kept.join(name)) } else { Ok(()) }
}

/// A page with its title left out and its headings one lower.
fn below(page: &str) -> String {
    let lines = page.lines().skip_while(|line| line.starts_with("# ") || line.is_empty());
    let lower = |line: &str| if line.starts_with('#') { format!("#{line}\n") } else { format!("{line}\n") };
    lines.map(lower).collect()
}

fn nameless(from: &Path, to: &Path) -> anyhow::Result<()> {
    let read = table::read(from)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (face, score) in read.faces.iter().zip(read.scores) {
        writer.serialize(Score { source: &face.source, label: face.label, score })?;
    }
    checkpoint::replace(to, &writer.into_inner()?).with_context(|| format!("can't write {}", name::of(to)))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("can't read {}", name::of(path)))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("can't copy {} to {}", name::of(from), name::of(to)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_below_another() {
        assert_eq!(below("# Title\n\ntext\n\n## Part\n| a |\n"), "text\n\n### Part\n| a |\n");
    }

    #[test]
    fn scores_lose_the_names_of_photos() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (from, to) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        let text = "path,score,label,source,video,logit_authentic,logit_synthetic\nhome/me.png,0.25,real,phone,,1,0\n";
        fs::write(&from, text).expect("it can be written");
        nameless(&from, &to).expect("it is a table of scores");
        assert_eq!(fs::read_to_string(&to).expect("it was written"), "source,label,score\nphone,real,0.25\n");
    }
}
