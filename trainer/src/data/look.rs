//! Looking at the faces of a list with our detector, at the sizes of a network.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use cyborg_edge::face::detector::{Detector, DetectorError, DetectorName, DetectorSettings};
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;

use super::choice::ReadList;
use super::faces::FaceSettings;
use super::inspect::{InspectError, Inspected, Inspection, Need, inspect};
use super::list::Split;
use crate::network::Network;

/// The detector that lists and crops are made by, so that networks learn from the boxes that those before them learnt from.
/// Boxes of the others are mapped to its own.
const DETECTOR: &str = "centerface";

/// Opens the detector, for one thread. Its settings are the defaults of `cyborg`, so that crops are the same in training and in
/// use.
///
/// # Errors
///
/// When its file isn't there, or can't be run.
pub fn open_detector(runtime: &Runtime) -> Result<Detector, DetectorError> {
    let session = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    Detector::open(runtime, &DetectorName::of(DETECTOR.into()), DetectorSettings::of_side(320), session)
}

/// What the faces are wanted for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Side of a crop in pixels.
    pub side: usize,
    /// Side of the activation map.
    pub cam: usize,
    /// The first one must have faces.
    pub splits: &'a [Split],
    /// Whether fakes will be forged.
    pub landmarks: Need,
    /// Bytes of crops to keep.
    pub memory: usize,
}

impl<'a> Wanted<'a> {
    /// At the sizes of a network.
    #[must_use]
    pub fn by(network: &Network, splits: &'a [Split], landmarks: Need, memory: usize) -> Self {
        let (height, width) = network.cam_size();
        debug_assert_eq!(height, width, "all activation maps are square");
        Self { side: network.input_side, cam: height, splits, landmarks, memory }
    }
}

/// Looks at all faces of a list; nothing when `stop` becomes true on the way.
///
/// # Errors
///
/// As [`inspect`], and when ONNX Runtime isn't there.
pub fn look(read: ReadList, wanted: &Wanted<'_>, stop: &AtomicBool) -> anyhow::Result<Option<Inspected>> {
    let runtime = Runtime::load()?;
    let settings = FaceSettings {
        side: wanted.side,
        cam: wanted.cam,
        crop: read.config.crop_mode(),
        saliency: read.config.saliency_source(),
        memory: wanted.memory,
    };
    let how = Inspection {
        settings,
        splits: wanted.splits,
        landmarks: wanted.landmarks,
        detector: &|| Ok(open_detector(&runtime)?),
        progress: &|done, all| {
            if done.is_multiple_of(1000) || done == all {
                log::info!("{done} of {all} photos looked at");
            }
        },
        stop,
    };
    match inspect(read.list, read.problems, &how) {
        Ok(inspected) => Ok(Some(inspected)),
        Err(InspectError::Interrupted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
