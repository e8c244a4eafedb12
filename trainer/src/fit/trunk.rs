//! Faces as trunk features: each face passes through the trunk once, and epochs use the features.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use cyborg_models::digest;
use cyborg_models::name;

use super::FitData;
use crate::data::augment::Preset;
use crate::data::faces::Faces;
use crate::data::loader::{self, Batch, Plan, Varying, View};
use crate::data::trunk_store::{Fault, TrunkStore};
use crate::torch::Model;

/// How faces are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping<'a> {
    /// Folder of the cache.
    pub cache: &'a Path,
    /// What is done to training faces.
    pub augment: Preset,
    /// Variants of each training face, where something is done to them.
    pub views: u64,
    /// Faces that go through the trunk at once.
    pub batch: usize,
}

/// What the trunk gave for all faces of a run.
#[derive(Debug)]
pub struct TrunkFaces {
    store: TrunkStore,
    /// By view, then by index of the face.
    faces: BTreeMap<View, BTreeMap<usize, Kept>>,
    /// Variants of a training face; 0 when it is shown as it is.
    views: u64,
    /// Cells of an activation map.
    cells: usize,
}

/// What is known of a face beside what the trunk gave.
#[derive(Clone, Debug)]
struct Kept {
    /// Digest of its pixels.
    name: String,
    label: i64,
    map: Option<Vec<f32>>,
}

/// Digest of all that decides what a trunk gives: its description and its weights.
#[must_use]
pub fn trunk_digest(model: &Model) -> String {
    let network = model.network();
    let nodes = &network.nodes[..=network.trunk.0];
    let mut text = format!("{:?} {:?} {:?} {nodes:?}", network.mean, network.std, network.batch_norm);
    let head = network.head_parameters();
    for (name, array) in model.state().iter().filter(|(name, _)| !head.contains(name)) {
        let bytes: Vec<u8> = array.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        text += &format!("\n{name} {:?} {}", array.shape, digest::of_bytes(&bytes));
    }
    digest::of_bytes(text.as_bytes())
}

impl TrunkFaces {
    /// Sends all faces through the trunk of `model` that the cache doesn't hold yet. Nothing when `stop` becomes true on the
    /// way; what was done till then is kept.
    ///
    /// # Errors
    ///
    /// When a face can't be read or what the trunk gave can't be written.
    pub fn gather(
        model: &Model,
        data: &FitData,
        keeping: &Keeping<'_>,
        stop: &AtomicBool,
    ) -> anyhow::Result<Option<Self>> {
        let network = model.network();
        let shape = network.node(network.trunk).shape;
        let size = shape.channels * shape.height * shape.width;
        let store = TrunkStore::open(keeping.cache, trunk_digest(model), size)?;
        let views = if keeping.augment == Preset::None { 0 } else { keeping.views.max(1) };
        let (height, width) = network.cam_size();
        let mut whole = Self { store, faces: BTreeMap::new(), views, cells: height * width };
        let mut known: Vec<(View, &[usize])> = vec![(View::Plain, data.validation.as_slice())];
        match views {
            0 => known.push((View::Plain, data.train.as_slice())),
            _ => known.extend((1..=views).map(|number| (View::Varied(number), data.train.as_slice()))),
        }
        let all: usize = known.iter().map(|(_, indices)| indices.len()).sum();
        let mut count = Count { done: 0, made: 0, faults: 0, all };
        let varying = Varying { augment: keeping.augment, video_coding: 0.0 };
        for (view, indices) in known {
            for (batch, of) in
                loader::views(&data.faces, indices, varying, view, keeping.batch).zip(indices.chunks(keeping.batch))
            {
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                whole.take(model, &batch?, view, of, &mut count)?;
            }
        }
        count.tell(keeping.cache);
        Ok(Some(whole))
    }

    /// Keeps a batch of faces; those that are new go through the trunk.
    fn take(
        &mut self,
        model: &Model,
        batch: &Batch,
        view: View,
        indices: &[usize],
        count: &mut Count,
    ) -> anyhow::Result<()> {
        let pixels: Vec<&[u8]> = batch.pixels.chunks_exact(batch.pixels.len() / batch.len().max(1)).collect();
        let mut new = Vec::new();
        for (at, &index) in indices.iter().enumerate() {
            let name = digest::of_bytes(pixels[at]);
            match self.store.check(&name) {
                Ok(true) => {}
                Ok(false) => new.push((name.clone(), pixels[at])),
                Err(Fault::Foreign | Fault::Damaged) => {
                    count.faults += 1;
                    new.push((name.clone(), pixels[at]));
                }
            }
            let map = batch.has_map[at].then(|| batch.maps[at * self.cells..(at + 1) * self.cells].to_vec());
            self.faces.entry(view).or_default().insert(index, Kept { name, label: batch.labels[at], map });
        }
        if !new.is_empty() {
            let all: Vec<u8> = new.iter().flat_map(|(_, pixels)| pixels.iter().copied()).collect();
            let values = model.trunk(&all);
            for ((name, _), values) in new.iter().zip(values.chunks_exact(values.len() / new.len())) {
                self.store.write(name, values)?;
            }
        }
        count.add(indices.len(), new.len());
        Ok(())
    }

    /// Digest of the trunk.
    #[must_use]
    pub fn trunk(&self) -> &str {
        self.store.trunk()
    }

    /// One epoch of training batches, as [`loader::training`] makes them: the same faces in the same order. A face is shown in
    /// another of its variants each time, in turns.
    pub fn training(
        self: &Arc<Self>,
        data: &FitData,
        plan: &Plan,
        epoch: u64,
    ) -> impl Iterator<Item = anyhow::Result<Batch>> + use<> {
        let views = self.views;
        let view = move |index: usize| match views {
            0 => View::Plain,
            _ => View::Varied(1 + (epoch + index as u64) % views),
        };
        let teacher = data.faces.is_taught().then(|| Arc::clone(&data.faces));
        self.batches(loader::order_of_photos(&data.faces, plan, epoch), plan.batch, view, teacher)
    }

    /// The faces in the order of `indices`, as they are.
    pub fn evaluation(
        self: &Arc<Self>,
        indices: &[usize],
        batch: usize,
    ) -> impl Iterator<Item = anyhow::Result<Batch>> + use<> {
        self.batches(indices.to_vec(), batch, |_| View::Plain, None)
    }

    fn batches<F: Fn(usize) -> View>(
        self: &Arc<Self>,
        order: Vec<usize>,
        batch: usize,
        view: F,
        teacher: Option<Arc<Faces>>,
    ) -> impl Iterator<Item = anyhow::Result<Batch>> + use<F> {
        let shared = Arc::clone(self);
        (0..order.len().div_ceil(batch)).map(move |number| {
            let mut made = Batch::default();
            for &index in order.iter().skip(number * batch).take(batch) {
                let kept = shared.faces.get(&view(index)).and_then(|faces| faces.get(&index));
                let kept = kept.context("a face that was not sent through the trunk is asked for")?;
                shared.store.read(&kept.name, &mut made.trunk)?;
                made.labels.push(kept.label);
                made.taught.extend(teacher.as_ref().map(|faces| faces.taught(index)));
                made.has_map.push(kept.map.is_some());
                match &kept.map {
                    Some(map) => made.maps.extend_from_slice(map),
                    None => made.maps.resize(made.maps.len() + shared.cells, 0.0),
                }
            }
            Ok(made)
        })
    }
}

/// How far the faces have come.
struct Count {
    done: usize,
    made: usize,
    faults: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, faces: usize, made: usize) {
        let before = self.done;
        self.done += faces;
        self.made += made;
        if self.made > 0 && before / 1000 != self.done / 1000 {
            log::info!("trunk features: {} of {} faces", self.done, self.all);
        }
    }

    fn tell(&self, cache: &Path) {
        if self.faults > 0 {
            log::warn!(
                "{} files in {} were damaged or from another trunk, and were rebuilt",
                self.faults,
                name::of(cache)
            );
        }
        log::info!(
            "{} of {} faces went through the trunk, the others were in {} already",
            self.made,
            self.all,
            name::of(cache)
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::LazyLock;

    use super::*;
    use crate::checkpoint::State;
    use crate::data::loader::tests::{faces as plain_faces, plan};
    use crate::export::textures;
    use crate::fit::settings::tests::paper;
    use crate::fit::{FitSettings, Learner, train_step};
    use crate::network::{Network, VitSizes, vision_transformer};
    use crate::torch::{Tune, set_threads};

    /// Weights of one model: libtorch's random numbers are drawn by all tests that run at the same time, so that two models of
    /// one seed may differ.
    static START: LazyLock<State> = LazyLock::new(|| Model::new(network(), 1).state());

    fn network() -> Network {
        vision_transformer(2, VitSizes { side: 64, patch: 32, width: 8, heads: 2, hidden: 16, depth: 2 })
    }

    /// A transformer that sees the loader's test photos, the same each time.
    fn model() -> Model {
        let mut model = Model::new(network(), 1);
        model.load(&START).expect("they are of the same network");
        model
    }

    /// Photos that differ by more than their grey: others would all look alike once they are normalised.
    fn faces(count: usize) -> (tempfile::TempDir, Arc<Faces>) {
        let (folder, faces) = plain_faces(count);
        for (row, pixels) in faces.rows.iter().zip(textures(64, count, 3).chunks(64 * 64 * 3)) {
            let photo = image::RgbImage::from_raw(64, 64, pixels.to_vec()).expect("its size is right");
            photo.save(&row.path).expect("it can be written");
        }
        (folder, faces)
    }

    fn keeping(cache: &Path, augment: Preset, views: u64) -> Keeping<'_> {
        Keeping { cache, augment, views, batch: 4 }
    }

    /// All faces are trained on and validated on.
    fn data(faces: &Arc<Faces>) -> FitData {
        let all: Vec<usize> = (0..faces.rows.len()).collect();
        FitData { faces: Arc::clone(faces), train: all.clone(), validation: all, trunk: None }
    }

    fn gather(data: &FitData, keeping: &Keeping<'_>) -> TrunkFaces {
        let stop = AtomicBool::new(false);
        TrunkFaces::gather(&model(), data, keeping, &stop).expect("nothing fails").expect("nobody stops it")
    }

    #[test]
    fn epochs_over_kept_faces_are_those_of_the_whole_network() {
        set_threads(1);
        let (_photos, faces) = faces(9);
        let cache = tempfile::tempdir().expect("a folder for the test");
        let plain = data(&faces);
        let trunk = Arc::new(gather(&plain, &keeping(cache.path(), Preset::None, 1)));
        let kept = FitData { trunk: Some(trunk), ..plain.clone() };
        let settings = FitSettings { tune: Tune::Head, batch: 4, ..paper() };
        let [whole, head] = [&plain, &kept].map(|data| {
            let mut learner = Learner::new(model(), &settings).expect("it is whole");
            let mut losses = Vec::new();
            for epoch in 1..=3 {
                for batch in data.training(&plan(&faces, 1), epoch) {
                    losses.push(
                        train_step(&mut learner, &batch.expect("it is made"), &settings, epoch).expect("finite")[0],
                    );
                }
            }
            let batches: Vec<Batch> = data.judged(4).collect::<Result<_, _>>().expect("they are made");
            let labels: Vec<i64> = batches.iter().flat_map(|batch| batch.labels.clone()).collect();
            (losses, labels, learner.model().state())
        });
        assert_eq!((whole.0.len(), whole.1.len()), (6, 9));
        assert_eq!(whole.1, head.1);
        for (one, other) in whole.0.iter().zip(&head.0) {
            // Kept with 11 bits.
            assert!((one - other).abs() < 5e-3 * one.abs().max(1.0), "{:?} {:?}", whole.0, head.0);
        }
        for (name, array) in &whole.2 {
            let off = array.values.iter().zip(&head.2[name].values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 5e-3, "{name}: {off}");
        }
        let start = model().state();
        assert_ne!(start["classifier.weight"], head.2["classifier.weight"], "nothing was learnt");
        let still = |name: &str| start[name] == whole.2[name] && start[name] == head.2[name];
        assert!(still("vision_model.encoder.layers.1.mlp.fc2.weight") && still("vision_model.pre_layrnorm.bias"));
    }

    /// What the files of a cache hold, by their names.
    fn files(cache: &Path, trunk: &TrunkFaces) -> BTreeMap<std::ffi::OsString, Vec<u8>> {
        let folder = cache.join(&trunk.trunk()[..16]);
        let entries = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it is there"));
        entries.map(|entry| (entry.file_name(), fs::read(entry.path()).expect("it is there"))).collect()
    }

    #[test]
    fn a_cache_is_gone_on_with_and_mended() {
        let (_photos, faces) = faces(5);
        let cache = tempfile::tempdir().expect("a folder for the test");
        let data = data(&faces);
        let keep = keeping(cache.path(), Preset::None, 1);
        let whole = files(cache.path(), &gather(&data, &keep));
        assert_eq!(whole.len(), 5, "faces that are trained on and validated on are kept once");
        let folder = cache.path().join(&trunk_digest(&model())[..16]);
        let mut names = whole.keys();
        let mut next = || folder.join(names.next().expect("there are five"));
        fs::remove_file(next()).expect("it was there");
        fs::write(next(), b"something else").expect("it can be written");
        assert_eq!(files(cache.path(), &gather(&data, &keep)), whole);
        let other = Model::new(model().network().clone(), 2);
        assert_ne!(trunk_digest(&other), trunk_digest(&model()));
        let stopped = AtomicBool::new(true);
        assert!(TrunkFaces::gather(&model(), &data, &keep, &stopped).expect("nothing fails").is_none());
    }

    #[test]
    fn variants_are_shown_in_turns() {
        let (_photos, faces) = faces(4);
        let cache = tempfile::tempdir().expect("a folder for the test");
        let plain = data(&faces);
        let kept = Arc::new(gather(&plain, &keeping(cache.path(), Preset::Robust, 2)));
        let plan = Plan { batch: 4, ..plan(&faces, 1) };
        // An order of its own in each epoch: the faces are told apart by their labels and values alone.
        let shown = |epoch| {
            let batch = kept.training(&plain, &plan, epoch).next().expect("there is one").expect("it is made");
            let mut values: Vec<u32> = batch
                .trunk
                .chunks(8 * 4)
                .map(|face| face.iter().map(|value| u32::from(value.to_bits())).sum())
                .collect();
            values.sort_unstable();
            values
        };
        assert_eq!(shown(1), shown(3), "each of two variants comes every second time");
        assert_ne!(shown(1), shown(2));
        let judged = kept.evaluation(&plain.validation, 4).next().expect("there is one").expect("it is made");
        assert_eq!((judged.trunk.len(), judged.labels), (4 * 8 * 4, vec![0, 1, 0, 1]));
    }
}
