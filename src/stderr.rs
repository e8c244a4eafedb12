//! What the program says on standard error: lines for people or, when they are asked for, JSON objects for programs.

use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use log::Level;
use serde::Serialize;

static JSON: AtomicBool = AtomicBool::new(false);

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    message: &'a str,
}

/// From here on there are JSON objects alone, one a line.
pub(crate) fn speak_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Whether lines are JSON objects.
pub(crate) fn speaks_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Says a line.
pub(crate) fn say(level: Level, text: &str) {
    // Nobody may be listening there, and there is no other place to say so.
    let _ = match (speaks_json(), level) {
        (true, _) => writeln!(stderr(), "{}", json(level, None, text)),
        (false, Level::Error) => writeln!(stderr(), "error: {text}"),
        (false, _) => writeln!(stderr(), "{text}"),
    };
}

/// The object that stands for a line; `target` is the part of the program that speaks.
pub(crate) fn json(level: Level, target: Option<&str>, message: &str) -> String {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let line = Line { time: format!("{:.3}", Timestamp::now()), level, target, message };
    serde_json::to_string(&line).expect("plain fields always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one() {
        let line = json(Level::Warn, Some("a::b"), "two\nlines \"here\"");
        assert!(!line.contains('\n'), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(value["message"], "two\nlines \"here\"");
        assert_eq!((&value["level"], &value["target"]), (&"warn".into(), &"a::b".into()));
        assert!(value["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
}
