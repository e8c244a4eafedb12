//! How long from the start of the program to its first verdict, and how many frames a second after that.
//!
//! `cargo bench --bench first_verdict`, after `cargo xtask setup --media`. Each figure is the median of several runs.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_models::lock;

const RUNS: usize = 7;

fn main() -> io::Result<()> {
    let out = &mut io::stdout();
    let folder = tempfile::tempdir()?;
    for id in ["carphone", "selfie"] {
        let Some(clip) = lock::cached(id).filter(|clip| clip.is_file()) else {
            writeln!(out, "{id}: not run, fetch it with `cargo xtask setup --media`")?;
            continue;
        };
        let mut runs = (0..RUNS).map(|_| run(&clip, folder.path())).collect::<io::Result<Vec<_>>>()?;
        runs.sort_by_key(|run| run.first);
        let first = runs[RUNS / 2].first;
        runs.sort_by_key(|run| run.whole);
        let Run { whole, rows, .. } = runs[RUNS / 2];
        writeln!(
            out,
            "{id}: first verdict after {:.2} s, {rows} faces in {:.2} s ({:.1} a second), median of {RUNS} runs",
            first.as_secs_f64(),
            whole.as_secs_f64(),
            rows as f64 / whole.as_secs_f64()
        )?;
    }
    Ok(())
}

/// One run of the program.
struct Run {
    first: Duration,
    whole: Duration,
    rows: usize,
}

fn run(clip: &Path, folder: &Path) -> io::Result<Run> {
    let table = folder.join("faces.csv");
    if table.exists() {
        fs::remove_file(&table)?;
    }
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyborg"));
    command.arg("video").arg(clip).arg("--csv").arg(&table).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let rows = || fs::read_to_string(&table).map_or(0, |text| text.lines().count().saturating_sub(1));
    let mut first = None;
    let status = loop {
        if first.is_none() && rows() > 0 {
            first = Some(start.elapsed());
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(1));
    };
    if !status.success() {
        return Err(io::Error::other(format!("the program ended with {status}")));
    }
    let whole = start.elapsed();
    Ok(Run { first: first.unwrap_or(whole), whole, rows: rows() })
}
