//! How old a live picture is when its verdict stands: with the shipped network, and with one that takes ten times as long;
//! and how old it is in a plain Python loop on the same stream.
//!
//! ```text
//! CYBORG_BENCH_PYTHON=peer/bin/python cargo bench --bench live_age [-- SECONDS]
//! ```
//!
//! `benches/against_peer.rs` says what that Python needs; without it the loop is left out. The source is 720p with one
//! person, 30 frames a second: in memory for the first two measurements, where the age counts from the frame's capture; a
//! stream of JPEG pictures over the network for the last one, where it counts from the picture's sending.

#[path = "live/camera.rs"]
mod camera;
#[path = "live/measure.rs"]
mod measure;
#[path = "live/pictures.rs"]
mod pictures;

use std::env;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::stream::Stream;
use cyborg_edge::capture::video::Decode;
use cyborg_models::lock;

use camera::{Memory, Sender};
use measure::{Ages, Networks, live};

/// How long each measurement lasts, unless another number is named.
const SECONDS: u64 = 20;
/// How much longer the slow classifier takes.
const SLOWER: u32 = 10;

fn main() -> anyhow::Result<()> {
    let out = &mut io::stdout();
    let seconds = env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(SECONDS);
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir()?;
    let pictures = Arc::new(pictures::make(folder.path())?);
    let mut networks = Networks::open(NonZeroUsize::new(thread::available_parallelism()?.get() / 2))?;
    let alone = networks.alone(&pictures)?;
    let sum = alone.iter().sum::<Duration>();
    writeln!(
        out,
        "alone: detect {:.1} ms, classify {:.1} ms, together {:.1} ms (medians)",
        millis(alone[0]),
        millis(alone[1]),
        millis(sum)
    )?;

    let memory = Arc::new(Memory::new(Arc::clone(&pictures)));
    let as_is = live(&mut networks, Arc::<Memory>::clone(&memory), 1, time)?;
    writeln!(out, "in memory, the shipped network, {time:?}:")?;
    tell(out, "verdict", &as_is.verdicts)?;
    tell(out, "picture", &as_is.pictures)?;
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let over = millis(as_is.verdicts.at(share)) / millis(sum);
        writeln!(out, "  verdict's {name} over the stages alone: {over:.2}")?;
    }
    let slow = live(&mut networks, memory, SLOWER, time)?;
    writeln!(out, "in memory, the classifier {SLOWER} times slower:")?;
    tell(out, "verdict", &slow.verdicts)?;
    tell(out, "picture", &slow.pictures)?;

    writeln!(out, "over the network, the classifier {SLOWER} times slower, age from sending:")?;
    let sender = Sender::start(Arc::clone(&pictures))?;
    let stream = |address: &str| {
        let patience = Duration::from_secs(15);
        Arc::new(Stream {
            address: Address::of(address.as_ref()),
            patience,
            decode: Decode::Cpu,
            stop: None,
            confined: false,
        })
    };
    let ours = live(&mut networks, stream(&sender.address()), SLOWER, time)?;
    let ours = sender.ages(&ours.judged);
    tell(out, "verdict, ours", &ours)?;
    let Some(python) = env::var_os("CYBORG_BENCH_PYTHON").map(PathBuf::from) else {
        writeln!(
            out,
            "  Python loop not run: CYBORG_BENCH_PYTHON must name a Python with onnxruntime, opencv and onnx"
        )?;
        return Ok(());
    };
    drop(networks);
    for (name, flags) in [("verdict, Python", &[][..]), ("verdict, Python tuned", &["--tuned"])] {
        let sender = Sender::start(Arc::clone(&pictures))?;
        let judged = run_python(&python, &sender.address(), time, flags)?;
        let theirs = sender.ages(&judged);
        tell(out, name, &theirs)?;
        writeln!(out, "  p99 over ours: {:.1}", millis(theirs.at(0.99)) / millis(ours.at(0.99)))?;
    }
    Ok(())
}

fn tell(out: &mut impl Write, what: &str, ages: &Ages) -> io::Result<()> {
    let (half, most) = (millis(ages.at(0.5)), millis(ages.at(0.99)));
    writeln!(out, "  {what}: p50 {half:.1} ms, p99 {most:.1} ms, of {}", ages.count())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Runs the loop; gives the mark of each picture that it judged, and when.
fn run_python(python: &Path, address: &str, time: Duration, flags: &[&str]) -> anyhow::Result<Vec<(usize, Duration)>> {
    let detector = lock::cached("centerface").context("the lock file has no detector")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python);
    command
        .arg(root.join("benches/peer/live.py"))
        .arg(detector)
        .arg(root.join("models/cyborg-lite0.onnx"))
        .arg(address);
    command.args(["--seconds", &time.as_secs().to_string(), "--slower", &SLOWER.to_string()]).args(flags);
    command.args(["--threads", &thread::available_parallelism()?.to_string()]);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("can't run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let line = |line: &str| -> anyhow::Result<(usize, Duration)> {
        let (mark, seconds) = line.split_once(' ').with_context(|| format!("`{line}` is no line of the loop"))?;
        Ok((mark.parse()?, Duration::try_from_secs_f64(seconds.parse()?)?))
    };
    text.lines().map(line).collect()
}
