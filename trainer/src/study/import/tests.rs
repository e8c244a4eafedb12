//! Small exports of each format, written by hand, and ones that are broken.

use std::fs;
use std::path::PathBuf;

use image::{GrayImage, Luma, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::data::list::{self, Label, Place};

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/maps").join(file)
}

/// Photos `gan/1.png` of 40 x 20 pixels, `real/2.png` of 12 x 10, and their rows.
fn photos() -> (tempfile::TempDir, Vec<Row>) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let sizes = [("gan/1.png", 40, 20, Label::Synthetic), ("real/2.png", 12, 10, Label::Authentic)];
    let rows = sizes.map(|(photo, width, height, label)| {
        let path = folder.path().join("photos").join(photo);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        RgbImage::new(width, height).save(&path).expect("it can be written");
        Row::bare(path, label, "source")
    });
    (folder, rows.to_vec())
}

fn run(source: &Path, from: &str, labels: &[&str]) -> anyhow::Result<(Imported, [Option<GrayImage>; 2])> {
    let (folder, rows) = photos();
    let (root, out) = (folder.path().join("photos"), folder.path().join("maps"));
    let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
    let format = format(from).expect("there is such a format");
    let wanted = Wanted { source, format, sigma: Some(2.0), labels: &labels };
    let imported = import(&wanted, &rows, &root, &out)?;
    // As the trainer finds them: by the folder alone, and for its own list by `--maps`.
    let (of_folder, problems) = list::read(&Place { list: out.clone(), root: None, maps: None })?;
    assert!(problems.is_empty(), "{problems:?}");
    let theirs = folder.path().join("theirs.csv");
    fs::write(&theirs, "file,label\ngan/1.png,synthetic\nreal/2.png,real\n")?;
    let (with_maps, _) = list::read(&Place { list: theirs, root: Some(root), maps: Some(out) })?;
    let maps = [0, 1].map(|index| {
        assert_eq!(of_folder.rows[index].map, with_maps.rows[index].map);
        let map = of_folder.rows[index].map.as_ref()?;
        Some(image::open(map).expect("it is a picture").into_luma8())
    });
    Ok((imported, maps))
}

fn at(map: &Option<GrayImage>, places: &[(u32, u32)]) -> Vec<u8> {
    let map = map.as_ref().expect("there is a map");
    places.iter().map(|&(x, y)| map.get_pixel(x, y).0[0]).collect()
}

#[test]
fn fixations_are_blurred() {
    let (imported, maps) = run(&fixture("fixations.csv"), "fixations", &[]).expect("it is whole");
    assert_eq!((imported.maps, imported.unlisted, imported.beside), (2, 1, 1));
    assert_eq!(at(&maps[0], &[(10, 10), (30, 10), (20, 10), (12, 10)]), [255, 128, 0, 155]);
    assert_eq!(at(&maps[1], &[(5, 4), (11, 9)])[0], 255);
}

#[test]
fn coco_has_polygons_and_masks() {
    let (imported, maps) = run(&fixture("coco.json"), "coco", &["telling"]).expect("it is whole");
    assert_eq!((imported.maps, imported.other_labels), (2, 1));
    assert_eq!(at(&maps[0], &[(9, 19), (7, 5), (10, 0), (30, 9), (30, 10), (29, 5)]), [255, 255, 0, 255, 0, 0]);
    // Runs go down the columns: ten zeros are the first one, five ones the upper half of the second.
    assert_eq!(at(&maps[1], &[(0, 0), (1, 0), (1, 4), (1, 5), (2, 0)]), [0, 255, 255, 0, 0]);
    // The same packed into letters: five at the top of the fifth column, two at the top of the sixth.
    assert_eq!(at(&maps[1], &[(4, 0), (4, 4), (4, 5), (5, 0), (5, 1), (5, 2)]), [255, 255, 0, 255, 255, 0]);
    let (_, maps) = run(&fixture("coco.json"), "coco", &[]).expect("it is whole");
    assert_eq!(at(&maps[0], &[(20, 15)]), [255], "the whole face");
}

#[test]
fn label_studio_tells_people_apart() {
    let (imported, maps) = run(&fixture("label_studio.json"), "label-studio", &[]).expect("it is whole");
    assert_eq!(imported.maps, 1);
    assert_eq!(at(&maps[1], &[(2, 5), (3, 5), (5, 5), (6, 5)]), [255, 128, 128, 0]);
}

#[test]
fn cvat_has_polygons_and_masks() {
    let (imported, maps) = run(&fixture("cvat.xml"), "cvat", &[]).expect("it is whole");
    assert_eq!((imported.maps, maps[1].is_none()), (1, true));
    let row = |y| [(30, y), (31, y), (32, y), (33, y), (34, y)];
    assert_eq!(at(&maps[0], &row(2)), [0, 255, 255, 0, 0]);
    assert_eq!(at(&maps[0], &row(3)), [255, 255, 255, 255, 0]);
    assert_eq!(at(&maps[0], &[(9, 19), (10, 19)]), [255, 0]);
}

#[test]
fn a_folder_is_checked_and_copied() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    GrayImage::from_pixel(20, 10, Luma([90])).save(folder.path().join("1.png")).expect("it can be written");
    let (imported, maps) = run(folder.path(), "folder", &[]).expect("it is whole");
    assert_eq!((imported.maps, at(&maps[0], &[(5, 5)])), (1, vec![90]));
    let wrong = |part: &str| {
        let error = format!("{:#}", run(folder.path(), "folder", &[]).expect_err("it is wrong"));
        assert!(error.contains(part), "{error}");
    };
    GrayImage::new(20, 20).save(folder.path().join("2.png")).expect("it can be written");
    wrong("20 x 20 pixels, and its photo 12 x 10");
    fs::write(folder.path().join("2.png"), "no picture").expect("it can be written");
    wrong("2.png");
    fs::remove_file(folder.path().join("2.png")).expect("it is there");
    fs::remove_file(folder.path().join("1.png")).expect("it is there");
    wrong("no photo of the list has a map in");
}

fn broken(from: &str, text: &str, part: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("export");
    fs::write(&path, text).expect("it can be written");
    let error = format!("{:#}", run(&path, from, &[]).expect_err("it is broken"));
    assert!(error.contains(part) && error.contains("export"), "{error}");
}

#[test]
fn broken_fixations_are_told() {
    broken(
        "fixations",
        "image,x\n",
        "the columns image, x and y must be there (and duration may be); there are: image, x",
    );
    broken("fixations", "image,x,y\ngan/1.png,1,b\n", "line 2: y is `b`");
    broken("fixations", "image,x,y,duration\ngan/1.png,1,1,-1\n", "line 2: the duration is -1");
    broken("fixations", "image,x,y\ngan/1.png,1\n", "line: 2");
    broken("fixations", "image,x,y\n9.png,1,1\n", "no image of");
    broken("fixations", "image,x,y\n", "there are no marks");
}

#[test]
fn broken_coco_is_told() {
    let with = |segmentation: &str| {
        format!(
            "{{\"images\": [{{\"id\": 1, \"file_name\": \"1.png\", \"width\": 40, \"height\": 20}}], \
             \"annotations\": [{{\"id\": 9, \"image_id\": 1, \"segmentation\": {segmentation}}}]}}"
        )
    };
    broken("coco", "{", "it is no export of COCO");
    broken("coco", &with("[[1, 2, 3]]"), "annotation 9: a polygon of 3 numbers");
    broken("coco", &with("[[1, 2, 3, 4]]"), "annotation 9: an outline of 2 corners");
    broken("coco", &with("7"), "annotation 9: its segmentation is neither");
    broken("coco", &with("{\"size\": [4000000000, 4000000000], \"counts\": []}"), "a mask of 4000000000 x 4000000000");
    broken("coco", &with("{\"size\": [20, 40], \"counts\": [801]}"), "runs of more than the 800 pixels");
    broken("coco", &with("{\"size\": [20, 40], \"counts\": [3]}"), "runs of 3 pixels");
    broken("coco", &with("{\"size\": [20, 40], \"counts\": \"~~~\"}"), "no packed runs");
    broken("coco", &with("{\"size\": [20, 40], \"counts\": \"oooooooooooooooo\"}"), "no packed runs");
    broken(
        "coco",
        &with("{\"size\": [20, 20], \"counts\": [0, 400]}"),
        "marked on 20 x 20 pixels, and the photo has 40 x 20",
    );
    broken("coco", &with("[[0, 0, 1, 1, 1, 0]]").replace("\"image_id\": 1", "\"image_id\": 2"), "there is no image 2");
}

#[test]
fn broken_label_studio_is_told() {
    let with = |result: &str| {
        format!(
            "[{{\"id\": 4, \"data\": {{\"image\": \"1.png\"}}, \"annotations\": [{{\"id\": 8, \"result\": [{result}]}}]}}]"
        )
    };
    broken("label-studio", "[1]", "no JSON export of Label Studio");
    broken("label-studio", "[{\"id\": 4, \"data\": {}}]", "task 4: its data has no text `image`");
    broken(
        "label-studio",
        &with("{\"type\": \"polygonlabels\", \"value\": {}}"),
        "task 4, annotation 8, result 1: its polygon",
    );
    broken(
        "label-studio",
        &with(
            "{\"type\": \"brushlabels\", \"original_width\": 40, \"original_height\": 20, \"value\": {\"rle\": [0]}}",
        ),
        "its brush stroke ends early",
    );
    broken(
        "label-studio",
        &with(
            "{\"type\": \"polygonlabels\", \"original_width\": 10, \"original_height\": 10, \"value\": {\"points\": [[0, 0], [1, 0], [1, 1]]}}",
        ),
        "marked on 10 x 10 pixels, and the photo has 40 x 20",
    );
}

#[test]
fn broken_cvat_is_told() {
    let with = |inner: &str| {
        format!("<annotations>\n<image name=\"1.png\" width=\"40\" height=\"20\">\n{inner}\n</image>\n</annotations>")
    };
    broken("cvat", "<annotations>", "it is no XML");
    broken("cvat", "<html/>", "the first element is `html`");
    broken("cvat", "<!DOCTYPE a [<!ENTITY b \"c\">]><annotations>&b;</annotations>", "it is no XML");
    broken("cvat", &with("<polygon label=\"a\"/>"), "line 3: `polygon` has no `points`");
    broken("cvat", &with("<polygon points=\"1,2;3;4,5\"/>"), "line 3: `3` is no corner");
    broken("cvat", &with("<polygon points=\"1,2;3,nan;4,5\"/>"), "a corner that is no number");
    broken(
        "cvat",
        &with("<mask rle=\"1\" left=\"39\" top=\"0\" width=\"2\" height=\"2\"/>"),
        "doesn't fit into 40 x 20",
    );
    broken(
        "cvat",
        &with("<mask rle=\"a\" left=\"0\" top=\"0\" width=\"2\" height=\"2\"/>"),
        "line 3: its rle is no list",
    );
    broken("cvat", &with("<mask rle=\"1, 2\" left=\"0\" top=\"0\" width=\"2\" height=\"2\"/>"), "runs of 3 pixels");
    let sizeless = "<annotations><image name=\"1.png\"><polygon points=\"1,2;3,4;5,6\"/></image></annotations>";
    broken("cvat", sizeless, "its image: `image` has no `width`");
}

#[test]
fn whatever_bytes_a_file_has_nothing_panics() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let files = ["fixations.csv", "coco.json", "label_studio.json", "cvat.xml"];
    for (format, file) in FORMATS.into_iter().zip(files) {
        let Reads::Marks(read) = format.reads else { unreachable!("it is a file") };
        let whole = fs::read(fixture(file)).expect("it is there");
        let path = folder.path().join(file);
        let mut marks = 0;
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..4) {
                    0 => bytes[at] = random.random(),
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes.insert(at, b"0123456789-.,;\"[]{}<>"[random.random_range(0..21)]),
                    _ => drop(bytes.remove(at)),
                }
                if bytes.is_empty() {
                    bytes.push(b'0');
                }
            }
            fs::write(&path, &bytes).expect("it can be written");
            let mut take = |mark: Mark| {
                marks += 1;
                // What was read can be drawn, or is told to be of another photo.
                let _ = draw(&[mark], (40, 20), Some(2.0));
                Ok(())
            };
            let _ = read(&path, &mut take);
        }
        assert!(marks > 50, "{file}: {marks} marks were read, which says little");
    }
}

#[test]
fn the_folder_of_a_study_is_left_alone() {
    let (folder, rows) = photos();
    let out = folder.path().join("study");
    fs::create_dir_all(out.join(ANSWERS)).expect("it can be made");
    let wanted = Wanted {
        source: &fixture("fixations.csv"),
        format: format("fixations").expect("there is one"),
        sigma: Some(2.0),
        labels: &[],
    };
    let error = import(&wanted, &rows, folder.path(), &out).expect_err("it is a study's").to_string();
    assert!(error.contains("is the folder of a study"), "{error}");
    assert!(format("tracker").expect_err("there is none").contains("fixations, coco, label-studio, cvat, folder"));
}

#[test]
fn a_second_import_leaves_no_map_of_the_first() {
    let (folder, rows) = photos();
    let (root, out) = (folder.path().join("photos"), folder.path().join("maps"));
    let import = |labels: &[String]| {
        let (source, format) = (fixture("coco.json"), format("coco").expect("there is such a format"));
        import(&Wanted { source: &source, format, sigma: None, labels }, &rows, &root, &out)
    };
    let maps = || ["gan/1.png", "real/2.png"].map(|map| out.join(map).is_file());
    assert_eq!(import(&[]).expect("it is whole").maps, 2);
    assert_eq!(maps(), [true, true]);
    assert_eq!(import(&["face".to_owned()]).expect("it is whole").maps, 1);
    assert_eq!(maps(), [true, false]);
    // One that fails leaves all as it was.
    assert!(import(&["no such label".to_owned()]).is_err());
    assert_eq!(faces::read(&out).expect("it is there").iter().filter(|face| face.row.map.is_some()).count(), 1);
}

#[test]
fn a_map_that_two_photos_may_claim_is_refused() {
    let (folder, mut rows) = photos();
    let root = folder.path().join("photos");
    let second = root.join("real/1.png");
    fs::copy(root.join("gan/1.png"), &second).expect("it can be copied");
    rows.push(Row::bare(second, Label::Authentic, "source"));
    let maps = folder.path().join("grey");
    fs::create_dir(&maps).expect("it can be made");
    GrayImage::from_pixel(40, 20, Luma([255])).save(maps.join("1.png")).expect("it can be written");
    let format = format("folder").expect("there is such a format");
    let wanted = Wanted { source: &maps, format, sigma: None, labels: &[] };
    let error = import(&wanted, &rows, &root, &folder.path().join("maps")).expect_err("whose is it?").to_string();
    assert!(error.contains("can't be told apart") && error.contains("1.png"), "{error}");
}
