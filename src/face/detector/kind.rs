//! What there is to say of a kind of detector: its row. What is particular about one is in its own folder.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cyborg_models::lock;
use cyborg_models::onnx::{GraphProto, ModelProto};

use super::overlap::Several;
use crate::face::Face;
use crate::inference::network_file::NetworkFile;
use crate::inference::session::Outputs;

/// A kind of detector.
pub struct Kind {
    /// What it is asked for by, and called.
    pub name: &'static str,
    /// Where its file is when none is named.
    pub origin: Origin,
    /// Faces of less confidence are left out, in 0 to 1, unless it is said otherwise.
    pub confidence: f32,
    /// Shorter side of a face's box in the picture that the network sees, in pixels, from which it is found reliably.
    pub(super) found_from: f32,
    /// Which of several boxes of a face it gets.
    pub(super) several: Several,
    /// Whether a network is of this kind, told by its tensors.
    pub(super) is_own: fn(&GraphProto) -> bool,
    /// Makes of its file what is run.
    pub(super) mend: fn(ModelProto) -> Result<Mended, String>,
}

/// Where the file of a kind is.
#[derive(Clone, Copy)]
pub enum Origin {
    /// It is part of the program: these bytes.
    Embedded(&'static [u8]),
    /// In the cache folder, under this name of the lock file.
    Fetched(&'static str),
}

/// A detector's network, ready to be opened: it takes RGB pixels as they lie in a frame, under the name [`PIXELS`].
///
/// [`PIXELS`]: super::mending::PIXELS
#[derive(Clone, Debug)]
pub(super) struct Mended {
    pub(super) network: NetworkFile<'static>,
    /// Knows what its outputs mean.
    pub(super) reader: Arc<dyn ReadFaces>,
}

/// Reads faces out of what a network says.
pub(super) trait ReadFaces: fmt::Debug + Send + Sync {
    /// Puts all that is surer than the view's confidence into `faces`, which is empty, in pixels of the frame. One face may be
    /// there several times, and a box may be no number.
    ///
    /// # Errors
    ///
    /// When the network doesn't say what one of this kind does.
    fn read(&self, outputs: &Outputs<'_>, view: &View, faces: &mut Vec<Face>) -> anyhow::Result<()>;
}

/// The picture that a network saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Its sides in pixels.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels of the frame that one of its pixels is across and down.
    pub(super) scale: (f32, f32),
    /// What is surer than this is a face.
    pub(super) confidence: f32,
}

impl Kind {
    /// Where its file is: beside the program where that was installed with it, else where set-up puts it. Nothing where it is
    /// part of the program, or no cache folder is known.
    #[must_use]
    pub fn fetched(&self) -> Option<PathBuf> {
        match self.origin {
            Origin::Embedded(_) => None,
            Origin::Fetched(id) => lock::placed(id),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
