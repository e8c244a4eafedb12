//! Metrics of scores: per source, pooled, per video and under disturbances, for each run and over all of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Context;
use cyborg_models::name;
use serde::Serialize;

use super::against::{Against, against, write_against};
use super::beside::beside;
use super::content::{ByContent, write_by_content};
use super::disturb::Disturbance;
use super::matched::{MatchedSources, matched, write_matched};
use super::people::People;
use super::people_page::write_people;
use super::probed::{Probed, write_probed};
use super::verdicts::{Called, Verdicts, called, verdicts, write_called};
use super::{RunScores, ScoreKind, ScoredFace};
use crate::checkpoint;
use crate::data::list::Label;
use crate::metrics::report::{Summary, summarise};
use crate::metrics::{AucInterval, Scored, Spread, VideoFace, auc_interval, by_video, spread};

/// A number of a run.
type Number<'a> = &'a dyn Fn(&RunReport) -> Option<f64>;

/// The report of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Program and version.
    pub tool: String,
    /// What was evaluated.
    pub target: String,
    /// The list and its split.
    pub data: String,
    /// SHA-256 of the data's contents.
    pub data_sha256: String,
    /// Which score.
    pub score: String,
    /// Sources that are in no pooled number, nor in that of another source.
    pub apart: Vec<String>,
    /// What a model comes to that can't see a face, where one was made.
    pub probe: Option<Probed>,
    /// The runs.
    pub runs: Vec<RunReport>,
}

impl Report {
    /// Writes `report.json` and `report.md` into a folder, which is made where it isn't there.
    ///
    /// # Errors
    ///
    /// When one of them can't be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", name::of(folder)))?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (file, text) in [("report.json", json), ("report.md", self.to_markdown())] {
            let path = folder.join(file);
            checkpoint::replace(&path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
        }
        Ok(())
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Its name.
    pub name: String,
    /// All faces together.
    pub pooled: Summary,
    /// By source. A synthetic source stands against all real faces, a real one against all synthetic faces, and one of both
    /// classes by itself.
    pub sources: BTreeMap<String, Summary>,
    /// Each synthetic source against each real one, those that are apart left out.
    pub against: Vec<Against>,
    /// By video, where the list names some: the mean of the logits of a video's faces.
    pub videos: Option<Summary>,
    /// Fakes against the real faces of their own groups, by source, where the list names groups.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub matched: MatchedSources,
    /// What the scores are worth beyond content, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ByContent>,
    /// Shares of faces by verdict at the model's own thresholds, of the sources that are pooled.
    pub verdicts: Verdicts,
    /// The same by source and class.
    pub called: Vec<Called>,
    /// How far the network looks where people looked, where faces have maps of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    /// Under disturbances.
    pub robustness: Vec<Robustness>,
}

/// The AUC of all faces under a disturbance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Robustness {
    /// Its kind.
    pub kind: &'static str,
    /// What the strength is counted in.
    pub unit: &'static str,
    /// How strong.
    pub strength: f64,
    /// Area under the ROC curve with its 95 % interval.
    pub auc: Option<AucInterval>,
}

impl Robustness {
    /// What `scored` comes to under a disturbance.
    #[must_use]
    pub fn new(disturbance: Disturbance, scored: &[Scored]) -> Self {
        Self {
            kind: disturbance.kind(),
            unit: disturbance.unit(),
            strength: disturbance.strength(),
            auc: auc_interval(scored),
        }
    }
}

/// Measures a run. Sources that are to be kept `apart` are measured by themselves alone.
///
/// # Errors
///
/// When a score is no probability, or a video has faces of both labels.
pub fn measure(faces: &[ScoredFace], run: &RunScores, kind: ScoreKind, apart: &[String]) -> anyhow::Result<RunReport> {
    let pooled = |face: &ScoredFace| !apart.contains(&face.source);
    let mut sources = BTreeMap::new();
    for face in faces {
        if !sources.contains_key(&face.source) {
            sources
                .insert(face.source.clone(), summarise(&run.scored(faces, kind, beside(faces, &face.source, apart)))?);
        }
    }
    let scores: Vec<f64> = run.scored(faces, kind, |_| true).iter().map(|face| face.score).collect();
    Ok(RunReport {
        name: run.name.clone(),
        pooled: summarise(&run.scored(faces, kind, pooled))?,
        sources,
        against: against(faces, &scores, apart),
        videos: videos(faces, run)?,
        matched: matched(faces, run, apart),
        content: None,
        verdicts: verdicts(faces, run, pooled),
        called: called(faces, run),
        people: None,
        robustness: Vec::new(),
    })
}

/// Scores of videos are calibrated as those of faces are.
fn videos(faces: &[ScoredFace], run: &RunScores) -> anyhow::Result<Option<Summary>> {
    let of_videos: Vec<(String, f64, Label)> = faces
        .iter()
        .zip(&run.logits)
        .filter_map(|(face, logits)| {
            // Data sets number their clips: the same name in two sources or of both labels is not one clip.
            let video = format!("{}/{}/{}", face.source, face.label.name(), face.video.as_deref()?);
            let difference = f64::from(logits.synthetic) - f64::from(logits.authentic);
            Some((video, difference, face.label))
        })
        .collect();
    if of_videos.is_empty() {
        return Ok(None);
    }
    let (temperature, bias) = (f64::from(run.calibration.temperature), f64::from(run.calibration.bias));
    let probability = |difference: f64| 1.0 / (1.0 + (-(difference / temperature + bias)).exp());
    let of_videos: Vec<VideoFace<'_>> =
        of_videos.iter().map(|&(ref video, difference, label)| VideoFace { video, difference, label }).collect();
    let videos = by_video(&of_videos)?.into_iter();
    let scored: Vec<Scored> =
        videos.map(|video| Scored { score: probability(video.scored.score), ..video.scored }).collect();
    Ok(Some(summarise(&scored)?))
}

impl Report {
    /// Mean and spread over the runs of a number, where all of them have it.
    fn over_runs(&self, number: impl Fn(&RunReport) -> Option<f64>) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.runs.iter().map(number).collect();
        spread(&values?)
    }

    /// The report as a page of tables in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = String::new();
        // Writing to a string can't fail.
        let _ = self.write_page(&mut page);
        page
    }

    fn write_page(&self, page: &mut String) -> std::fmt::Result {
        writeln!(page, "# Evaluation of {}\n", self.target)?;
        writeln!(page, "{}; score: {}; {} run(s); {}.\n", self.data, self.score, self.runs.len(), self.tool)?;
        writeln!(
            page,
            "Numbers are means over the runs, with their standard deviation where there are several. The interval is\n\
             DeLong's 95 % interval; with several runs, from the lowest end of any run's to the highest. A synthetic source\n\
             is measured against all real faces, a real source against all synthetic ones, one of both classes by itself.\n"
        )?;
        if !self.apart.is_empty() {
            writeln!(page, "Reported apart, and in no pooled number: {}.\n", self.apart.join(", "))?;
        }
        writeln!(
            page,
            "| source | real | synthetic | AUC | 95 % interval | EER | TDR at FDR 1 % | TDR at FDR 5 % | APCER | BPCER | ACER at 0.5 |"
        )?;
        writeln!(page, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        let sources: Vec<&String> = self.runs.first().map(|run| run.sources.keys().collect()).unwrap_or_default();
        for source in sources {
            self.row(page, source, |run| run.sources.get(source))?;
        }
        self.row(page, "**pooled**", |run| Some(&run.pooled))?;
        if self.runs.iter().all(|run| run.videos.is_some()) {
            self.row(page, "**videos**", |run| run.videos.as_ref())?;
        }
        writeln!(page, "\n| | pooled |\n|---|---|")?;
        let lines: [(&str, Number<'_>); 11] = [
            ("accuracy at 0.5", &|run| run.pooled.accuracy),
            ("TDR at FDR 0.1 %", &|run| run.pooled.tdr_at.first().map(|at| at.tdr)),
            ("TDR at FDR 0.2 %", &|run| run.pooled.tdr_at.get(1).map(|at| at.tdr)),
            ("least ACER", &|run| run.pooled.at_least_acer.and_then(|at| at.acer)),
            ("ECE, 15 bins", &|run| run.pooled.ece),
            ("Brier score", &|run| run.pooled.brier),
            ("log loss", &|run| run.pooled.log_loss),
            ("APCER at the model's thresholds", &|run| run.verdicts.apcer),
            ("BPCER at the model's thresholds", &|run| run.verdicts.bpcer),
            ("real faces left unsure", &|run| run.verdicts.unsure_real),
            ("synthetic faces left unsure", &|run| run.verdicts.unsure_synthetic),
        ];
        for (name, number) in lines {
            writeln!(page, "| {name} | {} |", words(self.over_runs(number)))?;
        }
        let few = self.runs.iter().flat_map(|run| &run.pooled.tdr_at).find(|at| !at.enough_authentic);
        if few.is_some() {
            writeln!(
                page,
                "\nThere are too few real faces for the smallest FDRs: their TDR is that at no false detection."
            )?;
        }
        if let Some(run) = self.runs.first() {
            let of_source = |source: &str| self.over_runs(|run| Some(run.sources.get(source)?.auc?.value));
            let pooled = self.over_runs(|run| Some(run.pooled.auc?.value));
            write_probed(page, self.probe.as_ref(), of_source, pooled, &run.against)?;
            write_against(page, &run.name, &run.against)?;
            write_matched(page, &run.name, &run.matched)?;
            write_by_content(page, &run.name, run.content.as_ref())?;
            write_called(page, &run.name, &run.called)?;
        }
        write_people(page, &self.runs.iter().map(|run| run.people.as_ref()).collect::<Vec<_>>())?;
        self.write_robustness(page)
    }

    fn row(&self, page: &mut String, name: &str, of: impl Fn(&RunReport) -> Option<&Summary>) -> std::fmt::Result {
        let Some(first) = self.runs.first().and_then(&of) else { return Ok(()) };
        let number = |number: &dyn Fn(&Summary) -> Option<f64>| words(self.over_runs(|run| of(run).and_then(number)));
        let ends: Vec<AucInterval> = self.runs.iter().filter_map(|run| of(run)?.auc).collect();
        let interval = match ends.is_empty() {
            true => "-".to_owned(),
            false => {
                let (low, high) =
                    ends.iter().fold((1.0_f64, 0.0_f64), |(low, high), auc| (low.min(auc.low), high.max(auc.high)));
                format!("{low:.3} to {high:.3}")
            }
        };
        writeln!(
            page,
            "| {name} | {} | {} | {} | {interval} | {} | {} | {} | {} | {} | {} |",
            first.authentic,
            first.synthetic,
            number(&|summary| summary.auc.map(|auc| auc.value)),
            number(&|summary| summary.eer.map(|eer| eer.rate)),
            number(&|summary| summary.tdr_at.get(2).map(|at| at.tdr)),
            number(&|summary| summary.tdr_at.get(3).map(|at| at.tdr)),
            number(&|summary| summary.at_half.apcer),
            number(&|summary| summary.at_half.bpcer),
            number(&|summary| summary.at_half.acer),
        )
    }

    fn write_robustness(&self, page: &mut String) -> std::fmt::Result {
        let Some(first) = self.runs.first().filter(|run| !run.robustness.is_empty()) else { return Ok(()) };
        writeln!(page, "\n| disturbance | strength | AUC |\n|---|---|---|")?;
        writeln!(page, "| none | | {} |", words(self.over_runs(|run| Some(run.pooled.auc?.value))))?;
        for (at, each) in first.robustness.iter().enumerate() {
            let auc = self.over_runs(|run| Some(run.robustness.get(at)?.auc?.value));
            writeln!(page, "| {} | {} {} | {} |", each.kind, each.unit, each.strength, words(auc))?;
        }
        Ok(())
    }
}

fn words(spread: Option<Spread>) -> String {
    match spread {
        None => "-".to_owned(),
        Some(Spread { mean, deviation: Some(deviation), .. }) => format!("{mean:.3} ± {deviation:.3}"),
        Some(Spread { mean, .. }) => format!("{mean:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use cyborg_edge::verdict::Logits;
    use cyborg_models::contract::{Calibration, Thresholds};

    use super::*;

    fn face(source: &str, label: Label, video: Option<&str>) -> ScoredFace {
        ScoredFace {
            path: "a.png".into(),
            label,
            source: source.into(),
            video: video.map(str::to_owned),
            group: None,
            pair: None,
        }
    }

    /// Two real sources and two synthetic ones, of which the second fools the network.
    fn example(name: &str) -> (Vec<ScoredFace>, RunScores) {
        let (real, synthetic) = (Label::Authentic, Label::Synthetic);
        let faces = vec![
            face("camera", real, Some("v1")),
            face("camera", real, Some("v1")),
            face("phone", real, None),
            face("easy", synthetic, Some("v2")),
            face("easy", synthetic, Some("v2")),
            face("hard", synthetic, None),
        ];
        let logits = [-2.0, -1.0, 0.5, 3.0, 2.0, -3.0].map(|synthetic| Logits { authentic: 0.0, synthetic });
        let run = RunScores {
            name: name.to_owned(),
            calibration: Calibration { temperature: 1.0, bias: 0.0 },
            thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
            logits: logits.to_vec(),
        };
        (faces, run)
    }

    #[test]
    fn a_source_is_measured_against_the_other_class() {
        let (faces, run) = example("seed-1");
        let report = measure(&faces, &run, ScoreKind::Softmax, &[]).expect("all scores are probabilities");
        let auc = |summary: &Summary| summary.auc.expect("both classes are there").value;
        assert_eq!(auc(&report.sources["easy"]), 1.0);
        assert_eq!(auc(&report.sources["hard"]), 0.0);
        assert_eq!((report.sources["hard"].authentic, report.sources["hard"].synthetic), (3, 1));
        assert_eq!((report.sources["phone"].authentic, report.sources["phone"].synthetic), (1, 3));
        // Of nine pairs the six of the easy source are in order.
        assert!((auc(&report.pooled) - 6.0 / 9.0).abs() < 1e-12);
        let videos = report.videos.expect("the list names videos");
        assert_eq!((videos.authentic, videos.synthetic, auc(&videos)), (1, 1, 1.0));
        let verdicts = report.verdicts;
        assert_eq!((verdicts.apcer, verdicts.bpcer), (Some(1.0 / 3.0), Some(0.0)));
        // p = 0.269 is authentic, 0.622 is unsure.
        assert_eq!((verdicts.unsure_real, verdicts.unsure_synthetic), (Some(1.0 / 3.0), Some(0.0)));
    }

    #[test]
    fn a_source_apart_is_in_no_other_number() {
        let (faces, run) = example("seed-1");
        let report = measure(&faces, &run, ScoreKind::Softmax, &["hard".to_owned()]).expect("all are probabilities");
        let auc = |summary: &Summary| summary.auc.expect("both classes are there").value;
        assert_eq!((auc(&report.pooled), report.pooled.synthetic, auc(&report.sources["hard"])), (1.0, 2, 0.0));
        assert_eq!((report.sources["camera"].synthetic, report.verdicts.apcer), (2, Some(0.0)));
        let called: Vec<_> = report.called.iter().map(|each| (each.source.as_str(), each.unsure.count)).collect();
        assert_eq!(called, [("camera", 0), ("easy", 0), ("hard", 0), ("phone", 1)]);
    }

    #[test]
    fn a_source_of_both_classes_is_measured_by_itself() {
        let (mut faces, run) = example("seed-1");
        faces[3].source = "camera".into();
        let report = measure(&faces, &run, ScoreKind::Softmax, &[]).expect("all scores are probabilities");
        assert_eq!((report.sources["camera"].authentic, report.sources["camera"].synthetic), (2, 1));
    }

    #[test]
    fn the_page_gives_means_and_deviations_over_runs() {
        let (faces, one) = example("seed-1");
        let (_, mut other) = example("seed-2");
        other.logits[5].synthetic = 4.0;
        let measured = |run| measure(&faces, run, ScoreKind::Softmax, &[]).expect("all scores are probabilities");
        let mut report = Report {
            tool: "a test".into(),
            target: "runs/a".into(),
            data: "faces.csv, split test".into(),
            data_sha256: String::new(),
            score: "softmax".into(),
            apart: Vec::new(),
            probe: None,
            runs: vec![measured(&one), measured(&other)],
        };
        let page = report.to_markdown();
        assert!(page.contains("| hard | 3 | 1 | 0.500 ± 0.707 |"), "{page}");
        assert!(page.contains("too few real faces"), "{page}");
        assert!(!page.contains("disturbance"), "{page}");
        let scored = one.scored(&faces, ScoreKind::Softmax, |_| true);
        for run in &mut report.runs {
            run.robustness = vec![Robustness::new(Disturbance::Jpeg(30), &scored)];
        }
        let page = report.to_markdown();
        assert!(page.contains("| JPEG | quality 30 | 0.667 ± 0.000 |"), "{page}");
    }
}
