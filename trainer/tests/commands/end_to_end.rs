//! The whole way in small, every command once: crops from photos and a clip, forged fakes, two runs of a training that was
//! stopped and went on, evaluation, comparison, calibration, export, and the runtime on the result.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_models::digest;
use cyborg_models::lock;
use cyborg_models::model_file::ModelFile;
use tempfile::TempDir;

use crate::support::{cyborg, cyborg_train, done, means, photos, rows, run, text};

/// Runs a command that must fail with a code, and say some words.
fn fails(arguments: &[&str], expected: i32, parts: &[&str]) {
    let (code, _, stderr) = run(&mut cyborg_train(arguments));
    assert_eq!(code, expected, "{arguments:?}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{arguments:?}: `{part}` is not in `{stderr}`");
    }
}

/// Lists of the faces, made by `prepare`: for training, and for tests.
fn prepared(folder: &TempDir) -> PathBuf {
    let (real, synthetic) = photos(folder.path(), 14);
    let data = folder.path().join("data");
    done(&["prepare", text(&real), "--label", "real", "--out", text(&data)]);
    let (_, said) =
        done(&["prepare", text(&synthetic), "--label", "synthetic", "--source", "gan", "--out", text(&data)]);
    assert!(said.contains("14 faces of 14 files"), "{said}");
    data
}

#[test]
fn from_photos_to_a_verdict() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = prepared(&folder);
    let list = data.join("faces.csv");
    assert_eq!(rows(&list).len(), 28);
    // Once more is no change: what is there is not listed twice.
    done(&["prepare", text(&folder.path().join("camera")), "--label", "real", "--out", text(&data)]);
    assert_eq!(rows(&list).len(), 28);
    #[cfg(feature = "video")]
    {
        let clip = lock::cached("selfie").expect("it is locked");
        done(&["prepare", text(&clip), "--label", "real", "--source", "clip", "--every", "25", "--out", text(&data)]);
        let of_clip = rows(&list).into_iter().filter(|row| row[3] == *"clip" && !row[4].is_empty()).count();
        assert!(of_clip >= 2, "{of_clip} frames of the clip were kept");
    }

    let fakes = folder.path().join("fakes");
    done(&["forge", "--data", text(&data), "--out", text(&fakes)]);
    assert!(rows(&fakes.join("faces.csv")).len() >= 14 && fakes.join("sheet.png").is_file());

    let runs = folder.path().join("runs");
    let train = ["train", "--data", text(&data), "--out", text(&runs), "--runs", "2", "--epochs", "2", "--batch", "7"];
    let more = ["--seed", "3", "--augment", "robust", "--forge", "0.3"];
    let (_, said) = done(&[train.as_slice(), &more].concat());
    assert!(said.contains("2 runs: accuracy"), "{said}");
    check_runs(&runs);
    fails(&[train.as_slice(), &more].concat(), 1, &["holds runs already", "--resume"]);

    // A run that lost its last epoch's files, as after a power cut, goes on; one that has ended is only written anew.
    let last = runs.join("seed-4/last.safetensors");
    fs::remove_file(&last).expect("it was written");
    fs::remove_file(runs.join("seed-4/model.onnx")).expect("it was written");
    let (_, said) = done(&["train", "--resume", text(&runs)]);
    assert!(said.contains("seed 4: epoch 1 of 2") && !said.contains("seed 3: epoch"), "{said}");
    check_runs(&runs);

    let (page, _) = done(&["evaluate", text(&runs), "--data", text(&data), "--split", "train"]);
    assert!(page.contains("| gan |") && page.contains("**pooled**") && !page.contains("| JPEG |"), "{page}");
    let evaluation = runs.join("evaluation");
    let pictures = |folder: &Path, stems: &[&str]| {
        for file in stems.iter().flat_map(|stem| ["png", "svg"].map(|ending| format!("plots/{stem}.{ending}"))) {
            assert!(folder.join(&file).is_file(), "{file}");
        }
    };
    pictures(&evaluation, &["roc", "scores-seed-3", "reliability-seed-3", "confusion-seed-4", "cams"]);
    let one = runs.join("seed-3");
    let (page, _) = done(&["evaluate", text(&one), "--data", text(&data), "--split", "train", "--robustness"]);
    assert!(page.contains("| JPEG |") && page.contains("| Crop offset |"), "{page}");
    pictures(&one.join("evaluation"), &["robustness"]);
    assert!(evaluation.join("plots/mistakes-seed-3.png").is_file());
    let header = fs::read_to_string(evaluation.join("scores-seed-3.csv")).expect("it was written");
    assert!(header.starts_with("path,score,label,source"), "{header}");

    let (page, _) = done(&["compare", text(&runs), text(&runs), "--out", text(&folder.path().join("comparison"))]);
    assert!(page.contains("| pooled |") && page.contains("+0.000"), "{page}");
    assert!(folder.path().join("comparison/training.svg").is_file());

    let model = runs.join("seed-3/model.onnx");
    assert_eq!(means(&model), 0, "the picture is seen as it is");
    let (_, said) = done(&["calibrate", text(&runs), "--split", "train", "--apcer", "0.1", "--smooth"]);
    assert!(said.contains("temperature") && said.contains("unsure"), "{said}");
    assert_eq!(means(&model), 2, "the picture is smoothed");
    let calibrated = ModelFile::parse(&fs::read(&model).expect("it is there")).expect("it holds the contract").contract;
    assert_ne!((calibrated.calibration.temperature, calibrated.calibration.bias), (1.0, 0.0));
    let rates = calibrated.thresholds.error_rates.clone().expect("they were measured");
    assert!(rates.apcer <= 0.1 && rates.bpcer <= 0.05 && rates.measured_on.contains("split train"), "{rates:?}");

    // Going on with runs that have ended leaves them as they are.
    let before = digest::of_file(&model).expect("it is there");
    done(&["train", "--resume", text(&runs)]);
    assert_eq!(digest::of_file(&model).expect("it is there"), before, "the calibration was lost");

    let (speed, _) = done(&["bench", "--batch", "4", "--steps", "1"]);
    assert!(speed.contains("\"faces_per_s\""), "{speed}");

    // The checkpoint alone gives a model file of the same numbers and the same words about itself.
    let again = folder.path().join("again.onnx");
    done(&["export", text(&runs.join("seed-3/best.safetensors")), "--out", text(&again)]);
    let again_contract = ModelFile::parse(&fs::read(&again).expect("it was written")).expect("it is whole").contract;
    assert_eq!(again_contract, calibrated);
    assert_eq!(means(&again), 2, "the checkpoint knows that the picture is smoothed");

    let photo = folder.path().join("camera/0.png");
    let table = folder.path().join("verdicts.csv");
    let mut look = Command::new(cyborg());
    look.args(["image", text(&photo), "--model", text(&again), "--csv", text(&table)]);
    let (code, _, said) = run(&mut look);
    assert_eq!(code, 0, "{said}");
    assert_eq!(rows(&table).len(), 1, "one face, one verdict");

    // Real faces of elsewhere that look synthetic part the thresholds, with one half in the middle.
    let (other, strangers) = (runs.join("seed-4"), folder.path().join("strangers.csv"));
    fs::write(&strangers, "source,label,score\nphone,real,0.5\nphone,real,0.9999999\nphone,synthetic,0.1\n")
        .expect("it can be written");
    let calibrate = ["calibrate", text(&other), "--split", "train", "--apcer", "0.1", "--bpcer", "0"];
    done(&[calibrate.as_slice(), &["--unseen-real", text(&strangers)]].concat());
    let bytes = fs::read(other.join("model.onnx")).expect("it is there");
    let found = ModelFile::parse(&bytes).expect("it holds the contract").contract.thresholds;
    assert!(found.authentic_below < 0.2 && found.synthetic_above > 0.8, "{found:?}");
    assert!((found.authentic_below + found.synthetic_above - 1.0).abs() < 1e-3, "{found:?}");
    assert!(found.error_rates.expect("they were measured").measured_on.contains("had not seen"));
}

#[test]
fn scores_are_measured_beside_a_model_that_sees_no_face() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = prepared(&folder);
    // Every other face is measured on.
    let mut lines = "file,label,split,source\n".to_owned();
    for (at, row) in rows(&data.join("faces.csv")).iter().enumerate() {
        let split = if at % 2 == 0 { "train" } else { "validation" };
        lines += &format!("{},{},{split},{}\n", &row[0], &row[1], &row[3]);
    }
    let list = data.join("parted.csv");
    fs::write(&list, lines).expect("it can be written");
    let [probe, scores, out] = ["probe.csv", "scores.csv", "measured"].map(|file| folder.path().join(file));
    done(&["probe", "--data", text(&list), "--out", text(&probe)]);
    let found = rows(&probe);
    assert_eq!(found.len(), 14);
    assert!(found.iter().all(|row| row[2] == *"validation" && row[5] == *"shortcut probe"), "{found:?}");
    fails(&["probe", "--data", text(&list), "--split", "train", "--out", text(&probe)], 2, &["learns from"]);

    let mut look = Command::new(cyborg());
    look.args(["image", "--list", text(&list), "--split", "validation", "--model", "small", "--csv", text(&scores)]);
    let (code, _, said) = run(&mut look);
    assert_eq!(code, 0, "{said}");
    let measure = ["measure", text(&scores), "--split", "validation", "--out", text(&out)];
    let (page, _) = done(&[measure.as_slice(), &["--probe", text(&probe)]].concat());
    assert!(page.contains("| gan |") && page.contains("The model is ahead of it by 0.10 or more on"), "{page}");
    fails(&[measure.as_slice(), &["--probe", text(&list)]].concat(), 1, &["parted.csv"]);
}

/// What two runs of two epochs leave behind.
fn check_runs(runs: &Path) {
    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(runs.join("config.json")).expect("it was written")).expect("JSON");
    assert_eq!((&config["fit"]["seed"], &config["runs"]), (&3.into(), &2.into()));
    assert_eq!(config["data"]["saliency"], "landmarks");
    let summary = rows(&runs.join("summary.csv"));
    let names: Vec<&str> = summary.iter().map(|row| &row[0]).collect();
    assert_eq!(names, ["seed-3", "seed-4", "mean", "standard deviation"]);
    assert!(runs.join("plots/training.png").is_file());
    for seed in [3, 4] {
        let run = runs.join(format!("seed-{seed}"));
        assert_eq!(rows(&run.join("metrics.csv")).len(), 2);
        assert!(rows(&run.join("validation.csv")).len() >= 2, "a tenth of each source, rounded");
        let events = fs::read_dir(&run).expect("it is there").flatten();
        assert!(
            events.filter(|entry| entry.file_name().to_string_lossy().starts_with("events.out.tfevents")).count() > 0
        );
        let bytes = fs::read(run.join("model.onnx")).expect("it was written");
        let file = ModelFile::parse(&bytes).expect("it holds the contract");
        assert_eq!((file.contract.training.seed, file.contract.saliency.alpha), (seed, 0.5));
        assert_eq!(file.contract.saliency.source, "landmark-prior+blend-masks");
        assert!(file.contract.auc.contains_key("kept_out_same_sources"));
        let line = fs::read_to_string(run.join("model.onnx.sha256")).expect("it was written");
        assert_eq!(line, format!("{}  model.onnx\n", digest::of_bytes(&bytes)));
    }
}

#[test]
fn imagenet_weights_are_imported() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let weights = lock::cached("efficientnet_lite0_imagenet").expect("it is locked");
    let out = folder.path().join("imagenet.safetensors");
    let import = |network| ["import", text(&weights), "--network", network, "--out", text(&out)].map(str::to_owned);
    let (_, said) = done(&import("efficientnet_lite0").each_ref().map(String::as_str));
    assert!(said.contains("1000 classes"), "{said}");
    // It says nothing of crops and thresholds, so it can't become a model file.
    let model = folder.path().join("a.onnx");
    fails(&["export", text(&out), "--out", text(&model)], 1, &["doesn't say how it is to be used"]);
    let foreign = import("densenet121");
    fails(&foreign.each_ref().map(String::as_str), 1, &["not weights of densenet121"]);
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let out = folder.path().join("out");
    let train = |data: &Path, more: &[&'static str]| {
        let mut arguments = vec!["train", "--out", text(&out), "--data", text(data)].into_iter().map(str::to_owned);
        arguments.by_ref().chain(more.iter().map(|&word| word.to_owned())).collect::<Vec<String>>()
    };
    let check = |arguments: Vec<String>, code: i32, parts: &[&str]| {
        fails(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), code, parts);
    };
    check(train(Path::new("no/such/list.csv"), &[]), 1, &["no/such/list.csv"]);
    let list = folder.path().join("faces.csv");
    fs::write(&list, "file,label\na.png,real\nb.png,fake\n").expect("it can be written");
    check(train(&list, &[]), 1, &["2 lines", "line 2", "a.png is missing", "line 3", "`fake`", "--root"]);
    let wall = folder.path().join("wall.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([90; 3])).save(&wall).expect("it can be written");
    let faceless = folder.path().join("walls.csv");
    fs::write(&faceless, "file,label\nwall.png,real\n").expect("it can be written");
    check(train(&faceless, &["--crop", "face"]), 1, &["line 2", "wall.png: no face found", "--crop whole"]);
    check(train(&list, &["--alpha", "1.5"]), 2, &["expected a number in 0 to 1"]);
    check(train(&list, &["--network", "vgg"]), 2, &["vgg", "resnet50"]);
    check(train(&list, &["--device", "gpu"]), 2, &["cuda:N"]);
    check(train(&list, &["--device", "cuda"]), 1, &["no CUDA device", "--device cpu"]);
    check(train(&list, &["--precision", "mixed"]), 1, &["mixed precision is for CUDA"]);
    check(train(&list, &["--network", "resnet50"]), 1, &["no weights come with resnet50", "--weights none"]);
    check(train(&list, &["--resume", "runs"]), 2, &["--resume"]);
    check(train(&list, &["--validate-on", "train"]), 2, &["--validate-on train"]);
    fails(&["train", "--out", text(&out)], 2, &["--data"]);
    fails(&["train", "--resume", text(folder.path())], 1, &["is not a folder of runs", "config.json"]);
    fails(&["evaluate", text(folder.path()), "--data", text(&list)], 1, &["is not a folder of runs"]);
    fails(&["compare", text(folder.path()), text(folder.path())], 1, &["has not been evaluated"]);
    let words = folder.path().join("weights.pth");
    fs::write(&words, "no weights").expect("it can be written");
    fails(&["train", "--data", text(&list), "--out", text(&out), "--weights", text(&words)], 1, &["weights.pth"]);
    fails(&["calibrate", text(&words), "--data", text(&list)], 1, &["weights.pth"]);
    // One bad file doesn't stop the others.
    let (real, _) = photos(folder.path(), 1);
    fs::write(real.join("z.png"), "no photo").expect("it can be written");
    fails(&["prepare", text(&real), "--label", "real", "--out", text(&out)], 3, &["z.png", "1 faces of 1 files"]);
    fails(&["prepare", text(&words), "--label", "real", "--out", text(&out)], 1, &["weights.pth"]);
}
