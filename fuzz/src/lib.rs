//! What must hold of all that comes from outside, one module a fuzz target.
//!
//! Each has a function `holds`, which panics where its property is broken and else says whether the bytes were taken for
//! good. The fuzz targets call it, and so does `tests/inputs/mutations.rs`, which includes these files on stable.

#[cfg(feature = "video")]
pub mod container;
pub mod jsonl;
pub mod list;
pub mod model;
mod schema;
pub mod side_toml;
pub mod still;
mod values;

/// An error's message says something, and a thing of this name.
fn check_message(error: &dyn std::error::Error, name: &str) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.contains(name), "no `{name}` in `{message}`");
}
