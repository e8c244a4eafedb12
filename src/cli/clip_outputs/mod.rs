//! Outputs of `cyborg video` that are a file a clip: one file each, with its flags and its sink, and a row of each here.

mod annotate;
mod report;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use super::outcome::UsageError;
use super::per_clip::PerClip;
use crate::capture::Source;
use crate::capture::address::Address;
use crate::findings::Sink;
use crate::sink::report::MadeWith;
use crate::sink::video::Sound;

/// The flags of all of them.
#[derive(Args, Debug)]
pub(super) struct ClipOutputArgs {
    #[command(flatten)]
    annotate: annotate::AnnotateArgs,
    #[command(flatten)]
    report: report::ReportArgs,
}

/// A clip that was opened, and how it is judged.
pub(super) struct OpenedClip<'a> {
    pub(super) address: &'a Address,
    pub(super) source: &'a dyn Source,
    pub(super) sound: Option<Sound>,
    pub(super) threads: NonZeroUsize,
    pub(super) made_with: MadeWith,
}

/// An output that is a file a clip.
trait ClipOutput {
    /// Its flag.
    fn flag(&self) -> &'static str;

    /// What was given after the flag: a file, or a folder for several clips.
    fn path(&self) -> Option<&Path>;

    /// What the names of its files in a folder end with.
    fn ending(&self) -> &'static str;

    /// The sink that writes the file of a clip.
    fn open(&self, path: &Path, clip: &OpenedClip<'_>) -> anyhow::Result<Box<dyn Sink>>;
}

/// Each output with its files; none of one that isn't asked for.
pub(super) struct ClipOutputs<'a>(Vec<(&'a dyn ClipOutput, PerClip)>);

impl ClipOutputArgs {
    fn all(&self) -> [&dyn ClipOutput; 2] {
        [&self.annotate, &self.report]
    }

    /// Where the outputs of `clips` go.
    pub(super) fn of(&self, clips: &[Address]) -> Result<ClipOutputs<'_>, UsageError> {
        let files = |output: &dyn ClipOutput| PerClip::new(output.flag(), output.path(), output.ending(), clips);
        let outputs = self.all().into_iter().map(|output| Ok((output, files(output)?)));
        outputs.collect::<Result<_, _>>().map(ClipOutputs)
    }
}

impl ClipOutputs<'_> {
    /// All files.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter().flat_map(|(_, files)| files.all())
    }

    /// Adds the sinks for the clip of this number, from 0.
    pub(super) fn open(
        &self,
        number: usize,
        clip: &OpenedClip<'_>,
        sinks: &mut Vec<Box<dyn Sink>>,
    ) -> anyhow::Result<()> {
        for (output, files) in &self.0 {
            if let Some(path) = files.of(number) {
                sinks.push(output.open(path, clip)?);
            }
        }
        Ok(())
    }
}
