//! A worker whose judge only does what the clip, a small text, says: in this process, or in one of its own that can be killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use cyborg_edge::capture::address::Address;
use cyborg_edge::fleet::SCHEMA;
use cyborg_edge::fleet::broker::BrokerSettings;
use cyborg_edge::fleet::collect::{CollectSettings, Collected, Found};
use cyborg_edge::fleet::desk::Desk;
use cyborg_edge::fleet::job::{Job, JobName, Priority};
use cyborg_edge::fleet::judge::{Clip, Fault, Judge};
use cyborg_edge::fleet::places::Allowed;
use cyborg_edge::fleet::store::StoreSettings;
use cyborg_edge::fleet::task::{Place, Task};
use cyborg_edge::fleet::worker::{self, WorkerSettings};
use cyborg_edge::sink::jsonl::RunRecord;
use cyborg_edge::sink::packed::Packed;
use cyborg_edge::sink::record::SCHEMA as TABLE_SCHEMA;

use crate::broker::LEASE;

/// Does what a clip says: `wait MILLISECONDS`, `damaged`, `broken` (the worker is), `large BYTES`, `abort` (the process ends).
pub(crate) struct MockJudge {
    model: String,
}

impl Judge for MockJudge {
    fn ready(&mut self, _job: &Job, _allowed: &Allowed) -> Result<RunRecord, String> {
        Ok(run_of(&self.model))
    }

    fn judge(&mut self, clip: &Clip, stop: &'static AtomicBool) -> Result<Packed, Fault> {
        let path = match &clip.address {
            Address::File(path) => path,
            other => unreachable!("the mock judges files, not {other:?}"),
        };
        let text = fs::read_to_string(path).map_err(|error| Fault::Clip(error.to_string()))?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut filling = String::new();
        match words[..] {
            ["wait", time] => {
                let end = Instant::now() + Duration::from_millis(time.parse().expect("a number"));
                while Instant::now() < end {
                    if stop.load(Ordering::Relaxed) {
                        return Err(Fault::Interrupted);
                    }
                    sleep(Duration::from_millis(5).min(end.saturating_duration_since(Instant::now())));
                }
            }
            ["damaged"] => return Err(Fault::Clip(format!("{} is damaged", clip.name))),
            ["broken"] => return Err(Fault::Worker("the disk is full".to_owned())),
            ["large", bytes] => filling = noise(bytes.parse().expect("a number")),
            ["abort"] => std::process::abort(),
            _ => unreachable!("the mock doesn't know `{text}`"),
        }
        let line = |value: serde_json::Value| format!("{value}\n");
        let face = line(serde_json::json!({"type": "face", "source": clip.name, "frame": 0, "filling": filling}));
        let sum = line(serde_json::json!({"type": "summary", "source": clip.name, "faces": 1, "ended": "whole"}));
        Ok(Packed::of_text(format!("{face}{sum}").as_bytes()).expect("to memory"))
    }
}

/// Text that can't be packed to less than three quarters.
fn noise(bytes: usize) -> String {
    let mut chance = crate::support::chance::Chance::new(bytes as u64);
    (0..bytes).map(|_| char::from(b'0' + u8::try_from(chance.below(64)).expect("small"))).collect()
}

/// What the mock judges with.
pub(crate) fn run_of(model: &str) -> RunRecord {
    RunRecord { tool: "mock".to_owned(), model: model.to_owned(), model_sha256: "0".to_owned(), ..RunRecord::default() }
}

/// A folder of such clips.
pub(crate) struct Clips {
    folder: tempfile::TempDir,
}

impl Clips {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for the test") }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there")
    }

    /// Writes a clip, and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::write(&path, text).expect("it can be written");
        path
    }
}

pub(crate) fn name(job: &str) -> JobName {
    job.parse().expect("a name")
}

/// A job that the mock can judge.
pub(crate) fn job(job: &str) -> Job {
    Job {
        schema: SCHEMA,
        name: name(job),
        flags: Vec::new(),
        run: run_of("mock"),
        table_schema: TABLE_SCHEMA,
        priority: Priority::Normal,
        deadline: None,
        created: cyborg_edge::fleet::now(),
        tasks: 0,
        manifest: String::new(),
        cancelled: false,
    }
}

/// A clip of a job, under its own name.
pub(crate) fn task(job: &str, path: &Path) -> Task {
    Task::new(name(job), path.file_name().expect("a file").to_string_lossy().into_owned(), Place::Path(path.to_owned()))
}

/// Collects a job with what each clip came to: how often its lines were taken.
pub(crate) fn collect(desk: &Desk, job: &str, follow: bool) -> (Collected, BTreeMap<String, u32>) {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let settings = CollectSettings { follow, known: std::collections::BTreeSet::default(), stop: &NEVER };
    let mut taken = BTreeMap::new();
    let mut take = |found: &Found<'_>| {
        *taken.entry(found.head.name.clone()).or_insert(0) += 1;
        Ok(())
    };
    let collected = desk.collect(&name(job), &settings, &mut take).expect("the broker answers");
    (collected, taken)
}

pub(crate) fn settings(worker: &str, roots: &[PathBuf], drain: &'static AtomicBool) -> WorkerSettings {
    WorkerSettings {
        name: worker.to_owned(),
        tool: "mock".to_owned(),
        allowed: Allowed::new(roots, &[]).expect("they are folders"),
        tries: 3,
        // Of a thousand clips one may be in the hands of several workers that are killed.
        most_begun: 6,
        rest: Duration::from_millis(50),
        park: Duration::from_millis(300),
        grace: Duration::from_secs(1),
        drain,
        abandon: Box::leak(Box::new(AtomicBool::new(false))),
    }
}

/// A worker in a thread of this process, which ends with it.
pub(crate) struct ThreadWorker {
    drain: &'static AtomicBool,
    thread: Option<JoinHandle<worker::Tally>>,
}

impl ThreadWorker {
    pub(crate) fn start(url: &str, worker: &str, model: &str, roots: &[PathBuf]) -> Self {
        let drain: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let (broker, settings) = (BrokerSettings::at(url), settings(worker, roots, drain));
        let judge = Box::new(MockJudge { model: model.to_owned() });
        let store = StoreSettings { lease: LEASE, replicas: 1 };
        let thread = thread::spawn(move || worker::work(&broker, store, settings, judge).expect("the broker answers"));
        Self { drain, thread: Some(thread) }
    }

    pub(crate) fn end(mut self) -> worker::Tally {
        self.drain.store(true, Ordering::Relaxed);
        self.thread.take().expect("it runs").join().expect("it doesn't panic")
    }
}

impl Drop for ThreadWorker {
    fn drop(&mut self) {
        self.drain.store(true, Ordering::Relaxed);
    }
}

/// A worker in a process of its own: this test binary, begun anew at [`process`].
pub(crate) fn spawn(url: &str, worker: &str, root: &Path) -> Child {
    begun_at("mock::process", url, worker, root).spawn().expect("it starts")
}

/// This test binary, to be begun anew at a worker that is written as a test.
pub(crate) fn begun_at(test: &str, url: &str, worker: &str, root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env("CYBORG_MOCK_BROKER", url).env("CYBORG_MOCK_WORKER", worker).env("CYBORG_MOCK_ROOT", root);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
#[ignore = "not a test: the worker that other tests start as a process"]
fn process() {
    static DRAIN: AtomicBool = AtomicBool::new(false);
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(url), Some(worker), Some(root)) =
        (variable("CYBORG_MOCK_BROKER"), variable("CYBORG_MOCK_WORKER"), variable("CYBORG_MOCK_ROOT"))
    else {
        return;
    };
    // The broker may be away when a worker starts, which its service manager would see to.
    loop {
        let settings = settings(&worker, &[PathBuf::from(&root)], &DRAIN);
        let judge = Box::new(MockJudge { model: "mock".to_owned() });
        let store = StoreSettings { lease: LEASE, replicas: 1 };
        if worker::work(&BrokerSettings::at(&url), store, settings, judge).is_ok() {
            return;
        }
        sleep(Duration::from_millis(100));
    }
}
