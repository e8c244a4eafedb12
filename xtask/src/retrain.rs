//! `cargo xtask retrain`: trains and assembles what is shipped again, with the settings that it was made by. They are written down
//! here and in the set that is part of the program; how they were found is in benches/results.

use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::Context;
use clap::{Args, ValueEnum};
use cyborg_models::accurate::{self, SET_FILE, TOWER};
use cyborg_models::contract::Thresholds;
use cyborg_models::expert_set::ExpertSet;
use cyborg_models::lock;

use crate::build::Build;
use crate::setup::trainer_command;
use crate::step::{run, say, step};

/// The sources that the small model learnt from. The accurate set has a layer of their own for them.
const OLDER: &str = "real_congress,real_voteview,real_unsplash_hard,syn_stylegan2_hard,syn_sfhq,syn_sd21_sdfd,syn_t2i_sdxl,\
                     syn_t2i_flux1_schnell";
/// Validation sources of real and swapped faces.
const SWAPPED: &str = "pair_deepfacelive_real,pair_deepfacelive_swap,pair_dfdc_real,pair_dfdc_fake";
/// Sources that the two networks which the small model's threshold comes from don't know.
const FOLDS: [(&str, &str); 2] = [
    ("fold-f", "real_unsplash_hard,syn_sd21_sdfd,syn_t2i_sdxl,syn_t2i_flux1_schnell"),
    ("fold-g", "real_congress,real_voteview,syn_stylegan2_hard,syn_sfhq"),
];
const CURE: &str = "install Rust";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Model {
    /// The small model, from the rows that it learnt from: 3 networks, about 20 minutes on 2 cores
    Small,
    /// The accurate set, from all rows: about 30 minutes on 2 cores
    Accurate,
}

#[derive(Debug, Args)]
pub(crate) struct RetrainArgs {
    /// What is trained
    model: Model,
    /// List of faces, as models/CARD.md describes it, after `cyborg-train locate`
    list: PathBuf,
    /// Folder for what comes of it; it is made where it isn't there
    out: PathBuf,
}

/// Trains, assembles and measures it.
pub(crate) fn run_all(args: &RetrainArgs) -> anyhow::Result<()> {
    // The trainer is run by cargo, in a folder of its own choice.
    let list = absolute(&args.list).with_context(|| format!("can't find {}", args.list.display()))?;
    anyhow::ensure!(list.is_file(), "{} isn't there: give the list of faces", list.display());
    fs::create_dir_all(&args.out).with_context(|| format!("can't make {}", args.out.display()))?;
    let out = absolute(&args.out).with_context(|| format!("can't find {}", args.out.display()))?;
    match args.model {
        Model::Small => small(&list, &out),
        Model::Accurate => accurate(&list, &out),
    }
}

/// Arguments that are written as a line, with `{}` for each of some paths.
fn words<'a>(line: &'a str, paths: &[&'a Path]) -> Vec<&'a std::ffi::OsStr> {
    let mut paths = paths.iter();
    let word = |word: &'a str| match word {
        "{}" => paths.next().map_or(std::ffi::OsStr::new(word), |path| path.as_os_str()),
        _ => std::ffi::OsStr::new(word),
    };
    line.split_whitespace().map(word).collect()
}

fn train(name: &str, line: &str, paths: &[&Path]) -> anyhow::Result<()> {
    step(name, || run(trainer_command()?.args(words(line, paths)), CURE))
}

fn small(list: &Path, out: &Path) -> anyhow::Result<()> {
    let older = out.join("older.csv");
    fs::write(&older, rows_of(list, &OLDER.split(',').collect::<Vec<_>>())?)
        .with_context(|| format!("can't write {}", older.display()))?;
    // Paths in a list are relative to it, and this one lies elsewhere.
    let root = list.parent().map(|folder| [folder.join("faces"), folder.to_owned()]);
    let root = root.into_iter().flatten().find(|folder| folder.is_dir()).context("the list lies in no folder")?;
    let recipe = "train --data {} --root {} --margin 0.85 --smooth --augment robust --forge 0.7 --balance sources --preset adamw --rate 0.001 \
                  --batch 32 --freeze 8 --average 0.998 --epochs 3 --best-by last --runs 1 --seed 1 --out {}";
    let shipped = out.join("shipped");
    train("the network", recipe, &[&older, &root, &shipped])?;
    let mut judged = Vec::new();
    for (fold, left_out) in FOLDS {
        let folder = out.join(fold);
        train(fold, &format!("{recipe} --leave-out {left_out}"), &[&older, &root, &folder])?;
        judged.push(folder.join("seed-1").join("validation.csv"));
    }
    let [f, g] = &judged[..] else { anyhow::bail!("there are two folds") };
    let calibrate = "calibrate {} --unseen-real {} {} --bpcer 0.1 --apcer 0.15";
    train("calibration", calibrate, &[&shipped, f, g])?;
    let model = shipped.join("seed-1").join("model.onnx");
    say(&format!("the model is {}", model.display()));
    say(&format!(
        "its form in 8 bits, by a list with `validation` rows: cargo xtask trainer export {} --precision int8 --data LIST --out {}",
        model.display(),
        model.with_file_name("model-int8.onnx").display()
    ));
    Ok(())
}

/// A list of the training rows of some sources, from a list with a header.
fn rows_of(list: &Path, sources: &[&str]) -> anyhow::Result<Vec<u8>> {
    let fail = || format!("can't read the list {}", list.display());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(list).with_context(fail)?;
    let header = reader.headers().with_context(fail)?.clone();
    let place = |column: &str| {
        let found = header.iter().position(|name| name == column);
        found.with_context(|| format!("{} has no column `{column}`", list.display()))
    };
    let (source, split) = (place("source")?, place("split")?);
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(&header)?;
    let mut known = 0;
    for record in reader.into_records() {
        let record = record.with_context(fail)?;
        if record.get(split) == Some("train") && record.get(source).is_some_and(|name| sources.contains(&name)) {
            rows.write_record(&record)?;
            known += 1;
        }
    }
    anyhow::ensure!(known > 0, "{} has no training row of {}", list.display(), sources.join(", "));
    Ok(rows.into_inner()?)
}

fn accurate(list: &Path, out: &Path) -> anyhow::Result<()> {
    let head = out.join("head.safetensors");
    let recipe = format!(
        "head --data {{}} --margin 1.0 --part {OLDER} --both real_template_portraits --part-share 0.43,0.68 \
         --swapped {SWAPPED} --out {{}}"
    );
    train("the head", &recipe, &[list, &head])?;
    let program = Build::release().program()?;
    let cyborg = |name: &str, line: &str, paths: &[&Path]| {
        step(name, || run(Command::new(&program).args(words(line, paths)), CURE))
    };
    let tower = lock::cached(TOWER).context("no cache folder is known: set CYBORG_CACHE or HOME")?;
    let folder = out.join("set");
    cyborg("the set", "models assemble {} --head {} --out {}", &[&tower, &head, &folder])?;
    let set = folder.join(SET_FILE);
    let synthetic_above = with_shipped_weights(&set)?;
    let (clip, small, both) = (out.join("clip.csv"), out.join("small.csv"), out.join("set.csv"));
    let scores = "image --list {} --split validation --model {} --csv {}";
    cyborg("what the first expert says", scores, &[list, &folder.join(accurate::MODEL_FILE), &clip])?;
    cyborg("what the small model says", scores, &[list, Path::new("small-float32"), &small])?;
    let fuse = format!("fuse {{}} {{}} {{}} --apart {SWAPPED} --synthetic-above {synthetic_above}");
    train("the fusion", &fuse, &[&set, &clip, &small])?;
    cyborg("what the set says", scores, &[list, &set, &both])?;
    // Those that the fusion has just set.
    let Thresholds { authentic_below, synthetic_above, .. } = read_set(&set)?.thresholds;
    let measure = format!(
        "measure {{}} --data {{}} --split validation --apart {SWAPPED} --authentic-below {authentic_below} \
         --synthetic-above {synthetic_above} --out {{}}"
    );
    train("the measure", &measure, &[&both, list, &out.join("measured")])?;
    say(&format!("the set is {}; its figures on validation are in {}", set.display(), out.join("measured").display()));
    Ok(())
}

fn read_set(path: &Path) -> anyhow::Result<ExpertSet> {
    let fail = || format!("can't read the set {}", path.display());
    let text = fs::read_to_string(path).with_context(fail)?;
    ExpertSet::parse(&text).with_context(fail)
}

/// Gives an assembled set the second expert that ours has, and the weights of both; says the threshold of synthetic.
fn with_shipped_weights(path: &Path) -> anyhow::Result<f32> {
    let shipped = accurate::set()?;
    let mut set = read_set(path)?;
    set.experts.extend(shipped.experts.iter().skip(1).cloned());
    for (expert, ours) in set.experts.iter_mut().zip(&shipped.experts) {
        expert.weight = ours.weight;
    }
    fs::write(path, set.to_toml()?).with_context(|| format!("can't write {}", path.display()))?;
    Ok(shipped.thresholds.synthetic_above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_arguments_and_paths_may_have_spaces() {
        let found = words("train --data {} --out {}", &[Path::new("a list.csv"), Path::new("out")]);
        assert_eq!(found, ["train", "--data", "a list.csv", "--out", "out"]);
    }

    #[test]
    fn the_rows_of_some_sources_are_taken_with_their_header() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let list = folder.path().join("list.csv");
        let text = "file,label,split,source\n\"a, b.png\",real,train,one\nc.png,real,test,one\nd.png,real,train,two\n";
        fs::write(&list, text).expect("it can be written");
        let rows = String::from_utf8(rows_of(&list, &["one"]).expect("it has one")).expect("it is text");
        assert_eq!(rows, "file,label,split,source\n\"a, b.png\",real,train,one\n");
        assert!(rows_of(&list, &["three"]).expect_err("it has none").to_string().contains("three"));
    }

    #[test]
    fn a_set_gets_the_experts_and_weights_of_ours() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join(SET_FILE);
        let mut ours = accurate::set().expect("it is part of the package");
        let weight = ours.experts[1].weight;
        ours.experts.truncate(1);
        fs::write(&path, ours.to_toml().expect("it can be written")).expect("it can be written");
        let above = with_shipped_weights(&path).expect("it is a set");
        assert_eq!(above, ours.thresholds.synthetic_above);
        let set = read_set(&path).expect("it is a set");
        assert_eq!((set.experts.len(), set.experts[1].weight), (2, weight));
    }
}
