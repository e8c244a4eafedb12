//! What an output of a clip has to say of itself, and what it is told of the clip.

use std::path::Path;

use crate::capture::Source;
use crate::capture::address::Address;
use crate::cli::inputs::InputArgs;
use crate::cli::workers::Workers;
use crate::findings::Sink;

/// A clip that was opened, and how it is judged.
pub(in crate::cli) struct OpenedClip<'a> {
    pub(in crate::cli) address: &'a Address,
    pub(in crate::cli) source: &'a dyn Source,
    pub(in crate::cli) inputs: &'a InputArgs,
    pub(in crate::cli) workers: &'a Workers,
}

/// An output that is a file a clip.
pub(super) trait ClipOutput {
    /// Its flag.
    fn flag(&self) -> &'static str;

    /// What was given after the flag: a file, or a folder for several clips.
    fn path(&self) -> Option<&Path>;

    /// What the names of its files in a folder end with.
    fn ending(&self) -> &'static str;

    /// The sink that writes the file of a clip.
    fn open(&self, path: &Path, clip: &OpenedClip<'_>) -> anyhow::Result<Box<dyn Sink>>;
}
