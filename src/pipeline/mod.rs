//! The only place with threads and channels: stages wired, buffers recycled, shutdown.
//!
//! ```text
//! source -> locate and follow -> classify -> judge and sinks
//!    ^                                             |
//!    +------------------ buffers ------------------+
//! ```
//!
//! Each arrow is a bounded crossbeam channel. A fixed number of [`Parcel`]s goes round, so that a slow stage holds the
//! source back, no frame is lost, order is kept, and nothing is allocated for a frame.

mod opinion;
mod parcel;
mod summary;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

pub use opinion::{Opinion, OpinionSummary, Scorer};
pub use parcel::Parcel;
pub use summary::{Ended, Said, StageTimes, Summary};

use opinion::{OpinionJudge, Seen};

use crate::capture::{Read, Source};
use crate::face::Locate;
use crate::face::cut::CutFinder;
use crate::face::quality::Quality;
use crate::face::tracker::Tracker;
use crate::model::classifier::Classify;
use crate::sink::{FrameView, Sink};
use crate::verdict::Judge;

/// Parcels that wait between two stages, at most. More would only add memory: the slowest stage sets the pace.
const QUEUE: usize = 2;
/// Parcels in all: the queues, and one in the hands of each of the four stages.
const PARCELS: usize = 3 * QUEUE + 4;

/// The workers of a run. They outlive it, so that models are opened once for many sources.
pub struct Stages<'a> {
    /// Finds faces.
    pub locate: &'a mut dyn Locate,
    /// Scores faces.
    pub classify: &'a mut dyn Classify,
    /// Turns scores into verdicts.
    pub judge: &'a Judge,
    /// Further models, which score the same faces; their results stand beside those of the first one.
    pub others: &'a mut [Scorer<'a>],
    /// Takes the results, in this order.
    pub sinks: &'a mut [Box<dyn Sink>],
}

/// Runs `source` through the stages to its end, or until `stop` becomes true.
///
/// The frames that were begun reach the sinks, unless it is a sink that fails. Each sink is finished whatever happens;
/// what went wrong is in [`Summary::ended`].
pub fn run(source: &mut dyn Source, stages: Stages<'_>, stop: &AtomicBool) -> Summary {
    let Stages { locate, classify, judge, others, sinks } = stages;
    let mut summary = Summary::new(source.info().clone(), others.len());
    let mut judges = Judges {
        first: OpinionJudge::new(judge),
        others: others.iter().map(|scorer| OpinionJudge::new(scorer.judge)).collect(),
    };
    let (free_in, free) = bounded(PARCELS);
    let (decoded_in, decoded) = bounded(QUEUE);
    let (located_in, located) = bounded(QUEUE);
    let (scored_in, scored) = bounded(QUEUE);
    for _ in 0..PARCELS {
        // The channel holds them all, and both its ends are here.
        let _ = free_in.send(Parcel::new(others.len()));
    }
    if let Err(error) = sinks.iter_mut().try_for_each(|sink| sink.start(&summary.source)) {
        summary.fail(error);
        finish(sinks, &mut summary);
        return summary;
    }
    thread::scope(|scope| {
        let decoding = scope.spawn(move || decode(source, &free, &decoded_in, stop));
        let locating = scope.spawn(move || {
            let mut follow = Follow { cuts: CutFinder::new(), tracker: Tracker::new() };
            work(&decoded, &located_in, |parcel| {
                let start = Instant::now();
                locate.locate(&parcel.frame, &mut parcel.faces)?;
                follow.follow(parcel);
                parcel.times.locate = start.elapsed();
                Ok(())
            })
        });
        let scoring = scope.spawn(move || {
            work(&located, &scored_in, |parcel| {
                let start = Instant::now();
                classify.classify(&parcel.frame, &parcel.faces, &mut parcel.scores, &mut parcel.maps)?;
                for (scorer, opinion) in others.iter_mut().zip(&mut parcel.others) {
                    scorer.classify.classify(&parcel.frame, &parcel.faces, &mut opinion.scores, &mut opinion.maps)?;
                }
                parcel.times.classify = start.elapsed();
                Ok(())
            })
        });
        let written = deliver(&scored, &free_in, &mut judges, sinks, &mut summary);
        summary.tracks = judges.first.tracks.finish();
        for (sum, judge) in summary.others.iter_mut().zip(judges.others) {
            sum.tracks = judge.tracks.finish();
        }
        // A sink that failed stops the source: with these ends gone, every sender upstream gives up.
        drop((scored, free_in));
        let tally = join(decoding);
        summary.damaged_frames = tally.damaged;
        summary.first_damage = tally.first_damage;
        // The cause lies upstream, what follows from it downstream.
        let outcomes = [tally.outcome, join(locating), join(scoring), written];
        if let Some(error) = outcomes.into_iter().find_map(Result::err) {
            summary.fail(error);
        } else if stop.load(Ordering::Relaxed) {
            summary.interrupt();
        }
    });
    finish(sinks, &mut summary);
    summary
}

/// What the locating thread knows of the frames before.
struct Follow {
    cuts: CutFinder,
    tracker: Tracker,
}

impl Follow {
    /// Gives each face of a parcel its track, and measures how well it is seen.
    fn follow(&mut self, parcel: &mut Parcel) {
        let Parcel { frame, faces, tracks, qualities, .. } = parcel;
        if self.cuts.begins_scene(frame) {
            self.tracker.end_all();
        }
        self.tracker.follow(frame.time, faces, tracks);
        qualities.clear();
        qualities.extend(faces.iter().map(|face| Quality::of(frame, face)));
    }
}

/// A judge a model.
struct Judges<'a> {
    first: OpinionJudge<'a>,
    others: Vec<OpinionJudge<'a>>,
}

impl Judges<'_> {
    fn judge(&mut self, parcel: &mut Parcel) {
        let Parcel { frame, faces, tracks, qualities, scores, judgements, tracked, others, .. } = parcel;
        let seen = Seen { frame, faces, tracks, qualities };
        self.first.judge(&seen, scores, judgements, tracked);
        for (judge, opinion) in self.others.iter_mut().zip(others) {
            judge.judge(&seen, &opinion.scores, &mut opinion.judgements, &mut opinion.tracked);
        }
    }
}

fn finish(sinks: &mut [Box<dyn Sink>], summary: &mut Summary) {
    for sink in sinks {
        if let Err(error) = sink.finish(summary) {
            summary.fail(error);
        }
    }
}

/// What the source's thread has to tell.
struct Tally {
    damaged: u64,
    first_damage: Option<String>,
    outcome: anyhow::Result<()>,
}

fn decode(source: &mut dyn Source, free: &Receiver<Parcel>, out: &Sender<Parcel>, stop: &AtomicBool) -> Tally {
    let mut tally = Tally { damaged: 0, first_damage: None, outcome: Ok(()) };
    let mut spare = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(mut parcel) = spare.take().or_else(|| free.recv().ok()) else {
            break;
        };
        let start = Instant::now();
        match source.read(&mut parcel.frame) {
            Ok(Read::Frame) => {
                parcel.times.decode = start.elapsed();
                if out.send(parcel).is_err() {
                    break;
                }
            }
            Ok(Read::Damaged(reason)) => {
                tally.damaged += 1;
                tally.first_damage.get_or_insert(reason);
                spare = Some(parcel);
            }
            Ok(Read::End) => break,
            Err(error) => {
                tally.outcome = Err(error);
                break;
            }
        }
    }
    tally
}

fn work(
    parcels: &Receiver<Parcel>,
    out: &Sender<Parcel>,
    mut stage: impl FnMut(&mut Parcel) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for mut parcel in parcels {
        stage(&mut parcel)?;
        if out.send(parcel).is_err() {
            break;
        }
    }
    Ok(())
}

fn deliver(
    scored: &Receiver<Parcel>,
    free: &Sender<Parcel>,
    judges: &mut Judges<'_>,
    sinks: &mut [Box<dyn Sink>],
    summary: &mut Summary,
) -> anyhow::Result<()> {
    for mut parcel in scored {
        judges.judge(&mut parcel);
        let age = parcel.frame.captured.elapsed();
        let view = FrameView {
            source: &summary.source.name,
            frame: &parcel.frame,
            faces: &parcel.faces,
            scores: &parcel.scores,
            judgements: &parcel.judgements,
            tracks: &parcel.tracked,
            maps: &parcel.maps,
            others: &parcel.others,
            age,
        };
        let start = Instant::now();
        for sink in sinks.iter_mut() {
            sink.frame(&view)?;
        }
        parcel.times.write = start.elapsed();
        summary.count(&parcel);
        // The source may have ended already; then nobody needs the buffer.
        let _ = free.send(parcel);
    }
    Ok(())
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    // A panic is a fault of the program; it goes on to the top as what it is.
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
