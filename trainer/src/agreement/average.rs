//! Mean maps in the frame of the face: where people painted on faces of a class, of an answer, of a generator.
//!
//! Each painting is brought into the frame of the study's regions and counts once. A cell of the frame that lies outside a photo
//! is left out for that photo.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::data::list::Label;
use crate::study::faces::Face;
use crate::study::heard::{Reader, Study};
use crate::study::regions::{Placed, REACH};

/// Cells along an axis of a mean map, which reaches as far as the frame does.
pub const CELLS: usize = 128;
/// Places that are looked at along each axis of a cell.
const PLACES: usize = 2;
/// Sources with maps of their own: those with the most paintings.
const MOST_SOURCES: usize = 24;
/// Faces that are gone through before their sums are added up: a bound on memory.
const AT_ONCE: usize = 64;

/// What a mean map is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Faces of a class, as its name in lists.
    Class(&'static str),
    /// Faces that somebody called real or synthetic.
    Answer(&'static str),
    /// Faces of a source.
    Source(String),
}

/// A mean map.
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    /// How many paintings it is of.
    pub paintings: usize,
    /// `CELLS * CELLS` shares of the paintings, 0 to 1, rows from the top; not a number where no photo reaches.
    pub values: Vec<f32>,
}

/// Mean maps by what they are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Averages {
    /// The maps.
    pub maps: BTreeMap<Group, Average>,
    /// Paintings on faces without landmarks, which are in none.
    pub without_frame: usize,
}

/// Sums over paintings.
#[derive(Clone)]
struct Sums {
    paintings: usize,
    painted: Vec<f32>,
    seen: Vec<f32>,
}

impl Sums {
    fn new() -> Self {
        Self { paintings: 0, painted: vec![0.0; CELLS * CELLS], seen: vec![0.0; CELLS * CELLS] }
    }

    fn add(&mut self, other: &Self) {
        self.paintings += other.paintings;
        for (sum, value) in [(&mut self.painted, &other.painted), (&mut self.seen, &other.seen)] {
            sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// The mean maps of the answers in `firsts` (by face, by their place among what was heard).
pub(super) fn averages(
    study: &Study,
    faces: &[Face],
    firsts: &[Vec<usize>],
    is_left_out: &[bool],
) -> anyhow::Result<Averages> {
    let counts = |index: &usize| {
        let heard = &study.heard[*index];
        heard.is_painted && !is_left_out[heard.annotator]
    };
    let mut by_source: HashMap<&str, usize> = HashMap::new();
    for (face, firsts) in faces.iter().zip(firsts) {
        *by_source.entry(&face.row.source).or_default() += firsts.iter().filter(|index| counts(index)).count();
    }
    let mut sources: Vec<(&str, usize)> = by_source.into_iter().filter(|(_, paintings)| *paintings > 0).collect();
    sources.sort_by_key(|&(source, paintings)| (std::cmp::Reverse(paintings), source));
    sources.truncate(MOST_SOURCES);
    let mut sums: BTreeMap<Group, Sums> = BTreeMap::new();
    let mut without_frame = 0;
    let wanted: Vec<(usize, Vec<usize>)> = firsts
        .iter()
        .enumerate()
        .map(|(face, of_face)| (face, of_face.iter().copied().filter(|index| counts(index)).collect::<Vec<_>>()))
        .filter(|(_, of_face)| !of_face.is_empty())
        .collect();
    for part in wanted.chunks(AT_ONCE) {
        let found: Vec<Vec<(Label, Option<Sums>)>> = part
            .par_iter()
            .map_init(|| study.reader(), |reader, (face, of_face)| in_frame(study, &faces[*face], of_face, reader))
            .collect::<anyhow::Result<_>>()?;
        for ((face, _), found) in part.iter().zip(found) {
            let row = &faces[*face].row;
            for (answer, painting) in found {
                let Some(painting) = painting else {
                    without_frame += 1;
                    continue;
                };
                let mut groups = vec![Group::Class(row.label.name()), Group::Answer(answer.name())];
                if sources.iter().any(|(source, _)| *source == row.source) {
                    groups.push(Group::Source(row.source.clone()));
                }
                for group in groups {
                    sums.entry(group).or_insert_with(Sums::new).add(&painting);
                }
            }
        }
    }
    let mean = |sums: Sums| {
        let values = sums.painted.iter().zip(&sums.seen).map(|(painted, seen)| painted / seen);
        Average { paintings: sums.paintings, values: values.collect() }
    };
    Ok(Averages { maps: sums.into_iter().map(|(group, sums)| (group, mean(sums))).collect(), without_frame })
}

/// The paintings of a face in its frame, each with the answer it was painted for.
fn in_frame(
    study: &Study,
    face: &Face,
    of_face: &[usize],
    reader: &mut Reader<'_>,
) -> anyhow::Result<Vec<(Label, Option<Sums>)>> {
    let landmarks = face.row.face.and_then(|face| face.landmarks);
    let placed = landmarks.as_ref().and_then(Placed::new);
    let each = |&index: &usize| {
        let heard = &study.heard[index];
        let Some(placed) = &placed else { return Ok((heard.answer, None)) };
        let painted = reader.answer(heard.line)?.check()?;
        Ok((heard.answer, Some(sampled(&painted.mask(), painted.size(), placed))))
    };
    of_face.iter().map(each).collect()
}

/// A painting at the cells of the frame.
fn sampled(mask: &[bool], (width, height): (u32, u32), placed: &Placed) -> Sums {
    let mut sums = Sums::new();
    sums.paintings = 1;
    let at = |cell: usize, place: usize| {
        let share = (cell as f64 + (place as f64 + 0.5) / PLACES as f64) / CELLS as f64;
        share * 2.0 * REACH - REACH
    };
    let pixel = |at: f64, length: u32| (0.0..f64::from(length)).contains(&at).then_some(at as usize);
    for cell in 0..CELLS * CELLS {
        let (mut painted, mut seen) = (0.0, 0.0);
        for place in 0..PLACES * PLACES {
            let frame = [at(cell % CELLS, place % PLACES), at(cell / CELLS, place / PLACES)];
            let [x, y] = placed.on_photo(frame);
            if let (Some(column), Some(row)) = (pixel(x, width), pixel(y, height)) {
                seen += 1.0;
                painted += f32::from(u8::from(mask[row * width as usize + column]));
            }
        }
        // A cell counts once where all of it is on the photo.
        let share = 1.0 / (PLACES * PLACES) as f32;
        (sums.painted[cell], sums.seen[cell]) = (painted * share, seen * share);
    }
    sums
}
