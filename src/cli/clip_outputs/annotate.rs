//! `--annotate`: the clip again, with what was found drawn on it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::clip_output::{ClipOutput, OpenedClip};
use crate::cli::outcome::note;
use crate::findings::Sink;
use crate::name;
use crate::sink::video::{SilenceReason, VideoSettings, VideoSink};

#[derive(Args, Debug)]
pub(super) struct AnnotateArgs {
    /// Write an annotated MP4 with boxes, verdicts and heat maps; for several clips, a folder to hold one file per clip
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,
    /// Width of the annotated video [default: the clip's own]
    #[arg(long, value_name = "PIXELS", requires = "annotate", value_parser = clap::value_parser!(u16).range(16..=16384))]
    annotate_width: Option<u16>,
}

impl ClipOutput for AnnotateArgs {
    fn flag(&self) -> &'static str {
        "--annotate"
    }

    fn ending(&self) -> &'static str {
        "annotated.mp4"
    }

    fn path(&self) -> Option<&Path> {
        self.annotate.as_deref()
    }

    fn open(&self, path: &Path, clip: &OpenedClip<'_>) -> anyhow::Result<Box<dyn Sink>> {
        let settings = VideoSettings {
            width: self.annotate_width.map(usize::from),
            threads: clip.workers.threads,
            sound: clip.inputs.sound(clip.address),
        };
        let is_lost = settings.sound.is_none() && clip.source.has_sound();
        let once = is_lost.then(|| SilenceReason::Once(clip.address.name()));
        let sink = VideoSink::create(path, clip.source.info(), &settings)?;
        if let Some(reason) = sink.silence().or(once.as_ref()) {
            note(&format!("{}: {reason}", name::of(path)));
        }
        Ok(Box::new(sink))
    }
}
