//! `cyborg doctor`: what this machine has, and what to do about each thing that is missing.

use std::fmt::Write;
use std::num::NonZeroUsize;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use cyborg_models::contract::Saliency;
use cyborg_models::{cache, digest, lock};
use serde::Serialize;

use super::machine;
use super::outcome::{Outcome, say};
use crate::classify::named::{self, ModelName};
use crate::classify::panel::Panel;
use crate::cli::cure;
use crate::face::detector::{Detector, DetectorName, DetectorSettings, KINDS, Kind, Origin};
use crate::inference::provider::{Asked, Provider};
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::name;

#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// Model to check, by name or file [default: auto]
    #[arg(long, value_name = "NAME|FILE", default_value = "auto", value_parser = OsStringValueParser::new().map(ModelName::of))]
    model: ModelName,
    /// Execution provider to try, by one of the listed names
    #[arg(long, value_name = "NAME", default_value = "auto")]
    provider: Asked,
    /// Write one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What was found, in the order in which it is told.
#[derive(Default)]
struct Report {
    facts: Vec<Fact>,
}

/// A line of the report.
#[derive(Serialize)]
struct Fact {
    /// Empty where more is said of the line before.
    name: String,
    value: String,
    missing: bool,
}

/// The report for a program.
#[derive(Serialize)]
struct Told<'a> {
    /// Version of this form.
    version: u32,
    missing: usize,
    facts: &'a [Fact],
}

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<Outcome> {
    let mut report = Report::default();
    report.line("program", concat!("cyborg ", env!("CARGO_PKG_VERSION")));
    report.line("system", &format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    report.line("processors", &threads.to_string());
    match cache::folder() {
        Some(folder) => report.line("cache folder", &name::of(folder)),
        None if brought_along() => report.line("cache folder", "none, and none is needed"),
        None => report.lack("cache folder", "unknown: set CYBORG_CACHE or HOME"),
    }
    match Runtime::load_for(args.provider) {
        Ok(runtime) => networks(&mut report, &runtime, args),
        Err(error) => {
            report.lack("onnx runtime", &error.to_string());
            KINDS.iter().for_each(|kind| detector_file(&mut report, kind, &args.model));
        }
    }
    decoder(&mut report);
    cameras(&mut report);
    let missing = report.facts.iter().filter(|fact| fact.missing).count();
    if args.json {
        machine::print(&Told { version: 1, missing, facts: &report.for_program() })?;
    } else {
        say(report.text().trim_end())?;
        match missing {
            0 => say("\nnothing is missing")?,
            1 => say("\n1 thing is missing, see the line with `!`")?,
            count => say(&format!("\n{count} things are missing, see the lines with `!`"))?,
        }
    }
    Ok(if missing == 0 { Outcome::Done } else { Outcome::Failed })
}

/// Whether the detectors were installed with the program: then a service does without a cache folder, which it has no home for.
fn brought_along() -> bool {
    let is_placed = |kind: &Kind| matches!(kind.origin, Origin::Embedded(_)) || kind.fetched().is_some();
    cache::folder().is_none() && KINDS.iter().all(is_placed)
}

impl Report {
    fn line(&mut self, name: &str, value: &str) {
        self.facts.push(Fact { name: name.to_owned(), value: value.to_owned(), missing: false });
    }

    fn lack(&mut self, name: &str, what_and_cure: &str) {
        self.facts.push(Fact { name: name.to_owned(), value: what_and_cure.to_owned(), missing: true });
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Fact { name, value, missing } in &self.facts {
            let mark = if *missing { '!' } else { ' ' };
            // Writing to a string can't fail.
            let _ = writeln!(text, "{mark} {name:<14} {value}");
        }
        text
    }

    /// Each fact with a name of its own: that of the line before where it goes on.
    fn for_program(&self) -> Vec<Fact> {
        let mut facts: Vec<Fact> = Vec::with_capacity(self.facts.len());
        for Fact { name, value, missing } in &self.facts {
            let name = match (name.trim(), facts.last()) {
                ("", Some(before)) => before.name.clone(),
                (name, _) => name.to_owned(),
            };
            facts.push(Fact { name, value: value.clone(), missing: *missing });
        }
        facts
    }
}

fn networks(report: &mut Report, runtime: &Runtime, args: &DoctorArgs) {
    report.line("onnx runtime", &format!("{}, {}", name::of(&runtime.library), runtime.found));
    report.line("", &format!("version {}", runtime.version().unwrap_or_else(|| "unknown".to_owned())));
    for provider in Provider::all() {
        let built_in = provider.built_in().map_or_else(|lack| lack, |()| "built in".to_owned());
        report.line(&format!("  {provider}"), &built_in);
    }
    let session = SessionSettings { provider: args.provider, threads: NonZeroUsize::MIN };
    sets(report);
    match open(runtime, &args.model, session) {
        Ok(panel) => model(report, &panel),
        Err(error) => report.lack("model", &cure::in_words(&error)),
    }
    for kind in &KINDS {
        let is_there = kind.fetched().is_none_or(|path| path.exists());
        match Detector::open(runtime, &DetectorName::Known(kind), DetectorSettings::of_side(320), session) {
            Err(error) if is_there => report.lack("face detector", &cure::in_words(&anyhow::Error::new(error))),
            _ => detector_file(report, kind, &args.model),
        }
    }
}

/// Where the file of a detector is, and whether it is the one that finds faces for the model. Where that of the model isn't installed,
/// another one does.
fn detector_file(report: &mut Report, kind: &Kind, model: &ModelName) {
    let is_used = matches!(model.detector(), DetectorName::Known(used) if used.name == kind.name);
    let (name, title) = (kind.name, if is_used { "face detector" } else { "  or" });
    match (kind.origin, kind.fetched()) {
        (Origin::Embedded(bytes), _) => {
            report.line(title, &format!("{name}, part of the program"));
            report.line("", &format!("sha256 {}", digest::of_bytes(bytes)));
        }
        (Origin::Fetched(_), path) if path.as_ref().is_none_or(|path| !path.exists()) => {
            report.line(title, &format!("{name}: not installed; `cargo xtask setup` fetches it"));
        }
        (Origin::Fetched(id), _) => fetched(report, title, name, id),
    }
}

fn open(runtime: &Runtime, model: &ModelName, session: SessionSettings) -> anyhow::Result<Panel> {
    Ok(Panel::of(runtime, &model.read(None)?, session)?)
}

/// Which sets are installed, and so what `auto` is.
fn sets(report: &mut Report) {
    match named::installed(named::ACCURATE) {
        Some(path) => {
            report.line("set", &format!("{}: {}", named::ACCURATE, name::of(path)));
            report.line("", "photos and clips are judged by it, unless --model names another");
        }
        // The program judges without it.
        None => {
            let places: Vec<String> = named::places(named::ACCURATE).iter().map(name::of).collect();
            report.line("set", &format!("{}: not installed, {}", named::ACCURATE, places.join(" or ")));
            report.line("", "the small model judges; `cargo xtask setup` fetches the set");
        }
    }
}

fn model(report: &mut Report, panel: &Panel) {
    let contract = panel.contract();
    report.line("provider", &panel.provider());
    report.line("model", &format!("{} ({})", panel.name(), contract.network));
    report.line("", &format!("sha256 {}", panel.digest()));
    let Some(set) = panel.set() else {
        let Saliency { source, alpha, .. } = &contract.saliency;
        report.line("", &format!("saliency {source}, alpha {alpha}, {}", contract.training.tool));
        return;
    };
    for expert in &set.experts {
        let kind = expert.looks_for.map_or_else(|| "anything".to_owned(), |kind| kind.to_string());
        report.line("", &format!("expert {}, looks for {kind}, weight {}", expert.file, expert.weight));
        report.line("", &format!("  sha256 {}", expert.sha256));
    }
}

/// A fetched file is held against the lock: somebody may have changed it since.
fn fetched(report: &mut Report, title: &str, name: &str, id: &str) {
    let (Some(path), Some(locked)) = (lock::placed(id), lock::file(id)) else {
        return;
    };
    match lock::verify(&path, &locked.sha256) {
        Ok(()) => {
            report.line(title, &format!("{name}: {}", name::of(path)));
            report.line("", &format!("sha256 {}, as locked", locked.sha256));
        }
        Err(error) => report.lack(title, &cure::in_words(&anyhow::Error::new(error))),
    }
}

#[cfg(feature = "video")]
fn decoder(report: &mut Report) {
    report.line("decoder", &crate::capture::video::decoder_version());
    for (hardware, there) in crate::capture::video::hardware() {
        report.line(&format!("  by {hardware}"), &there.map_or_else(|lack| lack, |()| "there".to_owned()));
    }
    match crate::sink::video::encoder_name() {
        Ok(name) => report.line("encoder", name),
        Err(error) => report.lack("encoder", &cure::in_words(&anyhow::Error::new(error))),
    }
}

#[cfg(not(feature = "video"))]
fn decoder(report: &mut Report) {
    report.line("decoder", "not built in (cargo feature `video`)");
}

#[cfg(feature = "camera")]
fn cameras(report: &mut Report) {
    match crate::capture::camera::list() {
        // No camera is no fault: files need none.
        Ok(found) if found.is_empty() => {
            let node = std::path::Path::new("/dev/video0").exists();
            let hint = if node { "; /dev/video0 is there: is this user in the group `video`?" } else { "" };
            report.line("cameras", &format!("none{hint}"));
        }
        Ok(found) => {
            for camera in found {
                report.line("camera", &format!("{}: {}", camera.index, camera.name));
            }
        }
        Err(error) => report.line("cameras", &error.to_string()),
    }
}

#[cfg(not(feature = "camera"))]
fn cameras(report: &mut Report) {
    report.line("cameras", "not built in (cargo feature `camera`)");
}
