//! All pictures with made-up numbers. They stay in the build folder, below `tmp/plots`, to be looked at.

use std::fs;
use std::path::{Path, PathBuf};

use cyborg_trainer::plot::confusion::Confusion;
use cyborg_trainer::plot::curves::{Band, EpochPoint, Setting, TrainingCurves};
use cyborg_trainer::plot::histogram::ScoreHistogram;
use cyborg_trainer::plot::maps::{CaptionedMap, MapFigure, MapRow};
use cyborg_trainer::plot::reliability::{Reliability, ReliabilityBin};
use cyborg_trainer::plot::robustness::{Robustness, RobustnessPanel, RobustnessPoint, RobustnessSeries};
use cyborg_trainer::plot::roc::{RocCurve, RocPlot, RocPoint};
use cyborg_trainer::plot::sheet::{ContactSheet, Tile};
use cyborg_trainer::plot::{DataFault, HeatMap, PlotError};

/// A name that isn't XML as it is.
const AWKWARD: &str = "CYBORG <a=\"0.5\"> & 'b' \u{1}";
const ESCAPED: &str = "CYBORG &lt;a=&quot;0.5&quot;&gt; &amp; &apos;b&apos;";

/// Numbers in 0 to 1 that look random and are the same each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn stem(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plots");
    fs::create_dir_all(&folder).expect("the build folder can be written");
    folder.join(name)
}

fn run(noise: &mut Noise, epochs: usize, speed: f64) -> Vec<EpochPoint> {
    let point = |epoch: usize| {
        let rest = (-(epoch as f64) * speed).exp();
        let mut wobble = |size: f64| (noise.next() - 0.5) * size;
        EpochPoint {
            epoch,
            loss: 0.05 + 0.65 * rest + wobble(0.05),
            accuracy: 0.93 - 0.4 * rest + wobble(0.03),
            auc: 0.97 - 0.4 * rest + wobble(0.02),
            cam_error: 0.2 + 0.3 * rest + wobble(0.03),
        }
    };
    (1..=epochs).map(point).collect()
}

fn curves() -> TrainingCurves {
    let mut noise = Noise(1);
    let mut setting = |name: &str, runs: usize, speed: f64| Setting {
        name: name.to_owned(),
        runs: (0..runs).map(|index| run(&mut noise, 30 - 3 * index, speed)).collect(),
    };
    let settings = vec![setting("classical", 5, 0.1), setting(AWKWARD, 5, 0.2), setting("one run alone", 1, 0.15)];
    TrainingCurves { title: "Training of EfficientNet-Lite0, 4000 faces".to_owned(), settings, band: Band::Range }
}

fn roc_curve(name: &str, power: f64) -> RocCurve {
    let mut noise = Noise(3);
    let mut rates: Vec<f64> = (0..3000).map(|_| noise.next().powi(2)).chain([0.0, 1.0]).collect();
    rates.sort_by(f64::total_cmp);
    let point = |false_detections: f64| RocPoint { false_detections, true_detections: false_detections.powf(power) };
    RocCurve { name: name.to_owned(), points: rates.into_iter().map(point).collect(), auc: 1.0 / (1.0 + power) }
}

fn roc() -> RocPlot {
    let curves = vec![roc_curve("classical", 0.3), roc_curve(AWKWARD, 0.1), roc_curve("cross-entropy + blur", 0.2)];
    RocPlot { title: "Detection of unseen generators".to_owned(), curves }
}

fn histogram() -> ScoreHistogram {
    let mut noise = Noise(4);
    let authentic = (0..4000).map(|_| noise.next().powi(6)).chain([f64::NAN]).collect();
    let synthetic = (0..3000).map(|_| 1.0 - noise.next().powi(5)).collect();
    ScoreHistogram {
        title: AWKWARD.to_owned(),
        authentic,
        synthetic,
        authentic_below: Some(0.35),
        synthetic_above: Some(0.72),
        bins: 40,
    }
}

fn reliability() -> Reliability {
    let bin = |index: u64| ReliabilityBin {
        mean_score: (index as f64 + 0.5) / 10.0,
        share_synthetic: ((index as f64 + 0.5) / 10.0).powf(1.6),
        count: if index == 5 { 0 } else { 20 + 900 / (1 + index * (9 - index)) },
    };
    Reliability { title: AWKWARD.to_owned(), bins: (0..10).map(bin).collect(), ece: 0.0731 }
}

fn confusion() -> Confusion {
    Confusion {
        title: AWKWARD.to_owned(),
        authentic_called_authentic: 1972,
        authentic_called_synthetic: 28,
        synthetic_called_authentic: 310,
        synthetic_called_synthetic: 1690,
    }
}

fn blob(height: usize, width: usize, centre: (f64, f64), size: f64) -> HeatMap {
    let value = |index: usize| {
        let (y, x) = ((index / width) as f64 + 0.5, (index % width) as f64 + 0.5);
        let (dy, dx) = (y / height as f64 - centre.0, x / width as f64 - centre.1);
        (-(dy * dy + dx * dx) / size).exp() as f32 * 40.0 - 3.0
    };
    HeatMap { values: (0..height * width).map(value).collect(), height, width }
}

fn maps() -> MapFigure {
    let map = |caption: &str, map| CaptionedMap { caption: caption.to_owned(), map };
    let row = |name: &str, spread: f64| MapRow {
        name: name.to_owned(),
        saliency: Some(map("saliency", blob(224, 224, (0.45, 0.5), 0.04))),
        runs: (0..5)
            .map(|run| {
                let away = spread * (f64::from(run) - 2.0);
                map(&format!("run {run}"), blob(7, 7, (0.45 + away, 0.5 - away), 0.05))
            })
            .collect(),
    };
    MapFigure { title: "Average activation".to_owned(), rows: vec![row("classical", 0.15), row(AWKWARD, 0.02)] }
}

fn robustness() -> Robustness {
    let series = |setting: &str, strengths: &[f64], loss: f64| RobustnessSeries {
        setting: setting.to_owned(),
        points: (0..)
            .zip(strengths)
            .map(|(index, &strength)| {
                let auc = 0.97 - loss * f64::from(index).powf(1.5);
                RobustnessPoint { strength, auc, low: auc - 0.012, high: auc + 0.009 }
            })
            .collect(),
    };
    let panel = |caption: &str, strength: &str, strengths: &[f64]| RobustnessPanel {
        caption: caption.to_owned(),
        strength: strength.to_owned(),
        series: vec![series("classical", strengths, 0.02), series(AWKWARD, strengths, 0.006)],
    };
    Robustness {
        title: "AUC under disturbance".to_owned(),
        interval: "95 % bootstrap".to_owned(),
        panels: vec![
            panel("JPEG", "quality", &[100.0, 90.0, 75.0, 50.0, 30.0]),
            panel("Scale", "scale", &[1.0, 0.75, 0.5, 0.25]),
            panel("Blur", "sigma in pixels", &[0.0, 1.0, 2.0, 4.0]),
            panel("Crop offset", "share of the face box", &[0.0, 0.05, 0.1, 0.2]),
        ],
    }
}

fn sheet() -> ContactSheet {
    let side = 128;
    let tile = |index: usize| {
        let pixel = |at: usize| {
            let (y, x) = (at / side, at % side);
            [(x * 2) as u8, (y * 2) as u8, (index * 30) as u8]
        };
        Tile {
            pixels: (0..side * side).flat_map(pixel).collect(),
            heat: index.is_multiple_of(2).then(|| blob(7, 7, (0.4, 0.6), 0.05)),
            caption: [format!("p=0.{index}3 authentic"), format!("test/face_number_{index:05}.png")],
        }
    };
    ContactSheet { title: "Worst mistakes".to_owned(), side, columns: 5, tiles: (0..12).map(tile).collect() }
}

fn read(stem: &Path, ending: &str) -> Vec<u8> {
    let mut path = stem.as_os_str().to_owned();
    path.push(ending);
    fs::read(&path).expect("the picture is there")
}

/// Saves twice, which must give the same bytes, and looks at them as [`check`] does.
#[track_caller]
fn check_twice(name: &str, size: (u32, u32), words: &[&str], save: impl Fn(&Path) -> Result<(), PlotError>) {
    check(name, size, words, &save);
    let stem = stem(name);
    let (png, svg) = (read(&stem, ".png"), read(&stem, ".svg"));
    save(&stem).expect("the picture can be drawn");
    assert!(png == read(&stem, ".png") && svg == read(&stem, ".svg"), "the bytes differ");
}

/// Saves, and looks at what both files must be: a PNG of `size`, an SVG of the same size with all `words`.
#[track_caller]
fn check(name: &str, size: (u32, u32), words: &[&str], save: impl Fn(&Path) -> Result<(), PlotError>) {
    let stem = stem(name);
    save(&stem).expect("the picture can be drawn");
    let (png, svg) = (read(&stem, ".png"), read(&stem, ".svg"));
    let picture = image::load_from_memory(&png).expect("a PNG").into_rgb8();
    assert_eq!(picture.dimensions(), size);
    let svg = String::from_utf8(svg).expect("an SVG is text");
    assert!(svg.starts_with(&format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1)), "{}", &svg[..200]);
    well_formed(&svg);
    for word in words {
        assert!(svg.contains(word), "'{word}' is missing");
    }
    // Letters are drawn: the title is black on white.
    assert!(picture.enumerate_pixels().any(|(_, y, pixel)| y < 40 && pixel.0 == [0, 0, 0]), "no title");
}

/// A small check that a text is XML as these files use it: tags that close each other, quoted values, no stray signs.
#[track_caller]
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (index, part) in svg.split('<').enumerate() {
        let Some((tag, text)) = part.split_once('>') else {
            assert!(index == 0 && part.is_empty(), "a tag without end: {part}");
            continue;
        };
        assert!(!text.contains('>') && !text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        for entity in text.split('&').skip(1) {
            assert!(["lt;", "gt;", "amp;", "quot;", "apos;"].iter().any(|known| entity.starts_with(known)), "{text:?}");
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split(' ').next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "a place that is no number");
}

#[test]
fn training_curves() {
    let words =
        [ESCAPED, "(mean of 5 runs, min to max)", "one run alone (1 run)", "Validation AUC", "CAM error", "epoch"];
    check_twice("curves", (1100, 844), &words, |stem| curves().save(stem));
    let mut one = curves();
    one.settings.drain(..2);
    one.band = Band::Deviation;
    check("curves_of_one_run", (1100, 822), &["one run alone (1 run)"], |stem| one.save(stem));
    let svg = String::from_utf8(read(&stem("curves_of_one_run"), ".svg")).expect("text");
    assert!(!svg.contains("std") && !svg.contains("<polygon"), "one run has no band");
}

#[test]
fn roc_curves() {
    let words = [ESCAPED, "classical: AUC 0.7692", "chance", "0.1 %", "100 %"];
    check_twice("roc", (900, 724), &words, |stem| roc().save(stem));
    let svg = String::from_utf8(read(&stem("roc"), ".svg")).expect("text");
    assert_eq!(svg.matches("<circle").count(), 3 * 4, "four dots on each curve");
}

#[test]
fn histogram_of_scores() {
    let words = [ESCAPED, "authentic (4000 faces, 1 left out)", "synthetic (3000 faces)", "authentic below 0.350"];
    check_twice("histogram", (900, 804), &words, |stem| histogram().save(stem));
}

#[test]
fn reliability_diagram() {
    let words = [ESCAPED, "ECE 0.0731", "perfectly calibrated", "share of synthetic faces"];
    check_twice("reliability", (720, 922), &words, |stem| reliability().save(stem));
    let svg = String::from_utf8(read(&stem("reliability"), ".svg")).expect("text");
    assert_eq!(svg.matches("<circle").count(), 9, "a bin without faces has no point");
}

#[test]
fn confusion_matrix() {
    let words = [ESCAPED, "1972", "98.60 %", "BPCER 1.40 %", "APCER 15.50 %", "84.50 %"];
    check_twice("confusion", (760, 520), &words, |stem| confusion().save(stem));
}

#[test]
fn activation_maps() {
    let words = [ESCAPED, "saliency", "run 4", "max", "min"];
    check_twice("maps", (1224, 500), &words, |stem| maps().save(stem));
}

#[test]
fn auc_under_disturbance() {
    let words = [ESCAPED, "95 % bootstrap", "JPEG", "quality", "share of the face box"];
    check_twice("robustness", (1100, 802), &words, |stem| robustness().save(stem));
}

#[test]
fn sheet_of_faces() {
    let stem = stem("sheet");
    sheet().save(&stem).expect("the picture can be drawn");
    let picture = image::load_from_memory(&read(&stem, ".png")).expect("a PNG").into_rgb8();
    assert_eq!(picture.dimensions(), (996, 596));
    // The first tile is in the middle of its cell of 196 pixels, after half a gap; the second, without heat, is 196 on.
    let first = (8 + 34, 40);
    assert_eq!(picture.get_pixel(first.0, first.1).0, [0, 0, 0]);
    assert_eq!(picture.get_pixel(first.0 + 196 + 10, first.1 + 20).0, [20, 40, 30]);
    // Where the map is hot, the picture is yellow to red: far from the blue of 0 that is below it.
    let hot = picture.get_pixel(first.0 + 77, first.1 + 51).0;
    assert!(hot[0] > 200, "{hot:?}");
    assert!(!stem.with_extension("svg").exists());
}

#[test]
fn without_data_a_picture_says_so() {
    let nothing = "no data";
    let nan = EpochPoint { epoch: 1, loss: f64::NAN, accuracy: f64::INFINITY, auc: f64::NAN, cam_error: 1e300 };
    for (name, runs) in [("empty_curves", vec![]), ("nan_curves", vec![vec![nan], vec![]])] {
        let settings = vec![Setting { name: "a".to_owned(), runs }];
        let curves = TrainingCurves { title: "Nothing".to_owned(), settings, band: Band::Range };
        check(name, (1100, 822), &[nothing], |stem| curves.save(stem));
    }
    let curve = |points| RocCurve { name: "a".to_owned(), points, auc: f64::NAN };
    let nan = RocPoint { false_detections: f64::NAN, true_detections: 0.5 };
    let roc = RocPlot { title: "Nothing".to_owned(), curves: vec![curve(vec![]), curve(vec![nan])] };
    check("empty_roc", (900, 702), &[nothing], |stem| roc.save(stem));
    let empty = ScoreHistogram { authentic: vec![], synthetic: vec![f64::NAN], ..histogram() };
    check("empty_histogram", (900, 804), &[nothing, "1 left out"], |stem| empty.save(stem));
    let empty = Reliability { bins: vec![], ece: f64::NAN, ..reliability() };
    check("empty_reliability", (720, 922), &[nothing, "ECE unknown"], |stem| empty.save(stem));
    let empty = Confusion { synthetic_called_authentic: 0, synthetic_called_synthetic: 0, ..confusion() };
    check("empty_confusion", (760, 520), &["APCER no data", "98.60 %"], |stem| empty.save(stem));
    let mut empty = maps();
    empty.rows.truncate(1);
    empty.rows[0].runs.clear();
    check("empty_maps", (560, 278), &[nothing, "saliency"], |stem| empty.save(stem));
    let mut empty = robustness();
    for series in empty.panels.iter_mut().flat_map(|panel| &mut panel.series) {
        series.points.iter_mut().for_each(|point| point.auc = f64::NAN);
        series.points.truncate(1);
    }
    check("empty_robustness", (1100, 802), &[nothing], |stem| empty.save(stem));
    let empty = ContactSheet { tiles: vec![], ..sheet() };
    empty.save(&stem("empty_sheet")).expect("the picture can be drawn");
}

#[test]
fn extreme_numbers_are_drawn_or_left_out() {
    let mut wild = curves();
    let values = [0.0, 1e-300, 1e12, -1e12, 1e300, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::NEG_INFINITY];
    for (point, value) in wild.settings[0].runs[0].iter_mut().zip(values) {
        (point.loss, point.accuracy, point.auc, point.cam_error) = (value, value, 0.5, 1e-9);
    }
    wild.settings[0].runs[1][0].epoch = usize::MAX;
    check("wild_curves", (1100, 844), &["5.0e11"], |stem| wild.save(stem));
    let mut many = curves();
    many.settings =
        (0..14).map(|i| Setting { name: format!("{i} {}", "long ".repeat(40)), ..wild.settings[2].clone() }).collect();
    many.title = "long ".repeat(100);
    check("many_curves", (1100, 1108), &[], |stem| many.save(stem));
}

#[test]
fn numbers_that_do_not_fit_are_an_error() {
    #[track_caller]
    fn check(result: Result<(), PlotError>, expected: &DataFault) {
        let error = result.expect_err("the numbers don't fit");
        assert!(error.to_string().contains("wrong"), "the file is not named: {error}");
        assert!(matches!(&error, PlotError::Data { fault, .. } if fault == expected), "{error:?}");
    }
    let stem = stem("wrong");
    let bins = DataFault::Count { what: "the number of bins", most: 400, given: 0 };
    check(ScoreHistogram { bins: 0, ..histogram() }.save(&stem), &bins);
    let mut short = maps();
    short.rows[1].runs[3].map.values.pop();
    let size = DataFault::MapSize { name: "run 3".to_owned(), values: 48, height: 7, width: 7 };
    check(short.save(&stem), &size);
    let mut short = sheet();
    short.tiles[2].pixels.pop();
    check(short.save(&stem), &DataFault::TileSize { tile: 2, bytes: 128 * 128 * 3 - 1, side: 128 });
    let columns = DataFault::Count { what: "the columns of a sheet", most: 100, given: 0 };
    check(ContactSheet { columns: 0, ..sheet() }.save(&stem), &columns);
    let mut long = sheet();
    long.columns = 1;
    long.tiles = vec![long.tiles[1].clone(); 100];
    check(long.save(&stem), &DataFault::TooLarge { width: 360, height: 40 + 180 * 100 + 16 });
    let rows = DataFault::Count { what: "the number of rows", most: 40, given: 0 };
    check(MapFigure { title: String::new(), rows: vec![] }.save(&stem), &rows);
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let error = confusion().save(&folder.path().join("none").join("matrix")).expect_err("there is no such folder");
    assert!(matches!(error, PlotError::Write { .. }), "{error:?}");
    assert!(error.to_string().contains("matrix.png"), "{error}");
}
