//! The clips: one person, made longer and other in size from the cached selfie.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cyborg_models::lock;

/// A clip, and how many frames it has.
pub(crate) struct Clip {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) frames: u64,
}

/// Frames of each clip.
const FRAMES: u64 = 1200;

/// Name of the clip with five faces.
pub(crate) const CROWD: &str = "five faces";
/// The same person five times, two rows of a frame of 1080x720.
const FIVE: &str =
    "crop=360:360,split=5[a][b][c][d][e];[a][b][c]hstack=3[f];[d][e]hstack=2,pad=1080:360[g];[f][g]vstack";

/// Makes the clips in `folder`.
pub(crate) fn make(folder: &Path) -> anyhow::Result<Vec<Clip>> {
    let source = lock::cached("selfie").filter(|clip| clip.is_file());
    let source = source.context("the clip is missing: `cargo xtask setup --media`")?;
    let kinds = [("640x360", "scale=640:360"), ("844x844", "crop=360:360,scale=844:844"), (CROWD, FIVE)];
    let make = |(name, filter): (&'static str, &str)| {
        let path = folder.join(format!("{name}.mp4"));
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-stream_loop", "-1", "-i"])
            .arg(&source)
            .args(["-an", "-vf", filter, "-frames:v", &FRAMES.to_string(), "-c:v", "libx264", "-crf", "20"])
            .args(["-pix_fmt", "yuv420p"])
            .arg(&path)
            .status()
            .context("ffmpeg makes the clips, and can't be run")?;
        ensure!(status.success(), "ffmpeg could not make {name}");
        Ok(Clip { name, path, frames: FRAMES })
    };
    kinds.into_iter().map(make).collect()
}
