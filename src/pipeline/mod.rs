//! Threads and channels of a run over files: stages wired, buffers recycled, shutdown. A camera's are in [`crate::live`].
//!
//! ```text
//! source -> find cuts -> locate -> follow -> classify -> judge and sinks
//!    ^                   [ the workers share both ]             |
//!    +------------------------- buffers ------------------------+
//! ```
//!
//! Each arrow is a crossbeam channel. A fixed number of [`Parcel`]s goes round, so that a slow stage holds the source
//! back, no frame is lost, and nothing is allocated for a frame. The two costly stages are done by [`Worker`]s, each of
//! which takes whatever there is to do, the later stage first: no processor waits while there is work, whichever of
//! the two networks is the slower one. Following and judging want the frames in their order, and restore it.
//!
//! What fails travels in its parcel to the end: the frames before it are delivered, in any run.

mod delivery;
mod follow;
mod order;
pub mod parcel;
mod room;
mod source;
mod worker;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::bounded;

pub use parcel::Parcel;
pub use worker::Worker;

use crate::capture::Source;
use crate::face::follow::DetectEvery;
use crate::findings::{Sink, Summary};
use crate::verdict::Judge;
use delivery::Delivery;
use parcel::Failure;

/// Parcels for each worker: one in its hands, and one that waits for it or, done, for its turn.
const PARCELS_A_WORKER: usize = 2;
/// Parcels beside those: one each in the hands of the source and the sinks. More were no faster, and each holds a frame.
const PARCELS_BESIDE: usize = 2;

/// Who does the work of a run. They outlive it, so that models are opened once for many sources.
pub struct Stages<'a> {
    /// Find and score faces, each on a thread of its own. Results don't depend on how many there are.
    pub workers: Vec<Worker<'a>>,
    /// In which frames faces are looked for.
    pub detect: DetectEvery,
    /// Turn scores into verdicts: one for each model of the workers. The first one's model decides, the others stand beside it.
    pub judges: Vec<&'a Judge>,
    /// Takes the results, in this order.
    pub sinks: &'a mut [Box<dyn Sink>],
}

/// Runs `source` through the stages to its end, or until `stop` becomes true.
///
/// The frames that were begun reach the sinks, unless it is a sink that fails. Each sink is finished whatever happens;
/// what went wrong is in [`Summary::ended`].
pub fn run(source: &mut dyn Source, stages: Stages<'_>, stop: &AtomicBool) -> Summary {
    let Stages { workers, detect, judges, sinks } = stages;
    let mut summary = Summary::new(source.info().clone(), judges.len());
    if let Err(error) = sinks.iter_mut().try_for_each(|sink| sink.start(&summary.source)) {
        summary.fail(error);
        finish(sinks, &mut summary);
        return summary;
    }
    // Every channel holds all parcels there are: no send waits, so that no circle of waiting threads can close. What
    // holds the source back is that it has to wait for a free parcel.
    let parcels = PARCELS_A_WORKER * workers.len() + PARCELS_BESIDE;
    let (free_in, free) = bounded(parcels);
    let (decoded_in, decoded) = bounded(parcels);
    let (located_in, located) = bounded(parcels);
    let (followed_in, followed) = bounded(parcels);
    let (scored_in, scored) = bounded(parcels);
    for _ in 0..parcels {
        // The channel holds them all, and both its ends are here.
        let _ = free_in.send(Parcel::new(judges.len()));
    }
    let is_sparse = source.came_by().is_some();
    let failure = thread::scope(|scope| {
        let reading = scope.spawn({
            let located_in = located_in.clone();
            move || {
                let outlets = source::Outlets { decoded: decoded_in, located: located_in };
                source::read(source, detect, &free, parcels, &outlets, stop)
            }
        });
        for worker in workers {
            let (decoded, followed) = (decoded.clone(), followed.clone());
            let (located_in, scored_in) = (located_in.clone(), scored_in.clone());
            scope.spawn(move || worker.work(worker::Lanes { decoded, located_in, followed, scored_in }));
        }
        // The threads have their own ends of the channels. These here must go: a channel ends with its last sender.
        drop((decoded, located_in, followed, scored_in));
        scope.spawn(move || follow::follow(&located, &followed_in, parcels, is_sparse));
        let mut delivery = Delivery::new(judges, sinks, is_sparse);
        let failure = delivery.deliver(scored, free_in, parcels, &mut summary).err();
        delivery.finish(&mut summary);
        let tally = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
        summary.damaged_frames = tally.damaged;
        summary.first_damage = tally.first_damage;
        summary.came_by = tally.came_by;
        failure
    });
    match failure {
        Some(Failure::Error(error)) => summary.fail(error),
        // A panic is a fault of the program; it goes on to the top as what it is.
        Some(Failure::Panic(panic)) => resume_unwind(panic),
        None if stop.load(Ordering::Relaxed) => summary.interrupt(),
        None => {}
    }
    finish(sinks, &mut summary);
    summary
}

fn finish(sinks: &mut [Box<dyn Sink>], summary: &mut Summary) {
    for sink in sinks {
        if let Err(error) = sink.finish(summary) {
            summary.fail(error);
        }
    }
}
