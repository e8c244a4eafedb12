//! Cameras, through nokhwa: which there are, what they can do, and their frames.

mod choice;
mod decode;
mod source;

use std::fmt;

use nokhwa::NokhwaError;
use nokhwa::utils::{ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};
use serde::Serialize;

pub use source::CameraOpener;

/// The formats that can be decoded here.
const FORMATS: [FrameFormat; 6] = [
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::MJPEG,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
    FrameFormat::GRAY,
];

/// A camera that the system knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its index, as the system counts.
    pub index: String,
    /// Its name for people.
    pub name: String,
}

/// What a camera can give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Format {
    /// Width of its pictures in pixels.
    pub width: u32,
    /// Height of its pictures in pixels.
    pub height: u32,
    /// Frames a second.
    pub rate: u32,
    /// How pixels are coded: MJPEG, YUYV, NV12, GRAY, RAWRGB, RAWBGR.
    pub coding: String,
}

/// What is wished of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub rate: u32,
}

/// A camera that can't be used, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CameraError {
    /// The system can't be asked.
    #[error("cameras can't be listed: {0}")]
    List(#[from] NokhwaError),
    /// There is none by that index, name or path.
    #[error("there is no camera `{asked}`; {}", known(cameras))]
    Unknown {
        /// What was asked for.
        asked: String,
        /// Those that there are.
        cameras: Vec<Camera>,
    },
    /// The name fits several.
    #[error("several cameras are named `{asked}`: give the index instead; {}", known(cameras))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// Those that fit.
        cameras: Vec<Camera>,
    },
    /// It is there and can't be opened.
    #[error("camera {name} can't be opened: {reason}; is it in use, and may this user open it?")]
    Open {
        /// The camera.
        name: String,
        /// What the system says.
        reason: NokhwaError,
    },
    /// It gives nothing that can be decoded here.
    #[error("camera {name} offers no supported format (MJPEG, YUYV, NV12, grey or RGB)")]
    NoFormat {
        /// The camera.
        name: String,
    },
    /// It was unplugged, or its driver failed.
    #[error("camera {name} stopped sending frames: {reason}; is it still plugged in?")]
    Lost {
        /// The camera.
        name: String,
        /// What the system says.
        reason: NokhwaError,
    },
}

fn known(cameras: &[Camera]) -> String {
    if cameras.is_empty() {
        return "this machine has none".to_owned();
    }
    let names: Vec<String> = cameras.iter().map(ToString::to_string).collect();
    format!("there are {} (`cyborg cameras` lists them)", names.join(", "))
}

impl fmt::Display for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.index, self.name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} {} fps {}", self.width, self.height, self.rate, self.coding)
    }
}

/// All cameras that the system knows.
///
/// # Errors
///
/// When the system can't be asked.
pub fn list() -> Result<Vec<Camera>, CameraError> {
    let found = nokhwa::query(ApiBackend::Auto)?;
    let mut cameras: Vec<Camera> =
        found.iter().map(|camera| Camera { index: camera.index().to_string(), name: camera.human_name() }).collect();
    cameras.sort_by_key(|camera| (camera.index.parse::<u32>().unwrap_or(u32::MAX), camera.index.clone()));
    Ok(cameras)
}

/// All that a camera can give, in order of size and rate. It is opened for that.
///
/// # Errors
///
/// When it can't be opened, or not be asked.
pub fn formats(camera: &Camera) -> Result<Vec<Format>, CameraError> {
    let mut device = open(camera)?;
    let asked = device.compatible_camera_formats();
    let found = asked.map_err(|reason| CameraError::Open { name: camera.to_string(), reason })?;
    let mut formats: Vec<Format> = found.iter().map(Format::of).collect();
    formats.sort_unstable();
    formats.dedup();
    Ok(formats)
}

impl Format {
    fn of(format: &CameraFormat) -> Self {
        let (width, height, rate) = (format.width(), format.height(), format.frame_rate());
        Self { width, height, rate, coding: format.format().to_string() }
    }
}

/// Opens a camera in whatever format it likes.
fn open(camera: &Camera) -> Result<nokhwa::Camera, CameraError> {
    let index = match camera.index.parse() {
        Ok(index) => CameraIndex::Index(index),
        Err(_) => CameraIndex::String(camera.index.clone()),
    };
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &FORMATS);
    nokhwa::Camera::new(index, any).map_err(|reason| CameraError::Open { name: camera.to_string(), reason })
}

/// The camera of this index, path (`/dev/video0`) or name; a part of the name is enough where it fits one only.
fn find(asked: &str, cameras: Vec<Camera>) -> Result<Camera, CameraError> {
    let index = asked.strip_prefix("/dev/video").unwrap_or(asked);
    if let Some(camera) = cameras.iter().find(|camera| camera.index == index || camera.name == asked) {
        return Ok(camera.clone());
    }
    let part = asked.to_lowercase();
    let fits = |camera: &Camera| camera.name.to_lowercase().contains(&part);
    let mut fitting: Vec<Camera> = cameras.iter().filter(|camera| fits(camera)).cloned().collect();
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        0 => Err(CameraError::Unknown { asked: asked.to_owned(), cameras }),
        _ => Err(CameraError::Ambiguous { asked: asked.to_owned(), cameras: fitting }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, expected: Result<&str, &str>) {
        let camera = |index: &str, name: &str| Camera { index: index.to_owned(), name: name.to_owned() };
        let cameras = vec![camera("0", "Front Camera"), camera("2", "Desk Camera"), camera("10", "Capture HDMI")];
        match (find(asked, cameras), expected) {
            (Ok(found), Ok(index)) => assert_eq!(found.index, index, "{asked}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{asked}: {error}"),
            (found, _) => assert_eq!(found.is_ok(), expected.is_ok(), "{asked}: {found:?}"),
        }
    }

    #[test]
    fn a_camera_is_found_by_index_path_and_name() {
        check("0", Ok("0"));
        check("10", Ok("10"));
        check("/dev/video2", Ok("2"));
        check("Front Camera", Ok("0"));
        check("hdmi", Ok("10"));
        check("camera", Err("several cameras are named `camera`"));
        check("1", Err("there is no camera `1`; there are 0 (Front Camera), 2 (Desk Camera)"));
        check("/dev/video1", Err("no camera"));
    }

    #[test]
    fn no_camera_at_all_is_said() {
        let error = find("0", Vec::new()).expect_err("there is none");
        assert_eq!(error.to_string(), "there is no camera `0`; this machine has none");
    }
}
