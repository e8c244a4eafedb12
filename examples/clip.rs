//! Judges the persons of a clip: `cargo run --example clip CLIP`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is an example")]

use std::env;
use std::path::PathBuf;

use cyborg_edge::analyzer::{AnalyzeError, Analyzer};

fn main() -> Result<(), AnalyzeError> {
    let path: PathBuf = env::args_os().nth(1).expect("usage: clip CLIP").into();
    let mut analyzer = Analyzer::open()?;
    let mut clip = analyzer.clip(path)?;
    for frame in clip.by_ref() {
        let frame = frame?;
        for face in &frame.faces {
            println!("{:.2} s: person {} is {}", frame.time.seconds(), face.person.id, face.person.verdict);
        }
    }
    for person in clip.finish() {
        println!("person {}: {}, p(synthetic) {:.2}", person.id, person.verdict, person.probability.value());
    }
    Ok(())
}
