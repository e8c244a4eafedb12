//! Features of faces: the means of a tower's patch tokens, from ONNX Runtime, as in use.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use cyborg_edge::inference::network_file::NetworkFile;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::{Network, SessionSettings, Values};
use cyborg_models::contract::PIXELS;
use cyborg_models::onnx::{ModelProto, OperatorSetIdProto};
use cyborg_models::tower::{self, FEATURES, Tower};
use prost::Message;
use rayon::prelude::*;

use crate::data::loader::Batches;

/// A tower in as many sessions as there are threads. One face at a time goes through each: what goes into an 8-bit layer is
/// scaled by all that is in a batch.
pub struct TowerRunner {
    sessions: Vec<Network>,
    side: usize,
    width: usize,
}

/// Faces as features, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Described {
    /// `[faces, width]`.
    pub features: Vec<f32>,
    /// Whether each is synthetic.
    pub labels: Vec<bool>,
}

impl Described {
    /// The features of a face.
    #[must_use]
    pub(super) fn of(&self, face: usize, width: usize) -> &[f32] {
        &self.features[face * width..(face + 1) * width]
    }
}

impl TowerRunner {
    /// Opens the tower in `bytes`, an ONNX file of the package, to look at the tokens after each of `blocks`.
    ///
    /// # Errors
    ///
    /// When the file holds no such tower, or ONNX Runtime can't run it.
    pub fn open(runtime: &Runtime, bytes: &[u8], blocks: &[usize], threads: NonZeroUsize) -> anyhow::Result<Self> {
        let depth = blocks.last().copied().unwrap_or(1);
        let tower = Tower::read(bytes, depth).context("the tower can't be used")?;
        let model = ModelProto {
            ir_version: 8,
            graph: Some(tower::write_features(&tower, blocks)),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: tower::OPSET }],
            ..ModelProto::default()
        };
        let file = NetworkFile::new(model.encode_to_vec());
        let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
        let open = || Network::open(runtime, &file, settings);
        let sessions =
            (0..threads.get()).map(|_| open()).collect::<Result<_, _>>().context("the tower can't be run")?;
        Ok(Self { sessions, side: tower.side(), width: tower.width * blocks.len() })
    }

    /// Side of the crops that it looks at, in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Values that a face is described by.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Describes the faces of some batches, in their order; nothing when `stop` becomes true on the way.
    ///
    /// # Errors
    ///
    /// When a batch can't be made, or the tower fails.
    pub fn describe(&mut self, batches: Batches, stop: &AtomicBool) -> anyhow::Result<Option<Described>> {
        let mut described = Described::default();
        for batch in batches {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let batch = batch?;
            described.features.extend(self.run(&batch.pixels)?);
            described.labels.extend(batch.labels.iter().map(|&label| label == 1));
        }
        Ok(Some(described))
    }

    fn run(&mut self, pixels: &[u8]) -> anyhow::Result<Vec<f32>> {
        let (side, width) = (self.side, self.width);
        let bytes = side * side * 3;
        let faces = pixels.len() / bytes;
        let share = faces.div_ceil(self.sessions.len()).max(1);
        let mut features = vec![0.0; faces * width];
        let parts = features.par_chunks_mut(share * width).zip(pixels.par_chunks(share * bytes));
        parts.zip(&mut self.sessions).try_for_each(|((out, pixels), session)| -> anyhow::Result<()> {
            for (out, face) in out.chunks_exact_mut(width).zip(pixels.chunks_exact(bytes)) {
                let outputs = session.run(PIXELS, [1, side, side, 3], Values::Bytes(face))?;
                out.copy_from_slice(outputs.floats(FEATURES, width)?);
            }
            Ok(())
        })?;
        Ok(features)
    }
}
