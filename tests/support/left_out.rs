//! Tests that want a program which not each machine has.

use std::env;
use std::io::{Write, stderr};

/// Says that a test, or a part of it, is not run for want of something. `cargo xtask test` installs all that tests want, and
/// sets `CYBORG_ALL_TESTS=1`: then it is a failure.
#[track_caller]
pub(crate) fn not_run(test: &str, cure: &str) {
    not_run_unless("CYBORG_ALL_TESTS", test, cure);
}

/// The same for what set-up doesn't install: it is a failure where this variable is 1.
#[track_caller]
pub(crate) fn not_run_unless(variable: &str, test: &str, cure: &str) {
    let words = format!("\nNOT RUN: {test}: {cure}\n");
    assert!(env::var_os(variable).is_none_or(|value| value != "1"), "{words}");
    // Past the test runner, which would keep the words of a test that passes to itself.
    stderr().write_all(words.as_bytes()).expect("somebody listens");
}
