//! The record of how the shipped model was measured holds what its card says of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it is in the repository")
}

fn report() -> Value {
    let text = read("benches/results/2026-11-26-shipped-model/shipped/report.json");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn unseen_generators_are_told_apart_and_the_card_says_how_well() {
    let report = report();
    let run = &report["runs"][0];
    let auc = |of: &Value| of["auc"]["value"].as_f64().expect("a number");
    assert!(auc(&run["pooled"]) >= 0.82);
    let (card, readme) = (read("models/CARD.md"), read("README.md"));
    let sources = run["sources"].as_object().expect("sources by name");
    for (source, measured) in sources {
        let auc = auc(measured);
        assert!(auc >= 0.7 || source == "syn_ciplab_composite", "{source}: {auc}");
        assert!(card.contains(&format!("{auc:.3}")), "the card has another AUC for {source} than {auc:.3}");
    }
    let pooled = format!("{:.3}", auc(&run["pooled"]));
    assert!(card.contains(&pooled) && readme.contains(&pooled), "{pooled}");
}

#[test]
fn few_real_faces_are_called_synthetic() {
    let report = report();
    let called = report["runs"][0]["called"].as_array().expect("a row a source");
    let real: Vec<f64> = called
        .iter()
        .filter(|row| row["label"] == "real")
        .map(|row| row["synthetic"]["share"].as_f64().expect("a share"))
        .collect();
    assert!(real.len() >= 3 && real.iter().all(|&share| share <= 0.08), "{real:?}");
}
