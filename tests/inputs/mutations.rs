//! Damaged input never panics: the seeds of the fuzz targets, and thousands of mutations of each, go through the same
//! properties as the fuzz targets have.
//!
//! The mutations come from a fixed start, so that a failure comes again. `fuzz/` has the targets themselves, which want a
//! nightly toolchain; what they find becomes a seed here.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "for the fuzz targets it is a crate of its own")]
mod properties;

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use cyborg_edge::capture::jpeg;
use prost::Message;

use crate::support::chance::{Chance, mutate};
use crate::support::{foreign, model};

/// Mutations of each seed.
const ROUNDS: usize = 2000;
/// A seed is small: it was thought of, and is to be read.
const LARGEST_SEED: usize = 4096;

/// Whether a property holds of these bytes: whether they were taken. Where it doesn't, the bytes are kept.
fn holds(property: fn(&[u8]) -> bool, bytes: &[u8], name: &str) -> bool {
    // What was wrong is printed where it comes up.
    let outcome = panic::catch_unwind(|| property(bytes));
    let keep = || {
        let kept = std::env::temp_dir().join(format!("{}.found", name.replace(['/', ' ', ','], "_")));
        let _ = fs::write(&kept, bytes);
        kept.display().to_string()
    };
    assert!(outcome.is_ok(), "{name} broke its property; the bytes are kept in {}", keep());
    outcome.is_ok_and(|taken| taken)
}

/// The seeds of a target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).expect("the seeds are a part of the repository");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("it can be read").path()).collect();
    paths.sort();
    let name = |path: &Path| format!("{target}/{}", path.file_name().unwrap_or_default().display());
    paths.into_iter().map(|path| (name(&path), fs::read(&path).expect("it can be read"))).collect()
}

/// Holds a target's seeds and their mutations against its property. Both answers must come up: a reader that takes all
/// or none is not being tested.
fn replay(target: &str, property: fn(&[u8]) -> bool) {
    replay_rounds(target, property, ROUNDS);
}

/// The same with so many mutations of each seed. `CYBORG_MUTATIONS` says another number of all together.
#[allow(clippy::print_stderr, reason = "it is for whoever asks for another number")]
fn replay_rounds(target: &str, property: fn(&[u8]) -> bool, rounds: usize) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 10, "{target} has {} seeds", seeds.len());
    let asked = std::env::var("CYBORG_MUTATIONS").ok().and_then(|number| number.parse::<usize>().ok());
    let rounds = asked.map_or(rounds, |all| all.div_ceil(seeds.len()));
    let good = seeds.iter().filter(|(name, bytes)| {
        assert!(bytes.len() <= LARGEST_SEED, "{name} has {} bytes", bytes.len());
        holds(property, bytes, name)
    });
    let good = good.count();
    assert!((1..seeds.len()).contains(&good), "{good} of {} seeds of {target} were taken", seeds.len());
    let mut taken = 0;
    for (at, (name, bytes)) in seeds.iter().enumerate() {
        let mut chance = Chance::new(at as u64);
        let mutations = (0..rounds).map(|round| (format!("{name}, mutation {round}"), mutate(bytes, &mut chance)));
        taken += mutations.filter(|(name, bytes)| holds(property, bytes, name)).count();
    }
    let all = seeds.len() * rounds;
    if asked.is_some() {
        eprintln!("{target}: {all} mutations of {} seeds, {taken} taken, none broke the property", seeds.len());
    }
    assert!((all / 1000..all * 99 / 100).contains(&taken), "{taken} of {all} mutations of {target} were taken");
}

#[test]
fn model_files() {
    replay("model", properties::model::holds);
}

#[test]
fn lists_of_photos() {
    replay("list", properties::list::holds);
}

#[test]
fn tomls_of_foreign_models() {
    replay("side_toml", properties::side_toml::holds);
}

/// Fewer of those that go through a file and a decoder each.
#[test]
fn photos() {
    replay_rounds("still", properties::still::holds, 40);
}

#[cfg(feature = "video")]
#[test]
fn headers_of_videos() {
    replay_rounds("container", properties::container::holds, 10);
}

#[test]
fn lines_of_the_jsonl_table() {
    replay("jsonl", properties::jsonl::holds);
}

/// Whole networks, which are no committed seeds: they change with the contract.
#[test]
fn networks_of_the_tests() {
    for (name, bytes, property) in [
        ("corner", model::corner().encode_to_vec(), properties::model::holds as fn(&[u8]) -> bool),
        ("foreign", described(&foreign::network(2, None).encode_to_vec()), properties::side_toml::holds),
    ] {
        assert!(holds(property, &bytes, name), "{name} itself is good");
        let mut chance = Chance::new(0);
        let taken = (0..ROUNDS).filter(|round| {
            let mutated = mutate(&bytes, &mut chance);
            holds(property, &mutated, &format!("{name}, mutation {round}"))
        });
        let taken = taken.count();
        assert!((1..ROUNDS).contains(&taken), "{taken} of {ROUNDS} mutations of {name} were taken");
    }
}

/// A TOML and the network that it describes, as the target takes them.
fn described(network: &[u8]) -> Vec<u8> {
    [foreign::TOML.as_bytes(), &[0], network].concat()
}

#[test]
fn the_jpeg_reader() {
    let mut pixels = Vec::new();
    let mut taken = |bytes: &[u8]| {
        let decoded = jpeg::decode(bytes, &mut pixels);
        decoded.is_ok_and(|decoded| pixels.len() == decoded.width * decoded.height * 3)
    };
    for name in ["jpeg_noise_420", "jpeg_waves_420", "jpeg_face_cmyk"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).with_extension("jpg");
        let seed = fs::read(path).expect("it is in the repository");
        assert!(taken(&seed), "{name} itself is good");
        let mut chance = Chance::new(0);
        let good = (0..ROUNDS).filter(|_| taken(&mutate(&seed, &mut chance))).count();
        assert!((1..ROUNDS).contains(&good), "{good} of {ROUNDS} mutations of {name} were taken");
    }
}
