//! A worker: takes one task after the other, has it judged, stores the result, and only then lets the queue forget the task.
//!
//! What the clip is to blame for is tried again, and then told in a dead letter. What the worker is to blame for never costs a
//! clip one of its tries: the worker hands it back and parks.

mod beats;
mod lease;
mod queue;
mod seat;
mod settings;
mod task;

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

pub use settings::{Tally, WorkerSettings};

use super::beat::State;
use super::broker::BrokerSettings;
use super::desk::runtime;
use super::error::FleetError;
use super::judge::Judge;
use super::store::{Store, StoreSettings};
use beats::Beats;
use queue::Queue;
use seat::Seat;
use settings::HEARING;

/// A worker that parks again and again waits longer each time, up to this.
const LONGEST_PARK: Duration = Duration::from_secs(300);

/// What is next after a task.
enum Next {
    /// Another one.
    Go,
    /// Nothing for a while: this worker can't do what there is.
    Park { job: String, reason: String },
}

struct Worker {
    store: Store,
    settings: WorkerSettings,
    seat: Seat,
    beats: Beats,
    /// How long it may be silent before its task is given to another one.
    lease: Duration,
}

/// Works until it is to end.
///
/// # Errors
///
/// When the broker can't be reached at the start, or doesn't know us.
///
/// # Panics
///
/// When the judge does: that is a fault of the program.
pub fn work(
    broker: &BrokerSettings,
    store: StoreSettings,
    settings: WorkerSettings,
    judge: Box<dyn Judge>,
) -> Result<Tally, FleetError> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let store = Store::open(broker.connect().await?, &broker.name(), store).await?;
        let queue = Queue::open(&store).await?;
        let beats = Beats::start(store.workers.clone(), &settings.name, &settings.tool);
        let worker = Worker { lease: queue.lease(), seat: Seat::of(judge), store, settings, beats };
        Ok(worker.run(queue).await)
    });
    // A judge that doesn't hear is left behind.
    runtime.shutdown_background();
    done
}

impl Worker {
    async fn run(mut self, mut queue: Queue) -> Tally {
        let mut parked = Duration::ZERO;
        while !self.is_to_end() {
            self.beats.say(State::Idle);
            let message = tokio::select! {
                message = queue.next(&self.store) => message,
                // A request that was sent is not dropped before its answer could come.
                () = self.end_plus(queue::WAIT) => None,
            };
            let Some(message) = message else {
                continue;
            };
            match self.task(message).await {
                Next::Go => parked = Duration::ZERO,
                Next::Park { job, reason } => {
                    parked = (parked * 2).clamp(self.settings.park, LONGEST_PARK.max(self.settings.park));
                    log::warn!(
                        "can't do clips of job {job}: {reason}; trying again in {} s",
                        parked.as_secs_f32().ceil()
                    );
                    self.beats.say(State::Parked { job, reason });
                    tokio::select! {
                        () = sleep(parked) => {}
                        () = self.end_plus(Duration::ZERO) => {}
                    }
                }
            }
        }
        let tally = self.beats.tally();
        self.beats.end().await;
        tally
    }

    fn is_to_end(&self) -> bool {
        self.settings.drain.load(Ordering::Relaxed)
    }

    /// Waits until the worker is to end, and a while longer.
    async fn end_plus(&self, while_longer: Duration) {
        while !self.is_to_end() {
            sleep(HEARING).await;
        }
        sleep(while_longer).await;
    }
}
