//! Faces a second of a training step: ours against a plain PyTorch loop, and ours with real photos against random data.
//!
//!     cargo bench --package cyborg-trainer --bench training_step
//!
//! Each measurement is a process of its own, so that its peak memory is its own too, and they take turns, so that a slow
//! minute of the machine is shared. The plain loop needs a Python with torch 2.11.0 and torchvision 0.26.0, named in
//! `CYBORG_BENCH_PYTHON` (else `python3`); without one, that part says that it was not run.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use image::{GrayImage, Luma, Rgb, RgbImage};
use serde::Deserialize;

const BATCH: &str = "20";
const ROUNDS: usize = 3;
/// Steps with photos: more than the loader makes ahead.
const STEPS: &str = "8";
/// Few enough that all of them are in memory before anything is timed, where memory is allowed.
const PHOTOS: u32 = 80;
/// Pairs of a run on random data and one on photos in memory.
const PAIRS: usize = 10;
/// What photos in memory must reach of the rate on random data.
const LOADING: f64 = 0.95;

#[derive(Clone, Deserialize)]
struct Speed {
    faces_per_s: f64,
    peak_mib: Option<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let threads = std::thread::available_parallelism()?.to_string();
    let python = std::env::var("CYBORG_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    say(&format!("batch {BATCH}, {threads} threads"));
    // `cargo bench ... -- photos` leaves the plain loop out.
    let only_photos = std::env::args().any(|word| word == "photos");
    for network in ["densenet121", "resnet50"].into_iter().filter(|_| !only_photos) {
        against_python(network, &python, &threads)?;
    }
    let folder = tempfile::tempdir()?;
    photos(folder.path())?;
    for network in ["densenet121", "resnet50"] {
        with_photos(network, folder.path(), &threads)?;
    }
    Ok(())
}

fn say(line: &str) {
    // Nobody needs the rest of a bench whose reader has gone.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn ours(network: &str, threads: &str, more: &[&str]) -> Result<Speed, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyborg-train"));
    command.args(["bench", "--network", network, "--batch", BATCH, "--threads", threads]).args(more);
    measured(&mut command)
}

fn measured(command: &mut Command) -> Result<Speed, Box<dyn Error>> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn against_python(network: &str, python: &str, threads: &str) -> Result<(), Box<dyn Error>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/training_step.py");
    let plain = || measured(Command::new(python).args([script, network, BATCH, "3", threads]));
    if let Err(reason) = plain() {
        say(&format!("{network}: the plain PyTorch loop was NOT run: {reason}"));
        say(&format!("{network}: ours {:.2} faces/s", ours(network, threads, &["--steps", "3"])?.faces_per_s));
        return Ok(());
    }
    let (mut us, mut them) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        us.push(ours(network, threads, &["--steps", "3"])?);
        them.push(plain()?);
    }
    let peak = |speeds: &[Speed]| speeds.iter().filter_map(|speed| speed.peak_mib).max().unwrap_or(0);
    say(&format!(
        "{network}: ours {:.2} faces/s, plain PyTorch {:.2} faces/s, ratio {:.2}; peak {} and {} MiB",
        median(&us),
        median(&them),
        median(&us) / median(&them),
        peak(&us),
        peak(&them)
    ));
    let least = if network == "densenet121" { 1.3 } else { 1.0 };
    say(&format!(
        "{network}: at least {least} and no more memory: {}",
        met(median(&us) / median(&them) >= least && peak(&us) <= peak(&them))
    ));
    Ok(())
}

fn with_photos(network: &str, folder: &Path, threads: &str) -> Result<(), Box<dyn Error>> {
    let (list, maps) = (folder.join("faces.csv"), folder.join("maps"));
    let (list, maps) = (list.to_string_lossy(), maps.to_string_lossy());
    let data = ["--steps", STEPS, "--data", &list, "--maps", &maps, "--crop", "whole"];
    let pair = |what: &[&str]| -> Result<f64, Box<dyn Error>> {
        let random = ours(network, threads, &["--steps", STEPS])?.faces_per_s;
        Ok(ours(network, threads, what)?.faces_per_s / random)
    };
    let kept = ratios(PAIRS, || pair(&data))?;
    say(&format!("{network}: photos in memory over random data: {}", kept.words()));
    say(&format!("{network}: at least {LOADING}: {}", kept.at_least(LOADING)));
    let robust = ratios(ROUNDS, || pair(&[&data[..], &["--augment", "robust"]].concat()))?;
    say(&format!("{network}: augmented photos over random data: {}", robust.words()));
    // Each photo is read and decoded for its step, as in the first epoch, or with more data than memory.
    let fresh = ratios(ROUNDS, || pair(&[&data[..], &["--memory", "0"]].concat()))?;
    say(&format!("{network}: photos read each time over random data: {}", fresh.words()));
    Ok(())
}

/// Mean of some ratios, and how sure it is: a single one varies by a tenth on a shared machine.
struct Ratio {
    mean: f64,
    /// Standard error of the mean.
    error: f64,
    pairs: usize,
}

fn ratios(pairs: usize, mut one: impl FnMut() -> Result<f64, Box<dyn Error>>) -> Result<Ratio, Box<dyn Error>> {
    let all: Vec<f64> = (0..pairs).map(|_| one()).collect::<Result<_, _>>()?;
    let mean = all.iter().sum::<f64>() / pairs as f64;
    let squares: f64 = all.iter().map(|ratio| (ratio - mean).powi(2)).sum();
    Ok(Ratio { mean, error: (squares / (pairs * (pairs - 1)) as f64).sqrt(), pairs })
}

impl Ratio {
    fn words(&self) -> String {
        format!("{:.3} +- {:.3} (mean and standard error of {} pairs)", self.mean, self.error, self.pairs)
    }

    /// By two standard errors, so that chance doesn't decide.
    fn at_least(&self, least: f64) -> &'static str {
        if self.mean - 2.0 * self.error >= least {
            "met"
        } else if self.mean + 2.0 * self.error < least {
            "NOT met"
        } else {
            "these pairs can't tell"
        }
    }
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "NOT met" }
}

fn median(speeds: &[Speed]) -> f64 {
    let mut all: Vec<f64> = speeds.iter().map(|speed| speed.faces_per_s).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// JPEG photos of 512 pixels with maps, and their list in the format of the CYBORG data.
fn photos(folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir(folder.join("maps"))?;
    let mut list = String::new();
    for number in 0..PHOTOS {
        let level = |x: u32, y: u32, channel: u32| {
            let wave = f64::from(x * (channel + 1) + y * number % 97).sin() * 60.0;
            (f64::from((x / 3 + y / 2 + number * 7) % 160) + 48.0 + wave).clamp(0.0, 255.0) as u8
        };
        let photo = RgbImage::from_fn(512, 512, |x, y| Rgb([0, 1, 2].map(|channel| level(x, y, channel))));
        photo.save(folder.join(format!("{number}.jpg")))?;
        GrayImage::from_fn(224, 224, |x, y| Luma([(x + y + number) as u8]))
            .save(folder.join(format!("maps/{number}.png")))?;
        let label = if number % 2 == 0 { "Real" } else { "Synthetic" };
        list += &format!("train,{label},{number}.jpg\n");
    }
    Ok(std::fs::write(folder.join("faces.csv"), list)?)
}
