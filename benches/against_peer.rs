//! `cyborg video` against a Python loop with the same networks, in turns on the same clips: speed, work and memory.
//!
//! ```text
//! python -m venv peer && peer/bin/pip install onnxruntime==1.27.0 opencv-python-headless onnx numpy
//! CYBORG_BENCH_PYTHON=peer/bin/python cargo bench --bench against_peer [-- ROUNDS]
//! ```
//!
//! `CYBORG_BENCH_MODELS` names other model files, with `:` between them, and `CYBORG_BENCH_DETECTOR` another detector file, YuNet's for example. Each network is measured at the detector's 320 and 640
//! pixels. The limit of the machine is the number of processors over the processor time that a frame costs in decoding,
//! finding and classifying, each measured alone by our own code, on all processors at once: two at work slow each other. The
//! parts are measured before and after each of our runs. The fast way is `--detect-every 10` with half the detector's size.

mod peer;

use std::env;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Context;
use cyborg_models::lock;
use peer::alone::{Alone, seconds_a_frame};
use peer::clips::{self, Clip};
use peer::cost::Cost;
use peer::run::{ours, python, share_found};

/// Sizes of the detector's picture that are measured.
const DETECT: [u16; 2] = [320, 640];
/// Rounds, unless another number is named.
const ROUNDS: usize = 5;
/// The fast way looks for faces in each so manieth frame, in a picture of half the size.
const FAST: u32 = 10;

/// The files of a comparison.
struct Files {
    python: PathBuf,
    detector: PathBuf,
    models: Vec<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let out = &mut io::stdout();
    if let Some(parts) = Alone::of_child()? {
        return Ok(writeln!(out, "{} {} {}", parts.decode, parts.detect, parts.classify)?);
    }
    let Some(python) = env::var_os("CYBORG_BENCH_PYTHON").map(PathBuf::from) else {
        writeln!(out, "not run: CYBORG_BENCH_PYTHON must name a Python with onnxruntime, opencv and onnx")?;
        return Ok(());
    };
    let usual = || lock::cached("centerface").filter(|file| file.is_file());
    let detector = env::var_os("CYBORG_BENCH_DETECTOR").map(PathBuf::from).or_else(usual);
    let detector = detector.context("the face detector is missing: `cargo xtask setup`")?;
    let models = match env::var_os("CYBORG_BENCH_MODELS") {
        Some(named) => env::split_paths(&named).collect(),
        None => vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("models/cyborg-lite0.onnx")],
    };
    let rounds = env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let folder = tempfile::tempdir()?;
    let clips = clips::make(folder.path())?;
    let files = Files { python, detector, models };
    for model in &files.models {
        for size in DETECT {
            for clip in &clips {
                compare(&files, model, size, clip, (rounds, folder.path()), out)?;
            }
        }
    }
    Ok(())
}

fn compare(
    files: &Files,
    model: &Path,
    detect_size: u16,
    clip: &Clip,
    (rounds, folder): (usize, &Path),
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let processors = thread::available_parallelism()?;
    let job = peer::run::Job { model, detector: &files.detector, clip: &clip.path, detect_size, processors, folder };
    let name = model.file_stem().unwrap_or_default().display();
    writeln!(
        out,
        "\n{name}, detector at {detect_size}, {} ({} frames), {processors} processors",
        clip.name, clip.frames
    )?;
    let (mut all, mut parts) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        let plain = python(&files.python, &job, &[])?;
        let tuned = python(&files.python, &job, &["--tuned"])?;
        // Before and after: the machine may be slower in the next minute.
        let before = Alone::in_child(model, &files.detector, &clip.path, detect_size)?;
        let every = ours(&job, detect_size, 1)?;
        let after = Alone::in_child(model, &files.detector, &clip.path, detect_size)?;
        let fast = ours(&job, detect_size / 2, FAST)?;
        parts.push(before.mean(&after));
        all.push([plain, tuned, every, fast]);
    }
    let found = share_found(&job)?;
    let frames = clip.frames as f64;
    let limits: Vec<f64> = parts.iter().map(|alone| processors.get() as f64 / seconds_a_frame(alone)).collect();
    let part = |figure: fn(&Alone) -> f64| median(parts.iter().map(figure)) * 1e3;
    writeln!(
        out,
        "  alone: decode {:.2}, detect {:.2}, classify {:.2} ms of processor a frame; limit {:.1} frames/s",
        part(|alone| alone.decode),
        part(|alone| alone.detect),
        part(|alone| alone.classify),
        median(limits.iter().copied())
    )?;
    for (index, way) in ["Python as written", "Python tuned", "ours", "ours, the fast way"].iter().enumerate() {
        let of = |figure: fn(&Cost) -> f64| median(all.iter().map(|round| figure(&round[index])));
        writeln!(
            out,
            "  {way}: {:.1} frames/s, {:.2} ms of processor a frame, {:.0} MiB",
            frames / of(|cost| cost.wall),
            of(|cost| cost.processor) / frames * 1e3,
            of(|cost| cost.memory_mib)
        )?;
    }
    let ratio = |over: usize, under: usize, figure: fn(&Cost) -> f64| {
        median(all.iter().map(|round| figure(&round[over]) / figure(&round[under])))
    };
    let wall = |cost: &Cost| cost.wall;
    writeln!(out, "  medians of {rounds} rounds' ratios, and what they should be:")?;
    let mut line = |what: &str, value: f64, bar: f64, at_least: bool| {
        let met = if at_least { value >= bar } else { value <= bar };
        let (sign, met) = (if at_least { "at least" } else { "at most" }, if met { "met" } else { "NOT met" });
        writeln!(out, "    {what}: {value:.2} ({sign} {bar}: {met})")
    };
    line("speed over Python as written", ratio(0, 2, wall), 1.8, true)?;
    line("speed over Python tuned", ratio(1, 2, wall), 1.2, true)?;
    let of_limit = all.iter().zip(&limits).map(|(round, limit)| frames / round[2].wall / limit);
    line("speed over the limit", median(of_limit), 0.9, true)?;
    let work = all.iter().zip(&parts).map(|(round, alone)| round[2].processor / frames / seconds_a_frame(alone));
    line("processor time over the parts alone", median(work), 1.1, false)?;
    line("peak memory over Python tuned", ratio(2, 1, |cost| cost.memory_mib), 0.7, false)?;
    line("speed of the fast way over Python tuned", ratio(1, 3, wall), 2.5, true)?;
    line("of Python's faces, found by the fast way", found, 0.99, true)?;
    Ok(())
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// One thread a network, as `cyborg video` has it where there are no more than eight processors.
const ONE: NonZeroUsize = NonZeroUsize::MIN;
