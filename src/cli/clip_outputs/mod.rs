//! Outputs of `cyborg video` that are a file a clip: one file each, with its flags and its sink, and a row of each here.

mod annotate;
mod clip_output;
mod report;

use std::path::PathBuf;

use clap::Args;
use clip_output::ClipOutput;

pub(super) use clip_output::OpenedClip;

use super::outcome::UsageError;
use super::per_clip::PerClip;
use crate::capture::address::Address;
use crate::findings::Sink;

/// The flags of all of them.
#[derive(Args, Debug)]
pub(super) struct ClipOutputArgs {
    #[command(flatten)]
    annotate: annotate::AnnotateArgs,
    #[command(flatten)]
    report: report::ReportArgs,
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
