//! The small model, which is part of the program that is built with this package.

/// The bytes of its model file.
pub static BYTES: &[u8] = include_bytes!("../cyborg-lite0.onnx");
