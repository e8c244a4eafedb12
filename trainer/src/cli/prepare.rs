//! `cyborg-train prepare`: face crops and their list from photos, folders of photos, and clips.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use clap::Args;
use cyborg_edge::capture::stills;
use cyborg_edge::explain::explain;
use cyborg_edge::face::detector::Detector;
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::{Alignment, Border, CropRule};
use cyborg_models::digest;
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::{listen, margin};
use crate::data::list::{Label, ListWriter, NewRow, Split};
use crate::data::look::open_detector;
use crate::data::prepare::{PrepareSettings, Prepared, Preparer, write_png};

#[derive(Args, Debug)]
pub(super) struct PrepareArgs {
    /// Photos, folders of photos and clips
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Folder for the crops and their list `faces.csv`; an existing one is continued
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// What the faces are: real or synthetic
    #[arg(long, value_name = "LABEL")]
    label: Label,
    /// Where they come from, for results by source [default: the name of the folder that they lie in]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// What they are for: train, validation or test
    #[arg(long, value_name = "SPLIT", default_value = "train")]
    split: Split,
    /// Take every Nth frame of a clip: neighbouring frames are nearly alike
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Crop margin: side of the crop divided by the longer side of the face box
    #[arg(long, value_name = "FACTOR", default_value_t = 1.3, value_parser = margin)]
    margin: f32,
    /// Skip faces smaller than this many pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 64)]
    least: u16,
    /// Shrink larger crops to this many pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 640, value_parser = clap::value_parser!(u16).range(64..))]
    largest: u16,
}

pub(super) fn run(args: &PrepareArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let faces = args.out.join("faces");
    fs::create_dir_all(&faces).with_context(|| format!("can't make {}", name::of(&faces)))?;
    let list = ListWriter::open(&args.out.join("faces.csv"))?;
    let detector = open_detector(&Runtime::load()?)?;
    let settings = PrepareSettings {
        rule: CropRule { margin: args.margin, alignment: Alignment::None, border: Border::Replicate },
        least: f32::from(args.least),
        largest: args.largest.into(),
    };
    let mut work = Work { args, faces, list, preparer: Preparer::new(detector, settings), stop, kept: 0, new: 0 };
    let (mut done, mut failed) = (0, 0);
    for path in expand(&args.paths)? {
        if work.stop.load(Ordering::Relaxed) {
            log::warn!("interrupted; what was prepared is in {}", name::of(&args.out));
            return Ok(Outcome::Interrupted);
        }
        match work.one(&path) {
            Ok(()) => done += 1,
            // What can't be written will not be writable for the next one either.
            Err(error) if error.is::<CantWrite>() => return Err(error),
            Err(error) => {
                failed += 1;
                log::error!("{}", explain(&error));
            }
        }
    }
    if stop.load(Ordering::Relaxed) {
        log::warn!("interrupted; what was prepared is in {}", name::of(&args.out));
        return Ok(Outcome::Interrupted);
    }
    log::info!(
        "{} faces of {done} files, {} of them new; their list: {}",
        work.kept,
        work.new,
        name::of(args.out.join("faces.csv"))
    );
    Ok(match (done, failed) {
        (_, 0) => Outcome::Done,
        (0, _) => Outcome::AllFailed,
        _ => Outcome::SomeFailed,
    })
}

/// Files as they are, folders as the photos in them.
fn expand(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = stills::list(path).with_context(|| format!("can't read {}", name::of(path)))?;
        if found.files.is_empty() {
            bail!("{} holds no photo (looked for {})", name::of(path), stills::ENDINGS.join(", "));
        }
        for (below, error) in &found.unreadable {
            log::warn!("the photos in {} are left out: {error}", name::of(below));
        }
        if !found.left_out.is_empty() {
            log::warn!("{}: {}", name::of(path), found.left_out);
        }
        files.extend(found.files);
    }
    Ok(files)
}

/// An output that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct CantWrite(anyhow::Error);

struct Work<'a> {
    args: &'a PrepareArgs,
    faces: PathBuf,
    list: ListWriter,
    preparer: Preparer<Detector>,
    stop: &'a AtomicBool,
    /// Faces that were found, and of these, those that were not listed before.
    kept: usize,
    new: usize,
}

impl Work<'_> {
    fn one(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut frame = Frame::empty();
        match stills::read(path, &mut frame) {
            Ok(still) => {
                if still.animated {
                    log::warn!("{} is animated: only the faces in its first frame are used", name::of(path));
                }
                self.frame(path, &frame, None)
            }
            Err(error @ (stills::StillError::Open { .. } | stills::StillError::Fault { .. })) => Err(error.into()),
            // No picture: perhaps a clip.
            Err(error) => self.clip(path, error),
        }
    }

    #[cfg(feature = "video")]
    fn clip(&mut self, path: &Path, no_picture: stills::StillError) -> anyhow::Result<()> {
        use cyborg_edge::capture::video::VideoSource;
        use cyborg_edge::capture::{Read, Source};
        let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if ending.is_some_and(|ending| stills::ENDINGS.contains(&ending.as_str())) {
            return Err(no_picture.into());
        }
        let mut source = VideoSource::open(path, threads)?;
        let mut frame = Frame::empty();
        loop {
            match source.read(&mut frame).map_err(anyhow::Error::from_boxed)? {
                Read::End => return Ok(()),
                Read::Damaged(reason) => log::warn!("{}: skipped a frame: {reason}", name::of(path)),
                Read::Frame if self.stop.load(Ordering::Relaxed) => return Ok(()),
                Read::Frame if frame.number.is_multiple_of(self.args.every) => {
                    self.frame(path, &frame, Some(frame.number))?;
                }
                Read::Frame => {}
            }
        }
    }

    #[cfg(not(feature = "video"))]
    fn clip(&mut self, _: &Path, no_picture: stills::StillError) -> anyhow::Result<()> {
        Err(anyhow::Error::from(no_picture).context("clips are read by a build with `--features video`"))
    }

    /// Keeps the faces of a photo, or of a frame with its number.
    fn frame(&mut self, path: &Path, frame: &Frame, number: Option<u64>) -> anyhow::Result<()> {
        let faces = self.preparer.faces(frame)?;
        if faces.is_empty() && number.is_none() {
            log::warn!(
                "{}: no face of {} pixels or more was found (`--least` sets the limit)",
                name::of(path),
                self.args.least
            );
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Files of one name in two folders must not overwrite each other.
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let place = digest::of_bytes(whole.to_string_lossy().as_bytes());
        let source = self.args.source.clone().unwrap_or_else(|| folder_name(path));
        for (index, face) in faces.iter().enumerate() {
            let frame_part = number.map_or_else(String::new, |number| format!("-{number:06}"));
            let file = format!("{name}-{}{frame_part}-{index}.png", &place[..8]);
            self.keep(file, source.clone(), number.map(|_| format!("{name}-{}", &place[..8])), face)?;
        }
        Ok(())
    }

    fn keep(&mut self, file: String, source: String, video: Option<String>, face: &Prepared) -> anyhow::Result<()> {
        self.kept += 1;
        if self.list.has(&file, self.args.label, self.args.split).map_err(|error| CantWrite(error.into()))? {
            return Ok(());
        }
        self.new += 1;
        write_png(&self.faces.join(&file), &face.pixels, face.side).map_err(CantWrite)?;
        let row = NewRow {
            file,
            label: self.args.label,
            split: self.args.split,
            source,
            video,
            group: None,
            pair: None,
            map: None,
            face: face.face,
        };
        Ok(self.list.add(&row).map_err(|error| CantWrite(error.into()))?)
    }
}

fn folder_name(path: &Path) -> String {
    let folder = path.canonicalize().ok();
    let name = folder.as_deref().and_then(Path::parent).and_then(Path::file_name);
    name.map_or_else(|| "photos".to_owned(), |name| name.to_string_lossy().into_owned())
}
