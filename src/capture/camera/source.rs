//! The frames of a camera.

use std::time::Instant;

use anyhow::Context as _;
use nokhwa::utils::{CameraFormat, FrameFormat, RequestedFormat, RequestedFormatType};

use super::choice;
use super::decode::decode;
use super::{Camera, CameraError, Wish};
use crate::BoxError;
use crate::capture::{AtEnd, Open, Opened, Read, Source, SourceInfo};
use crate::frame::{Frame, PresentationTime};
use crate::wall;

/// Opens a camera. It is looked for each time: one that was unplugged may come back with another index.
#[derive(Clone, Debug)]
pub struct CameraOpener {
    /// Its index, path (`/dev/video0`) or name.
    pub asked: String,
    /// The format that is wished for; the camera may have another one.
    pub wish: Wish,
}

struct CameraSource {
    device: nokhwa::Camera,
    info: SourceInfo,
    coding: FrameFormat,
    size: (usize, usize),
    begun: Instant,
    frames: u64,
}

impl Open for CameraOpener {
    fn open(&self) -> Result<Opened, BoxError> {
        Ok(wall::behind(|| self.start())??)
    }
}

impl CameraOpener {
    fn start(&self) -> anyhow::Result<Opened> {
        let camera = super::find(&self.asked, super::list()?)?;
        let mut device = super::open(&camera)?;
        let got = set(&mut device, &camera, self.wish)?;
        device.open_stream().map_err(|reason| CameraError::Open { name: camera.to_string(), reason })?;
        let size = (got.width() as usize, got.height() as usize);
        let rate = (got.frame_rate() > 0).then(|| f64::from(got.frame_rate()));
        let info = SourceInfo { name: camera.to_string(), size, rate, claimed_frames: None };
        let source =
            Box::new(CameraSource { device, info, coding: got.format(), size, begun: Instant::now(), frames: 0 });
        Ok(Opened { source, differs: choice::differs(&got, self.wish), at_end: AtEnd::Reopen })
    }
}

/// Sets the format that fits the wish best, and gives the one that the camera then has.
fn set(device: &mut nokhwa::Camera, camera: &Camera, wish: Wish) -> Result<CameraFormat, CameraError> {
    let fail = |reason| CameraError::Open { name: camera.to_string(), reason };
    let formats = device.compatible_camera_formats().map_err(fail)?;
    let best = choice::best(&formats, wish).ok_or_else(|| CameraError::NoFormat { name: camera.to_string() })?;
    let formats = [best.format()];
    let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(best), &formats);
    if let Err(error) = device.set_camera_requset(exact) {
        // Drivers promise formats that they refuse; the camera has one all the same.
        log::debug!("camera {camera} refuses {best}: {error}");
    }
    device.refresh_camera_format().map_err(fail)
}

impl Source for CameraSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let bytes = wall::behind(|| self.device.frame_raw());
        let bytes = bytes.with_context(|| format!("{} can't be read", self.info.name))?;
        let bytes = bytes.map_err(|reason| CameraError::Lost { name: self.info.name.clone(), reason })?;
        // The driver has it since a moment ago: decoding is a part of the frame's age.
        let captured = Instant::now();
        if let Err(error) = decode(&bytes, self.coding, self.size, frame) {
            return Ok(Read::Damaged(error.to_string()));
        }
        frame.number = self.frames;
        self.frames += 1;
        let since = captured.saturating_duration_since(self.begun).as_micros();
        frame.time = PresentationTime(i64::try_from(since).unwrap_or(i64::MAX));
        frame.captured = captured;
        frame.patched = false;
        Ok(Read::Frame)
    }
}
