//! `cyborg video` against an older build of itself, in turns on the same clips: each with its own small model and detector.
//!
//! ```text
//! git worktree add ../before 254b009 && cargo build --release --manifest-path ../before/Cargo.toml
//! CYBORG_BENCH_BEFORE=../before/target/release/cyborg cargo bench --bench against_before [-- ROUNDS]
//! ```
//!
//! The older build is told nothing but the size of the detector's picture, and `--model small` where it knows that name. Ratios are medians over
//! rounds of the two runs of one round: these machines drift.

#[path = "peer/clips.rs"]
mod clips;
#[path = "peer/cost.rs"]
mod cost;

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use cost::{Cost, cost};

/// Sizes of the detector's picture, and how much faster we should be with one face and with five.
const BARS: [(u16, f64, f64); 2] = [(320, 1.8, 1.5), (640, 2.2, 1.5)];
/// Rounds, unless another number is named.
const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let out = &mut io::stdout();
    let Some(before) = env::var_os("CYBORG_BENCH_BEFORE").map(PathBuf::from) else {
        writeln!(out, "not run: CYBORG_BENCH_BEFORE must name an older `cyborg`")?;
        return Ok(());
    };
    let rounds = env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let folder = tempfile::tempdir()?;
    let table = folder.path().join("table.csv");
    let help = Command::new(&before).args(["video", "--help"]).output()?;
    // Names came with the accurate set.
    let knows_small = String::from_utf8_lossy(&help.stdout).contains("accurate");
    for clip in clips::make(folder.path())? {
        for (size, one_face, five_faces) in BARS {
            let mut all = Vec::with_capacity(rounds);
            for _ in 0..rounds {
                let older = cost(video(&before, &clip.path, &table, size, knows_small))?;
                let ours = cost(video(Path::new(env!("CARGO_BIN_EXE_cyborg")), &clip.path, &table, size, true))?;
                all.push((older, ours));
            }
            let bar = if clip.name == clips::CROWD { five_faces } else { one_face };
            tell(out, &clip, size, bar, &all)?;
        }
    }
    Ok(())
}

fn video(program: &Path, clip: &Path, table: &Path, size: u16, knows_small: bool) -> Command {
    let mut command = Command::new(program);
    command.arg("video").arg(clip).arg("--csv").arg(table).args([
        "--provider",
        "cpu",
        "--detect-size",
        &size.to_string(),
    ]);
    if knows_small {
        command.args(["--model", "small"]);
    }
    command
}

fn tell(out: &mut impl Write, clip: &clips::Clip, size: u16, bar: f64, all: &[(Cost, Cost)]) -> anyhow::Result<()> {
    let frames = clip.frames as f64;
    let of = |figure: &dyn Fn(&(Cost, Cost)) -> f64| {
        let mut figures: Vec<f64> = all.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let speed = of(&|(older, ours)| older.wall / ours.wall);
    let met = if speed >= bar { "met" } else { "NOT met" };
    writeln!(out, "{}, detector at {size}: {speed:.2} times the speed (at least {bar}: {met})", clip.name)?;
    writeln!(
        out,
        "  frames/s {:.0} to {:.0}; processor time {:.2} of before; memory {:.0} to {:.0} MiB",
        frames / of(&|(older, _)| older.wall),
        frames / of(&|(_, ours)| ours.wall),
        of(&|(older, ours)| ours.processor / older.processor),
        of(&|(older, _)| older.memory_mib),
        of(&|(_, ours)| ours.memory_mib),
    )?;
    Ok(())
}
