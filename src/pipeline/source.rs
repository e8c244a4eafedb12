//! The source's thread: frames are read into free parcels, and it is decided in which of them faces are looked for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::parcel::{Failure, Parcel};
use super::room::under_way;
use crate::capture::clock::RunningClock;
use crate::capture::{Read, Source};
use crate::face::follow::{DetectEvery, Planner};
use crate::findings::StageTimes;
use crate::frame::PresentationTime;

/// Where parcels go from here.
pub(super) struct Outlets {
    /// Those in which faces are looked for.
    pub(super) decoded: Sender<Parcel>,
    /// The others, past the detector.
    pub(super) located: Sender<Parcel>,
}

/// What the source's thread has to tell.
pub(super) struct Tally {
    pub(super) damaged: u64,
    pub(super) first_damage: Option<String>,
    /// See [`Source::came_by`].
    pub(super) came_by: Option<u64>,
}

/// Reads `source` into `parcels` parcels, fewer of large pictures, until its end, until `stop`, or until nobody takes its frames any more.
pub(super) fn read(
    source: &mut dyn Source,
    detect: DetectEvery,
    free: &Receiver<Parcel>,
    parcels: usize,
    outlets: &Outlets,
    stop: &AtomicBool,
) -> Tally {
    let mut tally = Tally { damaged: 0, first_damage: None, came_by: None };
    let mut planner = Planner::new(detect);
    // Number of the last frame that was read.
    let mut before = None;
    // Its zero is the source's own: nobody knows what was before its first frame.
    let mut clock = RunningClock::since(PresentationTime(0), source.info().rate);
    let mut order = 0;
    let (mut spare, mut held) = (None, parcels);
    while !stop.load(Ordering::Relaxed) {
        let Some(mut parcel) = spare.take().or_else(|| free.recv().ok()) else {
            break;
        };
        let start = Instant::now();
        (parcel.frame.running, parcel.frame.changed) = (None, None);
        match source.read(&mut parcel.frame) {
            Ok(Read::Frame) => {
                let time = parcel.frame.time;
                parcel.frame.running.get_or_insert_with(|| clock.tell(time, |_, _| false));
                // Only here it is known how large the pictures are; those that go still have none, or a smaller one.
                while held > under_way(parcels, (parcel.frame.width, parcel.frame.height)) && free.try_recv().is_ok() {
                    held -= 1;
                }
                parcel.plan = planner.plan(&parcel.frame);
                let before = before.replace(parcel.frame.number);
                // Between looks the faces before may be a guess.
                parcel.repeats =
                    detect == DetectEvery::FRAME && before.is_some_and(|before| parcel.frame.repeats(before));
                parcel.times = StageTimes { decode: start.elapsed(), ..StageTimes::default() };
            }
            Ok(Read::Damaged(reason)) => {
                tally.damaged += 1;
                tally.first_damage.get_or_insert(reason);
                spare = Some(parcel);
                continue;
            }
            Ok(Read::End) => break,
            Err(error) => {
                parcel.times = StageTimes { decode: Duration::ZERO, ..StageTimes::default() };
                parcel.repeats = false;
                parcel.failure = Some(Failure::Error(error));
            }
        }
        parcel.order = order;
        order += 1;
        let last = parcel.failure.is_some();
        let looks = parcel.plan.looks && !parcel.repeats;
        let outlet = if looks { &outlets.decoded } else { &outlets.located };
        if outlet.send(parcel).is_err() || last {
            break;
        }
    }
    tally.came_by = source.came_by();
    tally
}
