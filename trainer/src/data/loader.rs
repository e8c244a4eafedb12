//! Batches: augmented on all processors, and made ahead while the network is busy with the one before.

mod views;

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::augment::{Augmenter, Palette, Preset, Sample, WideCrop};
use super::balance::{Balance, balanced};
use super::faces::{Cutter, Extent, Faces};
use super::forge::Forger;
use super::list::Label;
use super::saliency::{GreyMap, Saliency};

pub use views::{View, order_of_photos, views};

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
    /// What is done to each face.
    pub augment: Preset,
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
        self.indices.len() + 2 * self.forged
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
    /// Counts the pairs of an epoch: both halves are forged by the same random numbers.
    number: usize,
}

/// How a face is varied.
#[derive(Clone, Copy, Debug)]
struct Variation {
    augment: Preset,
    /// A face that lends its colours, to the strong preset alone.
    other: usize,
}

/// One epoch of training batches, in an order and with variants that depend on seed and epoch alone.
///
/// A last batch of one face is left out: batch normalisation can't learn from it. Faces without landmarks are not forged.
#[must_use]
pub fn training(faces: &Arc<Faces>, plan: &Plan, epoch: u64) -> Batches {
    let order = order_of(faces, plan, epoch);
    let (shared, augment, seed) = (Arc::clone(faces), plan.augment, plan.seed);
    let others = plan.indices.clone();
    Batches::spawn(order, plan.batch, faces.settings().cam, move |item, position, hands| {
        let stream = |number: u64| {
            let mut random = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ epoch);
            // Streams are independent; the order took the low ones.
            random.set_stream(number);
            random
        };
        let mut random = stream(1 << 32 | position as u64);
        let other = if augment == Preset::Strong { others[random.random_range(0..others.len())] } else { 0 };
        let how = Variation { augment, other };
        let (index, half) = match item {
            Item::Photo(index) => (index, None),
            Item::Forged(half, pair) => (pair.index, Some((half, stream(1 << 33 | pair.number as u64)))),
        };
        let forged = half.map(|(half, mut recipe)| hands.forged(&shared, index, (half, how), &mut recipe, &mut random));
        match forged.transpose()?.flatten() {
            Some(made) => Ok(made),
            // A face that can't be forged, at the edge of its photo for example, is shown as it is.
            None => Ok((hands.photo(&shared, index, how, &mut random)?, shared.rows[index].label.class())),
        }
    })
}

/// What an epoch shows, in its order.
fn order_of(faces: &Faces, plan: &Plan, epoch: u64) -> Vec<Item> {
    let mut random = ChaCha8Rng::seed_from_u64(plan.seed);
    random.set_stream(epoch);
    let shown = match plan.balance {
        Balance::Listed => plan.indices.clone(),
        Balance::Sources => balanced(&faces.rows, &plan.indices, &mut random),
    };
    let mut order: Vec<Item> = shown.iter().copied().map(Item::Photo).collect();
    let forgeable = |&&index: &&usize| {
        faces.rows[index].label == Label::Authentic && faces.landmarks(index, Extent::Wide).is_some()
    };
    let mut real: Vec<usize> = shown.iter().filter(forgeable).copied().collect();
    real.shuffle(&mut random);
    let wanted = if real.is_empty() { 0 } else { plan.forged };
    let pairs = real.iter().cycle().take(wanted).enumerate().map(|(number, &index)| Pair { index, number });
    order.extend(pairs.flat_map(|pair| [Item::Forged(Half::Fake, pair), Item::Forged(Half::Real, pair)]));
    order.shuffle(&mut random);
    if order.len() % plan.batch == 1 {
        order.pop();
    }
    order
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
        Ok((change(sample)?, shared.rows[index].label.class()))
    })
}

/// What a thread works with.
#[derive(Default)]
struct Hands {
    cutter: Cutter,
    augmenter: Augmenter,
    forger: Forger,
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
        if how.augment == Preset::None {
            return Ok(Sample { pixels: view.pixels.into_owned(), saliency: view.saliency });
        }
        self.varied(faces, &view.pixels, view.saliency, how, random)
    }

    /// A wide crop as the preset makes it.
    fn varied(
        &mut self,
        faces: &Faces,
        pixels: &[u8],
        saliency: Saliency,
        how: Variation,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Sample> {
        let crop = wide(faces, pixels);
        match how.augment {
            Preset::None => self.augmenter.middle(crop, saliency),
            Preset::Robust => self.augmenter.vary(crop, saliency, random),
            Preset::Strong => {
                let palette = Palette::of(&faces.view(how.other, Extent::Wide, &mut self.cutter)?.pixels);
                self.augmenter.vary_strongly(crop, saliency, palette, random)
            }
        }
    }

    /// A half of a forged pair with its class; nothing where the face can't be forged. A fake's saliency is where it was
    /// blended.
    fn forged(
        &mut self,
        faces: &Faces,
        index: usize,
        (half, how): (Half, Variation),
        recipe: &mut ChaCha8Rng,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Option<(Sample, i64)>> {
        let view = faces.view(index, Extent::Wide, &mut self.cutter)?;
        let side = faces.side_of(Extent::Wide);
        let Some(landmarks) = faces.landmarks(index, Extent::Wide) else { return Ok(None) };
        let Ok(made) = self.forger.forge(&view.pixels, side, &landmarks, recipe) else { return Ok(None) };
        let (pixels, saliency, label) = match half {
            Half::Fake => (&made.pixels, Saliency::Map(GreyMap { side, values: made.mask }), Label::Synthetic),
            Half::Real => (&made.target, view.saliency, Label::Authentic),
        };
        let sample = self.varied(faces, pixels, saliency, how, random)?;
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
        make: impl Fn(T, usize, &mut Hands) -> anyhow::Result<(Sample, i64)> + Send + Sync + 'static,
    ) -> Self {
        let (out, ready) = bounded(AHEAD);
        let due = order.len().div_ceil(batch);
        thread::spawn(move || {
            for (number, items) in order.chunks(batch).enumerate() {
                let first = number * batch;
                let faces = items
                    .par_iter()
                    .enumerate()
                    .map_init(Hands::default, |hands, (offset, &item)| {
                        let (sample, label) = make(item, first + offset, hands)?;
                        let map = sample.saliency.draw(cam, hands.cutter.cropper())?;
                        Ok((sample.pixels, label, map))
                    })
                    .collect::<anyhow::Result<Vec<_>>>();
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

fn collate(faces: Vec<(Vec<u8>, i64, Option<Vec<f32>>)>, cam: usize) -> Batch {
    let mut batch = Batch::default();
    for (pixels, label, map) in faces {
        batch.pixels.extend_from_slice(&pixels);
        batch.labels.push(label);
        batch.has_map.push(map.is_some());
        batch.maps.extend(map.unwrap_or_else(|| vec![0.0; cam * cam]));
    }
    batch
}

#[cfg(test)]
pub(crate) mod tests {
    use cyborg_edge::face::crop::CropSquare;
    use cyborg_edge::frame::PixelPoint;
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data::faces::{CropMode, FaceSettings, Found, SaliencySource};
    use crate::data::list::{Row, Split};

    /// Photos of one grey level each: the level is the index.
    pub(crate) fn faces(count: usize) -> (tempfile::TempDir, Arc<Faces>) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let row = |index: usize| {
            let path = folder.path().join(format!("{index}.png"));
            RgbImage::from_pixel(64, 64, Rgb([index as u8 * 9; 3])).save(&path).expect("it can be written");
            let label = if index.is_multiple_of(2) { Label::Authentic } else { Label::Synthetic };
            Row {
                line: 1,
                path,
                label,
                split: Split::Train,
                source: String::new(),
                video: None,
                group: None,
                map: None,
                face: None,
            }
        };
        let square = CropSquare { left: 0, top: 0, side: 1 };
        let face = [(0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.42, 0.62), (0.58, 0.62)];
        let landmarks = face.map(|(x, y): (f32, f32)| PixelPoint { x: x * 64.0, y: y * 64.0 });
        let found = Found { square, wide: square, photo: (64, 64), landmarks: Some(landmarks) };
        let settings =
            FaceSettings { side: 64, cam: 2, crop: CropMode::Whole, saliency: SaliencySource::Maps, memory: 1 << 24 };
        let rows = (0..count).map(row).collect();
        let faces = Faces::new(rows, vec![found; count], settings);
        (folder, Arc::new(faces))
    }

    pub(super) fn whole(batches: Batches) -> Vec<Batch> {
        batches.collect::<anyhow::Result<_>>().expect("nothing fails")
    }

    pub(crate) fn plan(count: usize, seed: u64) -> Plan {
        Plan {
            indices: (0..count).collect(),
            forged: 0,
            augment: Preset::None,
            balance: Balance::Listed,
            batch: 4,
            seed,
        }
    }

    #[test]
    fn evaluation_gives_every_face_once_and_in_order() {
        let (_folder, faces) = faces(10);
        let batches = whole(evaluation(&faces, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4));
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 2]);
        let first: Vec<u8> =
            batches.iter().flat_map(|b| b.pixels.chunks(64 * 64 * 3).map(|face| face[0] / 9)).collect();
        assert_eq!(first, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(batches[0].labels, [0, 1, 0, 1]);
        assert_eq!((&batches[0].maps[..], &batches[0].has_map[..]), (&[0.0; 16][..], &[false; 4][..]));
    }

    #[test]
    fn an_epoch_is_the_same_for_the_same_seed_and_another_for_the_next_epoch() {
        let (_folder, faces) = faces(8);
        for augment in [Preset::None, Preset::Robust, Preset::Strong] {
            let epoch = |seed, epoch| whole(training(&faces, &Plan { augment, ..plan(8, seed) }, epoch));
            assert_eq!(epoch(1, 0), epoch(1, 0));
            assert_ne!(epoch(1, 0), epoch(1, 1));
            assert_ne!(epoch(1, 0), epoch(2, 0));
            assert_eq!(epoch(1, 0).iter().flat_map(|batch| &batch.labels).sum::<i64>(), 4);
        }
    }

    #[test]
    fn a_last_batch_of_one_is_left_out() {
        let (_folder, faces) = faces(5);
        let batches = whole(training(&faces, &plan(5, 1), 0));
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn fakes_are_made_from_real_faces_and_say_where() {
        let (_folder, faces) = faces(6);
        // Photos of one colour can't be told from their fakes: only noise and colour change them.
        let plan = Plan { forged: 6, augment: Preset::Robust, ..plan(6, 1) };
        let batches = whole(training(&faces, &plan, 0));
        let labels: Vec<i64> = batches.iter().flat_map(|batch| batch.labels.clone()).collect();
        let maps: Vec<bool> = batches.iter().flat_map(|batch| batch.has_map.clone()).collect();
        assert_eq!((labels.len(), labels.iter().sum::<i64>()), (plan.faces(), 9), "with each fake goes its real face");
        assert_eq!(maps.iter().filter(|has_map| **has_map).count(), 6, "fakes have a map, photos here have none");
        assert_eq!(whole(training(&faces, &plan, 0)), batches);
    }

    #[test]
    fn a_photo_that_is_gone_ends_the_epoch_with_its_name() {
        let (folder, faces) = faces(4);
        std::fs::remove_file(folder.path().join("2.png")).expect("it was there");
        let error = evaluation(&faces, &[0, 1, 2, 3], 4).next().expect("a batch").expect_err("one photo is gone");
        assert!(error.to_string().contains("2.png"), "{error}");
    }
}
