//! Steps of a chore: a line for each, and the programs that they run.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write, stdout};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// Says what is going on. A reader that left doesn't stop the work.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}

/// Runs a step and says how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    say(&format!("== {name}"));
    let start = Instant::now();
    let outcome = work().with_context(|| format!("{name} failed"))?;
    say(&format!("== {name}: done in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(outcome)
}

/// Runs a program to its end; what it prints is seen. `cure` says what to do when it is missing.
pub(crate) fn run(command: &mut Command, cure: &str) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| missing(command, &error, cure))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a program quietly and says whether it ended well; one that is missing did not.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// This very cargo.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    // Cargo sets it for `cargo xtask`; a program that was started by hand stands in the workspace.
    manifest.and_then(|folder| folder.parent().map(PathBuf::from)).unwrap_or_else(|| PathBuf::from("."))
}

fn missing(command: &Command, error: &io::Error, cure: &str) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    anyhow::anyhow!("can't run `{program}`: {error}; {cure}")
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
