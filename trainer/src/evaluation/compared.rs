//! Two settings side by side, from what was written when they were evaluated on the same faces.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cyborg_models::name;
use serde::{Deserialize, Serialize};

use super::table::{self, ReadScores};
use super::{ScoredFace, beside};
use crate::data::list::Label;
use crate::metrics::{AucDifference, Bootstrap, Comparison, Scored, Spread, auc_difference, compare};

/// A folder of runs that were not evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} has not been evaluated", name::of(.0))]
pub struct NotEvaluated(pub PathBuf);

/// Two settings that were evaluated on different faces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} and {} were not evaluated on the same faces", name::of(first), name::of(second))]
pub struct OtherFaces {
    /// The folder of one.
    pub first: PathBuf,
    /// The folder of the other.
    pub second: PathBuf,
}

/// Two settings side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Their names.
    pub names: [String; 2],
    /// How many runs they have.
    pub runs: [usize; 2],
    /// All faces, then each source.
    pub lines: Vec<Line>,
}

/// A source in both settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Its name; `pooled` for all of them.
    pub source: String,
    /// Real faces.
    pub real: usize,
    /// Synthetic faces.
    pub synthetic: usize,
    /// Both settings over their runs.
    pub comparison: Comparison,
    /// DeLong's interval of the difference for these very weights, where each setting has one run.
    pub one_run: Option<AucDifference>,
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

impl Compared {
    /// Compares what was written when the runs in two folders were evaluated, by default into the folder `evaluation` of each.
    ///
    /// # Errors
    ///
    /// When one of them was not evaluated, or not as the other was, or a class is missing.
    pub fn read(first: &Path, second: &Path, evaluation: &Path, bootstrap: Bootstrap) -> anyhow::Result<Self> {
        let places = (first, second);
        let (first, second) = (Scores::read(first, evaluation)?, Scores::read(second, evaluation)?);
        let one = Evaluated::read(&places.0.join(evaluation))?;
        let other = Evaluated::read(&places.1.join(evaluation))?;
        ensure!(
            one.apart == other.apart,
            "one was evaluated with other sources apart than the other: evaluate one of them again"
        );
        ensure!(
            one.score == other.score,
            "one was evaluated with the score `{}`, the other with `{}`: evaluate one of them again",
            one.score,
            other.score
        );
        let apart = &one.apart[..];
        let same = |a: &ScoredFace, b: &ScoredFace| a.path == b.path && a.label == b.label;
        let faces_match =
            first.faces.len() == second.faces.len() && first.faces.iter().zip(&second.faces).all(|(a, b)| same(a, b));
        if !faces_match {
            return Err(OtherFaces { first: places.0.to_owned(), second: places.1.to_owned() }.into());
        }
        let pooled = |face: &ScoredFace| !apart.contains(&face.source);
        let mut lines = vec![Line::new("pooled", &first, &second, bootstrap, pooled)?];
        let sources: BTreeSet<&str> = first.faces.iter().map(|face| face.source.as_str()).collect();
        for source in sources {
            lines.push(Line::new(source, &first, &second, bootstrap, beside(&first.faces, source, apart))?);
        }
        let names = [first.name, second.name];
        Ok(Self { names, runs: [first.runs.len(), second.runs.len()], lines })
    }

    /// As a page of Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let Self { names: [a, b], runs: [n, m], lines } = self;
        let mut page = format!(
            "# {a} and {b}\n\nAUC, mean and standard deviation over {n} and {m} runs; the difference is that of the means,\n\
         {a} minus {b}, with its 95 % interval over seeds and faces (hierarchical bootstrap).\n\n\
         | source | real | synthetic | {a} | {b} | difference | 95 % interval |\n|---|---|---|---|---|---|---|\n"
        );
        for Line { source, real, synthetic, comparison, .. } in lines {
            let words = |spread: &Spread| match spread.deviation {
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
        if *n < 3 || *m < 3 {
            page +=
                "\nFewer than three runs in a setting: the interval knows little of what another seed would give.\n";
        }
        page
    }
}

/// How something was evaluated.
#[derive(Deserialize)]
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
        serde_json::from_str(&fs::read_to_string(&path).with_context(fail)?).with_context(fail)
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
        let cure = || NotEvaluated(folder.to_owned());
        let mut tables: Vec<PathBuf> = fs::read_dir(&place)
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

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const DRAWS: Bootstrap = Bootstrap { draws: 50, seed: 1 };

    /// A folder of evaluated runs: four faces of two sources, the synthetic ones with these scores.
    fn evaluated(folder: &Path, name: &str, score: &str, runs: &[f64], photo: &str) -> PathBuf {
        let place = folder.join(name).join("evaluation");
        fs::create_dir_all(&place).expect("it can be made");
        fs::write(place.join("report.json"), format!("{{\"score\":\"{score}\"}}")).expect("it can be written");
        for (run, &high) in (1..).zip(runs) {
            let mut table = "path,score,label,source,video,logit_authentic,logit_synthetic\n".to_owned();
            for (at, (label, source, score)) in
                [("real", "web", 0.1), ("real", "web", 0.5), ("synthetic", "gan", high), ("synthetic", "gan", 0.4)]
                    .into_iter()
                    .enumerate()
            {
                writeln!(table, "{photo}{at}.png,{score},{label},{source},,0,0").expect("it is text");
            }
            fs::write(place.join(format!("scores-{run}.csv")), table).expect("it can be written");
        }
        folder.join(name)
    }

    fn read(first: &Path, second: &Path) -> anyhow::Result<Compared> {
        Compared::read(first, second, Path::new("evaluation"), DRAWS)
    }

    #[test]
    fn settings_are_compared_on_all_faces_and_by_source() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let one = evaluated(folder.path(), "one", "p", &[0.9], "a");
        let other = evaluated(folder.path(), "other", "p", &[0.2, 0.2], "a");
        let found = read(&one, &other).expect("the faces are the same");
        assert_eq!((found.names.each_ref().map(String::as_str), found.runs), (["one", "other"], [1, 2]));
        let sources: Vec<&str> = found.lines.iter().map(|line| line.source.as_str()).collect();
        assert_eq!(sources, ["pooled", "gan", "web"]);
        // Of the four pairs of a real and a synthetic face, three are in order, or two.
        let pooled = &found.lines[0];
        assert_eq!((pooled.real, pooled.synthetic), (2, 2));
        assert_eq!((pooled.comparison.first.mean, pooled.comparison.second.mean), (0.75, 0.5));
        assert!((pooled.comparison.difference - 0.25).abs() < 1e-9);
        assert!(pooled.one_run.is_none(), "the other has two runs");
        let page = found.to_markdown();
        assert!(page.contains("| pooled | 2 | 2 | 0.750 | 0.500 ± 0.000 | +0.250 |"), "{page}");
        assert!(page.contains("Fewer than three runs"), "{page}");
    }

    #[test]
    fn what_can_t_be_compared_is_named() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let one = evaluated(folder.path(), "one", "p", &[0.9], "a");
        let error = read(&one, folder.path()).expect_err("nothing is there");
        assert_eq!(error.downcast_ref(), Some(&NotEvaluated(folder.path().to_owned())));
        let others = evaluated(folder.path(), "others", "p", &[0.9], "b");
        let error = read(&one, &others).expect_err("they are other faces");
        assert_eq!(error.downcast_ref(), Some(&OtherFaces { first: one.clone(), second: others }));
        let logit = evaluated(folder.path(), "logit", "logit", &[0.9], "a");
        let error = read(&one, &logit).expect_err("they are other scores");
        assert!(error.to_string().contains("with the score `p`, the other with `logit`"), "{error}");
    }
}
