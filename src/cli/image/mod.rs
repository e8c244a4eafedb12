//! `cyborg image`: every face in photos, or the photos of a list.

mod batch;
mod drawn;

use std::iter;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;

use self::batch::{Batch, Extent, Photo, PhotoFile, Pixels};
use self::drawn::DrawnPhotos;
use super::outcome::{Outcome, UsageError, complain, note, refuse_overwriting, say};
use super::workers::{Team, WorkerArgs, cautions, record};
use super::{interrupt, machine};
use crate::capture::folder::Listing;
use crate::capture::stills::{self, Still};
use crate::classify::panel::Panel;
use crate::findings::{FrameView, Opinion};
use crate::name;
use crate::photo_list::{self, Split};
use crate::sink::csv::CsvPhotos;
use crate::sink::jsonl::{Extent as Lines, JsonlSink, RunRecord};
use crate::sink::progress::Progress;
use crate::sink::record::PhotoRecord;
use crate::verdict::score_kind::ScoreKind;
use crate::verdict::{Judge, Judgement};

#[derive(Args, Debug)]
pub(super) struct ImageArgs {
    /// Photos, or folders with photos (JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF)
    #[arg(required_unless_present = "list", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Judge the photos of this list: split,label,path without a header, or a CSV whose header has file and label
    #[arg(long, value_name = "LIST.csv", conflicts_with = "paths")]
    list: Option<PathBuf>,
    /// Folder that the paths in the list are relative to [default: `faces` next to the list, or the list's own folder]
    #[arg(long, value_name = "DIR", requires = "list", conflicts_with = "paths")]
    root: Option<PathBuf>,
    /// Judge only the rows of the list that have this split: train, validation or test
    #[arg(long, value_name = "SPLIT", requires = "list", conflicts_with = "paths")]
    split: Option<Split>,
    /// What is judged: face (each face that is found; for a list, the face it means) or whole (the photo as it is)
    #[arg(long, value_name = "EXTENT", default_value = "face")]
    crop: CropExtent,
    /// What goes into the score column: softmax (calibrated p(synthetic)) or reference (sigmoid of the second logit)
    #[arg(long, value_name = "SCORE", default_value = "softmax")]
    score: ScoreKind,
    /// Write a CSV table, one row per face; its first columns are path and score
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a JSONL table with the same fields
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Write each photo with boxes, verdicts and heat maps to this folder, as PNG
    #[arg(long, value_name = "FOLDER")]
    annotate: Option<PathBuf>,
    /// Write JSON to standard output for other programs: one object per photo, and nothing else
    #[arg(long)]
    json: bool,
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

pub(super) fn run(args: &ImageArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    if args.crop == CropExtent::Whole && args.annotate.is_some() {
        let message = "--annotate needs faces, and --crop whole doesn't look for any: drop one of the two";
        return Err(UsageError(message.to_owned()).into());
    }
    let Gathered { photos, mut failed, left_out } = gather(args)?;
    let all = photos.len() + failed;
    if photos.is_empty() {
        left_out.iter().for_each(|text| note(text));
        return Ok(Outcome::of(failed, all));
    }
    let outputs: Vec<PathBuf> = [&args.csv, &args.jsonl].into_iter().flatten().cloned().collect();
    let files = args.workers.files();
    let files = files.iter().chain(&args.list);
    refuse_overwriting(photos.iter().map(|photo| &photo.path).chain(files), &outputs)?;
    let (mut batch, mut results) = open(args, &photos, stop)?;
    // A line a photo would bury all else.
    let count = photos.len() as u64;
    let mut progress =
        (results.told != Told::Person).then(|| Progress::new("photos".to_owned(), "photos", Some(count)));
    for photo in photos {
        if stop.load(Ordering::Relaxed) {
            results.take(batch.classify()?)?;
            return Ok(Outcome::Interrupted);
        }
        let name = name::of(&photo.path);
        let aloud = |say: &dyn Fn()| match &progress {
            Some(progress) => progress.suspend(say),
            None => say(),
        };
        match batch.add(photo) {
            Ok(Still { animated: false }) => {}
            Ok(Still { animated: true }) => aloud(&|| {
                note(&format!(
                    "warning: {name} is animated, and only its first frame was judged: `cyborg video` judges them all"
                ));
            }),
            // It was waited for, and the user wants an end.
            Err(_) if stop.load(Ordering::Relaxed) => {}
            Err(error) => {
                aloud(&|| complain(&error));
                if results.told == Told::Program {
                    machine::print_failed(&name, &error)?;
                }
                failed += 1;
            }
        }
        if batch.is_full() {
            results.take(batch.classify()?)?;
        }
        if let Some(progress) = &mut progress {
            progress.advance();
        }
    }
    results.take(batch.classify()?)?;
    drop(progress);
    if stop.load(Ordering::Relaxed) {
        return Ok(Outcome::Interrupted);
    }
    results.summary(failed)?;
    if failed < all {
        results.cautions.iter().for_each(|caution| note(caution));
    }
    left_out.iter().for_each(|text| note(text));
    if failed > 0 && all > 1 {
        note(&format!("{failed} of {all} photos could not be judged; see the reasons above"));
    }
    Ok(Outcome::of(failed, all))
}

/// What the flags name.
#[derive(Default)]
struct Gathered {
    photos: Vec<PhotoFile>,
    /// How many inputs can't be used; each was told.
    failed: usize,
    /// What was left out of each folder, in words.
    left_out: Vec<String>,
}

fn gather(args: &ImageArgs) -> anyhow::Result<Gathered> {
    let Gathered { mut photos, mut failed, mut left_out } = Gathered::default();
    if let Some(list) = &args.list {
        let mut others = 0_u64;
        for line in photo_list::read(list, args.root.as_deref())? {
            match line {
                Ok(listed) if args.split.is_some() && listed.split != args.split => others += 1,
                Ok(listed) => photos.push(PhotoFile { path: listed.path.clone(), listed: Some(listed) }),
                Err(error) => {
                    complain(&error.into());
                    failed += 1;
                }
            }
        }
        if let Some(split) = args.split.filter(|_| photos.is_empty() && failed == 0) {
            let message =
                format!("{} has no row of split {split}, but {others} others: drop `--split`", name::of(list));
            return Err(UsageError(message).into());
        }
    }
    for path in &args.paths {
        match expand(path) {
            Ok(found) => {
                photos.extend(found.files.into_iter().map(|path| PhotoFile { path, listed: None }));
                for (below, error) in found.unreadable {
                    complain(&anyhow::Error::from(error).context(format!("can't read folder {}", name::of(below))));
                    failed += 1;
                }
                if !found.left_out.is_empty() {
                    left_out.push(format!("{}: {}", name::of(path), found.left_out));
                }
            }
            Err(error) => {
                complain(&error);
                failed += 1;
            }
        }
    }
    Ok(Gathered { photos, failed, left_out })
}

/// A file is taken as it is, a folder for the photos in it.
fn expand(path: &Path) -> anyhow::Result<Listing> {
    if !path.is_dir() {
        return Ok(Listing { files: vec![path.to_owned()], ..Listing::default() });
    }
    let told = name::of(path);
    let found = stills::list(path).with_context(|| format!("can't read folder {told}"))?;
    if found.files.is_empty() {
        let left_out = Some(&found.left_out).filter(|left_out| !left_out.is_empty());
        let left_out = left_out.map(|text| format!("; {text}")).unwrap_or_default();
        anyhow::bail!("{told} contains no photos (looked for {}){left_out}", stills::ENDINGS.join(", "));
    }
    Ok(found)
}

/// Opens all outputs before the work, so that a path that can't be written costs nothing, and the networks.
fn open(args: &ImageArgs, photos: &[PhotoFile], stop: &'static AtomicBool) -> anyhow::Result<(Batch, Results)> {
    let paths = photos.iter().map(|photo| photo.path.as_path());
    let drawn = args.annotate.as_deref().map(|folder| DrawnPhotos::new(folder, paths)).transpose()?;
    let csv = args.csv.as_deref().map(CsvPhotos::create).transpose()?;
    let (extent, models, settings) = match args.crop {
        CropExtent::Face => {
            let (Team { detector, classifier, others }, settings) = args.workers.open_team()?;
            (Extent::Faces(Box::new(detector)), (classifier, others), settings)
        }
        CropExtent::Whole => (Extent::Whole, args.workers.open_models()?, Default::default()),
    };
    let detector = match &extent {
        Extent::Faces(detector) => Some(&**detector),
        Extent::Whole => None,
    };
    let (first, others) = models;
    let run = RunRecord { settings, ..record(&first, &others, detector) };
    let models: Vec<Panel> = iter::once(first).chain(others).collect();
    let cautions = cautions(models.iter());
    let judges = models.iter().map(|model| Judge::new(model.contract())).collect();
    let results = Results {
        jsonl: args.jsonl.as_deref().map(|path| JsonlSink::create(path, &run, Lines::All)).transpose()?,
        told: match args.list.is_none() || (args.csv.is_none() && args.jsonl.is_none()) {
            _ if args.json => Told::Program,
            true => Told::Person,
            false => Told::Sum,
        },
        cautions,
        names: run.models(),
        kind: args.score,
        photos: 0,
        without_face: 0,
        judges,
        csv,
        drawn,
    };
    let pixels = if args.annotate.is_some() { Pixels::Keep } else { Pixels::Drop };
    Ok((Batch::new(extent, models, pixels, stop), results))
}

/// What stands on standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A line a photo for a person.
    Person,
    /// A long list with a table gets a summary.
    Sum,
    /// A JSON object a photo.
    Program,
}

/// Where the results of a run over photos go.
struct Results {
    /// A judge a model.
    judges: Vec<Judge>,
    /// The models' names.
    names: Vec<String>,
    kind: ScoreKind,
    csv: Option<CsvPhotos>,
    jsonl: Option<JsonlSink>,
    drawn: Option<DrawnPhotos>,
    told: Told,
    cautions: Vec<String>,
    photos: usize,
    without_face: usize,
}

impl Results {
    /// Writes the rows of some photos; they are on their way to the disk when it returns.
    fn take(&mut self, photos: impl Iterator<Item = Photo>) -> anyhow::Result<()> {
        photos.into_iter().try_for_each(|photo| self.photo(photo))
    }

    fn photo(&mut self, mut photo: Photo) -> anyhow::Result<()> {
        for (judge, Opinion { scores, judgements, .. }) in self.judges.iter().zip(&mut photo.opinions) {
            judge.judge(scores, judgements);
        }
        let Some(first) = photo.opinions.first() else {
            return Ok(());
        };
        self.photos += 1;
        self.without_face += usize::from(first.scores.is_empty());
        let name = name::of(photo.path());
        let records = records(&photo, &name, &self.names, self.kind);
        if let Some(csv) = &mut self.csv {
            csv.photo(&records)?;
        }
        if let Some(jsonl) = &mut self.jsonl {
            jsonl.photo(&records)?;
        }
        match self.told {
            Told::Person => say(&answer(&name, &self.names, &photo.opinions))?,
            Told::Program => machine::print_photo(&name, &records)?,
            Told::Sum => {}
        }
        if let (Some(drawn), Some(frame)) = (&mut self.drawn, &photo.frame) {
            let view = FrameView {
                source: &name,
                frame,
                faces: &photo.faces,
                opinions: &photo.opinions,
                age: frame.captured.elapsed(),
            };
            drawn.draw(photo.path(), &view)?;
        }
        Ok(())
    }

    /// What there is to say at the end of a list.
    fn summary(&self, failed: usize) -> anyhow::Result<()> {
        if self.told != Told::Sum {
            return Ok(());
        }
        let scored = self.photos - self.without_face;
        say(&format!("{scored} photos scored, {} without a face, {failed} not usable", self.without_face))?;
        Ok(())
    }
}

/// The rows of a photo: a face after the other, and of each face a row a model.
fn records<'a>(photo: &'a Photo, name: &'a str, models: &'a [String], kind: ScoreKind) -> Vec<PhotoRecord<'a>> {
    let empty = PhotoRecord::without_face(name, photo.file.listed.as_ref());
    let scored = photo.opinions.first().map_or(0, |first| first.scores.len());
    let mut records = Vec::with_capacity(scored * models.len());
    for face in 0..scored {
        for (model, opinion) in models.iter().zip(&photo.opinions) {
            let (score, judgement) = (&opinion.scores[face], &opinion.judgements[face]);
            let judged = empty.judged(model, kind.of(score.logits, judgement.probability), judgement);
            records.push(photo.faces.get(face).map_or(judged, |found| judged.placed(face, &found.bounds)));
        }
    }
    if records.is_empty() {
        records.push(empty);
    }
    records
}

/// What the terminal says of a photo. Several models say it side by side, and whether they agree.
fn answer(name: &str, models: &[String], opinions: &[Opinion]) -> String {
    let Some(first) = opinions.first().filter(|first| !first.judgements.is_empty()) else {
        return format!("{name}: no face found");
    };
    let say = |Judgement { verdict, probability, reason }: &Judgement| {
        let reason =
            reason.filter(|reason| reason.tells_more()).map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{verdict}{reason}, p(synthetic) {:.2}", probability.value())
    };
    let faces = |opinion: &Opinion| opinion.judgements.iter().map(say).collect::<Vec<_>>().join("; ");
    if opinions.len() == 1 {
        return format!("{name}: {}", faces(first));
    }
    let verdicts = |opinion: &Opinion| opinion.judgements.iter().map(|judgement| judgement.verdict).collect::<Vec<_>>();
    let agree = opinions.iter().all(|opinion| verdicts(opinion) == verdicts(first));
    let mut text = format!("{name}: the models {}", if agree { "agree" } else { "disagree" });
    for (model, opinion) in models.iter().zip(opinions) {
        text += &format!("\n  {model}: {}", faces(opinion));
    }
    text
}
