//! The small model, which is part of the program that is built with this package.

/// The bytes of its model file, in float32.
pub static BYTES: &[u8] = include_bytes!("../cyborg-lite0.onnx");

/// The bytes of the same model with convolutions in 8 bits.
pub static INT8: &[u8] = include_bytes!("../cyborg-lite0-int8.onnx");
