//! The flags of `live` that say what is watched: a camera, a stream, or a clip that plays a camera.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use cyborg_models::lock;

use crate::capture::Open;
use crate::capture::address::Address;
use crate::capture::camera::{CameraOpener, Wish};
use crate::capture::script::Script;
use crate::capture::stream::Stream;
use crate::capture::test_camera::TestCamera;
use crate::cli::outcome::UsageError;
use crate::name;

/// What stands for the test camera.
const TEST: &str = "test";

#[derive(Args, Debug)]
pub(super) struct LiveInputArgs {
    /// What to watch: index, path or name of a camera (`cyborg cameras` lists them), an address (rtsp://, http://), or
    /// test, which plays a clip in real time, over and over (test=CLIP: this clip)
    #[arg(long, value_name = "N|PATH|NAME|URL|test", default_value = "0")]
    camera: OsString,
    /// Size to ask a camera for, in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720", value_parser = size)]
    camera_size: (u32, u32),
    /// Frames a second to ask a camera for
    #[arg(long, value_name = "FPS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=1000))]
    camera_rate: u32,
    /// Scripted faults for the test camera: `at 2s stall 1s; at 5s unplug 2s; at 8s rate 15; at 12s end`
    #[arg(long, value_name = "SCRIPT")]
    test_script: Option<Script>,
    /// Reopen the camera or stream when no frame has come for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    stall: f64,
    /// Give up on an address that is silent, or on a camera without a first frame, after this many seconds; then it is
    /// tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0, value_parser = seconds)]
    patience: f64,
}

impl LiveInputArgs {
    /// What is watched, without secrets.
    pub(super) fn name(&self) -> String {
        Address::of(&self.camera).name()
    }

    /// Who opens the source. `stop` ends a wait for the network.
    pub(super) fn opener(&self, stop: &'static AtomicBool) -> anyhow::Result<Arc<dyn Open>> {
        if let Some(clip) = self.clip() {
            return self.test_camera(clip);
        }
        if self.test_script.is_some() {
            return Err(UsageError("--test-script is for --camera test: a real camera has no script".to_owned()).into());
        }
        Ok(match Address::of(&self.camera) {
            address @ Address::Url(_) => Arc::new(Stream { address, patience: self.patience(), stop: Some(stop) }),
            Address::File(_) | Address::Stdin => {
                let wish = Wish { size: self.camera_size, rate: self.camera_rate };
                Arc::new(CameraOpener { asked: name::of(&self.camera), wish })
            }
        })
    }

    /// The clip of the test camera, where that is asked for and one is named.
    pub(super) fn clip(&self) -> Option<Option<PathBuf>> {
        if self.camera == TEST {
            return Some(None);
        }
        let words = self.camera.as_encoded_bytes();
        words.starts_with(format!("{TEST}=").as_bytes()).then(|| Some(behind(&self.camera, TEST.len() + 1)))
    }

    fn test_camera(&self, clip: Option<PathBuf>) -> anyhow::Result<Arc<dyn Open>> {
        let clip = match clip.or_else(|| lock::cached("selfie")) {
            Some(clip) if clip.is_file() => clip,
            Some(clip) => {
                let name = name::of(clip);
                let message = format!(
                    "the test camera's clip {name} is missing: `cargo xtask setup --media` fetches one, or name \
                     another with --camera test=CLIP"
                );
                return Err(UsageError(message).into());
            }
            None => {
                let message = "no folder for fetched files is known: set HOME or CYBORG_CACHE, or name a clip with --camera test=CLIP";
                return Err(UsageError(message.to_owned()).into());
            }
        };
        Ok(Arc::new(TestCamera::new(clip, self.test_script.clone().unwrap_or_default())))
    }

    /// How long a source may be silent before it counts as lost.
    pub(super) fn stall(&self) -> Duration {
        Duration::from_secs_f64(self.stall)
    }

    /// How long it may take to the first frame.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }
}

/// The path behind the first `length` bytes, which are ASCII.
#[cfg(unix)]
fn behind(words: &OsStr, length: usize) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&words.as_bytes()[length..]).into()
}

#[cfg(not(unix))]
fn behind(words: &OsStr, length: usize) -> PathBuf {
    words.to_string_lossy().get(length..).unwrap_or_default().into()
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let size = || -> Option<(u32, u32)> {
        let (width, height) = text.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    };
    let found = size().filter(|(width, height)| (1..=16_384).contains(width) && (1..=16_384).contains(height));
    found.ok_or_else(|| "expected width and height in pixels: 640x480".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.1..=86_400.0).contains(number));
    number.ok_or_else(|| "expected seconds, 0.1 to 86400".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_seconds() {
        assert_eq!(size("640x480"), Ok((640, 480)));
        for wrong in ["640", "0x480", "640x", "-1x2", "99999x2", "640x480x3"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "nan", "inf", "3s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
