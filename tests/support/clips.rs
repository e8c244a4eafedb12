//! Small clips made by the `ffmpeg` program, and what the library reads of them.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::video::{OpenSettings, VideoSource};
use cyborg_edge::capture::{Read, Source};
use cyborg_edge::frame::Frame;

use super::left_out::not_run;

/// Five seconds of a moving test picture.
pub(crate) const MOVING: &str = "-f lavfi -i testsrc2=s=96x64:r=25:d=5";

/// Whether the `ffmpeg` program has the encoder that a test wants. Says so where it hasn't.
pub(crate) fn has_encoder(test: &str, name: &str) -> bool {
    let output = Command::new("ffmpeg").args(["-hide_banner", "-encoders"]).output();
    let output = output.expect("the program `ffmpeg` is there after `cargo xtask setup`");
    let has = String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == name);
    if !has {
        not_run(test, &format!("install an ffmpeg that has the encoder {name}"));
    }
    has
}

/// Clips of a source in seven kinds of files: a name for each, and the arguments of `ffmpeg` that make it.
pub(crate) fn kinds(source: &str) -> Vec<(&'static str, String)> {
    let x264 = "-c:v libx264 -preset ultrafast -g 5 -pix_fmt yuv420p";
    vec![
        ("clip.mp4", format!("{source} {x264}")),
        ("fragments.mp4", format!("{source} {x264} -movflags frag_keyframe+empty_moov")),
        ("clip.mkv", format!("{source} {x264} -bf 2")),
        ("clip.ts", format!("{source} {x264}")),
        ("clip.avi", format!("{source} -c:v mpeg4")),
        ("motion.avi", format!("{source} -c:v mjpeg -pix_fmt yuvj420p")),
        ("clip.webm", format!("{source} -c:v libvpx -deadline realtime -cpu-used 8")),
    ]
}

pub(crate) fn settings() -> OpenSettings {
    OpenSettings::whole(NonZeroUsize::new(2).expect("not zero"))
}

/// All that came of a source.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) frames: Vec<Frame>,
    pub(crate) damaged: Vec<String>,
}

impl Seen {
    /// Number and time in microseconds of each frame.
    pub(crate) fn places(&self) -> Vec<(u64, i64)> {
        self.frames.iter().map(|frame| (frame.number, frame.time.0)).collect()
    }
}

/// Reads a source to its end; an endless one is cut.
pub(crate) fn read_all(source: &mut dyn Source) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut frame = Frame::empty();
    for _ in 0..10_000 {
        match source.read(&mut frame).map_err(anyhow::Error::from_boxed)? {
            Read::Frame => seen.frames.push(frame.clone()),
            Read::Damaged(reason) => seen.damaged.push(reason),
            Read::End => return Ok(seen),
        }
    }
    anyhow::bail!("the source has no end")
}

pub(crate) fn read_file(path: &Path, settings: &OpenSettings) -> anyhow::Result<Seen> {
    let mut source = VideoSource::open_with(&Address::File(path.to_owned()), settings)?;
    read_all(&mut source)
}
