//! `cyborg-train compare`: two settings side by side, on the same faces, with the difference of their AUCs.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::runs::point;
use crate::checkpoint;
use crate::data::list::Label;
use crate::evaluation::ScoredFace;
use crate::evaluation::beside;
use crate::evaluation::table::{self, ReadScores};
use crate::metrics::{AucDifference, Bootstrap, Comparison, Scored, auc_difference, compare};
use crate::plot::curves::{Band, Setting, TrainingCurves};
use crate::run_folder::{METRICS, RunFolder, read_metrics};
use cyborg_models::name;

#[derive(Args, Debug)]
pub(super) struct CompareArgs {
    /// Folder of runs, evaluated before
    #[arg(value_name = "RUNS_A")]
    pub(super) first: PathBuf,
    /// Folder of other runs, evaluated on the same faces
    #[arg(value_name = "RUNS_B")]
    pub(super) second: PathBuf,
    /// Folder in each of them that the evaluation was written to
    #[arg(long, value_name = "NAME", default_value = "evaluation")]
    pub(super) evaluation: PathBuf,
    /// Folder to write tables and pictures to [default: print the table alone]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub(super) draws: u32,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let first = Scores::read(&args.first, &args.evaluation)?;
    let second = Scores::read(&args.second, &args.evaluation)?;
    let evaluated = [&args.first, &args.second].map(|folder| Evaluated::read(&folder.join(&args.evaluation)));
    let [one, other] = evaluated;
    let (Evaluated { score: one, apart }, Evaluated { score: other, apart: others }) = (one?, other?);
    ensure!(
        apart == others,
        "one was evaluated with other sources `--apart` than the other: evaluate one of them again"
    );
    let apart = &apart[..];
    ensure!(
        one == other,
        "one was evaluated with `--score {one}`, the other with `--score {other}`: evaluate one of them again"
    );
    let same = |a: &ScoredFace, b: &ScoredFace| a.path == b.path && a.label == b.label;
    let faces_match =
        first.faces.len() == second.faces.len() && first.faces.iter().zip(&second.faces).all(|(a, b)| same(a, b));
    ensure!(
        faces_match,
        "{} and {} were not evaluated on the same faces: run `cyborg-train evaluate` on both with the same `--data` and `--split`",
        name::of(&args.first),
        name::of(&args.second)
    );
    let bootstrap = Bootstrap { draws: args.draws as usize, seed: args.seed };
    let pooled = |face: &ScoredFace| !apart.contains(&face.source);
    let mut lines = vec![Line::new("pooled", &first, &second, bootstrap, pooled)?];
    let sources: BTreeSet<&str> = first.faces.iter().map(|face| face.source.as_str()).collect();
    for source in sources {
        lines.push(Line::new(source, &first, &second, bootstrap, beside(&first.faces, source, apart))?);
    }
    let page = page(&first, &second, &lines);
    // A reader that has gone is no failure.
    let _ = writeln!(std::io::stdout().lock(), "{page}");
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).with_context(|| format!("can't make {}", name::of(out)))?;
        let path = out.join("comparison.md");
        checkpoint::replace(&path, page.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
        let path = out.join("comparison.json");
        let json = serde_json::to_string_pretty(&lines)? + "\n";
        checkpoint::replace(&path, json.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
        let settings = vec![curves_of(&args.first, &first.name)?, curves_of(&args.second, &second.name)?];
        let title = format!("{} and {}", first.name, second.name);
        TrainingCurves { title, settings, band: Band::Deviation }.save(&out.join("training"))?;
    }
    Ok(())
}

/// How something was evaluated.
#[derive(serde::Deserialize)]
struct Evaluated {
    /// Which score.
    score: String,
    /// Sources that are in no pooled number.
    #[serde(default)]
    apart: Vec<String>,
}

impl Evaluated {
    fn read(evaluation: &Path) -> anyhow::Result<Self> {
        let path = evaluation.join("report.json");
        let fail = || format!("can't read {}: run `cyborg-train evaluate` again", name::of(&path));
        serde_json::from_str(&std::fs::read_to_string(&path).with_context(fail)?).with_context(fail)
    }
}

/// The scores of a setting's runs.
struct Scores {
    name: String,
    faces: Vec<ScoredFace>,
    runs: Vec<Vec<f64>>,
}

impl Scores {
    fn read(folder: &Path, evaluation: &Path) -> anyhow::Result<Self> {
        let place = folder.join(evaluation);
        let cure = || {
            format!(
                "{} has not been evaluated: run `cyborg-train evaluate {} --data LIST` first",
                name::of(folder),
                name::of(folder)
            )
        };
        let mut tables: Vec<PathBuf> = std::fs::read_dir(&place)
            .with_context(cure)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| is_table(path))
            .collect();
        tables.sort();
        let mut runs = Vec::new();
        let mut faces: Option<Vec<ScoredFace>> = None;
        for path in &tables {
            let ReadScores { faces: these, scores } = table::read(path)?;
            if faces.as_ref().is_some_and(|faces| *faces != these) {
                bail!("{} and {} cover different faces", name::of(path), name::of(&tables[0]));
            }
            faces = Some(these);
            runs.push(scores);
        }
        let name = folder.file_name().map_or_else(|| name::of(folder), |name| name.to_string_lossy().into_owned());
        Ok(Self { name, faces: faces.with_context(cure)?, runs })
    }

    fn scored(&self, wanted: &dyn Fn(&ScoredFace) -> bool) -> Vec<Vec<Scored>> {
        let of_run = |scores: &Vec<f64>| {
            let pairs = self.faces.iter().zip(scores).filter(|(face, _)| wanted(face));
            pairs.map(|(face, &score)| Scored { score, label: face.label }).collect()
        };
        self.runs.iter().map(of_run).collect()
    }
}

fn is_table(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with("scores-") && name.ends_with(".csv"))
}

/// A source in both settings.
#[derive(serde::Serialize)]
struct Line {
    source: String,
    real: usize,
    synthetic: usize,
    comparison: Comparison,
    /// DeLong's interval of the difference for these very weights, where each setting has one run.
    one_run: Option<AucDifference>,
}

impl Line {
    fn new(
        source: &str,
        first: &Scores,
        second: &Scores,
        bootstrap: Bootstrap,
        wanted: impl Fn(&ScoredFace) -> bool,
    ) -> anyhow::Result<Self> {
        let count = |label| first.faces.iter().filter(|face| wanted(face) && face.label == label).count();
        let fail = || format!("can't compare on {source}");
        let (one, other) = (first.scored(&wanted), second.scored(&wanted));
        let comparison = compare(&one, &other, bootstrap).with_context(fail)?;
        let one_run = match (&one[..], &other[..]) {
            ([one], [other]) => Some(auc_difference(one, other).with_context(fail)?),
            _ => None,
        };
        let (real, synthetic) = (count(Label::Authentic), count(Label::Synthetic));
        Ok(Self { source: source.to_owned(), real, synthetic, comparison, one_run })
    }
}

fn page(first: &Scores, second: &Scores, lines: &[Line]) -> String {
    let mut page = format!(
        "# {a} and {b}\n\nAUC, mean and standard deviation over {n} and {m} runs; the difference is that of the means,\n\
         {a} minus {b}, with its 95 % interval over seeds and faces (hierarchical bootstrap).\n\n\
         | source | real | synthetic | {a} | {b} | difference | 95 % interval |\n|---|---|---|---|---|---|---|\n",
        a = first.name,
        b = second.name,
        n = first.runs.len(),
        m = second.runs.len()
    );
    for Line { source, real, synthetic, comparison, .. } in lines {
        let words = |spread: &crate::metrics::Spread| match spread.deviation {
            Some(deviation) => format!("{:.3} ± {deviation:.3}", spread.mean),
            None => format!("{:.3}", spread.mean),
        };
        page += &format!(
            "| {source} | {real} | {synthetic} | {} | {} | {:+.3} | {:+.3} to {:+.3} |\n",
            words(&comparison.first),
            words(&comparison.second),
            comparison.difference,
            comparison.low,
            comparison.high
        );
    }
    if let Some(Line { one_run: Some(one_run), .. }) = lines.first() {
        page += &format!(
            "\nOf these very weights, pooled: {:+.3}, 95 % interval {:+.3} to {:+.3}, p = {:.3} (DeLong).\n",
            one_run.difference, one_run.low, one_run.high, one_run.p
        );
    }
    if first.runs.len() < 3 || second.runs.len() < 3 {
        page += "\nFewer than three runs in a setting: the interval knows little of what another seed would give.\n";
    }
    page
}

/// The training curves of a setting, as far as its runs are there.
fn curves_of(folder: &Path, name: &str) -> anyhow::Result<Setting> {
    let runs = RunFolder::open(folder)?;
    let mut curves = Vec::new();
    for seed in runs.seeds() {
        let path = runs.of_seed(seed).join(METRICS);
        if path.is_file() {
            curves.push(read_metrics(&path)?.iter().map(point).collect());
        }
    }
    Ok(Setting { name: name.to_owned(), runs: curves })
}
