//! Whose face is put on whose: of some random faces of other people the one that is nearest in pose and colour.

use std::collections::HashMap;
use std::sync::OnceLock;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::face_frame::FaceFrame;
use super::super::region::{INNER_FACE, Shape, WHOLE_FACE};
use crate::data::faces::{Cutter, Extent, Faces};
use crate::data::list::Label;
use crate::data::prior::Landmarks;

/// Faces among which the nearest is looked for, at least and at most.
const CANDIDATES: (usize, usize) = (8, 32);
/// Weights of what makes two faces differ: the nose off the middle (the turn), the nose's height (the nod), the mouth, the
/// proportions of the face.
const POSE: [f32; 4] = [3.0, 2.0, 1.0, 1.5];
/// Weight of a grey level of brightness, of a colour difference.
const SKIN: [f32; 3] = [0.004, 0.01, 0.01];
/// Weight of each halving of the photo's pixels under the face, where the donor has fewer than the target.
const COARSER: f32 = 0.25;
/// Every so many pixels along an axis one is looked at for the colour of the skin.
const STEP: usize = 3;

/// What is compared of a face.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    /// Nose off the middle and its height, height of the mouth's middle and its width, distance of the eyes from the mouth
    /// over that of the eyes from each other; in the face's own axes.
    pose: [f32; 5],
    /// Mean brightness and colour differences of the inner face.
    skin: [f32; 3],
    /// The logarithm of the photo's pixels along the crop.
    scale: f32,
    /// Whether the whole face is in its photo, so that it can be put elsewhere.
    is_whole: bool,
}

/// Faces of which some may be put on others.
#[derive(Debug)]
pub struct Donors {
    /// Real faces with landmarks.
    faces: Vec<usize>,
    /// A number for each group of faces (of one person, clip or photo) of all the list.
    people: Vec<usize>,
    looks: Vec<OnceLock<Option<Look>>>,
}

/// A face to be put on another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Donor {
    /// Its place in the list.
    pub index: usize,
    /// Whether it is to be mirrored.
    pub mirrored: bool,
}

impl Donors {
    /// Real faces with landmarks among some faces of a list.
    #[must_use]
    pub fn among(faces: &Faces, indices: &[usize]) -> Self {
        let is_donor = |&&index: &&usize| {
            faces.rows[index].label == Label::Authentic && faces.landmarks(index, Extent::Wide).is_some()
        };
        let donors: Vec<usize> = indices.iter().filter(is_donor).copied().collect();
        let mut numbers = HashMap::new();
        let people = (0..faces.rows.len()).map(|index| {
            let next = numbers.len();
            *numbers.entry(faces.group(index)).or_insert(next)
        });
        let people = people.collect();
        let looks = faces.rows.iter().map(|_| OnceLock::new()).collect();
        Self { faces: donors, people, looks }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.faces.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    /// People among them, up to two: with one, nobody's face can be put on anybody else's.
    #[must_use]
    pub fn people(&self) -> usize {
        let first = self.faces.first().map(|&index| self.people[index]);
        let other = self.faces.iter().any(|&index| Some(self.people[index]) != first);
        usize::from(first.is_some()) + usize::from(other)
    }

    /// A donor for a target: never of the same group. Nothing where none is found.
    ///
    /// # Errors
    ///
    /// When a photo can't be read.
    pub fn choose(
        &self,
        faces: &Faces,
        target: usize,
        cutter: &mut Cutter,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Option<Donor>> {
        let Some(wanted) = self.look(faces, target, cutter)? else { return Ok(None) };
        let wished = random.random_range(CANDIDATES.0..=CANDIDATES.1);
        let mut best: Option<(f32, Donor)> = None;
        let mut seen = 0;
        // Some of the draws hit the same person, or a face that is cut off.
        for _ in 0..4 * wished {
            if self.faces.is_empty() || seen == wished {
                break;
            }
            let index = self.faces[random.random_range(0..self.faces.len())];
            if self.people[index] == self.people[target] {
                continue;
            }
            let Some(look) = self.look(faces, index, cutter)?.filter(|look| look.is_whole) else { continue };
            seen += 1;
            for mirrored in [false, true] {
                let distance = look.distance(&wanted, mirrored);
                if best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, Donor { index, mirrored }));
                }
            }
        }
        Ok(best.map(|(_, donor)| donor))
    }

    fn look(&self, faces: &Faces, index: usize, cutter: &mut Cutter) -> anyhow::Result<Option<Look>> {
        if let Some(look) = self.looks[index].get() {
            return Ok(*look);
        }
        let look = Look::of(faces, index, cutter)?;
        Ok(*self.looks[index].get_or_init(|| look))
    }
}

impl Look {
    /// What is compared of a face; nothing where it has no landmarks, or none that a face has.
    fn of(faces: &Faces, index: usize, cutter: &mut Cutter) -> anyhow::Result<Option<Self>> {
        let side = faces.side_of(Extent::Wide);
        let landmarks = faces.landmarks(index, Extent::Wide);
        let Some(frame) = landmarks.and_then(|landmarks| FaceFrame::new(&landmarks, side).ok()) else {
            return Ok(None);
        };
        let view = faces.view(index, Extent::Wide, cutter)?;
        let [_, _, nose, left, right] = frame.landmarks;
        let mouth = [(left[1] + right[1]) / 2.0, (right[0] - left[0]).abs()];
        let photo = faces.photo_in(index, Extent::Wide);
        Ok(Some(Self {
            pose: [nose[0], nose[1], mouth[0], mouth[1], frame.aspect()],
            skin: skin(&view.pixels, side, &frame),
            scale: faces.photo_pixels(index, Extent::Wide).ln(),
            is_whole: WHOLE_FACE.iter().flat_map(|&[x, y]| [[x, y], [-x, y]]).all(|place| {
                let [x, y] = frame.pixel(place).map(|at| at / side as f32);
                (photo.left.max(0.0)..=photo.right.min(1.0)).contains(&x)
                    && (photo.top.max(0.0)..=photo.bottom.min(1.0)).contains(&y)
            }),
        }))
    }

    /// How far a donor, mirrored or not, is from a target.
    fn distance(&self, target: &Self, mirrored: bool) -> f32 {
        let mut pose = self.pose;
        if mirrored {
            pose[0] = -pose[0];
        }
        let off = |at: usize| (pose[at] - target.pose[at]).abs();
        let [turn, nod, mouth, proportions] = POSE;
        let pose = turn * off(0) + nod * off(1) + mouth * (off(2) + off(3)) + proportions * off(4);
        let skin: f32 = (0..3).map(|at| SKIN[at] * (self.skin[at] - target.skin[at]).abs()).sum();
        pose + skin + COARSER * ((target.scale - self.scale) / std::f32::consts::LN_2).max(0.0)
    }
}

/// Mean brightness, blue and red less brightness, of the inner face.
fn skin(pixels: &[u8], side: usize, frame: &FaceFrame) -> [f32; 3] {
    let shape = Shape::outline(&INNER_FACE, frame.landmarks[2][0], None);
    let (mut sum, mut all) = ([0.0; 3], 0.0_f32);
    for row in (0..side).step_by(STEP) {
        for column in (0..side).step_by(STEP) {
            if shape.distance(frame.own(column as f32, row as f32)) < 0.0 {
                let at = (row * side + column) * 3;
                let [red, green, blue] = [0, 1, 2].map(|channel| f32::from(pixels[at + channel]));
                let brightness = 0.299 * red + 0.587 * green + 0.114 * blue;
                sum = [sum[0] + brightness, sum[1] + blue - brightness, sum[2] + red - brightness];
                all += 1.0;
            }
        }
    }
    sum.map(|sum| sum / all.max(1.0))
}

/// The landmarks of a mirrored picture: left and right change places.
#[must_use]
pub fn mirrored(landmarks: &Landmarks) -> Landmarks {
    let [left_eye, right_eye, nose, left_mouth, right_mouth] = *landmarks;
    [right_eye, left_eye, nose, right_mouth, left_mouth].map(|mut point| {
        point.x = 1.0 - point.x;
        point
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cyborg_edge::face::crop::CropSquare;
    use cyborg_edge::frame::PixelPoint;
    use image::{Rgb, RgbImage};
    use rand::SeedableRng;

    use super::*;
    use crate::data::faces::{CropMode, FaceSettings, Found, SaliencySource};
    use crate::data::list::{Row, Split};

    const FRONT: [(f32, f32); 5] = [(24.0, 26.0), (40.0, 26.0), (32.0, 34.0), (26.0, 42.0), (38.0, 42.0)];

    /// A face of one colour, in a photo of its own.
    struct Drawn {
        colour: [u8; 3],
        /// How far the nose is off the middle, in pixels.
        turn: f32,
        /// How far all of it is off the middle of the photo.
        shift: f32,
        group: &'static str,
        label: Label,
    }

    const PLAIN: Drawn = Drawn { colour: [150, 110, 95], turn: 0.0, shift: 0.0, group: "", label: Label::Authentic };

    fn faces(folder: &Path, drawn: &[Drawn]) -> Faces {
        let mut found = Vec::new();
        let row = |(index, face): (usize, &Drawn)| {
            let path = folder.join(format!("{index}.png"));
            RgbImage::from_pixel(64, 64, Rgb(face.colour)).save(&path).expect("it can be written");
            let mut landmarks = FRONT.map(|(x, y)| PixelPoint { x: x + face.shift, y });
            landmarks[2].x += face.turn;
            let square = CropSquare { left: 0, top: 0, side: 1 };
            found.push(Found { square, wide: square, photo: (64, 64), landmarks: Some(landmarks) });
            Row {
                line: 1,
                path,
                label: face.label,
                split: Split::Train,
                source: String::new(),
                video: None,
                group: Some(face.group.to_owned()).filter(|group| !group.is_empty()),
                pair: None,
                map: None,
                face: None,
            }
        };
        let rows = drawn.iter().enumerate().map(row).collect();
        let settings =
            FaceSettings { side: 64, cam: 2, crop: CropMode::Whole, saliency: SaliencySource::Maps, memory: 1 << 24 };
        Faces::new(rows, found, settings)
    }

    fn all(faces: &Faces) -> Donors {
        Donors::among(faces, &(0..faces.rows.len()).collect::<Vec<_>>())
    }

    fn chosen(faces: &Faces, donors: &Donors, target: usize, seed: u64) -> Option<Donor> {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        donors.choose(faces, target, &mut Cutter::default(), random).expect("the photos are there")
    }

    #[test]
    fn a_donor_is_real_whole_and_of_another_group() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let faces = faces(
            folder.path(),
            &[
                Drawn { group: "a", ..PLAIN },
                Drawn { group: "a", ..PLAIN },
                Drawn { group: "b", colour: [90, 60, 50], ..PLAIN },
                Drawn { group: "c", label: Label::Synthetic, ..PLAIN },
                Drawn { group: "d", shift: 22.0, ..PLAIN },
            ],
        );
        let donors = all(&faces);
        assert_eq!((donors.len(), donors.people()), (4, 2));
        let indices: Vec<Option<usize>> =
            (0..100).map(|seed| chosen(&faces, &donors, 0, seed).map(|donor| donor.index)).collect();
        // Only one is left: another person's, real, and not cut off at the edge.
        assert!(indices.iter().all(|&index| index == Some(2)), "{indices:?}");
        let alone = Donors::among(&faces, &[0, 1]);
        assert_eq!((alone.people(), chosen(&faces, &alone, 0, 1)), (1, None));
        assert_eq!(Donors::among(&faces, &[]).people(), 0);
    }

    #[test]
    fn the_nearest_in_pose_and_colour_is_taken_mirrored_where_that_is_nearer() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let faces = faces(
            folder.path(),
            &[
                Drawn { turn: 3.0, ..PLAIN },
                Drawn { turn: 3.0, colour: [230, 200, 190], ..PLAIN },
                Drawn { turn: -3.0, ..PLAIN },
                PLAIN,
            ],
        );
        let donors = all(&faces);
        for seed in 0..50 {
            assert_eq!(chosen(&faces, &donors, 0, seed), Some(Donor { index: 2, mirrored: true }));
            assert_eq!(chosen(&faces, &donors, 0, seed), chosen(&faces, &donors, 0, seed));
        }
        let landmarks = [(0.2, 0.1), (0.6, 0.2), (0.5, 0.3), (0.3, 0.4), (0.7, 0.5)].map(|(x, y)| PixelPoint { x, y });
        let turned = mirrored(&landmarks);
        assert!((turned[0].x - 0.4).abs() < 1e-6 && turned[0].y == 0.2 && (turned[1].x - 0.8).abs() < 1e-6);
    }
}
