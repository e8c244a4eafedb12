//! A face of one picture, and what is said of it.

use crate::face::Face;
use crate::findings::Opinion;
use crate::frame::{PixelBox, PixelPoint};
use crate::verdict::reason::Reason;
use crate::verdict::{Judgement, Verdict};

/// A face of one picture, and what is said of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JudgedFace {
    /// Where it is, in pixels of the picture.
    pub bounds: PixelBox,
    /// Left eye, right eye, tip of the nose, left and right corner of the mouth, as seen in the picture.
    pub landmarks: [PixelPoint; 5],
    /// How sure the detector is, in 0 to 1.
    pub confidence: f32,
    /// p(synthetic), calibrated, 0 to 1.
    pub probability: f32,
    /// The verdict by the model's thresholds.
    pub verdict: Verdict,
    /// Why it is unsure, or what it looks like where it is synthetic and that is known.
    pub reason: Option<Reason>,
    /// The square that was judged, in pixels of the picture.
    pub square: PixelBox,
    /// The activation map over that square, `map_size` values from the top, not scaled; empty where the model gives none.
    pub map: Vec<f32>,
    /// Height and width of the map.
    pub map_size: (usize, usize),
}

impl JudgedFace {
    /// All faces of a picture, in step with what a model says of them.
    pub(super) fn all(faces: &[Face], opinion: &Opinion) -> Vec<Self> {
        let Opinion { scores, maps, judgements, .. } = opinion;
        let judged = faces.iter().zip(scores).zip(judgements).enumerate();
        let face = |(index, ((face, score), judgement)): (usize, ((&Face, &crate::verdict::Score), &Judgement))| {
            let Face { bounds, landmarks, confidence } = *face;
            let Judgement { probability, verdict, reason } = *judgement;
            Self {
                bounds,
                landmarks,
                confidence,
                probability: probability.value(),
                verdict,
                reason,
                square: score.square.bounds(),
                map: maps.of(index).to_vec(),
                map_size: (maps.height, maps.width),
            }
        };
        judged.map(face).collect()
    }
}
