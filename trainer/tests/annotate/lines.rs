//! `docs/answers.schema.json` describes each line of a journal, and no other.

use serde_json::{Value, json};

use crate::served::{Faces, lines, reply};

const SCHEMA: &str = include_str!("../../../docs/answers.schema.json");

#[test]
fn each_line_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
    let schema = jsonschema::validator_for(&schema).expect("it is a schema");
    let faces = Faces::new(24);
    let served = faces.serve(&["--checks", "0.2"]);
    let mut state = served.state("me");
    while !state["item"].is_null() {
        let mut given = reply(&state);
        if state["progress"]["done"].as_u64().is_some_and(|done| done % 2 == 0) {
            (given["words"], given["text"]) = (json!([]), json!(""));
        }
        state = served.answer("me", &given.to_string()).json();
    }
    let pairs = Faces::new(8);
    let served = pairs.serve(&["--pairs"]);
    let mut given = reply(&served.state("me"));
    given["answer"] = "left".into();
    assert_eq!(served.answer("me", &given.to_string()).status, 200);
    let all = [lines(&faces.study(), "me"), lines(&pairs.study(), "me")].concat();
    let kinds = |kind: &str| all.iter().filter(|line| line["kind"] == kind).count();
    assert!(kinds("face") == 25 && kinds("repeat") > 0 && kinds("check") > 0);
    assert!(all.last().is_some_and(|line| line["other"].is_string() && line["answer"] == "synthetic"));
    for line in &all {
        assert!(schema.is_valid(line), "{line}: {:?}", schema.validate(line).err());
    }
    for (field, value) in [
        ("kind", json!("other")),
        ("answer", json!("fake")),
        ("confidence", json!(0.4)),
        ("seconds", json!(-1)),
        ("painted", json!([1.5])),
        ("version", json!(2)),
        ("more", json!(1)),
        ("at", json!("yesterday")),
    ] {
        let mut line = all[0].clone();
        line[field] = value;
        assert!(!schema.is_valid(&line), "{line}");
    }
}
