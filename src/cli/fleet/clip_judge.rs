//! Judges the clips of jobs as `cyborg video` does. The networks stay open from one clip to the next of the same settings.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use crossbeam_channel::bounded;

use super::flags::JudgeArgs;
use super::named_source::NamedSource;
use crate::cli::sources::{self, Wanted};
use crate::cli::workers::Workers;
use crate::cli::{cure, judging};
use crate::findings::{Ended, Sink};
use crate::fleet::job::Job;
use crate::fleet::judge::{Clip, Fault, Judge};
use crate::fleet::places::Allowed;
use crate::sink::jsonl::RunRecord;
use crate::sink::packed::{Packed, PackedSink};

/// The command line's judge.
pub(super) struct ClipJudge {
    threads: Option<NonZeroUsize>,
    opened: Option<Opened>,
}

/// Networks that are ready, and what for.
struct Opened {
    flags: Vec<String>,
    args: JudgeArgs,
    workers: Workers,
    run: RunRecord,
}

impl ClipJudge {
    /// With so many threads.
    pub(super) fn new(threads: Option<NonZeroUsize>) -> Self {
        Self { threads, opened: None }
    }
}

impl Judge for ClipJudge {
    fn ready(&mut self, job: &Job, allowed: &Allowed) -> Result<RunRecord, String> {
        if let Some(opened) = self.opened.as_ref().filter(|opened| opened.flags == job.flags) {
            return Ok(opened.run.clone());
        }
        let mut args = JudgeArgs::of_job(&job.flags, allowed)?;
        args.workers.threads = self.threads;
        // Those of the job before make room first.
        self.opened = None;
        let workers = args.workers.open().map_err(|error| cure::in_words(&error))?;
        let run = args.record(&workers);
        self.opened = Some(Opened { flags: job.flags.clone(), args, workers, run: run.clone() });
        Ok(run)
    }

    fn judge(&mut self, clip: &Clip, stop: &'static AtomicBool) -> Result<Packed, Fault> {
        let Some(Opened { args, workers, run, .. }) = &mut self.opened else {
            return Err(Fault::Worker("no networks are open".to_owned()));
        };
        let wanted = Wanted { confined: true, ..args.frames.wanted(workers.threads, stop) };
        let is_stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
        let source = match sources::open(&clip.address, &wanted) {
            Ok(source) => source,
            Err(_) if is_stopped() => return Err(Fault::Interrupted),
            Err(error) => return Err(Fault::Clip(cure::in_words(&error))),
        };
        let mut source = NamedSource::new(source, clip.name.clone());
        let (done, packed) = bounded(1);
        let mut sinks: [Box<dyn Sink>; 1] = [Box::new(PackedSink::new(run.models(), done))];
        let how = (args.frames.choice(), args.detect_every);
        let summary = judging::judge(&mut source, workers, how, &mut sinks, stop);
        match summary.ended {
            Ended::Interrupted => Err(Fault::Interrupted),
            Ended::Failed(error) => {
                let error = cure::unboxed(error).context(format!("{} was not completed", clip.name));
                Err(Fault::Clip(cure::in_words(&error)))
            }
            Ended::Whole => packed.try_recv().map_err(|_| Fault::Worker("the lines of a clip got lost".to_owned())),
        }
    }
}
