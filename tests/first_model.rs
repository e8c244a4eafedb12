//! The record of the first model's training: it reached its floor, and saliency moved the map. No claim beyond that.

use std::path::Path;

/// A column of the last row of a run's `metrics.csv`.
fn last(run: &str, column: &str) -> f64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results/2026-11-24-first-model");
    let mut reader = csv::Reader::from_path(folder.join(run).join("metrics.csv")).expect("it is in the repository");
    let at = reader.headers().expect("it has one").iter().position(|name| name == column).expect("a column of it");
    let row = reader.records().last().expect("it has rows").expect("the row is whole");
    row[at].parse().expect("a number")
}

#[test]
fn the_sanity_check_was_passed() {
    assert!(last("alpha-0.5", "kept_out_auc") >= 0.9);
}

#[test]
fn alpha_one_half_brings_the_map_nearer_to_the_prior_than_alpha_one() {
    assert!(last("alpha-0.5", "kept_out_cam_error") < last("alpha-1", "kept_out_cam_error"));
}
