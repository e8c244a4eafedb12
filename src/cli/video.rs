//! `cyborg video`: every face in every frame of video files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::interrupt;
use super::outcome::{Outcome, UsageError, complain, note, refuse_overwriting, say};
use super::persons;
use super::workers::{WorkerArgs, Workers};
use crate::capture::Source;
use crate::capture::video::VideoSource;
use crate::pipeline::{self, Ended, Stages, Summary};
use crate::sink::Sink;
use crate::sink::csv::CsvSink;
use crate::sink::jsonl::JsonlSink;
use crate::sink::progress::ProgressSink;
use crate::sink::video::{VideoSettings, VideoSink};
use crate::verdict::Verdict;

#[derive(Args, Debug)]
pub(super) struct VideoArgs {
    /// Video files
    #[arg(required = true, value_name = "CLIP")]
    clips: Vec<PathBuf>,
    /// Write a CSV table, a row a face and frame
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a JSONL table: the same rows, and a summary a clip
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Write an annotated MP4 with boxes, verdicts and heat maps; with several clips a folder, one file a clip
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,
    /// Width of the annotated video [default: the clip's own]
    #[arg(long, value_name = "PIXELS", requires = "annotate", value_parser = clap::value_parser!(u16).range(16..=16384))]
    annotate_width: Option<u16>,
    #[command(flatten)]
    workers: WorkerArgs,
}

pub(super) fn run(args: &VideoArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    let annotate = Annotate::new(args)?;
    let mut outputs: Vec<PathBuf> = args.clips.iter().filter_map(|clip| annotate.file_for(clip)).collect();
    outputs.extend([&args.csv, &args.jsonl].into_iter().flatten().cloned());
    let networks = [&args.workers.model, &args.workers.detector].into_iter().flatten();
    refuse_overwriting(args.clips.iter().chain(networks), &outputs)?;
    let mut workers = args.workers.open()?;
    let mut sinks = open_tables(args, &workers)?;
    let mut failed = 0;
    for clip in &args.clips {
        match judge_clip(clip, args, &annotate, &mut workers, &mut sinks, stop) {
            Ok(()) => {}
            Err(error) => {
                complain(&error);
                failed += 1;
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Interrupted);
        }
    }
    if let Some(caution) = workers.caution().filter(|_| failed < args.clips.len()) {
        note(caution);
    }
    Ok(Outcome::of(failed, args.clips.len()))
}

/// The tables of a run, made before any work so that a path that can't be written costs nothing.
fn open_tables(args: &VideoArgs, workers: &Workers) -> anyhow::Result<Vec<Box<dyn Sink>>> {
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(ProgressSink::new())];
    if let Some(path) = &args.csv {
        sinks.push(Box::new(CsvSink::create(path)?));
    }
    if let Some(path) = &args.jsonl {
        sinks.push(Box::new(JsonlSink::create(path, &workers.record())?));
    }
    Ok(sinks)
}

fn judge_clip(
    clip: &Path,
    args: &VideoArgs,
    annotate: &Annotate,
    workers: &mut Workers,
    sinks: &mut Vec<Box<dyn Sink>>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let mut source = VideoSource::open(clip, workers.threads)?;
    let annotated = annotate.file_for(clip);
    let shared = sinks.len();
    if let Some(path) = &annotated {
        let settings = VideoSettings { width: args.annotate_width.map(usize::from), threads: workers.threads };
        sinks.push(Box::new(VideoSink::create(path, source.info(), &settings)?));
    }
    let stages = Stages {
        locate: &mut workers.detector,
        classify: &mut workers.classifier,
        judge: &workers.judge,
        sinks: sinks.as_mut_slice(),
    };
    let summary = pipeline::run(&mut source, stages, stop);
    sinks.truncate(shared);
    report(&summary)?;
    match summary.ended {
        Ended::Failed(error) => Err(error.context(format!("{} was not completed", clip.display()))),
        Ended::Whole | Ended::Interrupted => Ok(()),
    }
}

fn report(summary: &Summary) -> anyhow::Result<()> {
    if summary.frames == 0 {
        return Ok(());
    }
    let name = &summary.source.name;
    let rate = summary.frames as f64 / summary.wall.as_secs_f64().max(f64::MIN_POSITIVE);
    say(&format!("{name}: {}", persons::answer(&summary.tracks)))?;
    for line in persons::lines(&summary.tracks) {
        say(&format!("  {line}"))?;
    }
    say(&format!(
        "  {} frames ({} without a face), {} faces: {} authentic, {} unsure, {} synthetic; {rate:.1} frames/s",
        summary.frames,
        summary.frames_without_face,
        summary.faces,
        summary.count_of(Verdict::Authentic),
        summary.count_of(Verdict::Unsure),
        summary.count_of(Verdict::Synthetic),
    ))?;
    if let Some(reason) = &summary.first_damage {
        note(&format!("warning: {name}: {} pieces could not be decoded, first: {reason}", summary.damaged_frames));
    }
    if summary.patched_frames > 0 {
        let count = summary.patched_frames;
        note(&format!(
            "warning: {name}: {count} frames are damaged and were patched up by the decoder: doubt their verdicts"
        ));
    }
    let claimed = summary.source.claimed_frames.filter(|&claimed| claimed > summary.frames);
    if let (Some(claimed), Ended::Whole) = (claimed, &summary.ended) {
        note(&format!("warning: {name}: its header speaks of {claimed} frames, {} could be decoded", summary.frames));
    }
    log::info!("{name}: seconds of work a stage: {:?}", summary.times);
    Ok(())
}

/// Where annotated videos go.
enum Annotate {
    Nowhere,
    File(PathBuf),
    Folder(PathBuf),
}

impl Annotate {
    fn new(args: &VideoArgs) -> anyhow::Result<Self> {
        let Some(path) = &args.annotate else {
            return Ok(Self::Nowhere);
        };
        if path.is_dir() {
            let mut names: Vec<_> = args.clips.iter().map(|clip| clip.file_stem()).collect();
            names.sort();
            let same = names.windows(2).find(|pair| pair[0] == pair[1]);
            return match same {
                None => Ok(Self::Folder(path.clone())),
                Some(_) => Err(UsageError(
                    "two clips have the same name, and so would their annotated videos: run them one by one".to_owned(),
                )
                .into()),
            };
        }
        if args.clips.len() > 1 {
            let message = format!(
                "--annotate {} is no folder, and there are several clips: make the folder first",
                path.display()
            );
            return Err(UsageError(message).into());
        }
        Ok(Self::File(path.clone()))
    }

    fn file_for(&self, clip: &Path) -> Option<PathBuf> {
        match self {
            Self::Nowhere => None,
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder) => {
                let stem = clip.file_stem().unwrap_or_default().to_string_lossy();
                Some(folder.join(format!("{stem}.annotated.mp4")))
            }
        }
    }
}
