//! In which order an annotator sees the faces of a study: a pure function of the faces, the study's settings and the annotator's name,
//! so that it is the same after each start.
//!
//! Each beginning of it is balanced: as many real faces as synthetic ones while both last, and within a class as many of each
//! source while it lasts. Some faces come twice, and at some places the page says what to answer.

use std::collections::BTreeMap;

use cyborg_models::digest;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::answer::Kind;
use crate::data::list::Label;

/// So many other faces at least lie between the two times that a face is seen, where a study has that many.
pub const APART: usize = 20;
/// So many faces of both classes are mixed at a time: with fewer, one could guess what comes next.
const BLOCK: usize = 8;

const CLASSES: [Label; 2] = [Label::Authentic, Label::Synthetic];

/// What is asked of a face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// One face: is it real or synthetic?
    #[default]
    Single,
    /// Two faces: which of them is synthetic?
    Pairs,
}

/// What an annotator may answer: the first two to a face, the others to a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// It is real.
    Real,
    /// It is synthetic.
    Synthetic,
    /// The first is synthetic.
    Left,
    /// The second is synthetic.
    Right,
}

/// What is seen at a time: faces by their index in the study's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// One face.
    One(usize),
    /// Two, left and right.
    Two([usize; 2]),
}

impl Seen {
    /// The faces.
    #[must_use]
    pub fn faces(&self) -> &[usize] {
        match self {
            Self::One(face) => std::slice::from_ref(face),
            Self::Two(faces) => faces,
        }
    }
}

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Why it is seen.
    pub kind: Kind,
    /// What is seen.
    pub seen: Seen,
    /// What a check asks for.
    pub asked: Option<Reply>,
}

/// Which faces come first.
#[derive(Clone, Copy, Debug)]
pub enum Basis<'a> {
    /// Drawn, with classes and sources in balance.
    Balanced,
    /// These, in this order within each class: what a model would learn most from. The others don't come.
    Listed(&'a [usize]),
}

/// How an order is made.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// What is asked.
    pub question: Question,
    /// Seed of the study. Each annotator has an order of their own.
    pub seed: u64,
    /// Share of the faces that come twice, 0 to 1.
    pub repeats: f64,
    /// Number of checks over that of faces, 0 to 1.
    pub checks: f64,
    /// Which faces come first.
    pub basis: Basis<'a>,
}

/// The order of an annotator. `faces` has label and source of each face of the study's list.
#[must_use]
pub fn order(faces: &[(Label, &str)], plan: &Plan<'_>, annotator: &str) -> Vec<Item> {
    let mut random = random_of(plan.seed, annotator);
    let singles = match plan.basis {
        Basis::Balanced => {
            let classes = CLASSES.map(|label| rounds(sources(faces, label), &mut random));
            mixed(classes, &mut random)
        }
        // A model errs on one class more than on the other, and who is asked must not be able to tell.
        Basis::Listed(ranked) => {
            let of = |label| ranked.iter().copied().filter(|&face| faces[face].0 == label).collect();
            mixed(CLASSES.map(of), &mut random)
        }
    };
    let base = match plan.question {
        Question::Single => singles.into_iter().map(Seen::One).collect(),
        Question::Pairs => paired(faces, &singles, &mut random),
    };
    arranged(&base, plan, &mut random)
}

fn random_of(seed: u64, annotator: &str) -> ChaCha8Rng {
    // A digest, because names that are alike must not give orders that are.
    let digest = digest::of_bytes(format!("{seed} {annotator}").as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(&digest.as_bytes()[..32]);
    ChaCha8Rng::from_seed(key)
}

/// The faces of a class by their sources.
fn sources(faces: &[(Label, &str)], label: Label) -> Vec<Vec<usize>> {
    let mut sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (_, source)) in faces.iter().enumerate().filter(|(_, (of, _))| *of == label) {
        sources.entry(source).or_default().push(index);
    }
    sources.into_values().collect()
}

/// The faces of both classes, which have equal shares in each beginning while they last.
fn mixed(classes: [Vec<usize>; 2], random: &mut ChaCha8Rng) -> Vec<usize> {
    let [mut real, mut synthetic] = classes.map(Vec::into_iter);
    let mut all = Vec::new();
    loop {
        let mut block: Vec<usize> = real.by_ref().take(BLOCK / 2).chain(synthetic.by_ref().take(BLOCK / 2)).collect();
        if block.is_empty() {
            return all;
        }
        block.shuffle(random);
        all.append(&mut block);
    }
}

/// A face of each source in turn, the sources of a round in a drawn order.
fn rounds(mut sources: Vec<Vec<usize>>, random: &mut ChaCha8Rng) -> Vec<usize> {
    sources.iter_mut().for_each(|faces| faces.shuffle(random));
    let mut all = Vec::new();
    while !sources.is_empty() {
        sources.shuffle(random);
        all.extend(sources.iter_mut().filter_map(Vec::pop));
        sources.retain(|faces| !faces.is_empty());
    }
    all
}

/// The real faces with the synthetic ones, both in the order they have, the synthetic one on a drawn side.
fn paired(faces: &[(Label, &str)], singles: &[usize], random: &mut ChaCha8Rng) -> Vec<Seen> {
    let of = |label| singles.iter().copied().filter(move |&face| faces[face].0 == label);
    let mut pairs: Vec<[usize; 2]> =
        of(Label::Authentic).zip(of(Label::Synthetic)).map(|(real, synthetic)| [real, synthetic]).collect();
    for block in pairs.chunks_mut(BLOCK) {
        let mut sides: Vec<bool> = (0..BLOCK).map(|side| side % 2 == 0).collect();
        sides.shuffle(random);
        block.iter_mut().zip(sides).filter(|(_, swap)| *swap).for_each(|(pair, _)| pair.swap(0, 1));
    }
    pairs.into_iter().map(Seen::Two).collect()
}

/// Adds what comes twice, and the checks.
fn arranged(base: &[Seen], plan: &Plan<'_>, random: &mut ChaCha8Rng) -> Vec<Item> {
    let apart = APART.min(base.len() / 2);
    let (twice, checked) = (drawn(base.len(), plan.repeats, random), drawn(base.len(), plan.checks, random));
    let mut items: Vec<Item> = Vec::new();
    // By the place that they are due at: where they were first seen, and what.
    let mut waiting: BTreeMap<(usize, usize), Seen> = BTreeMap::new();
    let again = |seen: Seen, random: &mut ChaCha8Rng| {
        let seen = match seen {
            Seen::Two([left, right]) if random.random() => Seen::Two([right, left]),
            same => same,
        };
        Item { kind: Kind::Repeat, seen, asked: None }
    };
    for (number, &seen) in base.iter().enumerate() {
        if let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= items.len()) {
            items.push(again(first.remove(), random));
        }
        // A face that was seen already, so that nothing is given away of one that wasn't.
        if let Some(&seen) = base[..number].choose(random).filter(|_| checked[number]) {
            items.push(Item { kind: Kind::Check, seen, asked: Some(asked(plan.question, random)) });
        }
        if twice[number] {
            let at = items.len();
            waiting.insert((at + apart + 1 + random.random_range(0..=apart), at), seen);
        }
        items.push(Item { kind: Kind::Face, seen, asked: None });
    }
    for ((_, first), seen) in waiting {
        // Those of the last faces, which would come too soon, are left out.
        if items.len() > first + apart {
            items.push(again(seen, random));
        }
    }
    items
}

fn asked(question: Question, random: &mut ChaCha8Rng) -> Reply {
    match (question, random.random()) {
        (Question::Single, false) => Reply::Real,
        (Question::Single, true) => Reply::Synthetic,
        (Question::Pairs, false) => Reply::Left,
        (Question::Pairs, true) => Reply::Right,
    }
}

/// A share of `count` places, spread evenly: each stretch has one, at a drawn place of it.
fn drawn(count: usize, share: f64, random: &mut ChaCha8Rng) -> Vec<bool> {
    let mut places = vec![false; count];
    if share > 0.0 {
        let wanted = (count as f64 * share).round() as usize;
        for stretch in 0..wanted.min(count) {
            let bounds = [stretch, stretch + 1].map(|at| at * count / wanted);
            places[random.random_range(bounds[0]..bounds[1])] = true;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    const PLAN: Plan<'_> =
        Plan { question: Question::Single, seed: 7, repeats: 0.1, checks: 0.02, basis: Basis::Balanced };

    /// Real faces of two sources and synthetic ones of three, of very different sizes.
    fn faces(count: usize) -> Vec<(Label, &'static str)> {
        let kinds = [
            (Label::Authentic, "camera"),
            (Label::Synthetic, "gan"),
            (Label::Synthetic, "gan"),
            (Label::Authentic, "phone"),
            (Label::Synthetic, "diffusion"),
            (Label::Authentic, "phone"),
            (Label::Synthetic, "gan"),
            (Label::Synthetic, "swap"),
        ];
        kinds.into_iter().cycle().take(count).collect()
    }

    fn shown(items: &[Item], kind: Kind) -> Vec<Seen> {
        items.iter().filter(|item| item.kind == kind).map(|item| item.seen).collect()
    }

    #[test]
    fn each_face_comes_once_and_some_twice_with_others_between() {
        for count in [0, 1, 2, 5, 20, 400, 10_000] {
            let items = order(&faces(count), &PLAN, "ann");
            let first = shown(&items, Kind::Face);
            let all: HashSet<usize> = first.iter().flat_map(|seen| seen.faces().to_vec()).collect();
            assert_eq!((first.len(), all.len()), (count, count));
            let mut at: HashMap<Seen, usize> = HashMap::new();
            for (place, item) in items.iter().enumerate() {
                match item.kind {
                    Kind::Face => assert!(at.insert(item.seen, place).is_none()),
                    Kind::Repeat => assert!(place - at[&item.seen] > APART.min(count / 2), "{count}: {place}"),
                    Kind::Check => assert!(at.contains_key(&item.seen) && item.asked.is_some()),
                }
            }
            let repeats = shown(&items, Kind::Repeat);
            assert_eq!(repeats.iter().collect::<HashSet<_>>().len(), repeats.len(), "nothing comes three times");
            // Those of the last faces may find no place.
            let least = (count / 10).saturating_sub(APART / 10 + 1);
            assert!(repeats.len() >= least && repeats.len() <= count / 10 + 1, "{count}: {}", repeats.len());
        }
        let checks = shown(&order(&faces(10_000), &PLAN, "ann"), Kind::Check).len();
        assert!((198..=200).contains(&checks), "{checks}");
    }

    #[test]
    fn each_beginning_is_balanced() {
        let faces = faces(800);
        let first = shown(&order(&faces, &PLAN, "ann"), Kind::Face);
        for end in [8, 40, 160] {
            let of = |source: &str| first[..end].iter().filter(|seen| faces[seen.faces()[0]].1 == source).count();
            assert_eq!(of("camera") + of("phone"), end / 2);
            for (source, share) in [("camera", 4), ("phone", 4), ("gan", 6), ("diffusion", 6), ("swap", 6)] {
                assert!(of(source).abs_diff(end / share) <= 2, "{end} {source}: {}", of(source));
            }
        }
    }

    #[test]
    fn an_order_is_the_annotators_own_and_stays() {
        let faces = faces(60);
        let of = |seed, annotator| order(&faces, &Plan { seed, ..PLAN }, annotator);
        assert_eq!(of(7, "ann"), of(7, "ann"));
        assert_ne!(of(7, "ann"), of(7, "bob"));
        assert_ne!(of(7, "ann"), of(8, "ann"));
        let classes: Vec<bool> =
            shown(&of(7, "ann"), Kind::Face).iter().map(|seen| faces[seen.faces()[0]].0 == Label::Synthetic).collect();
        let runs = classes.chunk_by(|one, next| one == next).count();
        assert!((20..45).contains(&runs), "nobody can guess what comes next: {runs} runs");
    }

    #[test]
    fn a_pair_has_one_of_each_class_on_either_side() {
        let faces = faces(80);
        let items = order(&faces, &Plan { question: Question::Pairs, ..PLAN }, "ann");
        let mut left = 0;
        let first = shown(&items, Kind::Face);
        for seen in &first {
            let labels: Vec<Label> = seen.faces().iter().map(|&face| faces[face].0).collect();
            assert!(labels.len() == 2 && labels[0] != labels[1], "{labels:?}");
            left += usize::from(labels[0] == Label::Synthetic);
        }
        assert_eq!(first.len(), 30, "as many as there are of the smaller class");
        assert!((12..=18).contains(&left), "{left}");
        for check in items.iter().filter(|item| item.kind == Kind::Check) {
            assert!(matches!(check.asked, Some(Reply::Left | Reply::Right)));
        }
    }

    #[test]
    fn a_ranking_is_followed() {
        let faces = faces(80);
        let ranked: Vec<usize> = (20..60).rev().collect();
        let items = order(&faces, &Plan { basis: Basis::Listed(&ranked), ..PLAN }, "ann");
        let first: Vec<usize> = shown(&items, Kind::Face).iter().map(|seen| seen.faces()[0]).collect();
        assert_eq!(first.len(), ranked.len(), "the others don't come");
        // In blocks of both classes alike while there are some of both, of each class in its order.
        for class in CLASSES {
            let listed = ranked.iter().filter(|&&face| faces[face].0 == class);
            let expected: Vec<&usize> = listed.take(3 * BLOCK / 2).collect();
            for (block, expected) in first.chunks(BLOCK).zip(expected.chunks(BLOCK / 2)) {
                assert!(expected.iter().all(|face| block.contains(face)), "{class:?}: {block:?} {expected:?}");
            }
        }
        assert!(!shown(&items, Kind::Repeat).is_empty());
    }
}
