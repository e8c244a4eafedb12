//! The program `cyborg-train`.
fn main() {}
