//! Cameras over workers that are killed, frozen, ended and begun, with a broker that goes away: each is judged nearly all of the time,
//! and by two at no time for longer than a lease. `CYBORG_LONG_TESTS=1` takes fifty cameras and five minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use cyborg_edge::fleet::broker::BrokerSettings;
use cyborg_edge::fleet::cameras::desk::{Added, CameraDesk};
use cyborg_edge::fleet::cameras::entry::Camera;
use cyborg_edge::fleet::cameras::event::Event;
use cyborg_edge::fleet::cameras::reader::{ReadSettings, Sifted};
use tempfile::TempDir;

use crate::broker::Broker;
use crate::mock_watch::{now_ms, run, spawn};
use crate::sightings::{Sightings, Sum};
use crate::support::child::long_run;

/// A worker process that is killed when it is dropped.
struct Mortal {
    name: String,
    child: Child,
}

impl Mortal {
    fn signal(&self, name: &str) {
        let told = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(told.is_ok_and(|status| status.success()), "it runs");
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        // SIGKILL, by the child's own number; it may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker with cameras, and workers that keep an account.
struct Site {
    broker: Broker,
    folder: TempDir,
    desk: CameraDesk,
    lease: Duration,
    begun: usize,
}

impl Site {
    fn new(cameras: usize, lease: Duration) -> Self {
        Self::at(Broker::start(), cameras, lease)
    }

    fn at(broker: Broker, cameras: usize, lease: Duration) -> Self {
        let desk = CameraDesk::open(&BrokerSettings::at(&broker.url()), 1).expect("the broker answers");
        for number in 0..cameras {
            assert_eq!(desk.add(&camera(&format!("c{number}"), "mock")).expect("it is stored"), Added::New);
        }
        Self { broker, folder: tempfile::tempdir().expect("a folder for the test"), desk, lease, begun: 0 }
    }

    fn worker(&mut self) -> Mortal {
        self.worker_at(&self.broker.url())
    }

    fn worker_at(&mut self, url: &str) -> Mortal {
        self.begun += 1;
        let name = format!("w{}", self.begun);
        let child = spawn(url, &name, self.folder.path(), self.lease);
        Mortal { name, child }
    }

    /// How many cameras each of these workers holds, by the leases.
    fn held(&self, workers: &[Mortal]) -> BTreeMap<String, usize> {
        let mut held: BTreeMap<String, usize> = workers.iter().map(|worker| (worker.name.clone(), 0)).collect();
        // A broker that just came back may not answer yet.
        for camera in self.desk.list().unwrap_or_default() {
            if let Some(count) = camera.worker.and_then(|worker| held.get_mut(&worker)) {
                *count += 1;
            }
        }
        held
    }

    /// Waits until these workers hold all cameras, evenly, and says how long that took.
    fn settled(&self, cameras: usize, workers: &[Mortal], most: Duration) -> Duration {
        let begun = Instant::now();
        loop {
            let held = self.held(workers);
            let (least, most_held) = (held.values().min().copied(), held.values().max().copied());
            let is_even = least.zip(most_held).is_some_and(|(least, most)| most - least <= 1);
            if held.values().sum::<usize>() == cameras && is_even {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < most, "not settled after {most:?}: {held:?}");
            sleep(Duration::from_millis(100));
        }
    }

    /// All messages of the stream.
    fn events(&self) -> Vec<Sifted> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        let mut found = Vec::new();
        let settings = ReadSettings { camera: None, follow: false, stop: &NEVER };
        let read = self.desk.events(&settings, &mut |sifted| {
            found.push(sifted);
            Ok(())
        });
        read.expect("the broker answers");
        found
    }

    fn sum(&self, cameras: usize, from: u64, to: u64) -> Sum {
        Sightings::read(self.folder.path()).sum(cameras, from, to)
    }
}

fn camera(name: &str, address: &str) -> Camera {
    Camera::new(name.parse().expect("a name"), address.to_owned(), Vec::new())
}

struct Plan {
    cameras: usize,
    workers: usize,
    lease: Duration,
    kills: usize,
    every: Duration,
    coverage: f64,
}

const SHORT: Plan = Plan {
    cameras: 20,
    workers: 4,
    lease: Duration::from_secs(2),
    kills: 3,
    every: Duration::from_secs(10),
    // A quarter of the cameras is without a worker for 2.6 s of 10 where the machine has time, which leaves 0.93.
    coverage: 0.9,
};
const LONG: Plan = Plan {
    cameras: 50,
    workers: 5,
    lease: Duration::from_secs(3),
    kills: 10,
    every: Duration::from_secs(30),
    coverage: 0.97,
};

#[test]
fn each_camera_is_judged_by_one_worker_whatever_is_killed() {
    let plan = if long_run() { LONG } else { SHORT };
    let mut site = Site::new(plan.cameras, plan.lease);
    let mut workers: Vec<Mortal> = (0..plan.workers).map(|_| site.worker()).collect();
    site.settled(plan.cameras, &workers, Duration::from_secs(30));
    // The accounts begin a moment after the leases.
    sleep(Duration::from_millis(500));
    let from = now_ms();
    let mut slowest = Duration::ZERO;
    for kill in 0..plan.kills {
        let begun = Instant::now();
        let place = kill % plan.workers;
        // The one before is killed when it is dropped.
        workers[place] = site.worker();
        site.settled(plan.cameras, &workers, Duration::from_secs(20));
        slowest = slowest.max(begun.elapsed());
        sleep(plan.every.saturating_sub(begun.elapsed()));
    }
    let to = now_ms();
    let sum = site.sum(plan.cameras, from, to);
    let _ = writeln!(
        std::io::stderr(),
        "{} cameras, {} kills in {:.0} s: {sum:?}; all held and even again after {slowest:.1?} at most",
        plan.cameras,
        plan.kills,
        (to - from) as f64 / 1000.0
    );
    let lease = u64::try_from(plan.lease.as_millis()).expect("a small number");
    assert!(sum.coverage >= plan.coverage && sum.gap_ms < 10_000 && sum.overlap_ms <= lease, "{sum:?}");
    check_events(&site.events(), plan.cameras);
}

/// Each camera has events, none is there twice, and none is of a lease that a later one superseded: the broker took none.
fn check_events(events: &[Sifted], cameras: usize) {
    let mut ids = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for sifted in events {
        let (Sifted::Counts(event) | Sifted::Begins(event)) = sifted else {
            unreachable!("the broker took what it should refuse: {sifted:?}");
        };
        assert!(ids.insert(event.id()), "{} is there twice", event.id());
        if !event.begins() {
            seen.insert(event.camera.clone());
        }
    }
    assert_eq!(seen.len(), cameras, "each has events");
}

#[test]
fn a_broker_that_goes_away_comes_back_to_the_same_cameras() {
    let lease = Duration::from_secs(2);
    let mut site = Site::new(8, lease);
    let workers: Vec<Mortal> = (0..2).map(|_| site.worker()).collect();
    site.settled(8, &workers, Duration::from_secs(30));
    // Shorter than a lease: nobody need notice.
    site.broker.kill();
    site.broker.again();
    site.settled(8, &workers, Duration::from_secs(20));
    // Longer: nobody judges meanwhile, as nobody can know who else does.
    site.broker.kill();
    sleep(lease + Duration::from_millis(500));
    let from = now_ms();
    sleep(Duration::from_secs(1));
    let silent = site.sum(8, from, now_ms());
    assert!(silent.coverage < 0.01, "they judge without a lease: {silent:?}");
    site.broker.again();
    let begun = now_ms();
    let mut again = 0.0;
    while again < 0.9 {
        assert!(now_ms() - begun < 30_000, "not all of them are judged again: {again}");
        let from = now_ms();
        sleep(Duration::from_secs(1));
        again = site.sum(8, from, now_ms()).coverage;
    }
    site.settled(8, &workers, Duration::from_secs(20));
    let sum = site.sum(8, begun, now_ms());
    assert!(sum.overlap_ms <= 2000, "{sum:?}");
    check_events(&site.events(), 8);
}

#[test]
fn who_was_frozen_is_refused_by_the_broker() {
    let lease = Duration::from_secs(1);
    let mut site = Site::new(4, lease);
    let mut workers = vec![site.worker()];
    site.settled(4, &workers, Duration::from_secs(30));
    workers[0].signal("STOP");
    let frozen = workers.remove(0);
    workers.push(site.worker());
    site.settled(4, &workers, Duration::from_secs(20));
    frozen.signal("CONT");
    workers.push(frozen);
    site.settled(4, &workers, Duration::from_secs(20));
    let sum = site.sum(4, 0, now_ms());
    assert!(sum.overlap_ms <= 1000, "{sum:?}");
    check_events(&site.events(), 4);
}

/// A worker that is told nothing of leases, because its account may not read along, believes that each camera is free. The revision that
/// it knows of is none, or an old one: so it gets no lease, however often it tries.
#[test]
fn who_knows_of_no_lease_takes_none() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let config = folder.path().join("nats.conf");
    let follow = ["CREATE.KV_cyborg-leases", "CREATE.KV_cyborg-leases.>", "DURABLE.CREATE.KV_cyborg-leases.>"];
    let follow = follow.map(|asks| format!("\"$JS.API.CONSUMER.{asks}\"")).join(", ");
    let blind = format!("{{user: blind, password: b, permissions: {{publish: {{deny: [{follow}]}}}}}}");
    let accounts = format!("authorization {{ users: [{{user: sees, password: s}}, {blind}] }}\nno_auth_user: sees\n");
    std::fs::write(&config, accounts).expect("it can be written");
    let broker = Broker::with(&["-c", &config.display().to_string()]);
    // Long enough that the one that holds it doesn't lose it by itself, on a machine with much else to do.
    let lease = Duration::from_secs(3);
    let mut site = Site::at(broker, 1, lease);
    let sees = site.worker();
    site.settled(1, std::slice::from_ref(&sees), Duration::from_secs(30));
    let held = |site: &Site| {
        // A machine with much else to do may keep the broker from answering at once.
        let listed = (0..10).find_map(|_| site.desk.list().ok());
        listed.expect("it answers").remove(0)
    };
    let before = held(&site);
    let url = site.broker.url().replace("nats://", "nats://blind:b@");
    let blind = site.worker_at(&url);
    let begun = Instant::now();
    while !site.desk.workers().expect("the broker answers").iter().any(|worker| worker.worker == blind.name) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it says nothing of itself");
        sleep(Duration::from_millis(50));
    }
    // It tries to take it after a lease, and again each time that what it knows of seems to have run out, about every two.
    sleep(lease * 7);
    let after = held(&site);
    assert_eq!((&after.worker, after.lease), (&Some(sees.name.clone()), before.lease), "the lease went on: {before:?}");
    let account = std::fs::read_to_string(site.folder.path().join(&blind.name)).expect("it began an account");
    assert_eq!(account, "", "it judged, though it had no lease");
}

/// Sent by hand, without what the broker could check.
#[test]
fn events_of_a_superseded_lease_are_dropped_by_the_reader() {
    let site = Site::new(0, Duration::from_secs(2));
    let message = |lease: u64, number: u64| {
        let camera = "door".parse().expect("a name");
        let event = Event { camera, lease, number, worker: "w".to_owned(), fields: serde_json::Map::new() };
        serde_json::to_vec(&event.object()).expect("plain")
    };
    let sent = [(5, 0), (5, 1), (9, 0), (5, 2), (9, 1), (9, 1)].map(|(lease, number)| message(lease, number));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let client = async_nats::connect(site.broker.url()).await.expect("the broker answers");
        let js = async_nats::jetstream::new(client);
        for bytes in sent.into_iter().chain([b"{\"forged\": true}".to_vec(), Vec::new()]) {
            js.publish("cyborg.events.door", bytes.into()).await.expect("it is sent").await.expect("it is stored");
        }
    });
    let words: Vec<String> = site
        .events()
        .iter()
        .map(|sifted| match sifted {
            Sifted::Begins(event) => format!("begins {}", event.id()),
            Sifted::Counts(event) => format!("counts {}", event.id()),
            Sifted::Superseded(event) => format!("superseded {}", event.id()),
            Sifted::Repeated(event) => format!("repeated {}", event.id()),
            Sifted::Malformed(_) => "malformed".to_owned(),
        })
        .collect();
    let expected = [
        "begins door.5.0",
        "counts door.5.1",
        "begins door.9.0",
        "superseded door.5.2",
        "counts door.9.1",
        "repeated door.9.1",
        "malformed",
        "malformed",
    ];
    assert_eq!(words, expected);
}

#[test]
fn cameras_are_added_changed_removed_and_left_alone() {
    let mut site = Site::new(3, Duration::from_secs(1));
    assert_eq!(site.desk.add(&camera("c0", "mock")).expect("it answers"), Added::Same);
    // A worker that ends as it is told gives its cameras back at once.
    static DRAIN: AtomicBool = AtomicBool::new(false);
    let (url, folder) = (site.broker.url(), site.folder.path().to_owned());
    let first = thread::spawn(move || run(&url, "first", &folder, Duration::from_secs(60), &DRAIN));
    let holds = |site: &Site, worker: &str| {
        let listed = site.desk.list().expect("it answers");
        listed.iter().filter(|camera| camera.worker.as_deref() == Some(worker)).count()
    };
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(45), "never: {what}");
            sleep(Duration::from_millis(50));
        }
    };
    until("it takes all", &|| holds(&site, "first") == 3);
    let account = site.folder.path().join("first");
    // It has the lease a moment before it looks at the camera.
    until("it judges", &|| std::fs::read_to_string(&account).is_ok_and(|text| text.contains("c0 ")));
    let tenure = |site: &Site| site.desk.list().expect("it answers")[0].lease;
    let before = tenure(&site);
    assert_eq!(site.desk.add(&camera("c0", "mock:2")).expect("it answers"), Added::Changed);
    until("a changed camera is begun anew", &|| tenure(&site) > before);
    assert!(site.desk.remove(&"c1".parse().expect("a name")).expect("it answers"));
    assert!(!site.desk.remove(&"c1".parse().expect("a name")).expect("it answers"));
    assert_eq!(site.desk.list().expect("it answers").len(), 2);
    // Its lease is given up too.
    let begun = now_ms();
    until("a removed camera isn't judged", &|| {
        let begun = now_ms();
        sleep(Duration::from_millis(500));
        let text = std::fs::read_to_string(&account).expect("it is there");
        let late = |line: &str| line.strip_prefix("c1 ").and_then(|moment| moment.parse::<u64>().ok()) > Some(begun);
        !text.lines().any(late)
    });
    assert!(now_ms() - begun < 10_000);
    site.desk.add(&camera("c9", "broken")).expect("it answers");
    let second = site.worker();
    DRAIN.store(true, Ordering::Relaxed);
    first.join().expect("it ends");
    // Long before the lease of a minute would run out.
    until("the other worker takes all", &|| holds(&site, &second.name) >= 2 && holds(&site, "first") == 0);
    assert_eq!(second.name, "w1");
}
