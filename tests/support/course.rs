//! What a process held in the course of a long run, and whether it grew.

use std::io::Write;
use std::time::{Duration, Instant};

use super::child::long_run;
use super::process::{Held, held};

/// An hour.
pub(crate) const LONG: u64 = 3600;

/// How long to run in seconds: `usual`, or `long` in the long run where nobody asks for another length.
pub(crate) fn length(usual: u64, long: u64) -> Duration {
    let asked = std::env::var("CYBORG_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(if long_run() { asked.unwrap_or(long) } else { usual })
}

/// What was held in the course of a run.
pub(crate) struct Course {
    begun: Instant,
    length: Duration,
    samples: Vec<Held>,
    /// Memory at the beginning of each minute, in KiB.
    minutes: Vec<u64>,
}

impl Course {
    pub(crate) fn new(length: Duration) -> Self {
        Self { begun: Instant::now(), length, samples: Vec::new(), minutes: Vec::new() }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.length
    }

    pub(crate) fn sample(&mut self, id: &str) {
        let held = held(id).expect("Linux says what a process holds");
        if self.begun.elapsed().as_secs() / 60 >= self.minutes.len() as u64 {
            self.minutes.push(held.memory);
        }
        self.samples.push(held);
    }

    /// What was held in a part of the course, from and to in parts of its samples: by the clock a part may have none on a machine
    /// that is busy with other things.
    fn part(&self, from: f64, to: f64) -> impl Iterator<Item = Held> {
        let at = |share: f64| (self.samples.len() as f64 * share) as usize;
        self.samples[at(from)..at(to)].iter().copied()
    }

    /// The last third held no more than was held before; `losses` is how often the source was lost.
    ///
    /// 16 MiB more of memory are no growth: what an allocator keeps comes and goes by some. Of an hour of ten pictures a second,
    /// whose last third has 12,000, that is 1.4 KiB a picture, which nothing that is left behind can be less than for long.
    pub(crate) fn has_not_grown(&self, losses: u64) {
        let most = |from, to| self.part(from, to).map(|held| held.memory).max().expect("there are samples");
        // Of these the least: a few come and go, as a reader connects or one that hung is let go.
        let least = |from, to, count: fn(Held) -> u64| self.part(from, to).map(count).min().expect("there are samples");
        let memory = (most(0.34, 0.67), most(0.67, 1.0));
        let [threads, handles] = [|held: Held| held.threads, |held: Held| held.handles]
            .map(|count| (least(0.2, 0.5, count), least(0.67, 1.0, count)));
        let line = format!(
            "{:?}, lost {losses} times: memory {memory:?} KiB, threads {threads:?}, handles {handles:?}; memory minute by \
             minute {:?} KiB",
            self.length, self.minutes
        );
        // For who runs it with --nocapture; nobody depends on it.
        let _ = writeln!(std::io::stderr(), "{line}");
        assert!(memory.1 <= memory.0 + 16 * 1024, "{line}");
        assert!(threads.1 <= threads.0 + 1 && handles.1 <= handles.0 + 1, "{line}");
    }
}
