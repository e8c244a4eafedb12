//! `cyborg image`: every face in photos, or the photos of a list.

mod batch;
mod drawn;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;

use self::batch::{Batch, Extent, Photo, Pixels};
use self::drawn::DrawnPhotos;
use super::interrupt;
use super::outcome::{Outcome, UsageError, complain, note, refuse_overwriting, say};
use super::workers::{ClassifierAlone, Pair, WorkerArgs, caution, record};
use crate::capture::list::{self, ListedPhoto};
use crate::capture::stills;
use crate::sink::FrameView;
use crate::sink::csv::CsvPhotos;
use crate::sink::jsonl::JsonlSink;
use crate::sink::record::PhotoRecord;
use crate::verdict::score::ScoreKind;
use crate::verdict::{Judge, Judgement};

#[derive(Args, Debug)]
pub(super) struct ImageArgs {
    /// Photos, or folders with photos (JPEG, PNG, WebP, BMP, TIFF)
    #[arg(required_unless_present = "list", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Judge the photos of this list: split,label,path without a header, or a CSV whose header has file and label
    #[arg(long, value_name = "LIST.csv", conflicts_with = "paths")]
    list: Option<PathBuf>,
    /// Folder that the paths in the list start from [default: `faces` beside the list, or the list's own folder]
    #[arg(long, value_name = "DIR", requires = "list", conflicts_with = "paths")]
    root: Option<PathBuf>,
    /// What is judged: face (each face that is found; of a list the face that it means) or whole (the photo as it is)
    #[arg(long, value_name = "EXTENT", default_value = "face")]
    crop: CropExtent,
    /// What the column score holds: softmax (calibrated p of synthetic) or reference (sigmoid of the second logit alone)
    #[arg(long, value_name = "SCORE", default_value = "softmax")]
    score: ScoreKind,
    /// Write a CSV table, a row a face; it begins with the columns path and score
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a JSONL table with the same fields
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Write each photo with boxes, verdicts and heat maps into this folder, as PNG
    #[arg(long, value_name = "FOLDER")]
    annotate: Option<PathBuf>,
    #[command(flatten)]
    workers: WorkerArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CropExtent {
    Face,
    Whole,
}

impl FromStr for CropExtent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "face" => Ok(Self::Face),
            "whole" => Ok(Self::Whole),
            _ => Err("expected face or whole".to_owned()),
        }
    }
}

/// A photo that is to be judged.
struct PhotoFile {
    path: PathBuf,
    /// What a list says of it.
    listed: Option<ListedPhoto>,
}

pub(super) fn run(args: &ImageArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    if args.crop == CropExtent::Whole && args.annotate.is_some() {
        let message = "--annotate draws on faces, and with --crop whole none is looked for: leave one of them out";
        return Err(UsageError(message.to_owned()).into());
    }
    let (photos, mut failed) = gather(args)?;
    let all = photos.len() + failed;
    if photos.is_empty() {
        return Ok(Outcome::of(failed, all));
    }
    let outputs: Vec<PathBuf> = [&args.csv, &args.jsonl].into_iter().flatten().cloned().collect();
    let files =
        [&args.workers.model, &args.workers.model_toml, &args.workers.detector, &args.list].into_iter().flatten();
    refuse_overwriting(photos.iter().map(|photo| &photo.path).chain(files), &outputs)?;
    let (mut batch, mut results) = open(args, &photos)?;
    // A line a photo would bury all else; the bar hides itself where there is no terminal.
    let bar = if results.told { ProgressBar::hidden() } else { ProgressBar::new(photos.len() as u64) };
    for photo in photos {
        if stop.load(Ordering::Relaxed) {
            results.take(batch.classify()?)?;
            return Ok(Outcome::Interrupted);
        }
        if let Err(error) = batch.add(photo) {
            bar.suspend(|| complain(&error));
            failed += 1;
        }
        if batch.is_full() {
            results.take(batch.classify()?)?;
        }
        bar.inc(1);
    }
    results.take(batch.classify()?)?;
    bar.finish_and_clear();
    results.summary(failed)?;
    if let Some(caution) = results.caution.filter(|_| failed < all) {
        note(caution);
    }
    Ok(Outcome::of(failed, all))
}

/// The photos that the flags name, and how many of these can't be used. Each of those was told.
fn gather(args: &ImageArgs) -> anyhow::Result<(Vec<PhotoFile>, usize)> {
    let (mut photos, mut failed) = (Vec::new(), 0);
    if let Some(list) = &args.list {
        for line in list::read(list, args.root.as_deref())? {
            match line {
                Ok(listed) => photos.push(PhotoFile { path: listed.path.clone(), listed: Some(listed) }),
                Err(error) => {
                    complain(&error.into());
                    failed += 1;
                }
            }
        }
    }
    for path in &args.paths {
        match expand(path) {
            Ok(found) => photos.extend(found.into_iter().map(|path| PhotoFile { path, listed: None })),
            Err(error) => {
                complain(&error);
                failed += 1;
            }
        }
    }
    Ok((photos, failed))
}

/// A file is taken as it is, a folder for the photos in it.
fn expand(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = stills::list(path).with_context(|| format!("can't read folder {}", path.display()))?;
    anyhow::ensure!(!found.is_empty(), "{} holds no photo (looked for {})", path.display(), stills::ENDINGS.join(", "));
    Ok(found)
}

/// Opens all outputs before the work, so that a path that can't be written costs nothing, and the networks.
fn open(args: &ImageArgs, photos: &[PhotoFile]) -> anyhow::Result<(Batch, Results)> {
    let paths = photos.iter().map(|photo| photo.path.as_path());
    let drawn = args.annotate.as_deref().map(|folder| DrawnPhotos::new(folder, paths)).transpose()?;
    let csv = args.csv.as_deref().map(CsvPhotos::create).transpose()?;
    let (extent, classifier, judge) = match args.crop {
        CropExtent::Face => {
            let Pair { detector, classifier } = args.workers.open_pair()?;
            let judge = Judge::new(classifier.contract());
            (Extent::Faces(Box::new(detector)), classifier, judge)
        }
        CropExtent::Whole => {
            let ClassifierAlone { classifier, judge } = args.workers.open_classifier()?;
            (Extent::Whole, classifier, judge)
        }
    };
    let run = match &extent {
        Extent::Faces(detector) => record(&classifier, Some(detector)),
        Extent::Whole => record(&classifier, None),
    };
    let results = Results {
        jsonl: args.jsonl.as_deref().map(|path| JsonlSink::create(path, &run)).transpose()?,
        told: args.list.is_none() || (args.csv.is_none() && args.jsonl.is_none()),
        caution: caution(classifier.contract()),
        kind: args.score,
        judgements: Vec::new(),
        photos: 0,
        without_face: 0,
        judge,
        csv,
        drawn,
    };
    let pixels = if args.annotate.is_some() { Pixels::Keep } else { Pixels::Drop };
    Ok((Batch::new(extent, classifier, pixels), results))
}

/// Where the results of a run over photos go.
struct Results {
    judge: Judge,
    kind: ScoreKind,
    csv: Option<CsvPhotos>,
    jsonl: Option<JsonlSink>,
    drawn: Option<DrawnPhotos>,
    /// Whether each photo gets a line on standard output; a long list with a table gets a summary instead.
    told: bool,
    caution: Option<&'static str>,
    judgements: Vec<Judgement>,
    photos: usize,
    without_face: usize,
}

impl Results {
    /// Writes the rows of some photos; they are on their way to the disk when it returns.
    fn take(&mut self, photos: impl Iterator<Item = Photo>) -> anyhow::Result<()> {
        photos.into_iter().try_for_each(|photo| self.photo(&photo))
    }

    fn photo(&mut self, photo: &Photo) -> anyhow::Result<()> {
        self.judge.judge(&photo.scores, &mut self.judgements);
        self.photos += 1;
        self.without_face += usize::from(photo.scores.is_empty());
        let name = photo.path().display().to_string();
        let empty = PhotoRecord::without_face(&name, photo.file.listed.as_ref());
        let mut records: Vec<PhotoRecord<'_>> = (photo.scores.iter().zip(&self.judgements).enumerate())
            .map(|(index, (score, judgement))| {
                let judged = empty.judged(self.kind.of(score.logits, judgement.probability), judgement);
                photo.faces.get(index).map_or(judged, |face| judged.placed(index, &face.bounds))
            })
            .collect();
        if records.is_empty() {
            records.push(empty);
        }
        if let Some(csv) = &mut self.csv {
            csv.photo(&records)?;
        }
        if let Some(jsonl) = &mut self.jsonl {
            jsonl.photo(&records)?;
        }
        if self.told {
            say(&answer(&name, &self.judgements))?;
        }
        if let (Some(drawn), Some(frame)) = (&mut self.drawn, &photo.frame) {
            let view = FrameView {
                tracks: &[],
                source: &name,
                frame,
                faces: &photo.faces,
                scores: &photo.scores,
                judgements: &self.judgements,
                maps: &photo.maps,
                age: frame.captured.elapsed(),
            };
            drawn.draw(photo.path(), &view)?;
        }
        Ok(())
    }

    /// What there is to say at the end of a list.
    fn summary(&self, failed: usize) -> anyhow::Result<()> {
        if self.told {
            return Ok(());
        }
        let scored = self.photos - self.without_face;
        say(&format!("{scored} photos scored, {} without a face, {failed} not usable", self.without_face))?;
        Ok(())
    }
}

fn answer(name: &str, judgements: &[Judgement]) -> String {
    if judgements.is_empty() {
        return format!("{name}: no face found");
    }
    let faces: Vec<String> = judgements
        .iter()
        .map(|judgement| format!("{}, p(synthetic) {:.2}", judgement.verdict, judgement.probability.value()))
        .collect();
    format!("{name}: {}", faces.join("; "))
}
