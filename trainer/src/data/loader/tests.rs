//! Epochs as wholes, on drawn faces.

use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::frame::PixelPoint;
use image::{Rgb, RgbImage};

use super::*;
use crate::data::faces::{CropMode, FaceSettings, Found, SaliencySource};
use crate::data::list::Row;

/// Photos of one grey level each, which is the index, but for a pattern where the face is.
pub(crate) fn faces(count: usize) -> (tempfile::TempDir, Arc<Faces>) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let row = |index: usize| {
        let path = folder.path().join(format!("{index}.png"));
        let level = |x: u32, y: u32| {
            let is_face = (18..46).contains(&x) && (16..50).contains(&y);
            let spot = (x / (3 + index as u32 % 3) + y / (2 + index as u32 % 4)) % 2;
            if is_face { 90 + spot as u8 * 60 } else { index as u8 * 9 }
        };
        RgbImage::from_fn(64, 64, |x, y| Rgb([level(x, y); 3])).save(&path).expect("it can be written");
        let label = if index.is_multiple_of(2) { Label::Authentic } else { Label::Synthetic };
        Row::bare(path, label, "")
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

pub(crate) fn whole(batches: Batches) -> Vec<Batch> {
    batches.collect::<anyhow::Result<_>>().expect("nothing fails")
}

pub(crate) fn plan(faces: &Faces, seed: u64) -> Plan {
    let indices: Vec<usize> = (0..faces.rows.len()).collect();
    Plan {
        donors: Arc::new(Donors::among(faces, &indices)),
        indices,
        forged: 0,
        swapped: 0,
        augment: Preset::None,
        video_coding: 0.0,
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
    let first: Vec<u8> = batches.iter().flat_map(|b| b.pixels.chunks(64 * 64 * 3).map(|face| face[0] / 9)).collect();
    assert_eq!(first, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(batches[0].labels, [0, 1, 0, 1]);
    assert_eq!((&batches[0].maps[..], &batches[0].has_map[..]), (&[0.0; 16][..], &[false; 4][..]));
}

#[test]
fn an_epoch_is_the_same_for_the_same_seed_and_another_for_the_next_epoch() {
    let (_folder, faces) = faces(8);
    for augment in [Preset::None, Preset::Coded, Preset::Robust, Preset::Strong] {
        let epoch = |seed, epoch| whole(training(&faces, &Plan { augment, ..plan(&faces, seed) }, epoch));
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(epoch(1, 0), epoch(1, 1));
        assert_ne!(epoch(1, 0), epoch(2, 0));
        assert_eq!(epoch(1, 0).iter().flat_map(|batch| &batch.labels).sum::<i64>(), 4);
    }
}

#[test]
fn a_last_batch_of_one_is_left_out() {
    let (_folder, faces) = faces(5);
    let batches = whole(training(&faces, &plan(&faces, 1), 0));
    assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4]);
}

#[test]
fn fakes_are_made_from_real_faces_and_say_where() {
    let (_folder, faces) = faces(6);
    let plan = Plan { forged: 6, augment: Preset::Robust, ..plan(&faces, 1) };
    let batches = whole(training(&faces, &plan, 0));
    let labels: Vec<i64> = batches.iter().flat_map(|batch| batch.labels.clone()).collect();
    let maps: Vec<bool> = batches.iter().flat_map(|batch| batch.has_map.clone()).collect();
    assert_eq!((labels.len(), labels.iter().sum::<i64>()), (plan.faces(), 9), "with each fake goes its real face");
    assert_eq!(maps.iter().filter(|has_map| **has_map).count(), 6, "fakes have a map, photos here have none");
    assert_eq!(whole(training(&faces, &plan, 0)), batches);
}

/// The two halves of each pair of an epoch: pixels of the fake and of its real face, and whether they have a map.
fn pairs(batches: &[Batch]) -> Vec<[(&[u8], i64, bool); 2]> {
    let faces = batches.iter().flat_map(|batch| {
        let labels = batch.labels.iter().copied().zip(batch.has_map.iter().copied());
        batch.pixels.chunks(64 * 64 * 3).zip(labels).map(|(pixels, (label, has_map))| (pixels, label, has_map))
    });
    // In twos, of which those are pairs that begin with a fake that has a map.
    let all: Vec<_> = faces.collect();
    all.as_chunks::<2>().0.iter().copied().filter(|two| two[0].2).collect()
}

#[test]
fn both_halves_of_a_pair_follow_each_other_and_are_varied_alike() {
    let (_folder, faces) = faces(8);
    for (forged, swapped) in [(6, 0), (0, 6)] {
        let plan = Plan { forged, swapped, augment: Preset::Robust, ..plan(&faces, 1) };
        let batches = whole(training(&faces, &plan, 0));
        assert_eq!(batches.iter().map(Batch::len).sum::<usize>(), plan.faces());
        let pairs = pairs(&batches);
        assert_eq!(pairs.len(), 6);
        for [(fake, label, _), (real, real_label, has_map)] in pairs {
            assert_eq!((label, real_label, has_map), (1, 0, false));
            // A corner is outside of every mask: there both have the same pixels, but for a JPEG's block.
            let corner = |pixels: &[u8]| [pixels[0], pixels[1], pixels[2]].map(i32::from);
            let off: i32 = corner(fake).iter().zip(corner(real)).map(|(a, b)| (a - b).abs()).sum();
            assert!(off <= 6, "{:?} and {:?}", corner(fake), corner(real));
            assert_ne!(fake, real);
        }
        assert_eq!(whole(training(&faces, &plan, 0)), batches);
        assert_ne!(whole(training(&faces, &plan, 1)), batches);
    }
}

#[cfg(feature = "video")]
#[test]
fn both_halves_of_a_pair_are_coded_alike() {
    let (_folder, faces) = faces(8);
    let plan = Plan { swapped: 6, video_coding: 0.5, ..plan(&faces, 1) };
    let coded = whole(training(&faces, &plan, 0));
    let plain = whole(training(&faces, &Plan { video_coding: 0.0, ..plan.clone() }, 0));
    assert_eq!(whole(training(&faces, &plan, 0)), coded);
    let changed = |one: &[u8], other: &[u8]| one != other;
    let alike: Vec<[bool; 2]> = pairs(&coded)
        .into_iter()
        .zip(pairs(&plain))
        .map(|(coded, plain)| [0, 1].map(|half| changed(coded[half].0, plain[half].0)))
        .collect();
    assert!(alike.iter().all(|[fake, real]| fake == real), "{alike:?}");
    assert!(alike.contains(&[true; 2]) && alike.contains(&[false; 2]), "{alike:?}");
}

#[test]
fn a_photo_that_is_gone_ends_the_epoch_with_its_name() {
    let (folder, faces) = faces(4);
    std::fs::remove_file(folder.path().join("2.png")).expect("it was there");
    let error = evaluation(&faces, &[0, 1, 2, 3], 4).next().expect("a batch").expect_err("one photo is gone");
    assert!(error.to_string().contains("2.png"), "{error}");
}
