//! What the queue costs: processor time and memory a clip, and what many workers come to. These measure, and want a machine with nothing
//! else to do: `cargo test --features fleet --test fleet -- --ignored --nocapture overhead`.

use std::fs;
use std::io::Write;
use std::process::Child;
use std::time::{Duration, Instant};

use cyborg_edge::fleet::task::Task;

use crate::broker::Broker;
use crate::faults::until;
use crate::mock::{Clips, collect, job, spawn, task};
use crate::support::process::held;

/// So many clips that do this.
fn tasks(clips: &Clips, job: &str, count: usize, text: &str) -> Vec<Task> {
    let path = |number| clips.write(&format!("{job}-{number}.clip"), text);
    (0..count).map(|number| task(job, &path(number))).collect()
}

/// Seconds of processor time that a process had.
fn seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks: Vec<u64> = fields.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // Fields 14 and 15 of the whole line, behind one that is no number; a tick is a hundredth of a second.
    (ticks[10] + ticks[11]) as f64 / 100.0
}

fn end(mut workers: Vec<Child>) {
    for worker in &mut workers {
        worker.kill().expect("it is our child");
        worker.wait().expect("it ends");
    }
}

#[test]
#[ignore = "measures the queue: cargo test --features fleet --test fleet -- --ignored --nocapture --test-threads 1 overhead"]
fn what_a_clip_costs() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let desk = broker.desk();
    let worker = spawn(&broker.url(), "worker", &clips.root());
    until(&broker, "there", |status| status.workers.len() == 1);
    let mut memory = Vec::new();
    for round in 0..5 {
        let name = format!("j{round}");
        let count = 2000;
        let submitting = Instant::now();
        desk.submit(&job(&name), tasks(&clips, &name, count, "wait 0")).expect("it is new");
        let submitted = submitting.elapsed();
        let (before, of_broker, begun) = (seconds(worker.id()), seconds(broker.id()), Instant::now());
        let (collected, _) = collect(&desk, &name, true);
        assert_eq!(collected.taken, count as u64);
        let each = |seconds: f64| seconds * 1e3 / count as f64;
        let _ = writeln!(
            std::io::stderr(),
            "{count} clips: worker {:.2} ms of processor time each, broker {:.2} ms, {:.2} ms from one to the next; submitted in {submitted:.1?}",
            each(seconds(worker.id()) - before),
            each(seconds(broker.id()) - of_broker),
            each(begun.elapsed().as_secs_f64()),
        );
        memory.push(held(&worker.id().to_string()).expect("Linux tells").memory);
    }
    let _ = writeln!(std::io::stderr(), "memory of the worker after each 2,000 clips, in KiB: {memory:?}");
    end(vec![worker]);
    assert!(memory[4] < memory[2] + 2048, "it grows: {memory:?}");
}

#[test]
#[ignore = "measures the queue: cargo test --features fleet --test fleet -- --ignored --nocapture --test-threads 1 overhead"]
fn what_many_workers_come_to() {
    let (clips, mut of_one) = (Clips::new(), None);
    for count in [1, 2, 4, 8, 16] {
        let broker = Broker::start();
        let desk = broker.desk();
        let workers: Vec<Child> =
            (0..count).map(|number| spawn(&broker.url(), &format!("worker-{number}"), &clips.root())).collect();
        until(&broker, "all there", |status| status.workers.len() == count);
        // A latency, not work: what is measured is the queue.
        let (each, latency) = (50, Duration::from_millis(200));
        let name = format!("of{count}");
        desk.submit(&job(&name), tasks(&clips, &name, each * count, "wait 200")).expect("it is new");
        let begun = Instant::now();
        let (collected, _) = collect(&desk, &name, true);
        let took = begun.elapsed().as_secs_f64();
        assert_eq!(collected.taken, (each * count) as u64);
        let (ideal, of_one) = (each as f64 * latency.as_secs_f64(), *of_one.get_or_insert(took));
        let _ = writeln!(
            std::io::stderr(),
            "{count} workers: {took:.2} s, where the clips alone are {ideal:.2} s; {:.3} of linear",
            of_one / took
        );
        end(workers);
    }
}
