//! Tests of faces as pixels.

use cyborg_models::contract::{Alignment, Border};
use image::{GrayImage, Luma, Rgb, RgbImage};

use super::*;
use crate::data::list::{Label, Split};

const RULE: CropRule = CropRule { margin: 1.0, alignment: Alignment::None, border: Border::Replicate };

/// A photo of 40 x 20 pixels, black but for a white left half, and a map of 20 x 10 with one white column at 5.
fn faces(crop: CropMode, memory: usize) -> (tempfile::TempDir, Faces) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (path, map) = (folder.path().join("a.png"), folder.path().join("m.png"));
    RgbImage::from_fn(40, 20, |x, _| Rgb([if x < 20 { 255 } else { 0 }; 3])).save(&path).expect("it can be written");
    GrayImage::from_fn(20, 10, |x, _| Luma([if x == 5 { 255 } else { 0 }])).save(&map).expect("it can be written");
    let row = Row {
        line: 1,
        path,
        label: Label::Authentic,
        split: Split::Train,
        source: String::new(),
        video: None,
        group: None,
        pair: None,
        map: Some(map),
        face: None,
    };
    let found = Found {
        square: CropSquare { left: 0, top: 0, side: 20 },
        wide: CropSquare { left: -2, top: -2, side: 25 },
        photo: (40, 20),
        landmarks: Some([PixelPoint { x: 10.0, y: 5.0 }; 5]),
    };
    let settings = FaceSettings { side: 16, cam: 4, crop, saliency: SaliencySource::Maps, memory };
    (folder, Faces::new(vec![row], vec![found], settings))
}

#[test]
fn a_face_crop_and_its_map_are_cut_at_the_same_place() {
    let (_folder, faces) = faces(CropMode::Face(RULE), 1 << 20);
    let view = faces.view(0, Extent::Exact, &mut Cutter::default()).expect("the files are there");
    assert!(view.pixels.iter().all(|&value| value == 255), "the crop is the white half");
    let Saliency::Map(map) = view.saliency else { unreachable!("there is a map") };
    // The map's column 5 of 20 is column 11 of 20 in the crop: in the third quarter.
    assert!(map.side == 4 && map.values[2] > 60 && map.values[0] == 0 && map.values[3] < 40, "{map:?}");
    let place = faces.landmarks(0, Extent::Exact).expect("there are some")[0];
    assert_eq!(place, PixelPoint { x: 0.5, y: 0.25 });
}

#[test]
fn a_whole_photo_is_resized_straight() {
    let (_folder, faces) = faces(CropMode::Whole, 1 << 20);
    let mut cutter = Cutter::default();
    let view = faces.view(0, Extent::Exact, &mut cutter).expect("the files are there");
    assert_eq!((view.pixels[0], view.pixels[15 * 3]), (255, 0));
    let Saliency::Map(map) = view.saliency else { unreachable!("there is a map") };
    assert!(map.values[1] > 0 && map.values[3] == 0, "{map:?}");
    assert_eq!(faces.landmarks(0, Extent::Exact).expect("some")[0], PixelPoint { x: 0.25, y: 0.25 });
    // Wide: the same with a border that repeats the edge.
    let wide = faces.view(0, Extent::Wide, &mut cutter).expect("the files are there");
    assert_eq!((wide.pixels.len(), wide.pixels[0], wide.pixels[19 * 3]), (20 * 20 * 3, 255, 0));
    let place = faces.landmarks(0, Extent::Wide).expect("some")[0];
    assert!((place.x - 0.3).abs() < 1e-6, "{place:?}");
}

#[test]
fn beyond_the_limit_nothing_is_kept_and_the_pixels_are_the_same() {
    let ((_one, roomy), (_other, tight)) = (faces(CropMode::Whole, 1 << 20), faces(CropMode::Whole, 100));
    let mut cutter = Cutter::default();
    for _ in 0..2 {
        let kept = roomy.view(0, Extent::Wide, &mut cutter).expect("the files are there");
        let fresh = tight.view(0, Extent::Wide, &mut Cutter::default()).expect("the files are there");
        assert_eq!(kept, fresh);
        assert!(matches!(kept.pixels, Cow::Borrowed(_)) && matches!(fresh.pixels, Cow::Owned(_)));
    }
}

#[test]
fn a_photo_that_changed_and_a_map_in_colour_are_errors() {
    let (folder, faces) = faces(CropMode::Whole, 0);
    let map = folder.path().join("m.png");
    RgbImage::from_pixel(4, 4, Rgb([255, 0, 0])).save(&map).expect("it can be written");
    let error = faces.view(0, Extent::Exact, &mut Cutter::default()).expect_err("red is no grey");
    assert!(error.to_string().contains("m.png is in colour"), "{error}");
    RgbImage::new(3, 3).save(folder.path().join("a.png")).expect("it can be written");
    let error = faces.view(0, Extent::Exact, &mut Cutter::default()).expect_err("another size");
    assert!(error.to_string().contains("has changed"), "{error}");
}

#[test]
fn saliency_comes_from_where_it_is_asked_for() {
    let (_folder, with_map) = faces(CropMode::Whole, 1 << 20);
    let mut row = with_map.rows[0].clone();
    row.map = None;
    let without = Faces::new(vec![row], with_map.found.clone(), with_map.settings);
    let of = |faces: &Faces, source| {
        let faces = faces.with_saliency(source);
        let found = match faces.view(0, Extent::Exact, &mut Cutter::default()).expect("it can be read").saliency {
            Saliency::Unknown => "none",
            Saliency::Landmarks(_) => "prior",
            Saliency::Map(_) => "map",
        };
        assert_eq!(faces.has_saliency(0), found != "none", "{source:?}");
        found
    };
    let check = |source, mapped: &str, other: &str| {
        assert_eq!((of(&with_map, source), of(&without, source)), (mapped, other), "{source:?}");
    };
    check(SaliencySource::Maps, "map", "none");
    check(SaliencySource::Landmarks, "map", "prior");
    check(SaliencySource::Prior, "prior", "prior");
    check(SaliencySource::MappedPrior, "prior", "none");
}
