//! The model that comes with the program, so that it works with no file beside it.

/// What to call it in reports.
pub const NAME: &str = "cyborg-lite0 (shipped)";

/// The bytes of the shipped model file. They lie in the package of the contract, as a package can't hold files of another's folder.
pub use cyborg_models::small::BYTES;
