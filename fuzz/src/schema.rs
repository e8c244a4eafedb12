//! The JSON Schema of the JSONL table, ready to hold lines against.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

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
/// Why it isn't a line of its kind.
pub(crate) fn check(line: &Value) -> Result<(), String> {
    if VALIDATOR.is_valid(line) {
        return Ok(());
    }
    // The validator would say why it is none of the six kinds; what is wrong with its own is what one wants to hear.
    let kind = line["type"].as_str().filter(|kind| SCHEMA["$defs"][kind].is_object());
    let Some(kind) = kind else { return Err(format!("{} is no kind of line", line["type"])) };
    let own = json!({"$ref": format!("#/$defs/{kind}"), "$defs": SCHEMA["$defs"]});
    let own = jsonschema::draft202012::new(&own).expect("a part of the schema is one too");
    let faults: Vec<_> = own.iter_errors(line).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    Err(faults.join("; "))
}
