//! Project tasks: `cargo xtask setup`, `demo`, `test`, `portraits`, `retrain`, `trainer`, `release`, `package`.

mod accurate;
#[cfg(target_os = "linux")]
mod architecture;
#[cfg(test)]
mod arrows;
mod build;
#[cfg(test)]
mod contrib;
#[cfg(target_os = "linux")]
mod cross;
mod demo;
mod fetch;
#[cfg(target_os = "linux")]
mod package;
mod portraits;
mod release;
mod retrain;
mod setup;
mod step;
mod system;
mod test;
#[cfg(test)]
mod tidy;
mod unpack;

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores. Each sets up what it needs first, and a second run finds it there.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Fetch what the programs need, checked by digest, into the cache folder
    Setup(setup::Extras),
    /// Build the program and judge a clip and a photo with it
    Demo,
    /// Format, lints, documentation, tests, licences: what continuous integration runs
    Test {
        /// Also the long runs
        #[arg(long)]
        long: bool,
        /// The runtime alone, for 64-bit ARM and run by qemu: an hour and more, Debian alone
        #[cfg(target_os = "linux")]
        #[arg(long, conflicts_with = "long")]
        aarch64: bool,
    },
    /// Fetch portraits of real people from web template packages, with a list of their faces
    Portraits {
        /// Folder to write them to
        folder: PathBuf,
        /// Those for the next head: more of them, and none that test faces were made of
        #[arg(long)]
        next: bool,
    },
    /// Check and build everything a release needs, except the tag and publishing
    Release {
        /// Publish nothing: there is no other way yet
        #[arg(long)]
        dry_run: bool,
    },
    /// Make a Debian package and an archive of the program with all that it needs
    #[cfg(target_os = "linux")]
    Package(package::PackageArgs),
    /// Train and assemble what is shipped again, with the settings that it was made by
    Retrain(retrain::RetrainArgs),
    /// Run `cyborg-train` with these arguments, in a release build
    Trainer {
        /// Arguments of `cyborg-train`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().chore {
        Chore::Setup(extras) => setup::run(extras).map(|()| ExitCode::SUCCESS),
        Chore::Demo => demo::run_all().map(|()| ExitCode::SUCCESS),
        #[cfg(target_os = "linux")]
        Chore::Test { aarch64: true, .. } => cross::suite::run_all().map(|()| ExitCode::SUCCESS),
        Chore::Test { long, .. } => test::run_all(long).map(|()| ExitCode::SUCCESS),
        Chore::Portraits { folder, next } => portraits::fetch(&folder, next).map(|()| ExitCode::SUCCESS),
        Chore::Release { dry_run } => release::prepare(dry_run).map(|()| ExitCode::SUCCESS),
        #[cfg(target_os = "linux")]
        Chore::Package(args) => package::run(&args).map(|()| ExitCode::SUCCESS),
        Chore::Retrain(args) => retrain::run_all(&args).map(|()| ExitCode::SUCCESS),
        Chore::Trainer { arguments } => setup::trainer(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        // There is no other place to say so.
        let _ = writeln!(stderr(), "error: {error:#}");
        ExitCode::FAILURE
    })
}
