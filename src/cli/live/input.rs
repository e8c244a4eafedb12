//! The flags of `live` that say what is watched: cameras, streams, clips that play a camera, and screens.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use cyborg_models::lock;

use super::cured::CuredOpener;
use super::keep::KeepArgs;
use super::watched::{Watched, WatchedArgs};
use crate::capture::Open;
use crate::capture::camera::{CameraOpener, Wish};
use crate::capture::script::Script;
use crate::capture::test_camera::TestCamera;
use crate::cli::outcome::UsageError;
use crate::live::watch::KeepSettings;
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
    #[command(flatten)]
    keep: KeepArgs,
}

/// A source that is to be watched.
pub(in crate::cli) struct LiveSource {
    /// Its name, without secrets; no other has the same.
    pub(in crate::cli) name: String,
    /// What it is.
    pub(in crate::cli) watched: Watched,
    /// Whether the page shows all of its picture, and not the faces alone.
    #[cfg_attr(not(feature = "page"), expect(dead_code, reason = "only the page shows it"))]
    pub(in crate::cli) whole: bool,
    /// Who opens it.
    pub(in crate::cli) opener: Arc<dyn Open>,
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
            let opener = Arc::new(CuredOpener { opener: self.opener(watched, stop)? });
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
            Watched::Stream(address) => self.keep.stream(address.clone(), false, stop),
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

    /// When a source counts as lost, and when it is tried again.
    pub(super) fn keep(&self) -> KeepSettings {
        self.keep.settings()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("640x480"), Ok((640, 480)));
        for wrong in ["640", "0x480", "640x", "-1x2", "99999x2", "640x480x3"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
