//! Faces in a way that is the same in all epochs, for what is computed of them once and kept.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Batches, Item, Plan, Shown, Variation, evaluation, order_of};
use crate::data::augment::Preset;
use crate::data::faces::Faces;

/// A way in which a face is shown that is the same in all epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// As the runtime would see it.
    Plain,
    /// One of its variants, by number.
    Varied(u64),
}

/// What a variant of a face is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Varying {
    /// What is done to each face that isn't coded as video.
    pub augment: Preset,
    /// Share of the faces that are coded as video and nothing else, 0 to 1: a frame of a video comes as its encoder left it.
    pub video_coding: f64,
}

/// The faces in the order of `indices`, all in one view. What a variant is like depends on its number and the face's index alone.
#[must_use]
pub fn views(faces: &Arc<Faces>, indices: &[usize], varying: Varying, view: View, batch: usize) -> Batches {
    let Varying { augment, video_coding } = varying;
    let View::Varied(number) = view else { return evaluation(faces, indices, batch) };
    let (shared, others) = (Arc::clone(faces), indices.to_vec());
    Batches::spawn(indices.to_vec(), batch, faces.settings().cam, move |index, _, hands| {
        let mut random = ChaCha8Rng::seed_from_u64(number);
        // Streams are independent; those of training lie elsewhere.
        random.set_stream(1 << 34 | index as u64);
        let other = if augment == Preset::Strong { others[random.random_range(0..others.len())] } else { 0 };
        let coded = video_coding > 0.0 && random.random_bool(video_coding.min(1.0));
        let augment = if coded { Preset::None } else { augment };
        let sample = hands.photo(&shared, index, Variation { augment, coded, other }, &mut random)?;
        Ok(Shown { sample, label: shared.rows[index].label.class(), taught: None })
    })
}

/// The faces of an epoch in the order in which [`training`](super::training) shows them, where nothing is forged.
#[must_use]
pub fn order_of_photos(faces: &Faces, plan: &Plan, epoch: u64) -> Vec<usize> {
    let photos = order_of(faces, &Plan { forged: 0, swapped: 0, ..plan.clone() }, epoch).into_iter();
    photos.filter_map(|item| if let Item::Photo(index) = item { Some(index) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faces, plan, whole};
    use super::super::{Batch, training};
    use super::*;

    #[test]
    fn a_view_is_the_same_each_time() {
        let (_folder, faces) = faces(7);
        let indices = [3, 0, 6, 2, 5, 1, 4];
        let view = |augment, view| whole(views(&faces, &indices, Varying { augment, video_coding: 0.0 }, view, 3));
        assert_eq!(view(Preset::Robust, View::Plain), whole(evaluation(&faces, &indices, 3)));
        for augment in [Preset::Coded, Preset::Robust, Preset::Strong] {
            let first = view(augment, View::Varied(1));
            assert_eq!(first, view(augment, View::Varied(1)));
            assert_ne!(first, view(augment, View::Varied(2)));
            assert_eq!(first.iter().map(Batch::len).collect::<Vec<_>>(), [3, 3, 1]);
        }
    }

    #[test]
    #[cfg(feature = "video")]
    fn a_share_of_the_variants_is_coded_as_video() {
        let (_folder, faces) = faces(24);
        let indices: Vec<usize> = (0..24).collect();
        let view = |video_coding| {
            let varying = Varying { augment: Preset::None, video_coding };
            let batches = whole(views(&faces, &indices, varying, View::Varied(1), 1));
            batches.into_iter().map(|batch| batch.pixels).collect::<Vec<_>>()
        };
        let changed = |share| view(share).iter().zip(view(0.0)).filter(|(coded, plain)| *coded != plain).count();
        assert_eq!(changed(1.0), 24);
        assert!((5..20).contains(&changed(0.5)), "{}", changed(0.5));
        // And not otherwise.
        let all = |augment| whole(views(&faces, &indices, Varying { augment, video_coding: 1.0 }, View::Varied(1), 1));
        assert_eq!(all(Preset::Coded), all(Preset::None));
    }

    #[test]
    fn the_order_is_that_of_training() {
        let (_folder, faces) = faces(7);
        let plan = plan(&faces, 1);
        let first = |batch: &Batch| -> Vec<usize> {
            batch.pixels.chunks(64 * 64 * 3).map(|face| usize::from(face[0] / 9)).collect()
        };
        for epoch in 1..=3 {
            let shown: Vec<usize> = whole(training(&faces, &plan, epoch)).iter().flat_map(first).collect();
            assert_eq!(order_of_photos(&faces, &plan, epoch), shown);
        }
    }
}
