//! A run that stopped goes on to the numbers of one that didn't: after a kill, after Ctrl-C, after a full disk.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cyborg_models::digest;
use cyborg_models::model_file::ModelFile;
use cyborg_trainer::checkpoint;

use crate::support::{cyborg_train, done, means, photos, rows, run, text};

/// A prepared list of 24 faces.
fn data(folder: &Path) -> PathBuf {
    let (real, synthetic) = photos(folder, 12);
    let data = folder.join("data");
    for (photos, label) in [(&real, "real"), (&synthetic, "synthetic")] {
        done(&["prepare", text(photos), "--label", label, "--out", text(&data)]);
    }
    data
}

/// How all runs here are made: on one thread, where libtorch gives the same numbers each time, and with all that draws
/// random numbers.
fn train<'a>(data: &'a Path, out: &'a Path) -> Vec<&'a str> {
    let mut arguments = vec!["train", "--data", text(data), "--out", text(out), "--threads", "1", "--runs", "1"];
    arguments.extend([
        "--epochs",
        "3",
        "--batch",
        "6",
        "--augment",
        "robust",
        "--forge",
        "0.25",
        "--average",
        "0.9",
        "--smooth",
        "--margin",
        "0.8",
        "--seed",
        "5",
    ]);
    arguments
}

/// All that must be the same, to the last bit: weights and optimiser, scores, and the table but for its speeds.
fn check_same(one: &Path, other: &Path) {
    let of = |file: &str| [one, other].map(|out| out.join("seed-5").join(file));
    for file in ["last.safetensors", "best.safetensors"] {
        let [one, other] = of(file).map(|path| checkpoint::read(&path).expect("it was written"));
        assert_eq!(one.metadata, other.metadata, "{file}");
        assert_eq!(one.state.len(), other.state.len(), "{file}");
        for (name, array) in &one.state {
            assert!(array == &other.state[name], "{file}: {name}");
        }
    }
    let [one, other] = of("validation.csv").map(|path| rows(&path));
    assert_eq!(one, other);
    let without_speed =
        |row: &csv::StringRecord| -> Vec<String> { row.iter().take(row.len() - 1).map(str::to_owned).collect() };
    let [one, other] = of("metrics.csv").map(|path| rows(&path).iter().map(without_speed).collect::<Vec<_>>());
    assert_eq!((one.len(), one), (3, other));
}

/// Waits until a file has so many lines; the program must be running that long.
fn wait_for_lines(child: &mut Child, path: &Path, lines: usize) {
    let start = Instant::now();
    while fs::read_to_string(path).map_or(0, |text| text.lines().count()) < lines {
        assert!(child.try_wait().expect("it is our child").is_none(), "it ended before its time");
        assert!(start.elapsed() < Duration::from_secs(300), "{} did not grow", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start(arguments: &[&str]) -> Child {
    cyborg_train(arguments).stderr(Stdio::null()).spawn().expect("the program starts")
}

#[test]
fn a_stopped_run_comes_to_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = data(folder.path());
    let whole = folder.path().join("whole");
    done(&train(&data, &whole));

    let broken = folder.path().join("broken");
    let metrics = broken.join("seed-5/metrics.csv");
    // Killed somewhere in the second epoch.
    let mut child = start(&train(&data, &broken));
    wait_for_lines(&mut child, &metrics, 2);
    std::thread::sleep(Duration::from_millis(300));
    child.kill().expect("it runs");
    child.wait().expect("it is our child");

    // Stopped by Ctrl-C in the epoch after that.
    let mut child = start(&["train", "--resume", text(&broken), "--threads", "1"]);
    wait_for_lines(&mut child, &metrics, 3);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("there is a program `kill`").success());
    let code = child.wait().expect("it is our child").code();
    assert_eq!(code, Some(130));
    assert!(!broken.join("seed-5/model.onnx").exists());

    done(&["train", "--resume", text(&broken), "--threads", "1"]);
    check_same(&broken, &whole);

    // What can't be seen from the weights.
    let model = broken.join("seed-5/model.onnx");
    assert_eq!(means(&model), 2, "the picture is smoothed");
    let bytes = fs::read(&model).expect("the run ended");
    let margin = ModelFile::parse(&bytes).expect("it holds the contract").contract.crop.margin;
    assert!((margin - 0.8).abs() < 1e-6, "{margin}");
    let again = folder.path().join("again.onnx");
    done(&["export", text(&broken.join("seed-5/best.safetensors")), "--out", text(&again)]);
    assert_eq!(means(&again), 2, "the checkpoint knows that the picture is smoothed");
}

#[test]
fn a_run_over_kept_faces_comes_to_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = data(folder.path());
    let train = |out: &Path, cache: &Path| -> Vec<String> {
        let plain = "train --network clip_vit_b16 --depth 1 --weights none --tune head --augment robust --views 2 --runs 1 \
                     --epochs 3 --batch 6 --seed 5 --threads 1";
        let words = plain.split_whitespace().map(str::to_owned);
        let places = [("--data", data.as_path()), ("--out", out), ("--cache", cache)];
        words.chain(places.iter().flat_map(|(flag, path)| [(*flag).to_owned(), text(path).to_owned()])).collect()
    };
    let [whole, broken, cache, other] = ["whole", "broken", "cache", "other"].map(|name| folder.path().join(name));
    let arguments = train(&whole, &cache);
    let (_, said) = done(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("faces went through the trunk"), "{said}");

    // Killed after its first epoch, and gone on with from what was kept.
    let arguments = train(&broken, &other);
    let mut child = start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    wait_for_lines(&mut child, &broken.join("seed-5/metrics.csv"), 2);
    child.kill().expect("it runs");
    child.wait().expect("it is our child");
    let (_, said) = done(&["train", "--resume", text(&broken), "--threads", "1"]);
    assert!(said.contains(" 0 of "), "all faces were kept: {said}");
    check_same(&broken, &whole);

    let best = whole.join("seed-5/best.safetensors");
    let alone = folder.path().join("head.safetensors");
    done(&["export", text(&best), "--only-trained", "--out", text(&alone)]);
    let read = checkpoint::read(&alone).expect("it was written");
    assert_eq!(read.state.keys().collect::<Vec<_>>(), ["head.bias", "head.weight"]);
    assert_eq!(read.state["head.weight"].shape, [2, 768]);
    assert_eq!(read.metadata["run.depth"], "1");
    assert_eq!(read.metadata, checkpoint::read(&best).expect("it was written").metadata);
    assert!(fs::metadata(&alone).expect("it is there").len() < 1 << 14);
    // The checkpoint knows its depth: a network of six blocks would miss five of them.
    done(&["export", text(&best), "--out", text(&folder.path().join("again.onnx"))]);

    let (code, _, said) = run(&mut cyborg_train(&["train", "--network", "clip_vit_b16", "--depth", "13"]));
    assert!(code == 2 && said.contains("1 to 12"), "{said}");
    let (code, _, said) = run(&mut cyborg_train(&[
        "train",
        "--network",
        "clip_vit_b16",
        "--side",
        "112",
        "--data",
        text(&data),
        "--out",
        text(&other.join("x")),
    ]));
    assert!(code == 2 && said.contains("--side 112"), "{said}");
}

#[test]
fn a_full_disk_leaves_the_checkpoint_before_it() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = data(folder.path());
    let out = folder.path().join("runs");
    let mut child = start(&train(&data, &out));
    wait_for_lines(&mut child, &out.join("seed-5/metrics.csv"), 2);
    let last = out.join("seed-5/last.safetensors");
    while !last.exists() && child.try_wait().expect("it is our child").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it runs");
    child.wait().expect("it is our child");
    let before = digest::of_file(&last).expect("the first epoch was written");

    // No file may be longer than 4 MB, a checkpoint has some twenty: the write fails in its middle, as on a full disk.
    let limited = "ulimit -f 4000; trap '' XFSZ; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_cyborg-train");
    let arguments = ["-c", limited, "sh", program, "train", "--resume", text(&out), "--threads", "1"];
    let (code, _, said) = run(Command::new("bash").args(arguments));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("can't write") && said.contains("what was there before is still there"), "{said}");
    assert_eq!(digest::of_file(&last).expect("it is still there"), before);
    let leftovers = fs::read_dir(out.join("seed-5")).expect("it is there").flatten();
    let leftovers: Vec<_> =
        leftovers.filter(|entry| entry.file_name().to_string_lossy().starts_with(".unfinished-")).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");

    done(&["train", "--resume", text(&out), "--threads", "1"]);
    assert_eq!(rows(&out.join("seed-5/metrics.csv")).len(), 3);
}

#[test]
fn a_training_that_diverges_says_so_and_keeps_what_was_good() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = data(folder.path());
    let out = folder.path().join("runs");
    let (code, _, said) = run(&mut cyborg_train(&[&train(&data, &out)[..], &["--rate", "1e30"]].concat()));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("has diverged") && said.contains("--rate"), "{said}");
    assert!(!out.join("seed-5/last.safetensors").exists(), "weights that are no numbers were kept");
    assert_eq!(rows(&out.join("seed-5/metrics.csv")).len(), 0);
}

#[test]
fn other_data_are_refused() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = data(folder.path());
    let out = folder.path().join("runs");
    let mut child = start(&train(&data, &out));
    wait_for_lines(&mut child, &out.join("config.json"), 2);
    child.kill().expect("it runs");
    child.wait().expect("it is our child");
    let list = data.join("faces.csv");
    let fewer = fs::read_to_string(&list).expect("it is there");
    let fewer = fewer.trim_end().rsplit_once('\n').expect("it has lines").0.to_owned();
    fs::write(&list, fewer).expect("it can be written");
    let (code, _, said) = run(&mut cyborg_train(&["train", "--resume", text(&out)]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("are not those that the runs") && said.contains("put them back"), "{said}");
}
