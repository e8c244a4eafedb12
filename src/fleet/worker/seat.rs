//! The judge's seat: a judge works on a thread of its own, so that the worker can speak to the broker meanwhile.

use std::panic::resume_unwind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use super::settings::{HEARING, WorkerSettings};
use crate::fleet::job::Job;
use crate::fleet::judge::{Clip, Fault, Judge};
use crate::fleet::places::Allowed;
use crate::sink::jsonl::RunRecord;
use crate::sink::packed::Packed;

/// How long a judge may take to hear that a clip is given up.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The judge, where it isn't at work.
pub(super) struct Seat(Option<Box<dyn Judge>>);

impl Seat {
    pub(super) fn of(judge: Box<dyn Judge>) -> Self {
        Self(Some(judge))
    }

    /// Makes ready for a job; the error says why this can't be.
    pub(super) async fn ready(&mut self, job: &Job, allowed: &Allowed) -> Result<RunRecord, String> {
        let mut judge = self.take()?;
        let (job, allowed) = (job.clone(), allowed.clone());
        let done = spawn_blocking(move || {
            let run = judge.ready(&job, &allowed);
            (judge, run)
        });
        let (judge, run) = done.await.unwrap_or_else(rise);
        self.0 = Some(judge);
        run
    }

    /// Judges a clip. When the worker is to end, the clip has the grace time; then it is given up.
    pub(super) async fn judge(
        &mut self,
        clip: Clip,
        settings: &WorkerSettings,
        drains: impl Fn(),
    ) -> Result<Packed, Fault> {
        let mut judge = self.take().map_err(Fault::Worker)?;
        let abandon = settings.abandon;
        let mut work = spawn_blocking(move || {
            let packed = judge.judge(&clip, abandon);
            (judge, packed)
        });
        let Some(done) = within_grace(&mut work, settings, drains).await else {
            return Err(Fault::Interrupted);
        };
        let (judge, packed) = done.unwrap_or_else(rise);
        self.0 = Some(judge);
        packed
    }

    fn take(&mut self) -> Result<Box<dyn Judge>, String> {
        self.0.take().ok_or_else(|| "the clip before is still being given up".to_owned())
    }
}

/// The end of the work; nothing where it didn't end in time.
async fn within_grace<T>(
    work: &mut JoinHandle<T>,
    settings: &WorkerSettings,
    drains: impl Fn(),
) -> Option<Result<T, JoinError>> {
    let mut ends: Option<Instant> = None;
    loop {
        if let Ok(done) = timeout(HEARING, &mut *work).await {
            return Some(done);
        }
        match ends {
            None if settings.drain.load(Ordering::Relaxed) => {
                drains();
                ends = Some(Instant::now() + settings.grace);
            }
            Some(end) if Instant::now() >= end => {
                settings.abandon.store(true, Ordering::Relaxed);
                return timeout(LAST_WORDS, &mut *work).await.ok();
            }
            None | Some(_) => {}
        }
    }
}

/// A panic is a fault of the program; it goes on to the top as what it is.
fn rise<T>(error: JoinError) -> T {
    resume_unwind(error.into_panic())
}
