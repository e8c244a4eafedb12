//! The program `cyborg`: parse, build the workers, run.

use std::process::ExitCode;

fn main() -> ExitCode {
    cyborg_edge::cli::run()
}
