//! Several classifiers with one verdict: each has its own crop, and a rule fuses their scores.

use cyborg_models::contract::Calibration;
use smallvec::SmallVec;

use super::classifier::{ActivationMaps, Classify, MOST_FRAMES, Seen};
use crate::BoxError;
use crate::verdict::experts::{Decision, Rule};
use crate::verdict::{Logits, Score, evidence};

/// Experts, asked one after the other on the thread that asks.
#[derive(Debug)]
pub struct Experts<C> {
    members: Vec<C>,
    agreement: Agreement,
    /// What each said of each frame; the memory is kept.
    said: Vec<Vec<ExpertScores>>,
}

/// What one expert says of the faces of a frame, in their order.
#[derive(Clone, Debug, Default)]
pub struct ExpertScores {
    /// A score for each face.
    pub scores: Vec<Score>,
    /// A map for each face.
    pub maps: ActivationMaps,
}

/// How several experts come to one score.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// How their evidence is added up.
    pub rule: Rule,
    /// From the logits of each to its evidence, in the order of [`Rule::voices`].
    pub calibrations: Vec<Calibration>,
}

impl<C: Classify> Experts<C> {
    /// `members` in the order of the agreement's voices.
    #[must_use]
    pub fn new(members: Vec<C>, agreement: Agreement) -> Self {
        let said = vec![vec![ExpertScores::default(); members.len()]; MOST_FRAMES];
        Self { members, agreement, said }
    }

    /// Each of them.
    #[must_use]
    pub fn members(&self) -> &[C] {
        &self.members
    }

    /// The same, to be asked apart: [`Experts::agreement`] then makes one score of what they say.
    pub fn members_mut(&mut self) -> &mut [C] {
        &mut self.members
    }

    /// How they come to one score.
    #[must_use]
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }
}

impl<C: Classify> Classify for Experts<C> {
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError> {
        let Self { members, agreement, said } = self;
        // More frames than most are for who calls this by hand.
        if said.len() < seen.len() {
            said.resize(seen.len(), vec![ExpertScores::default(); members.len()]);
        }
        for (at, member) in members.iter_mut().enumerate() {
            let mut own: SmallVec<[Seen<'_>; MOST_FRAMES]> = seen
                .iter()
                .zip(said.iter_mut())
                .map(|(Seen { frame, faces, .. }, said)| {
                    let ExpertScores { scores, maps } = &mut said[at];
                    Seen { frame, faces, scores, maps }
                })
                .collect();
            member.classify(&mut own)?;
        }
        for (Seen { scores, maps, .. }, said) in seen.iter_mut().zip(said) {
            agreement.agree(said, scores, maps);
        }
        Ok(())
    }

    fn faces_at_once(&self) -> usize {
        self.members.iter().map(Classify::faces_at_once).max().unwrap_or(1)
    }
}

impl Agreement {
    /// Puts the score and the map of each face into `scores` and `maps`, in place of what they held.
    ///
    /// Square and map are those of the expert who decided. Maps of several sizes are brought to the largest.
    pub fn agree(&self, said: &[ExpertScores], scores: &mut Vec<Score>, maps: &mut ActivationMaps) {
        scores.clear();
        maps.values.clear();
        maps.height = said.iter().map(|said| said.maps.height).max().unwrap_or(0);
        maps.width = said.iter().map(|said| said.maps.width).max().unwrap_or(0);
        let faces = said.iter().map(|said| said.scores.len()).min().unwrap_or(0);
        for face in 0..faces {
            let voices = said.iter().zip(&self.calibrations);
            let Decision { evidence, kind, voice } =
                (self.rule).decide(voices.map(|(said, calibration)| evidence(said.scores[face].logits, calibration)));
            let unfamiliar = said.iter().any(|said| said.scores[face].unfamiliar);
            let logits = Logits { authentic: 0.0, synthetic: evidence };
            let ExpertScores { scores: own, maps: seen } = &said[voice];
            // An expert that tells several kinds apart is on none of them.
            let kind = kind.or(own[face].kind);
            scores.push(Score { square: own[face].square, logits, kind, unfamiliar });
            enlarge(seen, face, maps);
        }
    }
}

/// Adds the map of a face to `maps` in their size, by bilinear interpolation; nothing but zeros where there is none.
fn enlarge(from: &ActivationMaps, face: usize, maps: &mut ActivationMaps) {
    let values = from.of(face);
    if (from.height, from.width) == (maps.height, maps.width) {
        maps.values.extend_from_slice(values);
        return;
    }
    // The cells around a place, and how far it is from the first to the second. Beyond the outermost centres these hold.
    let between = |at: usize, cells: usize, of: usize| {
        let place = ((at as f32 + 0.5) * cells as f32 / of as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
        let first = place as usize;
        (first, (first + 1).min(cells - 1), place - first as f32)
    };
    for y in 0..maps.height {
        for x in 0..maps.width {
            if values.is_empty() {
                maps.values.push(0.0);
                continue;
            }
            let (top, bottom, down) = between(y, from.height, maps.height);
            let (left, right, along) = between(x, from.width, maps.width);
            let row = |y: usize| values[y * from.width + left] * (1.0 - along) + values[y * from.width + right] * along;
            maps.values.push(row(top) * (1.0 - down) + row(bottom) * down);
        }
    }
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::Kind;

    use super::*;
    use crate::face::crop::CropSquare;
    use crate::verdict::experts::Voice;

    fn said(side: usize, maps: ActivationMaps, faces: &[(f32, bool)]) -> ExpertScores {
        let score = |&(synthetic, unfamiliar): &(f32, bool)| {
            let square = CropSquare { left: 0, top: 0, side };
            Score { unfamiliar, ..Score::new(square, Logits { authentic: 1.0, synthetic }) }
        };
        ExpertScores { scores: faces.iter().map(score).collect(), maps }
    }

    fn agreement() -> Agreement {
        let voice = |kind, weight| Voice { kind: Some(kind), weight };
        Agreement {
            rule: Rule { voices: vec![voice(Kind::Generated, 1.0), voice(Kind::Swapped, 2.0)], bias: [0.0, -1.0, 0.0] },
            calibrations: vec![Calibration { temperature: 2.0, bias: 0.5 }, Calibration::NONE],
        }
    }

    #[test]
    fn each_face_gets_what_its_experts_come_to() {
        let small = ActivationMaps { height: 1, width: 2, values: vec![0.0, 4.0, 1.0, 1.0, 8.0, 0.0] };
        let large = ActivationMaps { height: 2, width: 2, values: (0..12).map(|v| v as f32).collect() };
        let said = [
            said(10, small, &[(5.0, false), (1.0, true), (f32::NAN, false)]),
            said(20, large, &[(1.0, false), (3.0, false), (f32::NAN, false)]),
        ];
        let (mut scores, mut maps) = (vec![said[0].scores[0]; 9], ActivationMaps::default());
        agreement().agree(&said, &mut scores, &mut maps);
        // (5 - 1) / 2 + 0.5 = 2.5 against 2 * 0 - 1; 0.5 against 2 * 2 - 1 = 3.
        let found: Vec<_> = scores.iter().map(|s| (s.logits.synthetic, s.kind, s.unfamiliar, s.square.side)).collect();
        assert_eq!(found[..2], [(2.5, Some(Kind::Generated), false, 10), (3.0, Some(Kind::Swapped), true, 20)]);
        assert!(found[2].0.is_nan() && found.len() == 3, "{found:?}");
        assert!(scores.iter().all(|score| score.logits.authentic == 0.0));
        assert_eq!((maps.height, maps.width), (2, 2));
        // The map of one row, twice; the larger one as it is.
        assert_eq!(maps.of(0), [0.0, 4.0, 0.0, 4.0]);
        assert_eq!(maps.of(1), [4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn a_map_is_enlarged_between_its_cells() {
        let from = ActivationMaps { height: 2, width: 2, values: vec![0.0, 4.0, 8.0, 12.0] };
        let mut maps = ActivationMaps { height: 4, width: 4, values: Vec::new() };
        enlarge(&from, 0, &mut maps);
        assert_eq!(maps.values[..4], [0.0, 1.0, 3.0, 4.0]);
        assert_eq!(maps.values[4..8], [2.0, 3.0, 5.0, 6.0]);
        assert_eq!(maps.values[12..], [8.0, 9.0, 11.0, 12.0]);
        let mut none = ActivationMaps { height: 1, width: 3, values: Vec::new() };
        enlarge(&ActivationMaps::default(), 0, &mut none);
        assert_eq!(none.values, [0.0; 3]);
    }
}
