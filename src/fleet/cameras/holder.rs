//! A worker that holds cameras: takes leases, renews them, has its cameras judged, and stops in time.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::entry::{Camera, CameraName};
use super::hold::{Hold, Taken};
use super::lease::{Lease, Times};
use super::share::{Hand, Most, Moves, share};
use super::store::Store;
use super::view::{Bucket, News, Own, View, follow};
use super::watch::{Outbox, Seat, Watch};
use super::watcher::Watcher;
use crate::fleet::broker::BrokerSettings;
use crate::fleet::desk::runtime;
use crate::fleet::error::FleetError;

/// Cameras that are taken in one look.
const MOST_TAKEN: usize = 16;
/// Cameras that are given up for the sake of balance, in each half of a lease.
const MOST_RELEASED: usize = 2;
/// How long a worker looks before it takes anything.
const LOOK: Duration = Duration::from_secs(1);
/// How long a judge may take to hear that it is to stop.
const HEARING: Duration = Duration::from_secs(10);
/// How long the end may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// How a worker holds cameras.
#[derive(Clone, Debug)]
pub struct HolderSettings {
    /// Its name among the workers: letters, digits, `-`, `_` and `=`. No other may have the same.
    pub name: String,
    /// Program and version, for whoever looks.
    pub tool: String,
    /// Cameras at most.
    pub capacity: u64,
    /// How long a camera stays this worker's when nothing is heard of it.
    pub lease: Duration,
    /// How long a camera that can't be judged here is left to others.
    pub rest: Duration,
    /// Becomes true when the worker is to end.
    pub drain: &'static AtomicBool,
}

/// What a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Leases that it took.
    pub taken: u64,
    /// Leases that it lost to others, or had to give up because the broker didn't answer.
    pub lost: u64,
}

/// What came of a wish to have a camera.
enum Reached {
    Taken(Taken),
    /// Somebody else was quicker: this is how the lease is now.
    Late(Option<News>),
}

struct Holder {
    store: Store,
    settings: HolderSettings,
    times: Times,
    token: String,
    view: View,
    news: mpsc::UnboundedReceiver<News>,
    back: Arc<Notify>,
    seat: Seat,
    holds: BTreeMap<CameraName, Hold>,
    taking: JoinSet<(CameraName, Reached)>,
    taken: BTreeSet<CameraName>,
    starting: JoinSet<(CameraName, u64, Result<(), String>)>,
    freeing: JoinSet<(CameraName, JoinHandle<()>)>,
    /// Events of leases that are over, on their way.
    posts: BTreeMap<CameraName, JoinHandle<()>>,
    not_now: BTreeSet<CameraName>,
    /// Since when, and with which entry.
    resting: BTreeMap<CameraName, (Instant, u64)>,
    released: Instant,
    tally: Tally,
}

/// Holds cameras until it is to end. What isn't there yet at the broker is made on so many servers of a cluster.
///
/// # Errors
///
/// When the broker can't be reached at the start, or doesn't know us.
pub fn hold(
    broker: &BrokerSettings,
    replicas: usize,
    settings: HolderSettings,
    judge: Box<dyn Watch>,
) -> Result<Tally, FleetError> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let store = Store::open(broker.connect().await?, &broker.name(), replicas).await?;
        let tally = Holder::new(store, settings, judge).run().await;
        Ok(tally)
    });
    // A judge that doesn't hear is left behind.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

impl Holder {
    fn new(store: Store, settings: HolderSettings, judge: Box<dyn Watch>) -> Self {
        let (tell, news) = mpsc::unbounded_channel();
        let back = Arc::new(Notify::new());
        for (bucket, of) in
            [(&store.cameras, Bucket::Cameras), (&store.leases, Bucket::Leases), (&store.watchers, Bucket::Watchers)]
        {
            tokio::spawn(follow(bucket.clone(), of, tell.clone(), back.clone()));
        }
        Self {
            times: Times::of(settings.lease),
            store,
            settings,
            // By the standard library's own chance, which seeds its tables.
            token: format!("{:016x}", RandomState::new().build_hasher().finish()),
            view: View::default(),
            news,
            back,
            seat: Seat::of(judge),
            holds: BTreeMap::new(),
            taking: JoinSet::new(),
            taken: BTreeSet::new(),
            starting: JoinSet::new(),
            freeing: JoinSet::new(),
            posts: BTreeMap::new(),
            not_now: BTreeSet::new(),
            resting: BTreeMap::new(),
            released: Instant::now(),
            tally: Tally::default(),
        }
    }

    async fn run(mut self) -> Tally {
        let begun = Instant::now();
        let mut said: Option<Instant> = None;
        let mut watcher =
            Watcher::new(&self.settings.name, &self.settings.tool, self.settings.capacity, self.settings.lease);
        let mut saying = JoinSet::new();
        while !self.settings.drain.load(Ordering::Relaxed) && !self.seat.is_empty() {
            while let Ok(news) = self.news.try_recv() {
                self.view.take(news);
            }
            self.hear();
            self.let_go();
            (watcher.held, watcher.headroom) = (self.holds.len() as u64, self.seat.headroom());
            // What stands in the buckets comes first.
            if begun.elapsed() > LOOK.min(self.times.lease / 2) {
                self.balance(watcher.hand());
            }
            while saying.try_join_next().is_some() {}
            if saying.is_empty() && said.is_none_or(|said| said.elapsed() >= self.times.renew) {
                said = Some(Instant::now());
                watcher.said += 1;
                let (bucket, key, bytes) = (self.store.watchers.clone(), watcher.worker.clone(), watcher.written());
                let patience = self.times.lease / 2;
                saying.spawn(async move { drop(timeout(patience, bucket.put(key, bytes.into())).await) });
            }
            sleep(self.times.tick).await;
        }
        self.end().await
    }

    /// Hears what came of what was begun.
    fn hear(&mut self) {
        while let Some(Ok((camera, reached))) = self.taking.try_join_next() {
            self.taken.remove(&camera);
            match reached {
                Reached::Taken(taken) => self.begin(camera, taken),
                Reached::Late(Some(news)) => self.view.take(news),
                Reached::Late(None) => {}
            }
        }
        while let Some(Ok((camera, entry, started))) = self.starting.try_join_next() {
            // It may have been given up and taken again meanwhile.
            let is_held = self.holds.get(&camera).is_some_and(|hold| hold.entry == entry);
            if let (Err(reason), true) = (started, is_held) {
                self.rest(&camera, &reason);
            }
        }
        while let Some((camera, reason)) = self.seat.ended() {
            if self.holds.contains_key(&camera) {
                self.rest(&camera, &reason);
            }
        }
        while let Some(Ok((camera, post))) = self.freeing.try_join_next() {
            self.not_now.remove(&camera);
            self.posts.insert(camera, post);
        }
        self.posts.retain(|_, post| !post.is_finished());
        // One that is another now may be judged at once.
        let (view, rest) = (&self.view, self.settings.rest);
        let is_same = |name: &CameraName, entry: u64| view.camera(name).is_some_and(|(_, known)| known == entry);
        self.resting.retain(|name, (since, entry)| since.elapsed() < rest && is_same(name, *entry));
    }

    /// A lease was taken: the camera is judged from now on.
    fn begin(&mut self, name: CameraName, taken: Taken) {
        let camera: Option<(Camera, u64)> = self.view.camera(&name).map(|(camera, entry)| (camera.clone(), entry));
        let entry = camera.as_ref().map_or(0, |(_, entry)| *entry);
        let before = self.posts.remove(&name);
        let (hold, outbox): (Hold, Outbox) = Hold::begin(&self.store, (taken, entry), self.times, &self.back, before);
        self.tally.taken += 1;
        self.holds.insert(name.clone(), hold);
        // It was removed meanwhile: it is let go in the same look.
        if let Some((camera, entry)) = camera {
            log::info!("camera {name} is judged here now: {}", camera.shown());
            let voice = self.seat.voice();
            self.starting.spawn(async move { (name, entry, voice.start(camera, outbox).await) });
        }
    }

    /// Lets go of what must not be judged any longer: leases that were lost or could not be renewed, cameras that were removed or are
    /// others now.
    fn let_go(&mut self) {
        let mut over = Vec::new();
        for (name, hold) in &self.holds {
            let is_over = hold.is_over(self.times);
            let is_same = self.view.camera(name).is_some_and(|(_, entry)| entry == hold.entry);
            if is_over || !is_same {
                over.push((name.clone(), is_over));
            }
        }
        for (name, is_over) in over {
            if is_over {
                self.tally.lost += 1;
                log::warn!("camera {name} is given up: its lease could not be renewed in time, or is another worker's");
            }
            self.free(&name);
        }
    }

    /// Takes cameras, and gives some up, so that each worker has its share.
    fn balance(&mut self, own: Hand) {
        let mut hands = self.view.hands(&self.settings.name);
        hands.insert(self.settings.name.clone(), own);
        let not_now: BTreeSet<CameraName> = self.not_now.iter().chain(self.resting.keys()).cloned().collect();
        let cameras = self.view.held(&Own {
            worker: &self.settings.name,
            token: &self.token,
            lease: self.times.lease,
            holds: &|name| self.holds.contains_key(name) || self.taken.contains(name),
            not_now: &not_now,
        });
        let release = if self.released.elapsed() > self.times.lease / 2 { MOST_RELEASED } else { 0 };
        let most = Most { take: MOST_TAKEN.saturating_sub(self.taken.len()), release };
        let Moves { take, release } = share(&self.settings.name, &cameras, &hands, most);
        for name in take {
            self.take(name);
        }
        for name in release {
            // What is only being taken is given up when it is here.
            if self.holds.contains_key(&name) {
                log::info!("camera {name} is left to another worker");
                self.released = Instant::now();
                self.free(&name);
            }
        }
    }

    fn take(&mut self, name: CameraName) {
        self.taken.insert(name.clone());
        let lease = Lease::taking(&name, &self.settings.name, &self.token, self.settings.lease);
        let (leases, known, patience) =
            (self.store.leases.clone(), self.view.lease_revision(&name), self.times.lease / 3);
        self.taking.spawn(async move {
            let sent = Instant::now();
            let asked = timeout(patience, leases.update(name.as_str(), lease.written().into(), known)).await;
            if let Ok(Ok(revision)) = asked {
                return (name, Reached::Taken(Taken { lease, revision, sent }));
            }
            let found = timeout(patience, leases.entry(name.as_str())).await;
            let found = found.ok().and_then(Result::ok).flatten();
            (name, Reached::Late(found.map(|entry| News::of(Bucket::Leases, entry))))
        });
    }

    /// Stops judging a camera, and then lets others have it.
    fn free(&mut self, name: &CameraName) {
        let Some(hold) = self.holds.remove(name) else {
            return;
        };
        self.not_now.insert(name.clone());
        let (voice, leases, times, name) = (self.seat.voice(), self.store.leases.clone(), self.times, name.clone());
        self.freeing.spawn(async move {
            let stopping = async {
                let mut stopping = pin!(voice.stop(name.clone()));
                loop {
                    // What it saw last counts while the lease holds, and it is renewed until then.
                    if hold.is_over(times) {
                        hold.close();
                    }
                    tokio::select! {
                        () = &mut stopping => return,
                        () = sleep(times.tick) => {}
                    }
                }
            };
            if timeout(HEARING, stopping).await.is_err() {
                log::error!("the judge of camera {name} doesn't hear that it is to stop");
            }
            hold.close();
            let post = hold.free(&leases, times).await;
            (name, post)
        });
    }

    /// A camera that can't be judged here is left to others for a while.
    fn rest(&mut self, name: &CameraName, reason: &str) {
        log::warn!("camera {name} can't be judged here, and is left to others for a while: {reason}");
        let entry = self.holds.get(name).map_or(0, |hold| hold.entry);
        self.resting.insert(name.clone(), (Instant::now(), entry));
        self.free(name);
    }

    /// Gives everything back.
    async fn end(mut self) -> Tally {
        for name in self.holds.keys().cloned().collect::<Vec<_>>() {
            self.free(&name);
        }
        let posts = std::mem::take(&mut self.posts);
        let freed = async {
            let mut posts: Vec<_> = posts.into_values().collect();
            while let Some(freed) = self.freeing.join_next().await {
                posts.extend(freed.ok().map(|(_, post)| post));
            }
            for post in posts {
                // However it ended.
                let _ = post.await;
            }
        };
        if timeout(FAREWELL, freed).await.is_err() {
            log::warn!("some leases run out by themselves, or events are lost: the broker was away");
        }
        let gone = timeout(self.times.lease, self.store.watchers.delete(&self.settings.name)).await;
        if !matches!(gone, Ok(Ok(()))) {
            log::debug!("the others will find out that this worker ended");
        }
        self.tally
    }
}
