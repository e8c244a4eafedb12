//! Who judges cameras, for a holder that knows only when: the trait, and the seat that lets a judge take its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use super::entry::{Camera, CameraName};

/// How often a judge is asked how it is.
const EVERY: Duration = Duration::from_millis(200);

/// Judges cameras: any number at once, on threads of its own.
///
/// Its functions are called one after the other, and should return within milliseconds: what takes longer, like opening a source, goes on
/// on its own threads.
pub trait Watch: Send {
    /// Begins to judge a camera, whose events go to `outbox`.
    ///
    /// # Errors
    ///
    /// Why it can't be judged here; another worker may.
    fn start(&mut self, camera: &Camera, outbox: Outbox) -> Result<(), String>;

    /// Judges it no longer: nothing that is looked at from now on counts. What was seen before is still taken until it returns, where the
    /// lease holds.
    fn stop(&mut self, camera: &CameraName);

    /// How many more cameras it could judge as things are; below zero: how many it has too many.
    fn headroom(&mut self) -> i64;

    /// Cameras that ended by themselves since it was asked last, and why.
    fn ended(&mut self) -> Vec<(CameraName, String)>;
}

/// Takes the events of a camera for as long as its lease holds.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub(super) events: mpsc::Sender<Map<String, Value>>,
    pub(super) closed: watch::Receiver<bool>,
}

impl Outbox {
    /// Puts an event's fields into the queue to the broker; false where the lease is over, or the queue is full.
    #[must_use]
    pub fn send(&self, fields: Map<String, Value>) -> bool {
        !self.is_over() && self.events.try_send(fields).is_ok()
    }

    /// Whether the lease is over: nothing more is taken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.closed.borrow()
    }
}

enum Order {
    Start { camera: Camera, outbox: Outbox, done: oneshot::Sender<Result<(), String>> },
    Stop { camera: CameraName, done: oneshot::Sender<()> },
}

/// A judge on a thread of its own, so that leases are renewed meanwhile.
pub(super) struct Seat {
    orders: Sender<Order>,
    headroom: Arc<AtomicI64>,
    ended: mpsc::UnboundedReceiver<(CameraName, String)>,
    thread: JoinHandle<()>,
}

/// How to speak to it, for tasks that wait for its answers.
#[derive(Clone)]
pub(super) struct Voice(Sender<Order>);

impl Seat {
    /// To be called within a runtime.
    pub(super) fn of(mut judge: Box<dyn Watch>) -> Self {
        let (orders, asked) = channel();
        let (tell, ended) = mpsc::unbounded_channel();
        let headroom = Arc::new(AtomicI64::new(judge.headroom()));
        let shared = headroom.clone();
        let thread = spawn_blocking(move || sit(&mut *judge, &asked, &tell, &shared));
        Self { orders, headroom, ended, thread }
    }

    pub(super) fn voice(&self) -> Voice {
        Voice(self.orders.clone())
    }

    pub(super) fn headroom(&self) -> i64 {
        self.headroom.load(Ordering::Relaxed)
    }

    /// A camera that ended by itself.
    pub(super) fn ended(&mut self) -> Option<(CameraName, String)> {
        self.ended.try_recv().ok()
    }

    /// Whether the judge still sits there: a panic of its ends the worker.
    pub(super) fn is_empty(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Voice {
    pub(super) async fn start(&self, camera: Camera, outbox: Outbox) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        let sent = self.0.send(Order::Start { camera, outbox, done });
        let gone = || "the judge is gone".to_owned();
        sent.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Returns when it no longer judges.
    pub(super) async fn stop(&self, camera: CameraName) {
        let (done, answer) = oneshot::channel();
        if self.0.send(Order::Stop { camera, done }).is_ok() {
            // A judge that is gone judges no longer.
            let _ = answer.await;
        }
    }
}

fn sit(
    judge: &mut dyn Watch,
    asked: &Receiver<Order>,
    tell: &mpsc::UnboundedSender<(CameraName, String)>,
    headroom: &AtomicI64,
) {
    loop {
        match asked.recv_timeout(EVERY) {
            Ok(Order::Start { camera, outbox, done }) => {
                // Who asked may have gone.
                let _ = done.send(judge.start(&camera, outbox));
            }
            Ok(Order::Stop { camera, done }) => {
                judge.stop(&camera);
                let _ = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        headroom.store(judge.headroom(), Ordering::Relaxed);
        judge.ended().into_iter().for_each(|ended| drop(tell.send(ended)));
    }
}
