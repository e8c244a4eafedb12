//! Four clips at once against one after another: whether several runs on one machine get in each other's way.
//!
//! `cargo bench --bench several_clips`, after `cargo xtask setup --media`. The two ways take turns, so that a machine that
//! warms up or slows down does it to both; each figure is the median.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cyborg_models::lock;

/// Clips, and processes where they run at once.
const CLIPS: usize = 4;
/// Times that each way is measured.
const ROUNDS: usize = 5;
/// Seconds of each clip.
const SECONDS: usize = 10;

fn main() -> io::Result<()> {
    let out = &mut io::stdout();
    let Some(clip) = lock::cached("carphone").filter(|clip| clip.is_file()) else {
        return writeln!(out, "not run: fetch the clip with `cargo xtask setup --media`");
    };
    let folder = tempfile::tempdir()?;
    let clips = (0..CLIPS).map(|number| lengthen(&clip, folder.path(), number)).collect::<io::Result<Vec<_>>>()?;
    // One run that isn't counted: the files come into the system's cache.
    end(start(&clips[0])?)?;
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        apart.push(timed(|| clips.iter().try_for_each(|clip| end(start(clip)?)))?);
        together.push(timed(|| {
            let running = clips.iter().map(|clip| start(clip)).collect::<io::Result<Vec<_>>>()?;
            running.into_iter().try_for_each(end)
        })?);
    }
    let (apart, together) = (median(apart), median(together));
    let cores = std::thread::available_parallelism()?;
    writeln!(
        out,
        "{CLIPS} clips of {SECONDS} s on {cores} cores: {:.2} s one after another, {:.2} s at once ({:.2} times), median \
         of {ROUNDS}",
        apart.as_secs_f64(),
        together.as_secs_f64(),
        together.as_secs_f64() / apart.as_secs_f64()
    )
}

/// The clip again and again, as a file of its own.
fn lengthen(clip: &Path, folder: &Path, number: usize) -> io::Result<PathBuf> {
    let path = folder.join(format!("{number}.mp4"));
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i"]).arg(clip);
    command.args(["-t", &SECONDS.to_string(), "-c", "copy"]).arg(&path);
    let status = command.status()?;
    if status.success() { Ok(path) } else { Err(io::Error::other(format!("ffmpeg ended with {status}"))) }
}

/// Starts the program on a clip.
fn start(clip: &Path) -> io::Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyborg"));
    command.arg("video").arg(clip).arg("--csv").arg(clip.with_extension("csv"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Waits for its end.
fn end(mut child: Child) -> io::Result<()> {
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("the program ended with {status}"))) }
}

fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}
