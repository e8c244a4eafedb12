//! The program `cyborg-train`: parse, run.

use std::process::ExitCode;

fn main() -> ExitCode {
    cyborg_trainer::cli::run()
}
