//! A worker whose judge of cameras only keeps an account of when it judges which, and tells an event now and then; in a process of its
//! own, that can be killed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cyborg_edge::fleet::broker::BrokerSettings;
use cyborg_edge::fleet::cameras::entry::{Camera, CameraName};
use cyborg_edge::fleet::cameras::holder::{HolderSettings, hold};
use cyborg_edge::fleet::cameras::watch::{Outbox, Watch};

use crate::mock::begun_at;
use crate::sightings::EVERY_MS;

/// A moment of the account tells an event each so many times.
const EVENT_EVERY: u64 = 5;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");
    u64::try_from(since.as_millis()).expect("not that late")
}

/// Cameras that are judged, each with the flag that ends it. A camera whose address is `broken` can't be judged.
pub(crate) struct MockWatch {
    account: Arc<Mutex<File>>,
    cameras: BTreeMap<CameraName, Arc<AtomicBool>>,
    capacity: i64,
}

impl Watch for MockWatch {
    fn start(&mut self, camera: &Camera, outbox: Outbox) -> Result<(), String> {
        if camera.address == "broken" {
            return Err("it is broken".to_owned());
        }
        let (stop, account, name) = (Arc::new(AtomicBool::new(false)), self.account.clone(), camera.name.clone());
        if let Some(before) = self.cameras.insert(name.clone(), stop.clone()) {
            before.store(true, Ordering::Relaxed);
        }
        thread::spawn(move || {
            let mut times = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                writeln!(account.lock().expect("nobody panicked"), "{name} {}", now_ms()).expect("it can be written");
                times += 1;
                if times % EVENT_EVERY == 1 {
                    let fields = serde_json::json!({"to": "synthetic", "track": times, "process": std::process::id()});
                    // Where the broker is away for long, there is no room.
                    let _ = outbox.send(fields.as_object().expect("an object").clone());
                }
                sleep(Duration::from_millis(EVERY_MS));
            }
        });
        Ok(())
    }

    fn stop(&mut self, camera: &CameraName) {
        if let Some(stop) = self.cameras.remove(camera) {
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn headroom(&mut self) -> i64 {
        self.capacity - i64::try_from(self.cameras.len()).expect("a few")
    }

    fn ended(&mut self) -> Vec<(CameraName, String)> {
        Vec::new()
    }
}

/// Holds cameras until `drain`; the account goes to a file of the worker's name.
pub(crate) fn run(url: &str, worker: &str, folder: &Path, lease: Duration, drain: &'static AtomicBool) {
    let account = OpenOptions::new().create(true).append(true).open(folder.join(worker)).expect("a file");
    let capacity = 40;
    let account = Arc::new(Mutex::new(account));
    // The broker may be away when a worker starts, which its service manager would see to.
    loop {
        let judge = MockWatch { account: account.clone(), cameras: BTreeMap::new(), capacity };
        let settings = HolderSettings {
            name: worker.to_owned(),
            tool: "mock".to_owned(),
            capacity: 40,
            lease,
            rest: Duration::from_secs(5),
            drain,
        };
        if hold(&BrokerSettings::at(url), 1, settings, Box::new(judge)).is_ok() {
            return;
        }
        sleep(Duration::from_millis(100));
    }
}

/// A worker in a process of its own: this test binary, begun anew at [`process`].
pub(crate) fn spawn(url: &str, worker: &str, folder: &Path, lease: Duration) -> Child {
    let mut command = begun_at("mock_watch::process", url, worker, folder);
    command.env("CYBORG_MOCK_LEASE", lease.as_millis().to_string()).spawn().expect("it starts")
}

#[test]
#[ignore = "not a test: the worker that other tests start as a process"]
fn process() {
    static DRAIN: AtomicBool = AtomicBool::new(false);
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(url), Some(worker), Some(folder), Some(lease)) = (
        variable("CYBORG_MOCK_BROKER"),
        variable("CYBORG_MOCK_WORKER"),
        variable("CYBORG_MOCK_ROOT"),
        variable("CYBORG_MOCK_LEASE"),
    ) else {
        return;
    };
    let lease = Duration::from_millis(lease.parse().expect("a number"));
    run(&url, &worker, &PathBuf::from(folder), lease, &DRAIN);
}
