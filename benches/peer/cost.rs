//! What a run of a program costs.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use wait4::Wait4;

/// What a run cost, start included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Seconds from the start of the process to its end.
    pub(crate) wall: f64,
    /// Seconds of all its threads on a processor.
    pub(crate) processor: f64,
    /// The most memory that it held.
    pub(crate) memory_mib: f64,
}

/// Runs a program to its end.
pub(crate) fn cost(mut command: Command) -> anyhow::Result<Cost> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("can't run {command:?}"))?;
    let used = child.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    ensure!(used.status.success(), "{command:?} ended with {}", used.status);
    let processor = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Cost { wall, processor, memory_mib: used.rusage.maxrss as f64 / 1024.0 / 1024.0 })
}
