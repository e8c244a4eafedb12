//! The program `cyborg`.
fn main() {}
