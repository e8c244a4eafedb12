//! `cyborg image`: every face in photos.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::Args;

use super::interrupt;
use super::outcome::{Outcome, UsageError, complain, note, refuse_overwriting, say};
use super::workers::{WorkerArgs, Workers};
use crate::capture::stills;
use crate::face::{Face, Locate};
use crate::frame::Frame;
use crate::model::classifier::{ActivationMaps, Classify, Score};
use crate::sink::FrameView;
use crate::sink::csv::CsvPhotos;
use crate::sink::jsonl::JsonlSink;
use crate::sink::overlay::{Canvas, Overlay};
use crate::sink::record::PhotoRecord;
use crate::verdict::Judgement;

#[derive(Args, Debug)]
pub(super) struct ImageArgs {
    /// Photos, or folders with photos (JPEG, PNG, WebP, BMP, TIFF)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
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

pub(super) fn run(args: &ImageArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    let mut failed = 0;
    let mut photos = Vec::new();
    for path in &args.paths {
        match expand(path) {
            Ok(found) => photos.extend(found),
            Err(error) => {
                complain(&error);
                failed += 1;
            }
        }
    }
    let all = photos.len() + failed;
    if photos.is_empty() {
        return Ok(Outcome::of(failed, all));
    }
    let outputs: Vec<PathBuf> = [&args.csv, &args.jsonl].into_iter().flatten().cloned().collect();
    let networks = [&args.workers.model, &args.workers.detector].into_iter().flatten();
    refuse_overwriting(photos.iter().chain(networks), &outputs)?;
    let mut work = PhotoWork::new(args, &photos)?;
    for photo in &photos {
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Interrupted);
        }
        match stills::read(photo, &mut work.frame) {
            Ok(()) => work.judge(photo)?,
            Err(error) => {
                complain(&error.into());
                failed += 1;
            }
        }
    }
    if let Some(caution) = work.workers.caution().filter(|_| failed < all) {
        note(caution);
    }
    Ok(Outcome::of(failed, all))
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

/// Workers, outputs and buffers of a run over photos.
struct PhotoWork {
    workers: Workers,
    csv: Option<CsvPhotos>,
    jsonl: Option<JsonlSink>,
    annotate: Option<AnnotatedPhotos>,
    frame: Frame,
    faces: Vec<Face>,
    scores: Vec<Score>,
    judgements: Vec<Judgement>,
    maps: ActivationMaps,
}

impl PhotoWork {
    fn new(args: &ImageArgs, photos: &[PathBuf]) -> anyhow::Result<Self> {
        let annotate = args.annotate.as_deref().map(|folder| AnnotatedPhotos::new(folder, photos)).transpose()?;
        let csv = args.csv.as_deref().map(CsvPhotos::create).transpose()?;
        let workers = args.workers.open()?;
        let run = workers.record();
        Ok(Self {
            jsonl: args.jsonl.as_deref().map(|path| JsonlSink::create(path, &run)).transpose()?,
            workers,
            csv,
            annotate,
            frame: Frame::empty(),
            faces: Vec::new(),
            scores: Vec::new(),
            judgements: Vec::new(),
            maps: ActivationMaps::default(),
        })
    }

    /// Judges the photo that is in the frame.
    fn judge(&mut self, photo: &Path) -> anyhow::Result<()> {
        self.workers.detector.locate(&self.frame, &mut self.faces)?;
        self.workers.classifier.classify(&self.frame, &self.faces, &mut self.scores, &mut self.maps)?;
        self.workers.judge.judge(&self.scores, &mut self.judgements);
        let name = photo.display().to_string();
        let view = FrameView {
            source: &name,
            frame: &self.frame,
            faces: &self.faces,
            scores: &self.scores,
            judgements: &self.judgements,
            tracks: &[],
            maps: &self.maps,
            age: self.frame.captured.elapsed(),
        };
        let records = PhotoRecord::of(&view);
        if let Some(csv) = &mut self.csv {
            csv.photo(&records)?;
        }
        if let Some(jsonl) = &mut self.jsonl {
            jsonl.photo(&records)?;
        }
        say(&answer(&name, &self.judgements))?;
        if let Some(annotate) = &mut self.annotate {
            annotate.draw(photo, &view)?;
        }
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

/// Photos with drawings on them, in a folder.
struct AnnotatedPhotos {
    folder: PathBuf,
    overlay: Overlay,
    taken: HashSet<PathBuf>,
}

impl AnnotatedPhotos {
    fn new(folder: &Path, photos: &[PathBuf]) -> anyhow::Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(UsageError(format!("--annotate {} is a file, name a folder", folder.display())).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("can't make folder {}", folder.display()))?;
        // A photo that is still to be read is not drawn over.
        let photos = photos.iter().filter_map(|photo| photo.canonicalize().ok());
        let folder = folder.canonicalize().with_context(|| format!("can't read folder {}", folder.display()))?;
        Ok(Self { folder, overlay: Overlay::default(), taken: photos.collect() })
    }

    fn draw(&mut self, photo: &Path, view: &FrameView<'_>) -> anyhow::Result<()> {
        let (width, height) = (view.frame.width, view.frame.height);
        let mut pixels = view.frame.pixels.clone();
        if let Some(mut canvas) = Canvas::new(width, height, width * 3, &mut pixels) {
            self.overlay.draw(&mut canvas, view);
        }
        let path = self.free_name(photo);
        image::save_buffer(&path, &pixels, width as u32, height as u32, image::ExtendedColorType::Rgb8)
            .with_context(|| format!("can't write {}", path.display()))
    }

    /// A name after the photo's; photos of one name from several folders are numbered.
    fn free_name(&mut self, photo: &Path) -> PathBuf {
        let stem = photo.file_stem().unwrap_or_default().to_string_lossy();
        let mut path = self.folder.join(format!("{stem}.annotated.png"));
        let mut number = 2;
        while !self.taken.insert(path.clone()) {
            path = self.folder.join(format!("{stem}.{number}.annotated.png"));
            number += 1;
        }
        path
    }
}
