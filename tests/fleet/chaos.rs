//! Workers that are killed at random, a broker that is killed and comes back, a wire that is cut: each clip has exactly one result,
//! in bounded time. `CYBORG_LONG_TESTS=1` takes a thousand clips.

use std::io::Write;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::broker::{Broker, desk};
use crate::mock::{Clips, collect, job, name, spawn, task};
use crate::proxy::Proxy;
use crate::support::chance::Chance;
use crate::support::child::long_run;

struct Plan {
    clips: usize,
    kills: u32,
    restarts: u32,
    cut: Duration,
    most: Duration,
}

const SHORT: Plan =
    Plan { clips: 200, kills: 8, restarts: 1, cut: Duration::from_secs(3), most: Duration::from_secs(90) };
const LONG: Plan =
    Plan { clips: 1000, kills: 25, restarts: 3, cut: Duration::from_secs(5), most: Duration::from_secs(400) };

const WORKERS: usize = 4;

/// A worker that is killed when it is dropped.
struct Mortal(Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        // SIGKILL, by the child's own number; it may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_clip_has_one_result_whatever_is_killed() {
    let plan = if long_run() { LONG } else { SHORT };
    let (mut broker, clips, mut chance) = (Broker::start(), Clips::new(), Chance::new(7));
    let proxy = Proxy::to(broker.port);
    let tasks: Vec<_> = (0..plan.clips)
        .map(|number| clips.write(&format!("{number}.clip"), &format!("wait {}", 20 + chance.below(200))))
        .map(|path| task("chaos", &path))
        .collect();
    let submitted = broker.desk().submit(&job("chaos"), tasks).expect("it is new");
    assert_eq!(submitted.queued, plan.clips as u64);
    // Half of the workers are behind the wire that is cut.
    let urls = [broker.url(), proxy.url()];
    let mut number = 0;
    let mut worker = |place: usize| {
        number += 1;
        Mortal(spawn(&urls[place % 2], &format!("worker-{number}"), &clips.root()))
    };
    let mut workers: Vec<Mortal> = (0..WORKERS).map(&mut worker).collect();
    let begun = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let collecting = {
        let (url, over) = (broker.url(), over.clone());
        thread::spawn(move || {
            let got = collect(&desk(&url), "chaos", true);
            over.store(true, Ordering::Relaxed);
            got
        })
    };
    let (mut kills, mut restarts, mut is_cut) = (0, 0, false);
    let mut trouble = 0;
    while !over.load(Ordering::Relaxed) {
        if begun.elapsed() > plan.most {
            let jobs = broker.desk().status().map(|status| status.jobs);
            let queue = queue(&broker.url());
            unreachable!("no end in {:?}: {kills} kills, {restarts} restarts: {jobs:#?}, {queue}", plan.most);
        }
        sleep(Duration::from_millis(300 + chance.below(500) as u64));
        trouble += 1;
        if kills < plan.kills || restarts < plan.restarts {
            let place = chance.below(WORKERS);
            // The one before is killed when it is dropped.
            workers[place] = worker(place);
            kills += 1;
        }
        if trouble % 6 == 3 && restarts < plan.restarts {
            broker.kill();
            sleep(Duration::from_millis(500));
            broker.again();
            restarts += 1;
        }
        if trouble == 5 {
            proxy.cut(plan.cut);
            is_cut = true;
        }
    }
    let took = begun.elapsed();
    let (collected, taken) = collecting.join().expect("it doesn't panic");
    drop(workers);
    assert!(collected.dead.is_empty() && collected.damaged.is_empty() && collected.missing.is_empty(), "{collected:?}");
    assert_eq!(taken.len(), plan.clips, "each clip has a result");
    assert!(taken.values().all(|&times| times == 1), "none has two: {taken:?}");
    let stored = stored(&broker.url(), "cyborg.results.chaos.*");
    assert_eq!(stored, plan.clips as u64, "nor does the stream");
    let status = broker.desk().status().expect("the broker answers");
    let found = status.jobs.iter().find(|found| found.name == name("chaos")).expect("the job is there");
    assert_eq!((found.done, found.dead, found.waiting), (plan.clips as u64, 0, 0));
    assert!(
        kills >= plan.kills && restarts >= plan.restarts && is_cut,
        "{kills} kills, {restarts} restarts: too quick"
    );
    let _ = writeln!(
        std::io::stderr(),
        "{} clips in {took:.1?}: {kills} workers killed, {restarts} restarts of the broker, one cut of {:?}",
        plan.clips,
        plan.cut
    );
}

/// How many messages there are of some subjects, by the broker's own account.
fn stored(url: &str, subjects: &str) -> u64 {
    use futures_util::StreamExt;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let client = async_nats::connect(url).await.expect("the broker answers");
        let stream = async_nats::jetstream::new(client).get_stream("CYBORG_RESULTS").await.expect("it is there");
        let mut listed = stream.info_with_subjects(subjects).await.expect("it tells");
        let mut sum = 0;
        while let Some(found) = listed.next().await {
            sum += found.expect("it tells").1 as u64;
        }
        sum
    })
}

/// How the queue is, by the broker's own account.
fn queue(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let client = async_nats::connect(url).await.expect("the broker answers");
        let mut stream = async_nats::jetstream::new(client).get_stream("CYBORG_TASKS").await.expect("it is there");
        let state = stream.info().await.expect("it tells").state.clone();
        let consumer = stream.consumer_info("workers-normal").await.expect("it tells");
        format!("{state:#?}, {consumer:#?}")
    })
}
