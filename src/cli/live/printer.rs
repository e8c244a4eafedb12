//! What a live run says in the terminal: a line where a person's verdict turns, and how each feed goes every few seconds. Where
//! there are several feeds, each line begins with the name of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;

use crate::cli::outcome::{note, say};
use crate::face::follow::TrackId;
use crate::live::metrics::{Counts, LiveMetrics};
use crate::live::newest::{Bell, Newest};
use crate::live::turns::Turns;
use crate::live::view::{Audience, LiveOpinion, SourceState, View};

/// How often it is said how the run goes.
const EVERY: Duration = Duration::from_secs(5);
/// How long to wait for a picture before looking at all else.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// States of the source that wait to be told; of more, the oldest are left out.
const STATES: usize = 16;

/// Where results are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// On standard output.
    Aloud,
    /// On standard error: standard output is for others.
    Aside,
}

impl Voice {
    /// Says a line.
    pub(super) fn say(self, text: &str) -> std::io::Result<()> {
        match self {
            Self::Aloud => say(text),
            Self::Aside => {
                note(text);
                Ok(())
            }
        }
    }
}

/// Takes what there is to see, and prints it on another thread: the terminal may be slow.
pub(super) struct Printer {
    pub(super) voice: Voice,
    inboxes: Vec<Inbox>,
    bell: Bell,
}

/// What a feed has to tell.
struct Inbox {
    /// Begins its lines.
    prefix: String,
    newest: Newest<Arc<View>>,
    states: ArrayQueue<SourceState>,
}

/// A feed's way to the printer.
struct Way {
    printer: Arc<Printer>,
    feed: usize,
}

/// What was told of a feed so far.
struct Story<'a> {
    turns: Turns<()>,
    metrics: &'a LiveMetrics,
    before: Numbers,
    /// It ended, and its last numbers were said.
    over: bool,
}

impl Printer {
    /// Prints what feeds of these names have to tell.
    pub(super) fn new<'a>(voice: Voice, names: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let (bell, several) = (Bell::new(), names.len() > 1);
        let inbox = |name: &str| Inbox {
            prefix: if several { format!("[{name}] ") } else { String::new() },
            newest: Newest::ringing(&bell),
            states: ArrayQueue::new(STATES),
        };
        Self { voice, inboxes: names.map(inbox).collect(), bell: bell.clone() }
    }

    /// Who is told of this feed.
    pub(super) fn audience(self: &Arc<Self>, feed: usize) -> Arc<dyn Audience> {
        Arc::new(Way { printer: Arc::clone(self), feed })
    }

    /// Prints until the run is `over`. The numbers are those of the feeds, in their order.
    pub(super) fn print<'a>(
        &self,
        metrics: impl Iterator<Item = &'a LiveMetrics>,
        over: impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let story = |metrics| Story { turns: Turns::default(), metrics, before: Numbers::of(metrics), over: false };
        let mut stories: Vec<Story<'_>> = metrics.map(story).collect();
        let (begun, mut last) = (Instant::now(), Instant::now());
        let several = self.inboxes.len() > 1;
        loop {
            // Asked first: what comes before the end is printed after it was asked.
            let over = over();
            if !over {
                self.bell.wait(POLL_INTERVAL);
            }
            let due = over || last.elapsed() >= EVERY;
            for (inbox, story) in self.inboxes.iter().zip(&mut stories) {
                let mut ended = false;
                while let Some(state) = inbox.states.pop() {
                    ended = state == SourceState::Ended;
                    note(&format!("{}{}", inbox.prefix, words(&state, several)));
                }
                if let Some(view) = inbox.newest.try_take() {
                    self.tell(&view, inbox, story, begun)?;
                }
                if (due || ended) && !story.over {
                    let now = Numbers::of(story.metrics);
                    note(&format!("{}{}", inbox.prefix, now.since(&story.before, last.elapsed())));
                    (story.before, story.over) = (now, ended);
                }
            }
            if due {
                last = Instant::now();
            }
            if over {
                if several {
                    note("the run has ended");
                }
                return Ok(());
            }
        }
    }

    /// A line for each person whose verdict turned.
    fn tell(&self, view: &View, inbox: &Inbox, story: &mut Story<'_>, begun: Instant) -> std::io::Result<()> {
        let (now, turns) = (view.frame.captured, &mut story.turns);
        for person in &view.persons {
            if let Some(opinion) = person.decided()
                && turns.take(person.track, opinion.verdict, now, ()).is_some()
            {
                self.voice.say(&format!("{}{}", inbox.prefix, line(person.track, opinion, begun)))?;
            }
        }
        turns.forget(now, |_| {});
        Ok(())
    }
}

impl Audience for Way {
    fn show(&self, view: Arc<View>) {
        self.printer.inboxes[self.feed].newest.put(view);
    }

    fn source(&self, state: SourceState) {
        self.printer.inboxes[self.feed].states.force_push(state);
        self.printer.bell.ring();
    }
}

fn line(track: TrackId, opinion: &LiveOpinion, begun: Instant) -> String {
    let seconds = opinion.scored.saturating_duration_since(begun).as_secs_f64();
    let reason = opinion.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{seconds:8.2} s  person {track}: {}{reason}, p {:.3}", opinion.verdict, opinion.probability.value())
}

/// How a source is, for people; `several` says whether there are others.
pub(in crate::cli) fn words(state: &SourceState, several: bool) -> String {
    match state {
        SourceState::Starting => "opening the source".to_owned(),
        SourceState::Playing { size: (width, height), rate, differs } => {
            let rate = rate.map(|rate| format!(", {} fps", (rate * 100.0).round() / 100.0)).unwrap_or_default();
            let differs = differs.as_ref().map(|differs| format!("; {differs}")).unwrap_or_default();
            format!("playing {width}x{height}{rate}{differs}")
        }
        SourceState::Lost { reason, tries, wait } => {
            let tried = match tries {
                0 => String::new(),
                1 => ", 1 try so far".to_owned(),
                tries => format!(", {tries} tries so far"),
            };
            format!("lost: {reason}; trying again in {:.1} s{tried}", wait.as_secs_f64())
        }
        SourceState::Ended if several => "it has ended".to_owned(),
        SourceState::Ended => "the run has ended".to_owned(),
    }
}

/// The metrics at a moment.
struct Numbers {
    counts: Counts,
    shown_age: Duration,
    verdict_age: Duration,
}

impl Numbers {
    fn of(metrics: &LiveMetrics) -> Self {
        let (shown_age, verdict_age) = (metrics.shown_age.sum(), metrics.verdict_age.sum());
        Self { counts: metrics.counts(), shown_age, verdict_age }
    }

    /// What happened since an earlier moment.
    fn since(&self, before: &Self, time: Duration) -> String {
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / time.as_secs_f64().max(1e-3);
        let mean = |now: Duration, before: Duration, count: u64| {
            now.saturating_sub(before).as_secs_f64() * 1e3 / count.max(1) as f64
        };
        let (now, then) = (&self.counts, &before.counts);
        let captured = now.captured.saturating_sub(then.captured);
        let overwritten = now.overwritten.saturating_sub(then.overwritten);
        let (shown, scored) = (now.shown.saturating_sub(then.shown), now.scored.saturating_sub(then.scored));
        let damaged = now.damaged.saturating_sub(then.damaged);
        let damaged = if damaged > 0 { format!(", {damaged} damaged") } else { String::new() };
        format!(
            "{:.1} fps, {:.0} % dropped{damaged}; shown after {:.0} ms; {:.1} faces/s scored, judged after {:.0} ms",
            rate(now.captured, then.captured),
            100.0 * overwritten as f64 / captured.max(1) as f64,
            mean(self.shown_age, before.shown_age, shown),
            rate(now.scored, then.scored),
            mean(self.verdict_age, before.verdict_age, scored),
        )
    }
}
