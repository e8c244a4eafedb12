//! `cyborg video`: every face in every frame of videos.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::clip_outputs::{ClipOutputArgs, ClipOutputs, OpenedClip};
use super::inputs::{Expanded, InputArgs};
use super::judging;
use super::outcome::{Outcome, complain, note, refuse_overwriting, say};
use super::side_by_side::{self, Voice};
use super::tables::TableArgs;
use super::workers::{WorkerArgs, Workers};
use super::{interrupt, machine, persons};
use crate::capture::address::Address;
use crate::cli::cure;
use crate::findings::{Ended, Sink, Summary};
use crate::sink::jsonl::RunRecord;
use crate::sink::progress::ProgressSink;

#[derive(Args, Debug)]
pub(super) struct VideoArgs {
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    tables: TableArgs,
    /// Write JSON to standard output for other programs: one object per clip, with its tracks, and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    outputs: ClipOutputArgs,
    /// Look for faces only in every Nth frame and where scenes begin, and follow their motion in between: faster
    #[arg(long, value_name = "N", default_value = "1")]
    detect_every: NonZeroU32,
    #[command(flatten)]
    workers: WorkerArgs,
}

pub(super) fn run(args: &VideoArgs) -> anyhow::Result<Outcome> {
    judging::check(&args.inputs.frames, args.detect_every)?;
    let stop = interrupt::listen();
    let Expanded { clips, failures, left_out } = args.inputs.expand()?;
    failures.iter().for_each(complain);
    let mut failed = failures.len();
    let all = clips.len() + failed;
    if clips.is_empty() {
        left_out.iter().for_each(|text| note(text));
        return Ok(Outcome::of(failed, all));
    }
    args.tables.check(&clips)?;
    let outputs = args.outputs.of(&clips)?;
    let written: Vec<PathBuf> = outputs.files().cloned().chain(args.tables.outputs(clips.len())).collect();
    let files: Vec<PathBuf> = clips.iter().filter_map(|clip| clip.path().map(ToOwned::to_owned)).collect();
    refuse_overwriting(files.iter().chain(&args.workers.files()), &written)?;
    let mut workers = args.workers.open()?;
    let mut run = workers.record();
    judging::add_settings(&mut run, &args.inputs.frames, args.detect_every);
    let names: Vec<String> = clips.iter().map(Address::name).collect();
    let (tables, finished) = args.tables.open(&names, &run)?.into_sinks();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(ProgressSink::new())];
    sinks.extend(tables);
    let shared = sinks.len();
    for (number, clip) in clips.iter().enumerate().filter(|(_, clip)| !finished.contains(&clip.name())) {
        let judged = judge_clip((number, clip), args, &outputs, &mut workers, &mut sinks, stop);
        sinks.truncate(shared);
        if let Err(error) = tell(judged, clip, &run, args) {
            complain(&error);
            failed += 1;
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Interrupted);
        }
    }
    if failed < all {
        workers.cautions().iter().for_each(|caution| note(caution));
    }
    left_out.iter().for_each(|text| note(text));
    if failed > 0 && all > 1 {
        note(&format!("{failed} of {all} clips could not be judged to the end; see the reasons above"));
    }
    Ok(Outcome::of(failed, all))
}

fn judge_clip(
    (number, clip): (usize, &Address),
    args: &VideoArgs,
    outputs: &ClipOutputs<'_>,
    workers: &mut Workers,
    sinks: &mut Vec<Box<dyn Sink>>,
    stop: &'static AtomicBool,
) -> anyhow::Result<Option<Summary>> {
    let mut source = match args.inputs.open(clip, workers.threads, stop) {
        // A wait for the network that the user cut short is no fault of the address.
        Err(_) if stop.load(Ordering::Relaxed) => return Ok(None),
        opened => opened?,
    };
    let opened = OpenedClip { address: clip, source: source.as_ref(), inputs: &args.inputs, workers };
    outputs.open(number, &opened, sinks)?;
    let how = (args.inputs.frames.choice(), args.detect_every);
    Ok(Some(judging::judge(source.as_mut(), workers, how, sinks, stop)))
}

/// Says what came of a clip; an error is its failure.
fn tell(
    judged: anyhow::Result<Option<Summary>>,
    clip: &Address,
    run: &RunRecord,
    args: &VideoArgs,
) -> anyhow::Result<()> {
    let summary = match judged {
        Ok(Some(summary)) => summary,
        Ok(None) => return Ok(()),
        Err(error) if args.json => return machine::print_failed(&clip.name(), &error).and(Err(error)),
        Err(error) => return Err(error),
    };
    match args.json {
        true => machine::print_clip(&summary, run)?,
        false => tell_person(&summary, &run.models())?,
    }
    warn(&summary);
    match summary.ended {
        Ended::Failed(error) => Err(cure::unboxed(error).context(format!("{} was not completed", clip.name()))),
        Ended::Whole | Ended::Interrupted => Ok(()),
    }
}

fn tell_person(summary: &Summary, models: &[String]) -> anyhow::Result<()> {
    if summary.frames == 0 {
        return Ok(());
    }
    let name = &summary.source.name;
    let voices: Vec<Voice<'_>> =
        models.iter().zip(&summary.opinions).map(|(model, said)| (model.as_str(), &*said.tracks)).collect();
    if voices.len() > 1 {
        say(&format!("{name}: {}", side_by_side::answer(&voices)))?;
        side_by_side::lines(&voices).iter().try_for_each(|line| say(&format!("  {line}")))?;
    } else if let [(_, tracks)] = *voices {
        say(&format!("{name}: {}", persons::answer(tracks)))?;
        persons::lines(tracks).iter().try_for_each(|line| say(&format!("  {line}")))?;
    }
    let rate = summary.frames as f64 / summary.wall.as_secs_f64().max(f64::MIN_POSITIVE);
    let counts = |[authentic, unsure, synthetic]: [u64; 3]| {
        format!("{authentic} authentic, {unsure} unsure, {synthetic} synthetic")
    };
    let of_faces: Vec<String> = (models.iter().zip(&summary.opinions))
        .map(|(model, said)| match models.len() {
            1 => counts(said.verdicts),
            _ => format!("{} by {model}", counts(said.verdicts)),
        })
        .collect();
    let frames = match summary.came_by {
        Some(all) => format!("{} key frames of {all} frames", summary.frames),
        None => format!("{} frames", summary.frames),
    };
    let repeated = match summary.repeated_frames {
        0 => String::new(),
        count => format!("{count} the same as the one before and not looked at again, "),
    };
    say(&format!(
        "  {frames} ({repeated}{} without a face), {} faces: {}; {rate:.1} frames/s",
        summary.frames_without_face,
        summary.faces,
        of_faces.join("; "),
    ))?;
    Ok(())
}

/// What makes the verdicts on a clip doubtful.
fn warn(summary: &Summary) {
    let name = &summary.source.name;
    if let Some(reason) = &summary.first_damage {
        note(&format!("warning: {name}: {} packets could not be decoded; the first: {reason}", summary.damaged_frames));
    }
    if summary.clock_jumps > 0 {
        let times = match summary.clock_jumps {
            1 => "once".to_owned(),
            jumps => format!("{jumps} times"),
        };
        note(&format!(
            "warning: {name}: its clock jumped {times}: `time_s` is what it says, `running_s` and the annotated video go on, \
             a gap is a second"
        ));
    }
    if summary.patched_frames > 0 {
        let count = summary.patched_frames;
        note(&format!(
            "warning: {name}: {count} frames are damaged and were patched up by the decoder: doubt their verdicts"
        ));
    }
    let claimed = summary.source.claimed_frames.filter(|&claimed| claimed > summary.frames);
    if let (Some(claimed), Ended::Whole) = (claimed, &summary.ended) {
        note(&format!("warning: {name}: its header claims {claimed} frames, but {} could be decoded", summary.frames));
    }
    log::info!("{name}: seconds of work a stage: {:?}", summary.times);
}
