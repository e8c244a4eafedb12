//! The mesh: outlines of the parts of a face, in the frame of the face.
//!
//! The frame has its origin between the pupils; its unit is their distance, `x` goes to the right of the picture and `y` down.
//! Landmarks are those of the middle of 176 faces from the front, as the detector has them. The outlines are ours, drawn by the
//! usual proportions of a grown-up face (eyes half a unit wide, hairline one unit above the eyes, chin 1.7 below). Brows, eyes,
//! nose and mouth lie within about a tenth of a unit on faces from the front. **Ears and hair are approximate**: no landmark
//! says how somebody wears their hair.

/// A place in the frame of the face.
pub type Place = [f64; 2];

/// The landmarks in the frame: eyes, tip of the nose, corners of the mouth; left and right as seen in the picture.
pub const LANDMARKS: [Place; 5] = [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.56], [-0.42, 0.98], [0.42, 0.98]];

/// A part of a face, or what lies around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Both eyes with their lids.
    Eyes,
    /// Both eyebrows.
    Brows,
    /// From the bridge to the nostrils.
    Nose,
    /// The lips and what is between them.
    Mouth,
    /// The rest of the face: forehead, cheeks, chin.
    Skin,
    /// Both ears, approximate.
    Ears,
    /// Above and beside the face, approximate.
    Hair,
    /// Everything else, neck and clothes among it.
    Background,
}

impl Region {
    /// All, in the order in which a place is given away: it belongs to the first whose outline holds it, and to the background
    /// where none does.
    pub const ALL: [Self; 8] =
        [Self::Eyes, Self::Brows, Self::Nose, Self::Mouth, Self::Skin, Self::Ears, Self::Hair, Self::Background];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eyes => "eyes",
            Self::Brows => "brows",
            Self::Nose => "nose",
            Self::Mouth => "mouth",
            Self::Skin => "skin",
            Self::Ears => "ears",
            Self::Hair => "hair",
            Self::Background => "background",
        }
    }

    /// The half of its outline on the right of the picture; the left one is its mirror image. Nothing of the background.
    fn half(self) -> &'static [Place] {
        match self {
            Self::Eyes => &EYE,
            Self::Brows => &BROW,
            Self::Nose => &NOSE,
            Self::Mouth => &MOUTH,
            Self::Skin => &SKIN,
            Self::Ears => &EAR,
            Self::Hair => &HAIR,
            Self::Background => &[],
        }
    }

    /// Whether there is one on each side, rather than one across the middle.
    fn is_twice(self) -> bool {
        matches!(self, Self::Eyes | Self::Brows | Self::Ears)
    }

    /// Its outlines, closed: one, two of what there are two of, none of the background.
    #[must_use]
    pub fn outlines(self) -> Vec<Vec<Place>> {
        let half = self.half();
        let mirrored = half.iter().rev().map(|&[x, y]| [-x, y]);
        match self {
            Self::Background => Vec::new(),
            _ if self.is_twice() => vec![half.to_vec(), mirrored.collect()],
            _ => vec![half.iter().copied().chain(mirrored).collect()],
        }
    }

    /// The region of a place.
    #[must_use]
    pub fn at(place: Place) -> Self {
        let holds = |region: &Self| region.outlines().iter().any(|outline| is_inside(outline, place));
        Self::ALL.into_iter().find(holds).unwrap_or(Self::Background)
    }
}

const EYE: [Place; 8] =
    [[0.19, 0.02], [0.31, -0.12], [0.48, -0.17], [0.66, -0.13], [0.82, 0.00], [0.70, 0.11], [0.50, 0.15], [0.31, 0.11]];
const BROW: [Place; 8] = [
    [0.12, -0.24],
    [0.16, -0.42],
    [0.36, -0.50],
    [0.62, -0.50],
    [0.84, -0.38],
    [0.96, -0.18],
    [0.74, -0.28],
    [0.42, -0.31],
];
const NOSE: [Place; 7] =
    [[0.11, -0.12], [0.13, 0.18], [0.21, 0.36], [0.32, 0.50], [0.31, 0.63], [0.17, 0.70], [0.0, 0.73]];
const MOUTH: [Place; 7] =
    [[0.0, 0.83], [0.14, 0.80], [0.34, 0.87], [0.50, 0.98], [0.36, 1.10], [0.18, 1.18], [0.0, 1.20]];
const SKIN: [Place; 11] = [
    [0.0, -1.05],
    [0.40, -1.01],
    [0.75, -0.84],
    [0.98, -0.50],
    [1.06, -0.10],
    [1.06, 0.30],
    [1.00, 0.70],
    [0.86, 1.10],
    [0.62, 1.42],
    [0.34, 1.64],
    [0.0, 1.72],
];
const EAR: [Place; 8] =
    [[1.02, -0.12], [1.14, -0.24], [1.28, -0.20], [1.34, 0.00], [1.30, 0.26], [1.20, 0.50], [1.10, 0.58], [0.98, 0.50]];
/// Down to beside the jaw. What lies below the face comes to it first.
const HAIR: [Place; 10] = [
    [0.0, -1.75],
    [0.50, -1.68],
    [0.95, -1.42],
    [1.28, -1.00],
    [1.42, -0.50],
    [1.46, 0.00],
    [1.46, 0.60],
    [1.38, 0.95],
    [0.88, 0.95],
    [0.0, -0.50],
];

/// Whether a closed outline holds a place: a ray to the right crosses it an odd number of times.
pub(super) fn is_inside(outline: &[Place], [x, y]: Place) -> bool {
    let ends = outline.iter().zip(outline.iter().cycle().skip(1));
    let crosses =
        |&(&[ax, ay], &[bx, by]): &(&Place, &Place)| (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax);
    ends.filter(crosses).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_where_one_would_look_for_it() {
        let check = |place: Place, region: Region| {
            let [x, y] = place;
            assert_eq!((Region::at([x, y]), Region::at([-x, y])), (region, region), "{place:?}");
        };
        for [x, y] in [LANDMARKS[0], LANDMARKS[1]] {
            assert_eq!(Region::at([x, y]), Region::Eyes);
        }
        assert_eq!(Region::at(LANDMARKS[2]), Region::Nose);
        check([0.41, 0.98], Region::Mouth);
        check([0.0, 1.0], Region::Mouth);
        check([0.5, -0.4], Region::Brows);
        check([0.0, 0.1], Region::Nose);
        check([0.0, -0.7], Region::Skin);
        check([0.7, 0.6], Region::Skin);
        check([0.0, 1.5], Region::Skin);
        check([1.2, 0.1], Region::Ears);
        check([0.0, -1.4], Region::Hair);
        check([1.3, 0.8], Region::Hair);
        check([0.0, 1.9], Region::Background);
        check([1.9, 0.0], Region::Background);
    }

    #[test]
    fn outlines_are_drawn_once_around() {
        // An outline that crosses itself would have holes where its halves meet.
        for region in Region::ALL {
            for outline in region.outlines() {
                let area: f64 = outline
                    .iter()
                    .zip(outline.iter().cycle().skip(1))
                    .map(|(a, b)| (a[0] * b[1] - b[0] * a[1]) / 2.0)
                    .sum();
                let counted = (0..400 * 400)
                    .map(|cell| [(cell % 400) as f64 / 100.0 - 1.995, (cell / 400) as f64 / 100.0 - 1.995])
                    .filter(|&place| is_inside(&outline, place))
                    .count() as f64;
                assert!((area.abs() - counted / 1e4).abs() < 0.01, "{region:?}: {area} and {counted}");
            }
        }
    }
}
