//! Two hundred readers of a live run, of whom half read nothing: the verdicts come as before, and who reads is served.
//!
//! How many verdicts come is held to what comes without the crowd in the long run alone, on a machine with nothing else to do.
#![cfg(feature = "page")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::live::metrics::LiveMetrics;

use crate::support::alone::alone;
use crate::support::broadcast::{feed, serve};
use crate::support::child::long_run;
use crate::support::live::{LiveRun, Session, Step};
use crate::support::process::held;
use crate::support::readers::{ask, read};

/// Readers of each kind: half of them are well.
const EACH: usize = 100;
/// Time between two frames, in milliseconds.
const FRAME: u64 = 33;

/// What a reader that is well asks for, again and again or without end.
const ASKED: [&str; 5] = ["/events", "/events", "/events", "/picture.mjpeg?width=320", "/api/state"];

#[test]
#[ignore = "measures how much is served: run by `cargo xtask test --long`"]
fn a_crowd_of_which_half_reads_nothing_slows_nobody_down() {
    let _alone = alone();
    let long = long_run();
    let (before, during) = if long { (20, 60) } else { (2, 5) };
    let metrics = Arc::new(LiveMetrics::default());
    let feed = feed("a camera", &metrics);
    let (served, _) = serve(vec![Arc::clone(&feed)], "127.0.0.1", None);
    let frames = Step::Frames { count: u32::MAX, millis: FRAME };
    let mut run = LiveRun::of([Session::Last(vec![Step::Size(640, 360), Step::Rough, frames])]).classifier_takes(10);
    run.keep.stall = Duration::from_secs(20);
    run.keep.opening = Duration::from_secs(20);
    let (over, gone) = (AtomicBool::new(false), AtomicBool::new(false));
    let got: Vec<_> = (0..EACH).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        let stop = StopAtEnd([&over, &gone]);
        scope.spawn(|| run.watch(&*feed, &metrics, &over).expect("it goes on to the end"));
        let begun = Instant::now();
        while metrics.scored.load(Ordering::Relaxed) < 10 {
            assert!(begun.elapsed() < Duration::from_secs(20), "no verdicts");
            thread::sleep(Duration::from_millis(20));
        }
        let alone = rate(&metrics.scored, before);

        let address = served.address();
        let stuck: Vec<_> = (0..EACH).map(|index| stuck(address, index)).collect();
        for (index, got) in got.iter().enumerate() {
            let gone = &gone;
            let reader = thread::Builder::new().stack_size(128 * 1024);
            let reading = reader.spawn_scoped(scope, move || read(address, ASKED[index % ASKED.len()], got, gone));
            reading.expect("a thread");
        }
        let connected = Instant::now();
        while got.iter().any(|got| got.load(Ordering::Relaxed) == 0) {
            assert!(connected.elapsed() < Duration::from_secs(60), "{} were not served", unserved(&got));
            thread::sleep(Duration::from_millis(20));
        }
        let at_first = held("self");
        got.iter().for_each(|got| got.store(0, Ordering::Relaxed));
        let crowded = rate(&metrics.scored, during);
        assert_eq!(unserved(&got), 0, "of {EACH} that read");
        let least_got = got.iter().map(|got| got.load(Ordering::Relaxed)).min();
        let at_last = held("self");
        // The readers go; the machine may have got more to do or less in the meantime.
        drop(stuck);
        gone.store(true, Ordering::Relaxed);
        thread::sleep(Duration::from_secs(2));
        let alone = (alone + rate(&metrics.scored, before)) / 2.0;
        let grown = at_first.zip(at_last).map(|(first, last)| last.memory.saturating_sub(first.memory) / 1024);
        // For who runs it with --nocapture; nobody depends on it.
        let _ = writeln!(
            std::io::stderr(),
            "{alone:.2} verdicts a second alone, {crowded:.2} with a crowd; grown by {grown:?} MiB; least got {least_got:?}"
        );
        let least = if long { 0.95 * alone } else { 1.0 };
        assert!(crowded >= least, "{alone:.2} verdicts a second alone, {crowded:.2} with a crowd");
        assert!(grown.is_none_or(|grown| grown < 64), "{grown:?} MiB more after {during} s: {at_first:?}, {at_last:?}");
        drop(stop);
    });
}

/// Ends the run whatever becomes of the test.
struct StopAtEnd<'a>([&'a AtomicBool; 2]);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|end| end.store(true, Ordering::Relaxed));
    }
}

fn unserved(got: &[AtomicU64]) -> usize {
    got.iter().filter(|got| got.load(Ordering::Relaxed) == 0).count()
}

/// How much is counted in a second, over so many.
fn rate(counter: &AtomicU64, seconds: u64) -> f64 {
    let (begun, before) = (Instant::now(), counter.load(Ordering::Relaxed));
    thread::sleep(Duration::from_secs(seconds));
    (counter.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64()
}

/// One who asks for much and reads nothing, or says nothing at all, or half of what it wants.
fn stuck(address: SocketAddr, index: usize) -> TcpStream {
    let connected = "the server listens";
    match index % 4 {
        0 | 1 => ask(address, "/picture.mjpeg").expect(connected),
        2 => ask(address, "/events").expect(connected),
        _ => {
            let mut stream = TcpStream::connect(address).expect(connected);
            stream.write_all(b"GET /pict").expect("it is taken");
            stream
        }
    }
}
