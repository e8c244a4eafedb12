//! The JSON Schema of the JSONL table, ready to hold lines against.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

/// The schema as it is committed.
pub(crate) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../docs/jsonl.schema.json")).expect("the committed schema is JSON")
});

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).expect("the committed schema is one of draft 2020-12"));

/// Holds a line against the schema.
///
/// # Errors
///
/// Why it isn't one of the lines that the schema describes, kind by kind.
pub(crate) fn check(line: &Value) -> Result<(), String> {
    let faults: Vec<_> = VALIDATOR.iter_errors(line).map(|fault| format!("{fault}: {:?}", fault.kind())).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}
