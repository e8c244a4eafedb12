//! `cyborg-train bench`: the speed of the real training step, on random data or with the faces of a list.

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::bail;
use clap::Args;
use cyborg_models::contract::CamClass;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen};
use crate::data::augment::Preset;
use crate::data::balance::Balance;
use crate::data::choice::Known;
use crate::data::forge::swap::donor::Donors;
use crate::data::inspect::Need;
use crate::data::list::Split;
use crate::data::loader::{AHEAD, Batch, Plan, training};
use crate::data::look::{Wanted, look};
use crate::fit::{Descent, FitSettings, Learner, Measure, Precision, train_step};
use crate::loss::LossSettings;
use crate::network::Architecture;
use crate::torch::{Model, Tune};

#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0", help = format!("Network: {}", Architecture::names()))]
    network: Architecture,
    /// Batch size in faces
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    batch: u16,
    /// Number of steps to time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// What is done to the faces of a list: none or robust
    #[arg(long, value_name = "PRESET", default_value = "none")]
    augment: Preset,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    machine: MachineArgs,
}

/// What is printed, as JSON.
#[derive(Serialize)]
struct Speed {
    network: &'static str,
    data: &'static str,
    batch: usize,
    steps: usize,
    /// Median over the steps.
    ms_per_step: f64,
    /// Mean over the steps, waiting for their batches included.
    faces_per_s: f64,
    /// The most memory that the process had, in MiB; absent where the system doesn't tell.
    peak_mib: Option<u64>,
}

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let batch = usize::from(args.batch);
    let settings = paper(batch, args.augment);
    let mut model = Model::new(args.network.describe(2), settings.seed);
    model.move_to(args.machine.device)?;
    // The first step makes room for all that the others use again; with a list, the loader has some batches ready before it,
    // and they must be gone before its speed shows.
    let warm = if args.data.data.is_some() { AHEAD + 2 } else { 1 };
    let wanted = args.steps as usize + warm;
    let batches: Box<dyn Iterator<Item = anyhow::Result<Batch>>> = if args.data.data.is_none() {
        let (side, (height, width)) = (model.network().input_side, model.network().cam_size());
        let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
        Box::new(std::iter::repeat_with(move || Ok(noise(batch, side, height * width, &mut random))))
    } else {
        let read = args.data.read(&Known::default())?;
        let memory = bytes(args.machine.memory);
        let needs = Wanted::by(model.network(), &[Split::Train], Need::Unneeded, memory);
        let Some(inspected) = look(read, &needs, stop)? else { return Ok(Outcome::Interrupted) };
        let indices = inspected.of_split(Split::Train);
        if indices.len() < batch {
            bail!("the list has {} training faces, a batch is {batch}: give a smaller `--batch`", indices.len());
        }
        let plan = Plan {
            indices,
            forged: 0,
            swapped: 0,
            donors: Arc::new(Donors::among(&inspected.faces, &[])),
            augment: args.augment,
            video_coding: 0.0,
            balance: Balance::Listed,
            batch,
            seed: settings.seed,
        };
        let faces = Arc::new(inspected.faces);
        Box::new(
            (1..)
                .flat_map(move |epoch| training(&faces, &plan, epoch))
                .filter(move |made| made.as_ref().map_or(true, |made| made.len() == batch)),
        )
    };
    let mut learner = Learner::new(model, &settings)?;
    let mut times = Vec::new();
    let mut start = Instant::now();
    for made in batches.take(wanted) {
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Interrupted);
        }
        train_step(&mut learner, &made?, &settings, 1)?;
        times.push(start.elapsed().as_secs_f64());
        // Waiting for the next batch belongs to its step.
        start = Instant::now();
    }
    if times.len() <= warm {
        bail!("interrupted before anything was timed");
    }
    let mut timed = times.split_off(warm);
    let mean = timed.iter().sum::<f64>() / timed.len() as f64;
    timed.sort_by(f64::total_cmp);
    let median = timed[timed.len() / 2];
    let speed = Speed {
        network: args.network.name(),
        data: if args.data.data.is_some() { "list" } else { "random" },
        batch,
        steps: timed.len(),
        ms_per_step: median * 1e3,
        faces_per_s: batch as f64 / mean,
        peak_mib: peak_mib(),
    };
    // A reader that has gone is no failure.
    let _ = writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&speed)?);
    Ok(Outcome::Done)
}

/// The paper's settings, which decide what a step does.
fn paper(batch: usize, augment: Preset) -> FitSettings {
    let Descent { optimiser, rate, schedule } = Descent::paper(12);
    FitSettings {
        loss: LossSettings {
            alpha: 0.5,
            cam_class: CamClass::True,
            cam_entropy: 0.0,
            map_power: 1.0,
            taught_share: 0.0,
        },
        epochs: 1,
        batch,
        optimiser,
        rate,
        schedule,
        augment,
        forge: 0.0,
        swap: 0.0,
        video_coding: 0.0,
        balance: Balance::Listed,
        freeze: 1,
        tune: Tune::All,
        shuffle_patches: false,
        average: None,
        best_by: Measure::Accuracy,
        patience: None,
        precision: Precision::Full,
        seed: 1,
    }
}

fn noise(batch: usize, side: usize, cells: usize, random: &mut ChaCha8Rng) -> Batch {
    let mut pixels = vec![0; batch * side * side * 3];
    random.fill(&mut pixels[..]);
    Batch {
        pixels,
        labels: (0..batch as i64).map(|number| number % 2).collect(),
        maps: (0..batch * cells).map(|_| random.random_range(0.0..1.0)).collect(),
        has_map: vec![true; batch],
        taught: Vec::new(),
        trunk: Vec::new(),
    }
}

/// The most memory that this process had so far, as Linux tells it.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}
