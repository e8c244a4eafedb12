//! Batches: augmented on all processors, and made ahead while the network is busy with the one before.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::augment::{Augmented, Augmenter};
use super::crops::{CropSet, FaceCrop};
use super::prior;

/// Batches that are ready and wait, at most.
const AHEAD: usize = 3;

/// A batch of N faces.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// RGB, `[N, S, S, 3]`.
    pub pixels: Vec<u8>,
    /// Classes, `[N]`.
    pub labels: Vec<i64>,
    /// Saliency maps at the size of the activation map, `[N, h, w]`, each in 0 to 1; zeros where there is none.
    pub maps: Vec<f32>,
    /// Whether a face has a map.
    pub has_map: Vec<bool>,
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

/// Size of batches and maps.
#[derive(Clone, Copy, Debug)]
pub struct BatchShape {
    /// Faces in a batch, N.
    pub batch: usize,
    /// Height and width of the activation map.
    pub map: (usize, usize),
}

/// One epoch of training batches, in an order and with variants that depend on seed and epoch alone.
///
/// A last batch of one face is left out: batch normalisation can't learn from it.
#[must_use]
pub fn training(set: &Arc<CropSet>, indices: &[usize], shape: BatchShape, seed: u64, epoch: u64) -> Batches {
    let mut order = indices.to_vec();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(epoch);
    order.shuffle(&mut random);
    if order.len() % shape.batch == 1 {
        order.pop();
    }
    let set = Arc::clone(set);
    Batches::spawn(order, shape, move |index, position, augmenter| {
        let mut random = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ epoch);
        // Streams are independent; the order took the low ones.
        random.set_stream(1 << 32 | position as u64);
        let face = &set.faces[index];
        Ok((augmenter.vary(face, &set, &mut random)?, face.label.class()))
    })
}

/// The exact crops in the order of `indices`: what the runtime would see.
#[must_use]
pub fn evaluation(set: &Arc<CropSet>, indices: &[usize], shape: BatchShape) -> Batches {
    let set = Arc::clone(set);
    Batches::spawn(indices.to_vec(), shape, move |index, _, _| {
        let FaceCrop { exact, landmarks, label, .. } = &set.faces[index];
        Ok((Augmented { pixels: exact.clone(), landmarks: *landmarks }, label.class()))
    })
}

/// Batches as they come; dropping it ends the work.
#[derive(Debug)]
pub struct Batches {
    ready: Receiver<anyhow::Result<Batch>>,
}

impl Batches {
    fn spawn(
        order: Vec<usize>,
        shape: BatchShape,
        make: impl Fn(usize, usize, &mut Augmenter) -> anyhow::Result<(Augmented, i64)> + Send + Sync + 'static,
    ) -> Self {
        let (out, ready) = bounded(AHEAD);
        thread::spawn(move || {
            for (number, indices) in order.chunks(shape.batch).enumerate() {
                let first = number * shape.batch;
                let faces = indices
                    .par_iter()
                    .enumerate()
                    .map_init(Augmenter::default, |augmenter, (offset, &index)| make(index, first + offset, augmenter))
                    .collect::<anyhow::Result<Vec<_>>>();
                if out.send(faces.map(|faces| collate(faces, shape.map))).is_err() {
                    break;
                }
            }
        });
        Self { ready }
    }
}

impl Iterator for Batches {
    type Item = anyhow::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ready.recv().ok()
    }
}

fn collate(faces: Vec<(Augmented, i64)>, (height, width): (usize, usize)) -> Batch {
    let mut batch = Batch { pixels: Vec::new(), labels: Vec::new(), maps: Vec::new(), has_map: Vec::new() };
    for (face, label) in faces {
        batch.pixels.extend_from_slice(&face.pixels);
        batch.labels.push(label);
        batch.has_map.push(face.landmarks.is_some());
        match &face.landmarks {
            Some(landmarks) => batch.maps.extend(prior::draw(landmarks, height, width)),
            None => batch.maps.extend(std::iter::repeat_n(0.0, height * width)),
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::data::list::Label;

    const SHAPE: BatchShape = BatchShape { batch: 4, map: (2, 2) };

    fn set(count: usize) -> Arc<CropSet> {
        let face = |index: usize| FaceCrop {
            label: if index.is_multiple_of(2) { Label::Authentic } else { Label::Synthetic },
            source: String::new(),
            path: PathBuf::new(),
            exact: vec![index as u8; 16 * 16 * 3],
            wide: vec![index as u8; 20 * 20 * 3],
            landmarks: None,
        };
        Arc::new(CropSet { side: 16, wide_side: 20, faces: (0..count).map(face).collect() })
    }

    fn whole(batches: Batches) -> Vec<Batch> {
        batches.collect::<anyhow::Result<_>>().expect("nothing fails")
    }

    #[test]
    fn evaluation_gives_every_face_once_and_in_order() {
        let batches = whole(evaluation(&set(10), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], SHAPE));
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 2]);
        let first: Vec<u8> = batches.iter().flat_map(|b| b.pixels.chunks(16 * 16 * 3).map(|face| face[0])).collect();
        assert_eq!(first, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(batches[0].labels, [0, 1, 0, 1]);
        assert_eq!(batches[0].maps, [0.0; 16]);
    }

    #[test]
    fn an_epoch_is_the_same_for_the_same_seed_and_another_for_the_next_epoch() {
        let (set, indices) = (set(8), [0, 1, 2, 3, 4, 5, 6, 7]);
        let epoch = |seed, epoch| whole(training(&set, &indices, SHAPE, seed, epoch));
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(epoch(1, 0), epoch(1, 1));
        assert_ne!(epoch(1, 0), epoch(2, 0));
        assert_eq!(epoch(1, 0).iter().flat_map(|batch| &batch.labels).sum::<i64>(), 4);
    }

    #[test]
    fn a_last_batch_of_one_is_left_out() {
        let batches = whole(training(&set(5), &[0, 1, 2, 3, 4], SHAPE, 1, 0));
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4]);
    }
}
