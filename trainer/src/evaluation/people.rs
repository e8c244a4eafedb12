//! How far networks look where people looked, on the faces that have a map of it: in numbers, beside what chance gives, and as
//! average maps. A prior that was drawn from landmarks is no map of people, and counts nowhere here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::path::Path;

use anyhow::Context;
use cyborg_models::name;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Said, ScoredFace, mean_map};
use crate::checkpoint;
use crate::data::list::Label;
use crate::metrics::{Bootstrap, FaceMean, Likeness, likeness};

/// Other faces of its class whose maps each activation map is held against, at most.
const OTHERS: usize = 20;
/// Faces on the contact sheet at either end.
const SHOWN: usize = 9;
/// How intervals are drawn.
const BOOTSTRAP: Bootstrap = Bootstrap { draws: 2000, seed: 1 };

/// How far a network looks where people looked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct People {
    /// Where the maps come from: `human`, a folder of what people painted, or `maps`, the list's own column.
    pub maps: String,
    /// Faces whose map has no contrast within the crop: nobody painted there. They are in no figure.
    pub blank: usize,
    /// Faces of all sources but those apart.
    pub pooled: Option<Figures>,
    /// The same by class, `real` and `synthetic`.
    pub classes: BTreeMap<String, Figures>,
    /// By source.
    pub sources: BTreeMap<String, Figures>,
}

/// Means over faces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Faces.
    pub faces: usize,
    /// Groups of faces that belong together: clips, persons.
    pub groups: usize,
    /// Pearson's correlation of activation map and map.
    pub correlation: FaceMean,
    /// Intersection over union at matched area.
    pub iou: FaceMean,
    /// Share of faces whose activation map is largest where people looked.
    pub pointing: FaceMean,
    /// What the same activation maps get by the maps of other faces of their class: what comes of where people look at faces in
    /// general. Nothing where there is no other face.
    pub of_others: Option<Likeness>,
    /// How much more each face's activation map gets by its own map.
    pub more: Option<More>,
    /// What a map without any contrast gets.
    pub even: Likeness,
}

/// How much more activation maps get by the maps of their own faces than by those of others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct More {
    /// Of the correlation.
    pub correlation: FaceMean,
    /// Of the intersection over union.
    pub iou: FaceMean,
    /// Of the pointing game.
    pub pointing: FaceMean,
}

/// A face with both maps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen<'a> {
    /// Its number among the faces that are measured.
    pub at: usize,
    /// What is known of it.
    pub face: &'a ScoredFace,
    /// The activation map of the class that it is of, which the loss pulls to where people looked.
    pub cam: &'a [f32],
    /// People's map.
    pub people: &'a [f32],
    /// How like they are.
    pub likeness: Likeness,
}

/// The faces of an evaluation with what people saw in them, and what a network does.
#[derive(Clone, Debug)]
pub struct Looks<'a> {
    seen: Vec<Seen<'a>>,
    blank: usize,
}

impl<'a> Looks<'a> {
    /// Of the faces that have a map of people, as `has_map` says it.
    #[must_use]
    pub fn new(faces: &'a [ScoredFace], said: &'a Said, has_map: &[bool]) -> Self {
        let mut looks = Self { seen: Vec::new(), blank: 0 };
        for (at, face) in faces.iter().enumerate().filter(|&(at, _)| has_map[at]) {
            let Some(people) = said.saliency[at].as_deref() else { continue };
            let cam = said.true_maps[at].as_slice();
            match likeness(cam, people) {
                Some(likeness) => looks.seen.push(Seen { at, face, cam, people, likeness }),
                None => looks.blank += 1,
            }
        }
        looks
    }

    /// The figures; nothing where no face has a map. `maps` says where they come from.
    #[must_use]
    pub fn figures(&self, maps: &str, apart: &[String]) -> Option<People> {
        if self.seen.is_empty() && self.blank == 0 {
            return None;
        }
        let of = |wanted: &dyn Fn(&ScoredFace) -> bool| {
            Figures::new(&self.seen.iter().filter(|seen| wanted(seen.face)).collect::<Vec<_>>())
        };
        let pooled = |face: &ScoredFace| !apart.contains(&face.source);
        let of_class = |label: Label| Some((label.name().to_owned(), of(&|face| pooled(face) && face.label == label)?));
        let sources: BTreeSet<&str> = self.seen.iter().map(|seen| seen.face.source.as_str()).collect();
        let of_source = |source: &str| Some((source.to_owned(), of(&|face| face.source == source)?));
        Some(People {
            maps: maps.to_owned(),
            blank: self.blank,
            pooled: of(&pooled),
            classes: [Label::Authentic, Label::Synthetic].into_iter().filter_map(of_class).collect(),
            sources: sources.into_iter().filter_map(of_source).collect(),
        })
    }

    /// Average maps by class, without the sources that are reported `apart`, and by source, each name with people's and the network's;
    /// nothing where no face has a map.
    #[must_use]
    pub fn averages(&self, apart: &[String]) -> Vec<(String, [Vec<f32>; 2])> {
        let mut rows: BTreeMap<(bool, String), Vec<&Seen<'_>>> = BTreeMap::new();
        for seen in &self.seen {
            let class = seen.face.label.name();
            if !apart.contains(&seen.face.source) {
                rows.entry((false, format!("all {class}"))).or_default().push(seen);
            }
            rows.entry((true, format!("{class}, {}", seen.face.source))).or_default().push(seen);
        }
        let of_row = |((_, name), seen): ((bool, String), Vec<&Seen<'_>>)| {
            let people = mean_map(seen.iter().map(|seen| seen.people))?;
            Some((name, [people, mean_map(seen.iter().map(|seen| seen.cam))?]))
        };
        rows.into_iter().filter_map(of_row).collect()
    }

    /// Faces to look at: those in which the network looks least where people looked, then those in which it does so most, `SHOWN` of
    /// each at most.
    #[must_use]
    pub fn examples(&self) -> Vec<Seen<'a>> {
        let mut seen = self.seen.clone();
        seen.sort_by(|a, b| a.likeness.correlation.total_cmp(&b.likeness.correlation));
        let last = seen.len().saturating_sub(SHOWN).max(SHOWN);
        seen.iter().take(SHOWN).chain(seen.iter().skip(last)).copied().collect()
    }

    /// Writes a row a face.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for Seen { face, likeness, .. } in &self.seen {
            writer.serialize(FaceRow {
                path: face.path.clone(),
                label: face.label,
                source: face.source.clone(),
                group: group(face).to_owned(),
                correlation: likeness.correlation,
                iou: likeness.iou,
                pointing: likeness.pointing,
            })?;
        }
        checkpoint::replace(path, &writer.into_inner()?).with_context(|| format!("can't write {}", name::of(path)))
    }
}

/// A face in the table that [`Looks::write`] writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceRow {
    /// The photo.
    pub path: String,
    /// What it is.
    pub label: Label,
    /// Where it comes from.
    pub source: String,
    /// What it belongs to: its group, its video or itself.
    pub group: String,
    /// See [`Likeness`].
    pub correlation: f64,
    /// See [`Likeness`].
    pub iou: f64,
    /// See [`Likeness`].
    pub pointing: f64,
}

/// Reads what [`Looks::write`] wrote.
///
/// # Errors
///
/// When the file can't be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<FaceRow>> {
    let fail = || format!("can't read {}: run `cyborg-train evaluate` again", name::of(path));
    let mut reader = csv::Reader::from_path(path).with_context(fail)?;
    reader.deserialize().collect::<Result<_, _>>().with_context(fail)
}

/// What a face belongs to.
fn group(face: &ScoredFace) -> &str {
    face.group.as_deref().or(face.video.as_deref()).unwrap_or(&face.path)
}

/// Numbers from 0 for groups by what they are known by, in the order in which they come.
#[must_use]
pub fn numbers<T: Eq + Hash>(known_by: impl Iterator<Item = T>) -> Vec<usize> {
    let mut known: HashMap<T, usize> = HashMap::new();
    known_by
        .map(|each| {
            let next = known.len();
            *known.entry(each).or_insert(next)
        })
        .collect()
}

impl Figures {
    fn new(seen: &[&Seen<'_>]) -> Option<Self> {
        let groups = numbers(seen.iter().map(|seen| group(seen.face)));
        let of = |number: fn(&Likeness) -> f64| seen.iter().map(|seen| number(&seen.likeness)).collect::<Vec<f64>>();
        let of_others = of_others(seen);
        let even = seen.iter().filter_map(|seen| likeness(&vec![0.0; seen.people.len()], seen.people));
        Some(Self {
            faces: seen.len(),
            groups: groups.iter().max()? + 1,
            correlation: FaceMean::drawn(&of(|each| each.correlation), &groups, BOOTSTRAP)?,
            iou: FaceMean::drawn(&of(|each| each.iou), &groups, BOOTSTRAP)?,
            pointing: FaceMean::of_hits(&of(|each| each.pointing), &groups)?,
            of_others: mean(of_others.iter().flatten().copied()),
            more: More::new(seen, &of_others, &groups),
            even: mean(even)?,
        })
    }
}

impl More {
    /// `of_others` is what each face gets by the maps of others, and `groups` its group.
    fn new(seen: &[&Seen<'_>], of_others: &[Option<Likeness>], groups: &[usize]) -> Option<Self> {
        let known: Vec<(Likeness, Likeness, usize)> = (seen.iter().zip(of_others).zip(groups))
            .filter_map(|((seen, others), &group)| Some((seen.likeness, (*others)?, group)))
            .collect();
        let groups = numbers(known.iter().map(|&(_, _, group)| group));
        let of = |number: fn(&Likeness) -> f64| {
            let more: Vec<f64> = known.iter().map(|(own, others, _)| number(own) - number(others)).collect();
            FaceMean::drawn(&more, &groups, BOOTSTRAP)
        };
        Some(Self {
            correlation: of(|each| each.correlation)?,
            iou: of(|each| each.iou)?,
            pointing: of(|each| each.pointing)?,
        })
    }
}

/// What the activation map of each face gets on average by the maps of other faces of its class; nothing where there is none.
fn of_others(seen: &[&Seen<'_>]) -> Vec<Option<Likeness>> {
    let mut found = vec![None; seen.len()];
    for label in [Label::Authentic, Label::Synthetic] {
        let mut class: Vec<usize> = (0..seen.len()).filter(|&at| seen[at].face.label == label).collect();
        // So that neighbours in the list, which may be of one clip, are no neighbours here.
        class.shuffle(&mut ChaCha8Rng::seed_from_u64(BOOTSTRAP.seed));
        let steps = 1..class.len().min(OTHERS + 1);
        for (place, &at) in class.iter().enumerate() {
            let others = steps.clone().map(|step| seen[class[(place + step) % class.len()]].people);
            found[at] = mean(others.filter_map(|people| likeness(seen[at].cam, people)));
        }
    }
    found
}

fn mean(all: impl Iterator<Item = Likeness>) -> Option<Likeness> {
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for Likeness { correlation, iou, pointing } in all {
        sum.iter_mut().zip([correlation, iou, pointing]).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    let [correlation, iou, pointing] = sum.map(|sum| sum / count);
    (count > 0.0).then_some(Likeness { correlation, iou, pointing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::people_page::write_people;

    fn face(number: usize, label: Label, source: &str) -> ScoredFace {
        ScoredFace {
            path: format!("{number}.png"),
            label,
            source: source.to_owned(),
            video: None,
            group: None,
            pair: None,
        }
    }

    /// Four faces of maps of four cells: people look at one cell each, the network does so in the first three. The last real one's
    /// map is even, and the fifth face has a prior alone.
    fn said() -> (Vec<ScoredFace>, Said, Vec<bool>) {
        let (real, synthetic) = (Label::Authentic, Label::Synthetic);
        let labels = [(real, "web"), (synthetic, "gan"), (synthetic, "gan"), (real, "web"), (synthetic, "flux")];
        let faces = labels.iter().enumerate().map(|(at, &(label, source))| face(at, label, source)).collect();
        let cell = |at: usize| (0..4).map(|cell| if cell == at { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let said = Said {
            logits: Vec::new(),
            maps: vec![cell(3); 5],
            true_maps: vec![cell(0), cell(1), cell(2), cell(3), cell(0)],
            saliency: vec![Some(cell(0)), Some(cell(1)), Some(cell(2)), Some(vec![0.0; 4]), Some(cell(3))],
        };
        (faces, said, vec![true, true, true, true, false])
    }

    #[test]
    fn faces_with_a_map_of_people_are_measured_beside_others_maps() {
        let (faces, said, has_map) = said();
        let looks = Looks::new(&faces, &said, &has_map);
        let people = looks.figures("human", &[]).expect("four have maps");
        assert_eq!((people.blank, people.sources.len()), (1, 2), "the prior counts nowhere");
        let pooled = people.pooled.expect("there are faces");
        assert_eq!((pooled.faces, pooled.groups), (3, 3));
        let all = (pooled.correlation.value, pooled.iou.value, pooled.pointing.value);
        assert!((all.0 - 1.0).abs() < 1e-12 && all.1 == 1.0 && all.2 == 1.0, "{all:?}");
        // Of the two synthetic faces each looks elsewhere than the other.
        let others = pooled.of_others.expect("two are of one class");
        assert!((others.correlation + 1.0 / 3.0).abs() < 1e-12 && others.iou == 0.0, "{others:?}");
        let more = pooled.more.expect("two are of one class");
        assert!((more.correlation.value - 4.0 / 3.0).abs() < 1e-12 && more.pointing.low == Some(1.0), "{more:?}");
        assert_eq!((people.classes["real"].of_others, people.classes["real"].more), (None, None), "it is alone");
        // One cell of four: 1/4 in common of 7/4.
        assert_eq!((pooled.even.pointing, pooled.even.correlation), (0.25, 0.0));
        assert!((pooled.even.iou - 1.0 / 7.0).abs() < 1e-12, "{:?}", pooled.even);
        let apart = looks.figures("human", &["gan".to_owned()]).expect("four have maps");
        assert_eq!(apart.pooled.expect("one is left").faces, 1);
        let mut page = String::new();
        write_people(&mut page, &[Some(&people), Some(&people)]).expect("a text can be written to");
        assert!(page.contains("| all synthetic | 2 | 1.000 | 1.000 to 1.000 | -0.333 |"), "{page}");
        assert!(page.contains("| all real | 1 | 1.000 | - | - |") && page.contains("(1 more have"), "{page}");
    }

    #[test]
    fn without_maps_of_people_nothing_is_said() {
        let (faces, said, _) = said();
        let looks = Looks::new(&faces, &said, &[false; 5]);
        assert_eq!(looks.figures("human", &[]), None);
        assert!(looks.averages(&[]).is_empty());
        let mut page = String::new();
        write_people(&mut page, &[None]).expect("a text can be written to");
        assert_eq!(page, "");
    }

    #[test]
    fn a_row_a_face_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("people.csv");
        let (faces, said, has_map) = said();
        let looks = Looks::new(&faces, &said, &has_map);
        looks.write(&path).expect("it can be written");
        let rows = read(&path).expect("it was just written");
        assert_eq!((rows.len(), rows[1].group.as_str(), rows[1].pointing), (3, "1.png", 1.0));
        let examples: Vec<usize> = looks.examples().iter().map(|seen| seen.at).collect();
        assert_eq!(examples, [0, 1, 2], "each once");
        let averages = looks.averages(&[]);
        let names: Vec<&str> = averages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["all real", "all synthetic", "real, web", "synthetic, gan"]);
        assert_eq!(averages[1].1, [vec![0.0, 0.5, 0.5, 0.0], vec![0.0, 0.5, 0.5, 0.0]]);
    }
}
