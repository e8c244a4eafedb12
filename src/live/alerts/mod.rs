//! Alerts: a person's verdict becomes synthetic, changes back, or the person leaves; sent to a file, a web server, an MQTT broker, shown on the desktop, or kept as a picture.
//!
//! [`Alerts::audience`] watches a feed: [`turning`] finds the turns between two pictures, and each becomes an [`event::Event`].
//! Each [`Output`] has a thread and a bounded queue of its own, so that none holds up the picture or another output. What has
//! no room, or can't be sent, is counted.

pub mod event;
pub mod lines;
pub mod mqtt;
#[cfg(all(feature = "notify", target_os = "linux"))]
pub mod notify;
mod output;
mod place;
mod post;
mod queue;
pub mod snapshots;
mod trust;
pub mod turning;
pub mod webhook;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::event::{Event, Origin};
use self::post::Post;
use self::turning::{Sighting, To, Turn, Turning};
use super::backoff::BackOff;
use super::metrics::{LiveMetrics, OutputCounts};
use super::view::{Audience, SourceState, View};
use crate::clock::Clock;

pub use output::{Output, Trouble};
pub use place::{Place, PlaceError};
pub use trust::TrustError;

/// What could not be sent is tried again after so long, and twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Between two tries at most.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long the outputs may take for what still waits at the end.
const FAREWELL: Duration = Duration::from_millis(250);

/// Hands the events of all feeds to the outputs.
#[derive(Debug)]
pub struct Alerts {
    posts: Vec<Post>,
    counts: Vec<Arc<OutputCounts>>,
    /// How many events there were. Held while one is handed over, so that each output gets them in their order.
    number: Mutex<u64>,
}

/// Finds events in what there is to see of a feed.
#[derive(Debug)]
struct Lookout {
    alerts: Arc<Alerts>,
    origin: Origin,
    /// The feed's number, where there are others.
    feed: Option<usize>,
    metrics: Arc<LiveMetrics>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    turning: Turning,
    /// A picture that was still on its way when the source was lost shows nobody who is there.
    playing: bool,
    turns: Vec<Turn>,
}

impl Alerts {
    /// Begins a thread for each output.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn begin(outputs: Vec<Box<dyn Output>>) -> std::io::Result<Self> {
        let (backoff, clock) = (BackOff { first: FIRST_WAIT, most: LONGEST_WAIT }, Clock::machine());
        let counts: Vec<_> = outputs.iter().map(|output| Arc::new(OutputCounts::new(output.name()))).collect();
        let begin = |(output, counts)| Post::begin(output, Arc::clone(counts), backoff, clock.clone());
        let posts = outputs.into_iter().zip(&counts).map(begin);
        let posts = posts.collect::<Result<_, _>>()?;
        Ok(Self { posts, counts, number: Mutex::default() })
    }

    /// Who watches a feed, and tells its events with this origin; `feed` is its number, where there are others. How the outputs
    /// fare is in `metrics` from now on.
    #[must_use]
    pub fn audience(
        self: &Arc<Self>,
        origin: Origin,
        feed: Option<usize>,
        metrics: &Arc<LiveMetrics>,
    ) -> Arc<dyn Audience> {
        // A second set of outputs would be counted nowhere; a run has one.
        let _ = metrics.outputs.set(self.counts.clone());
        let (alerts, metrics) = (Arc::clone(self), Arc::clone(metrics));
        Arc::new(Lookout { alerts, origin, feed, metrics, state: Mutex::default() })
    }

    /// Sends what still waits, for a quarter of a second; what is left then is told and given up.
    pub fn finish(&self) {
        self.finish_within(FAREWELL);
    }

    /// The same, for so long.
    pub fn finish_within(&self, most: Duration) {
        self.posts.iter().for_each(Post::close);
        let begun = Instant::now();
        while begun.elapsed() < most && self.posts.iter().any(|post| !post.has_ended()) {
            thread::sleep(Duration::from_millis(5));
        }
        self.posts.iter().filter(|post| !post.has_ended()).for_each(Post::leave);
    }
}

impl Lookout {
    fn tell(&self, state: &mut State, view: Option<&Arc<View>>) {
        for turn in state.turns.drain(..) {
            let mut number = self.alerts.number.lock().unwrap_or_else(PoisonError::into_inner);
            *number += 1;
            let age = view.map_or(Duration::ZERO, |view| view.frame.captured.elapsed());
            let event = Event { feed: self.feed, ..Event::new(*number, turn, age, &self.origin) };
            self.metrics.events.fetch_add(1, Ordering::Relaxed);
            // Who is gone is in no picture.
            let view = view.filter(|_| turn.to != To::Gone);
            let pictured = view.map(|view| Arc::new(Event { view: Some(Arc::clone(view)), ..event.clone() }));
            let event = Arc::new(event);
            for post in &self.alerts.posts {
                let event = if post.wants_picture { pictured.as_ref() } else { Some(&event) };
                if let Some(event) = event {
                    post.put(Arc::clone(event));
                }
            }
        }
    }
}

impl Audience for Lookout {
    /// A few comparisons a person, and nothing more where nobody turned.
    fn show(&self, view: Arc<View>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { turning, playing: true, turns, .. } = &mut *state else {
            return;
        };
        let said = view.persons.iter().filter_map(|person| {
            // Nobody is called for what is said at first sight.
            let opinion = person.decided()?;
            let (verdict, probability, reason) = (opinion.verdict, opinion.probability, opinion.reason);
            Some(Sighting { track: person.track, verdict, probability, reason })
        });
        turning.see(view.frame.captured, said, |turn| turns.push(turn));
        if !turns.is_empty() {
            self.tell(&mut state, Some(&view));
        }
    }

    fn source(&self, now: SourceState) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.playing = matches!(now, SourceState::Playing { .. });
        if !state.playing {
            let State { turning, turns, .. } = &mut *state;
            turning.end(|turn| turns.push(turn));
            self.tell(&mut state, None);
        }
    }
}
