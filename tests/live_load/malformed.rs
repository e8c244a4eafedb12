//! The server of a live run under requests that are none: thousands of damaged ones from a fixed seed, and readers who
//! never come to the end of theirs. Nothing of it stops the service.
#![cfg(feature = "page")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::alone::alone;
use crate::support::broadcast::{Broadcast, event};
use crate::support::chance::{Chance, mutate};
use crate::support::child::long_run;

/// Damaged requests that are sent; the long run sends ten times as many.
const REQUESTS: usize = 2500;
/// Connections that never come to an end, at a time.
const SLOW: usize = 40;
/// An answer begins by then, also on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(20);

const PATHS: [&str; 20] = [
    "/",
    "/page.js",
    "/healthz",
    "/events",
    "/picture.jpg?width=320&after=1",
    "/picture.mjpeg?width=640",
    "/api/snapshot.jpg?boxes=1&heat=1",
    "/api/state",
    "/api/state?feed=18446744073709551616",
    "/compact",
    "/api/face.jpg?feed=0&track=1&heat=1",
    "/api/face.jpg?feed=-1&track=x&heat=256",
    "/api/strongest.jpg?track=18446744073709551615&feed=7",
    "/api/history?feed=0&feed=1",
    "/api/facts",
    "/api/tracks",
    "/api/threshold",
    "/metrics",
    "/../../etc/passwd",
    "/%00%ff?%=&&token=%zz",
];
const METHODS: [&str; 10] = ["GET", "GET", "GET", "HEAD", "PUT", "POST", "OPTIONS", "DELETE", "CONNECT", "BREW"];

/// A request that could nearly be one: of its parts some are wrong.
fn request(host: &str, chance: &mut Chance) -> Vec<u8> {
    let (method, path) = (METHODS[chance.below(METHODS.len())], PATHS[chance.below(PATHS.len())]);
    let version = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.", ""][chance.below(6)];
    let mut head = format!("{method} {path} {version}\r\nHost: {host}\r\n");
    let body: Vec<u8> = match chance.below(5) {
        0 => br#"{"authentic_below":0.1,"synthetic_above":0.2}"#.to_vec(),
        1 => "[".repeat(4000).into_bytes(),
        2 => vec![0xff; chance.below(9000)],
        _ => Vec::new(),
    };
    head += "Content-Type: application/json\r\n";
    match chance.below(10) {
        0 => head += &format!("Content-Length: {}\r\n", body.len() / 2),
        1 => head += "Content-Length: 99999999999999999999\r\n",
        2 => head += "Content-Length: -1\r\nContent-Length: 7\r\n",
        3 => head += "Transfer-Encoding: chunked\r\n",
        4 => head += &format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", body.len()),
        5 => head += "Expect: 100-continue\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
        _ => head += &format!("Content-Length: {}\r\n", body.len()),
    }
    match chance.below(12) {
        0 => head += &"X: y\r\n".repeat(chance.below(200)),
        1 => head += &format!("X: {}\r\n", "z".repeat(chance.below(40_000))),
        2 => head += "Cookie: cyborg_token=\r\nAuthorization: Bearer\r\n",
        3 => head += " folded: line\r\n\tand more\r\n",
        4 => head += "Last-Event-ID: \u{fffd}\r\nAccept: text/event-stream\r\n",
        _ => {}
    }
    [head.as_bytes(), b"\r\n", &body].concat()
}

/// Sends it, and looks at how the answer begins, if one comes.
fn send(address: SocketAddr, bytes: &[u8], round: usize) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The server may hang up in the middle, which is its right.
    if stream.write_all(bytes).is_err() || stream.shutdown(Shutdown::Write).is_err() || round.is_multiple_of(5) {
        return;
    }
    let mut begin = [0; 12];
    match stream.read_exact(&mut begin) {
        Ok(()) => {
            let text = String::from_utf8_lossy(&begin);
            assert!(text.starts_with("HTTP/1."), "round {round}: {text}");
            let fault = text.as_bytes()[9] == b'5' && &text[9..] != "501" && &text[9..] != "505";
            assert!(!fault, "round {round} is the server's fault: {text}, to {}", String::from_utf8_lossy(bytes));
        }
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "round {round} is left hanging"),
    }
}

/// Sends a head that doesn't end, a byte after the other, until the server hangs up. Gives how long it bore it.
fn slow(address: SocketAddr, index: usize, over: &AtomicBool) -> Option<Duration> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let head = format!("{} HTTP/1.1\r\nHost: {address}\r\n{}", "GET /events", "X: y\r\n".repeat(1000));
    for byte in head.bytes().skip(index % 7) {
        if over.load(Ordering::Relaxed) {
            return None;
        }
        let closed = match stream.write_all(&[byte]).and_then(|()| stream.read(&mut [0; 64])) {
            Ok(read) => read == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        if closed {
            return Some(begun.elapsed());
        }
    }
    None
}

/// Panics of any thread. The server survives one, and merely hangs up: nobody else would see it.
static PANICS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn damaged_requests_stop_no_service() {
    let _alone = alone();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
    let live = Broadcast::start("127.0.0.1", None);
    let (address, host) = (live.served.address(), live.host());
    let over = AtomicBool::new(false);
    let rounds = if long_run() { 10 * REQUESTS } else { REQUESTS };
    thread::scope(|scope| {
        let slow: Vec<_> = (0..SLOW)
            .map(|index| {
                scope.spawn({
                    let over = &over;
                    move || slow(address, index, over)
                })
            })
            .collect();
        let watched = scope.spawn(|| {
            let mut asked = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(live.get("/healthz").status, 200, "in the midst of it");
                asked += 1;
                thread::sleep(Duration::from_millis(50));
            }
            asked
        });
        let mut chance = Chance::new(11);
        for round in 0..rounds {
            let mut bytes = request(&host, &mut chance);
            if !round.is_multiple_of(3) {
                bytes = mutate(&bytes, &mut chance);
            }
            send(address, &bytes, round);
        }
        // 10 s is what the server bears; a busy machine is late.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(40) && slow.iter().any(|slow| !slow.is_finished()) {
            thread::sleep(Duration::from_millis(50));
        }
        over.store(true, Ordering::Relaxed);
        for slow in slow {
            let borne = slow.join().expect("it only writes");
            assert!(borne.is_some_and(|borne| borne < Duration::from_secs(50)), "borne for {borne:?}");
        }
        assert!(watched.join().expect("each was answered") > 3);
    });
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    assert_eq!(live.get("/healthz").status, 200);
    let moment = event(&mut live.open("/events"), "moment");
    assert_eq!(moment["source"]["state"], "playing", "it goes on");
}
