//! The real program at real cameras: `cyborg fleet watch` judges them, whoever is killed, and opens none that it may not.

use std::collections::BTreeSet;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::street::Street;
use crate::support::events::{PATIENCE, Running};
use crate::support::{check_error, cyborg, model, run};

/// A broker, and a street with cameras.
struct Site {
    folder: TempDir,
    broker: Broker,
    street: Street,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let street = Street::open(folder.path());
        model::write(folder.path(), "corner.onnx", &model::corner());
        Self { folder, broker: Broker::start(), street }
    }

    fn fleet(&self, words: &[&str]) -> Command {
        let mut program = cyborg();
        program.current_dir(self.folder.path()).arg("fleet").args(words).args(["--nats", &self.broker.url()]);
        // A proxy of this machine is no business of a test on loopback.
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            program.env_remove(name);
        }
        program
    }

    /// A worker that may open what lies below these paths.
    fn worker(&self, name: &str, paths: &[&str]) -> Running {
        let mut command = self.fleet(&["watch", "--name", name, "--lease", "3", "--capacity", "2"]);
        command.args(["--model", "corner.onnx", "--detector", "yunet", "--patience", "5"]);
        for path in paths {
            command.args(["--allow-url", &self.street.at(path)]);
        }
        Running::start(&mut command)
    }

    fn add(&self, name: &str, address: &str) -> String {
        let (code, said, stderr) = run(&mut self.fleet(&["cameras", "add", name, address]));
        assert_eq!(code, 0, "{stderr}");
        assert!(!(said.clone() + &stderr).contains("secret"), "{said}{stderr}");
        said
    }

    fn list(&self) -> Vec<Value> {
        let (code, said, stderr) = run(&mut self.fleet(&["cameras", "list", "--json"]));
        assert_eq!(code, 0, "{stderr}");
        assert!(!said.contains("secret"), "{said}");
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Who holds a camera, and by which lease.
    fn holder(&self, name: &str) -> Option<(String, u64)> {
        let camera = self.list().into_iter().find(|camera| camera["name"] == name)?;
        Some((camera["worker"].as_str()?.to_owned(), camera["lease"].as_u64()?))
    }

    /// The events of a camera that count.
    fn events(&self, name: &str) -> Vec<Value> {
        let (code, said, stderr) = run(&mut self.fleet(&["events", name]));
        assert_eq!(code, 0, "{stderr}");
        assert!(!said.contains("secret"), "{said}");
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Site {
    /// The last event of a camera, where somebody turned synthetic in it.
    fn synthetic(&self, name: &str) -> Option<Value> {
        self.events(name).pop().filter(|event| event["to"] == "synthetic")
    }
}

fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(100));
    }
}

/// The events are those of `live`, under ids of their lease, in their order.
fn check_events(events: &[Value], camera: &str, lease: u64, worker: &str, source: &str) {
    for (event, number) in events.iter().zip(1_u64..) {
        assert_eq!(event["id"], format!("{camera}.{lease}.{number}"), "{event}");
        assert_eq!(
            (&event["camera"], &event["lease"], &event["number"]),
            (&camera.into(), &lease.into(), &number.into())
        );
        assert_eq!((&event["schema"], &event["version"], &event["worker"]), (&1.into(), &2.into(), &worker.into()));
        assert_eq!((&event["source"], &event["model"]), (&source.into(), &"corner.onnx".into()), "{event}");
        assert!(event["time"].as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 24), "{event}");
        assert!(event["track"].as_u64() >= Some(1) && event["p_synthetic"].as_f64().is_some(), "{event}");
        let keys: BTreeSet<&str> = event.as_object().expect("an object").keys().map(String::as_str).collect();
        let all = [
            "camera",
            "from",
            "id",
            "lease",
            "model",
            "number",
            "p_synthetic",
            "reason",
            "schema",
            "source",
            "time",
            "to",
            "track",
            "version",
            "worker",
        ];
        assert_eq!(keys, all.into_iter().collect(), "{event}");
        let before = events[..events.iter().position(|other| other == event).expect("it is one")].iter().rev();
        let before = before.clone().find(|before| before["track"] == event["track"]);
        let was = before.is_some_and(|before| before["to"] == "synthetic");
        assert_ne!(was, event["to"] == "synthetic", "turns alternate: {events:#?}");
    }
}

#[test]
fn a_worker_judges_a_camera_and_gives_it_back_when_it_ends() {
    let site = Site::new();
    let mut worker = site.worker("one", &["/locked/"]);
    worker.wait_for("worker one judges up to 2 cameras of ");
    site.add("door", &site.street.with_login("/locked/door"));
    worker.wait_for("camera door: playing 193x144");
    let events = until("two events", || Some(site.events("door")).filter(|events| events.len() >= 2));
    let (holder, lease) = site.holder("door").expect("it is held");
    assert_eq!(holder, "one");
    let source = format!("http://***@127.0.0.1:{}/locked/door", site.street.port);
    check_events(&events, "door", lease, "one", &source);
    // A person who is synthetic goes with the lease: as at the end of a live run, that is told.
    until("somebody is synthetic", || site.synthetic("door"));
    let begun = Instant::now();
    let stopped = worker.stop("-TERM");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert_eq!(site.holder("door"), None, "the lease is given up, and not left to run out");
    assert!(begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
    assert!(!stopped.stderr.contains("secret"), "{}", stopped.stderr);
    let events = site.events("door");
    check_events(&events, "door", lease, "one", &source);
    assert!(events.last().is_some_and(|event| event["to"] != "synthetic"), "{events:#?}");
}

/// What was seen before a camera was given up is told, whatever it was given up for.
#[test]
fn who_is_synthetic_when_a_camera_is_removed_is_gone() {
    let site = Site::new();
    let worker = site.worker("one", &["/cams/"]);
    let is_told = (0..5).any(|_| {
        let before = site.events("door").len();
        site.add("door", &site.street.at("/cams/door"));
        until("somebody is synthetic", || site.synthetic("door").filter(|_| site.events("door").len() > before));
        run(&mut site.fleet(&["cameras", "remove", "door"]));
        sleep(Duration::from_secs(2));
        // The person may just have turned back.
        site.events("door").last().is_some_and(|event| event["to"] == "gone")
    });
    let said = worker.stop("-TERM").stderr;
    assert!(is_told, "{:#?}\n{said}", site.events("door"));
    // The next lease begins where the last one ended, and counts from one.
    let events = site.events("door");
    let last = &events[events.len() - 1];
    assert_eq!((&last["from"], &last["worker"]), (&"synthetic".into(), &"one".into()), "{last}");
}

#[test]
fn another_worker_takes_over_from_one_that_is_killed() {
    let site = Site::new();
    ["left", "right"].iter().for_each(|name| drop(site.add(name, &site.street.at(&format!("/cams/{name}")))));
    let mut workers = [site.worker("one", &["/cams"]), site.worker("two", &["/cams"])].map(Some);
    let holders = |site: &Site| ["left", "right"].map(|name| site.holder(name));
    let before = until("each holds one", || match holders(&site) {
        [Some(left), Some(right)] if left.0 != right.0 => Some([left, right]),
        _ => None,
    });
    // Both are judged.
    until("both have events", || (!site.events("left").is_empty() && !site.events("right").is_empty()).then_some(()));
    let (killed, lease) = &before[0];
    let place = usize::from(killed == "two");
    let begun = Instant::now();
    // SIGKILL, and waited for.
    drop(workers[place].take());
    let (worker, next) = until("the other one takes it", || site.holder("left").filter(|(worker, _)| worker != killed));
    assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}", begun.elapsed());
    assert!(worker != *killed && next > *lease);
    // It is opened and judged there.
    let of_next =
        |site: &Site| site.events("left").into_iter().filter(|event| event["lease"] == next).collect::<Vec<_>>();
    let events = until("events of the next lease", || Some(of_next(&site)).filter(|events| !events.is_empty()));
    check_events(&events, "left", next, &worker, &site.street.at("/cams/left"));
    assert!(site.street.asked("/cams/left") >= 2);
}

#[test]
fn no_camera_is_opened_that_is_not_allowed() {
    let site = Site::new();
    let none = site.fleet(&["watch", "--capacity", "1"]).arg("--model").arg("corner.onnx").output().expect("it runs");
    let told = String::from_utf8_lossy(&none.stderr);
    assert!(none.status.code() == Some(2) && told.contains("no camera may be opened: name by --allow-url"), "{told}");
    check_error(
        &mut site.fleet(&["watch", "--allow-url", "ftp://host/"]),
        2,
        "only rtsp://, rtsps://, http:// and https://",
    );
    check_error(&mut site.fleet(&["watch", "--allow-url", "rtsp://me:hidden@host/"]), 2, "it has a login");

    site.add("outside", &site.street.with_login("/secret/a"));
    site.add("away", &site.street.at("/cams/away"));
    let mut worker = site.worker("one", &["/cams/"]);
    let mut said = [worker.wait_for("camera outside can't be judged here"), String::new()];
    let shown = format!("http://***@127.0.0.1:{}/***/", site.street.port);
    assert!(said[0].contains(&shown) && said[0].contains("by --allow-url"), "{said:?}");
    said[1] = worker.wait_for("camera away: lost: ");
    // It is tried again, as `live` does.
    worker.wait_for("1 try so far");
    assert!(site.street.asked("/cams/away") >= 2 && site.street.asked("/secret") == 0);
    // One that gets an address below is judged at once.
    site.add("outside", &site.street.at("/cams/a"));
    worker.wait_for("camera outside: playing 193x144");
    let stopped = worker.stop("-INT");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert!(!stopped.stderr.contains("secret") && site.street.asked("/secret") == 0, "{}", stopped.stderr);
}

#[test]
fn cameras_are_added_listed_changed_and_removed() {
    let site = Site::new();
    let (_, said, _) = run(&mut site.fleet(&["cameras", "list"]));
    assert!(said.starts_with("no cameras: "), "{said}");
    let door = "rtsp://me:secret@door.example/live";
    assert_eq!(site.add("door", door), "camera door (rtsp://***@door.example/live) was added\n");
    assert!(site.add("door", door).contains("was there already"));
    assert!(site.add("door", "rtsps://me:secret@door.example/live").contains("was changed"));
    site.add("gate", "https://gate.example/video?key=secret");
    let (_, said, _) = run(&mut site.fleet(&["cameras", "list"]));
    let lines = [
        "camera door (rtsps://***@door.example/live): held by nobody",
        "camera gate (https://gate.example/video?***): held by nobody",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), lines);
    let listed = site.list();
    assert_eq!(listed.iter().map(|camera| &camera["name"]).collect::<Vec<_>>(), ["door", "gate"]);
    assert!(listed[0]["worker"].is_null() && listed[0]["lease"].is_null() && listed[0]["heard"] == false, "{listed:?}");
    let (code, said, _) = run(&mut site.fleet(&["cameras", "remove", "door"]));
    assert_eq!((code, &*said), (0, "camera door was removed\n"));
    check_error(&mut site.fleet(&["cameras", "remove", "door"]), 1, "there is no camera door");
    check_error(&mut site.fleet(&["cameras", "add", "a.b", door]), 2, "can't be the name of a camera");
    check_error(
        &mut site.fleet(&["cameras", "add", "door", "ftp://me:hidden@host/"]),
        2,
        "ftp://***@host/ is no address of a camera",
    );
    check_error(&mut site.fleet(&["cameras", "add", "me:hidden@host:554/x", door]), 2, "can't be the name of a camera");
    assert_eq!(site.list().len(), 1);
}
