//! Judges the faces of a photo: `cargo run --example photo PHOTO`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is an example")]

use std::env;
use std::process::ExitCode;

use cyborg_edge::analyzer::{AnalyzeError, Analyzer};

fn main() -> ExitCode {
    let Some(photo) = env::args_os().nth(1) else {
        eprintln!("usage: photo PHOTO");
        return ExitCode::from(2);
    };
    match judge(photo.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn judge(photo: &std::path::Path) -> Result<(), AnalyzeError> {
    let mut analyzer = Analyzer::open()?;
    for face in analyzer.photo(photo)? {
        println!("{}, p(synthetic) {:.2}, at {:?}", face.verdict, face.probability, face.bounds);
    }
    Ok(())
}
