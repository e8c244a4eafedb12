//! Batches: augmented on all processors, and made ahead while the network is busy with the one before.

mod views;

use std::borrow::Cow;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::augment::video::VideoCoder;
use super::augment::{Augmenter, Palette, Preset, Sample, WideCrop};
use super::balance::{Balance, balanced};
use super::faces::{Cutter, Extent, Faces};
use super::forge::Forged;
use super::forge::swap::donor::Donors;
use super::list::Label;
use super::pairs::{Made, PairMaker, Way};
use super::saliency::{GreyMap, Saliency};

pub use views::{Varying, View, order_of_photos, views};

/// Batches that are ready and wait, at most.
pub const AHEAD: usize = 3;

/// A batch of N faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// RGB, `[N, S, S, 3]`.
    pub pixels: Vec<u8>,
    /// Classes, `[N]`.
    pub labels: Vec<i64>,
    /// Saliency maps at the size of the activation map, `[N, h, w]`, each in 0 to 1; zeros where there is none.
    pub maps: Vec<f32>,
    /// Whether a face has a map.
    pub has_map: Vec<bool>,
    /// p(synthetic) of each face by a teacher, `[N]`; empty where there is none.
    pub taught: Vec<f32>,
    /// What the network's trunk gave for the faces, in place of their pixels; empty where it is still to run.
    pub trunk: Vec<half::f16>,
}

impl Batch {
    /// N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether N is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// What an epoch of training is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Faces to train on.
    pub indices: Vec<usize>,
    /// Fakes to forge from the real ones among them in each epoch. With each goes the real face that it was made from, with
    /// whatever was changed outside of the mask, so that such a change doesn't tell a fake.
    pub forged: usize,
    /// Fakes to make in each epoch by putting the face of one of them on another, each with its real face too.
    pub swapped: usize,
    /// Whose faces are put on others'; it knows what they look like once it has seen them.
    pub donors: Arc<Donors>,
    /// What is done to each face.
    pub augment: Preset,
    /// Share of the faces that are coded as video, 0 to 1.
    pub video_coding: f64,
    /// How often the faces of a source are shown.
    pub balance: Balance,
    /// Faces in a batch.
    pub batch: usize,
    /// Decides order, variants and fakes.
    pub seed: u64,
}

impl Plan {
    /// Faces of an epoch.
    #[must_use]
    pub fn faces(&self) -> usize {
        self.indices.len() + 2 * (self.forged + self.swapped)
    }
}

/// A face of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Photo(usize),
    /// A half of a pair that was forged from a real face.
    Forged(Half, Pair),
}

/// What is shown of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Fake,
    /// The real face, with what was changed outside of the mask.
    Real,
}

/// A fake to be forged, and the real face beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    index: usize,
    /// Counts the pairs of an epoch: both halves are forged, and varied, by the same random numbers.
    number: usize,
    way: Way,
}

/// How a face is varied.
#[derive(Clone, Copy, Debug)]
struct Variation {
    augment: Preset,
    /// Whether it is coded as video.
    coded: bool,
    /// A face that lends its colours, to the strong preset alone.
    other: usize,
}

/// One epoch of training batches, in an order and with variants that depend on seed and epoch alone.
///
/// A last batch of one face is left out: batch normalisation can't learn from it. Faces without landmarks are not forged.
#[must_use]
pub fn training(faces: &Arc<Faces>, plan: &Plan, epoch: u64) -> Batches {
    let order = order_of(faces, plan, epoch);
    let (shared, plan) = (Arc::clone(faces), plan.clone());
    Batches::spawn(order, plan.batch, faces.settings().cam, move |item, position, hands| {
        let stream = |number: u64| {
            let mut random = ChaCha8Rng::seed_from_u64(plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ epoch);
            // Streams are independent; the order took the low ones.
            random.set_stream(number);
            random
        };
        // Both halves of a pair are varied alike, or how they were varied would tell them.
        let mut random = match item {
            Item::Photo(_) => stream(1 << 32 | position as u64),
            Item::Forged(_, pair) => stream(1 << 34 | pair.number as u64),
        };
        let strong = plan.augment == Preset::Strong;
        let other = if strong { plan.indices[random.random_range(0..plan.indices.len())] } else { 0 };
        let coded = plan.video_coding > 0.0 && random.random_bool(plan.video_coding.min(1.0));
        let how = Variation { augment: plan.augment, coded, other };
        let index = match item {
            Item::Photo(index) => index,
            Item::Forged(half, pair) => {
                let mut recipe = stream(1 << 33 | pair.number as u64);
                hands.forge(&shared, pair, &plan.donors, &mut recipe)?;
                if let Some((sample, label)) = hands.half(&shared, pair.index, (half, how), &mut random)? {
                    let taught = match half {
                        // No teacher has seen it.
                        Half::Fake => label as f32,
                        Half::Real => shared.taught(pair.index),
                    };
                    return Ok(Shown { sample, label, taught: shared.is_taught().then_some(taught) });
                }
                // A face that can't be forged, at the edge of its photo for example, is shown as it is.
                pair.index
            }
        };
        Ok(Shown {
            sample: hands.photo(&shared, index, how, &mut random)?,
            label: shared.rows[index].label.class(),
            taught: shared.is_taught().then(|| shared.taught(index)),
        })
    })
}

/// A face as it goes into a batch.
struct Shown {
    sample: Sample,
    /// Its class.
    label: i64,
    /// p(synthetic) by a teacher, where there is one.
    taught: Option<f32>,
}

/// What an epoch shows, in its order.
fn order_of(faces: &Faces, plan: &Plan, epoch: u64) -> Vec<Item> {
    let mut random = ChaCha8Rng::seed_from_u64(plan.seed);
    random.set_stream(epoch);
    let shown = match plan.balance {
        Balance::Listed => plan.indices.clone(),
        Balance::Sources => balanced(&faces.rows, &plan.indices, &mut random),
    };
    let forgeable = |&&index: &&usize| {
        faces.rows[index].label == Label::Authentic && faces.landmarks(index, Extent::Wide).is_some()
    };
    let mut real: Vec<usize> = shown.iter().filter(forgeable).copied().collect();
    real.shuffle(&mut random);
    let ways = [(Way::SelfBlended, plan.forged), (Way::Swapped, plan.swapped)];
    let ways = ways.into_iter().flat_map(|(way, count)| std::iter::repeat_n(way, count));
    let pairs = real.iter().cycle().zip(ways).enumerate();
    let pairs: Vec<Pair> = pairs.map(|(number, (&index, way))| Pair { index, number, way }).collect();
    let mut order = arranged(&shown, &pairs, &mut random);
    if order.len() % plan.batch == 1 {
        order.pop();
    }
    order
}

/// The faces of an epoch in random order: photos, and pairs whose halves follow each other, so that a step sees both.
fn arranged(photos: &[usize], pairs: &[Pair], random: &mut ChaCha8Rng) -> Vec<Item> {
    let mut photos: Vec<Item> = photos.iter().copied().map(Item::Photo).collect();
    photos.shuffle(random);
    if pairs.is_empty() {
        return photos;
    }
    // In twos: so pairs begin at even places, and no batch of an even size parts one.
    let twos = photos.as_chunks::<2>();
    let mut units: Vec<[Item; 2]> = twos.0.to_vec();
    units.extend(pairs.iter().map(|&pair| [Item::Forged(Half::Fake, pair), Item::Forged(Half::Real, pair)]));
    units.shuffle(random);
    units.into_iter().flatten().chain(twos.1.iter().copied()).collect()
}

/// The exact crops in the order of `indices`: what the runtime would see.
#[must_use]
pub fn evaluation(faces: &Arc<Faces>, indices: &[usize], batch: usize) -> Batches {
    evaluation_of(faces, indices, batch, Extent::Exact, Ok)
}

/// Crops of some extent in the order of `indices`, each made into what the network sees by `change`.
#[must_use]
pub fn evaluation_of(
    faces: &Arc<Faces>,
    indices: &[usize],
    batch: usize,
    extent: Extent,
    change: impl Fn(Sample) -> anyhow::Result<Sample> + Send + Sync + 'static,
) -> Batches {
    let shared = Arc::clone(faces);
    Batches::spawn(indices.to_vec(), batch, faces.settings().cam, move |index, _, hands| {
        let view = shared.view(index, extent, &mut hands.cutter)?;
        let sample = Sample { pixels: view.pixels.into_owned(), saliency: view.saliency };
        Ok(Shown { sample: change(sample)?, label: shared.rows[index].label.class(), taught: None })
    })
}

/// What a thread works with.
#[derive(Default)]
struct Hands {
    cutter: Cutter,
    augmenter: Augmenter,
    coder: VideoCoder,
    pairs: PairMaker,
    /// The pair that was made last, if it could be: both halves come from one forgery.
    made: Option<(Pair, Option<Forged<Made>>)>,
}

impl Hands {
    fn photo(
        &mut self,
        faces: &Faces,
        index: usize,
        how: Variation,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Sample> {
        let view = faces.view(index, how.augment.extent(), &mut self.cutter)?;
        if how.augment.extent() == Extent::Wide {
            return self.varied(faces, view.pixels, view.saliency, how, random);
        }
        let side = faces.side_of(Extent::Exact);
        let mut sample = Sample { pixels: view.pixels.into_owned(), saliency: view.saliency };
        if how.coded {
            self.coder.code(&mut sample.pixels, side, random)?;
        }
        if how.augment == Preset::Coded { Augmenter::code(sample, side, random) } else { Ok(sample) }
    }

    /// A wide crop as the preset makes it.
    fn varied(
        &mut self,
        faces: &Faces,
        mut pixels: Cow<'_, [u8]>,
        saliency: Saliency,
        how: Variation,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Sample> {
        if how.coded {
            self.coder.code(pixels.to_mut(), faces.side_of(Extent::Wide), random)?;
        }
        let crop = wide(faces, &pixels);
        match how.augment {
            Preset::None => self.augmenter.middle(crop, saliency),
            Preset::Coded => {
                let side = crop.side;
                Augmenter::code(self.augmenter.middle(crop, saliency)?, side, random)
            }
            Preset::Robust => self.augmenter.vary(crop, saliency, random),
            Preset::Strong => {
                let palette = Palette::of(&faces.view(how.other, Extent::Wide, &mut self.cutter)?.pixels);
                self.augmenter.vary_strongly(crop, saliency, palette, random)
            }
        }
    }

    /// Makes a pair, unless it was the last one that was made.
    fn forge(&mut self, faces: &Faces, pair: Pair, donors: &Donors, recipe: &mut ChaCha8Rng) -> anyhow::Result<()> {
        if self.made.as_ref().is_none_or(|(made, _)| *made != pair) {
            let made = self.pairs.make(faces, pair.index, (pair.way, donors), &mut self.cutter, recipe)?;
            self.made = Some((pair, made.ok()));
        }
        Ok(())
    }

    /// A half of the pair that was forged last with its class; nothing where it couldn't be. A fake's saliency is where it
    /// was blended.
    fn half(
        &mut self,
        faces: &Faces,
        index: usize,
        (half, how): (Half, Variation),
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Option<(Sample, i64)>> {
        // Put back below, so that the other half finds it.
        let Some((pair, Some(made))) = self.made.take() else { return Ok(None) };
        let side = faces.side_of(Extent::Wide);
        let (pixels, saliency, label) = match half {
            Half::Fake => (&made.pixels, Saliency::Map(GreyMap { side, values: made.mask.clone() }), Label::Synthetic),
            Half::Real => {
                let view = faces.view(index, Extent::Wide, &mut self.cutter)?;
                (&made.target, view.saliency, Label::Authentic)
            }
        };
        let sample = self.varied(faces, Cow::Borrowed(pixels.as_slice()), saliency, how, random)?;
        self.made = Some((pair, Some(made)));
        Ok(Some((sample, label.class())))
    }
}

fn wide<'a>(faces: &Faces, pixels: &'a [u8]) -> WideCrop<'a> {
    WideCrop { pixels, wide_side: faces.side_of(Extent::Wide), side: faces.side_of(Extent::Exact) }
}

/// Batches as they come; dropping it ends the work.
#[derive(Debug)]
pub struct Batches {
    ready: Receiver<anyhow::Result<Batch>>,
    /// Batches that are still to come.
    due: usize,
}

impl Batches {
    fn spawn<T: Copy + Send + Sync + 'static>(
        order: Vec<T>,
        batch: usize,
        cam: usize,
        make: impl Fn(T, usize, &mut Hands) -> anyhow::Result<Shown> + Send + Sync + 'static,
    ) -> Self {
        let (out, ready) = bounded(AHEAD);
        let due = order.len().div_ceil(batch);
        thread::spawn(move || {
            for (number, items) in order.chunks(batch).enumerate() {
                let first = number * batch;
                let faces = items
                    // In twos, so that one thread makes both halves of a pair.
                    .par_chunks(2)
                    .enumerate()
                    .map_init(Hands::default, |hands, (two, items)| {
                        let drawn = items.iter().enumerate().map(|(offset, &item)| {
                            let shown = make(item, first + two * 2 + offset, hands)?;
                            let map = shown.sample.saliency.draw(cam, hands.cutter.cropper())?;
                            Ok((shown, map))
                        });
                        drawn.collect::<anyhow::Result<Vec<_>>>()
                    })
                    .collect::<anyhow::Result<Vec<_>>>();
                let faces = faces.map(|twos| twos.into_iter().flatten().collect());
                if out.send(faces.map(|faces| collate(faces, cam))).is_err() {
                    break;
                }
            }
        });
        Self { ready, due }
    }
}

impl Iterator for Batches {
    type Item = anyhow::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.due = self.due.checked_sub(1)?;
        // Only a fault of the program ends the loader's thread before its time; the faces that are missing must not be taken
        // for the end of the data.
        Some(self.ready.recv().unwrap_or_else(|_| Err(anyhow::anyhow!("the loader broke off before its last batch"))))
    }
}

fn collate(faces: Vec<(Shown, Option<Vec<f32>>)>, cam: usize) -> Batch {
    let mut batch = Batch::default();
    for (Shown { sample, label, taught }, map) in faces {
        batch.pixels.extend_from_slice(&sample.pixels);
        batch.labels.push(label);
        batch.taught.extend(taught);
        batch.has_map.push(map.is_some());
        batch.maps.extend(map.unwrap_or_else(|| vec![0.0; cam * cam]));
    }
    batch
}

#[cfg(test)]
pub(crate) mod tests;
