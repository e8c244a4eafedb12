//! The model that comes with the program, so that it works with no file beside it.

/// What to call it in reports.
pub const NAME: &str = "cyborg-lite0 (shipped)";

/// The bytes of the shipped model file.
pub static BYTES: &[u8] = include_bytes!("../../models/cyborg-lite0.onnx");
