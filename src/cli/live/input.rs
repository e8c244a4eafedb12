//! The flags of `live` that say what is watched: cameras, streams, clips that play a camera, and screens.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use cyborg_models::lock;

use super::cured::CuredOpener;
use super::watched::{Watched, WatchedArgs};
use crate::capture::Open;
use crate::capture::camera::{CameraOpener, Wish};
use crate::capture::script::Script;
use crate::capture::stream::Stream;
use crate::capture::test_camera::TestCamera;
use crate::capture::video::Decode;
use crate::cli::outcome::UsageError;
use crate::name;

#[derive(Args, Debug)]
pub(super) struct LiveInputArgs {
    #[command(flatten)]
    watched: WatchedArgs,
    #[cfg(feature = "screen")]
    #[command(flatten)]
    screen: super::screen::ScreenArgs,
    /// Size to ask every camera for, in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720", value_parser = size)]
    camera_size: (u32, u32),
    /// Frames a second to ask every camera for
    #[arg(long, value_name = "FPS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=1000))]
    camera_rate: u32,
    /// Scripted faults for every test camera: `at 2s stall 1s; at 5s unplug 2s; at 8s rate 15; at 12s end`
    #[arg(long, value_name = "SCRIPT")]
    test_script: Option<Script>,
    /// Reopen a camera or stream when no frame has come from it for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    stall: f64,
    /// Decoder of addresses: cpu, cuda or vaapi (in hardware; naming one that isn't available is an error), or auto, the first of
    /// these that takes the stream
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    decode: Decode,
    /// Give up on an address that is silent, or on a camera without a first frame, after this many seconds; then it is
    /// tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0, value_parser = seconds)]
    patience: f64,
}

/// A source that is to be watched.
pub(super) struct LiveSource {
    /// Its name, without secrets; no other has the same.
    pub(super) name: String,
    /// What it is.
    pub(super) watched: Watched,
    /// Whether the page shows all of its picture, and not the faces alone.
    #[cfg_attr(not(feature = "page"), expect(dead_code, reason = "only the page shows it"))]
    pub(super) whole: bool,
    /// Who opens it.
    pub(super) opener: Arc<dyn Open>,
}

impl LiveInputArgs {
    /// What the flags name.
    pub(super) fn watched(&self) -> &WatchedArgs {
        &self.watched
    }

    /// The sources of `named`, which are the flags' own, in their order. `stop` ends a wait for the network.
    pub(super) fn sources(&self, named: &WatchedArgs, stop: &'static AtomicBool) -> anyhow::Result<Vec<LiveSource>> {
        named.check()?;
        let all = named.all();
        if self.test_script.is_some() && !all.iter().any(|watched| matches!(watched, Watched::Test(_))) {
            return Err(UsageError("--test-script is for --camera test: a real camera has no script".to_owned()).into());
        }
        let source = |(watched, name): (&Watched, String)| {
            let opener = Arc::new(CuredOpener(self.opener(watched, stop)?));
            Ok(LiveSource { name, watched: watched.clone(), whole: self.shows_whole(watched), opener })
        };
        all.iter().zip(named.names()).map(source).collect()
    }

    /// A screen is private: only its faces are shown, where nothing else is asked for.
    fn shows_whole(&self, watched: &Watched) -> bool {
        match watched {
            #[cfg(feature = "screen")]
            Watched::Screen(_) | Watched::Portal => self.screen.shows_whole(),
            Watched::Camera(_) | Watched::Stream(_) | Watched::Test(_) => true,
        }
    }

    fn opener(&self, watched: &Watched, stop: &'static AtomicBool) -> anyhow::Result<Arc<dyn Open>> {
        Ok(match watched {
            Watched::Camera(asked) => {
                let wish = Wish { size: self.camera_size, rate: self.camera_rate };
                Arc::new(CameraOpener { asked: asked.clone(), wish })
            }
            Watched::Stream(address) => {
                let (address, patience) = (address.clone(), self.patience());
                Arc::new(Stream { address, patience, decode: self.decode, stop: Some(stop) })
            }
            Watched::Test(clip) => self.test_camera(clip.clone())?,
            #[cfg(feature = "screen")]
            Watched::Screen(choice) => self.screen.opener(choice),
            #[cfg(feature = "screen")]
            Watched::Portal => self.screen.portal()?,
        })
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
