//! The page of a live run, asked over the network: what it tells, whom it refuses, and that nobody can hold it up.
#![cfg(feature = "page")]

use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cyborg_edge::live::page::{Facts, Limits, Page, PageError, PageSettings, SharedLimits, ThresholdSwitch};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::support::alone::alone;
use crate::support::broadcast::{Broadcast, SIZE, event};
use crate::support::child::{long_run, within_a_second};

const TOKEN: &str = "a-token-of-enough-signs";

/// Waits until `ready`, at most twenty seconds.
fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn playing() -> Broadcast {
    let live = Broadcast::start("127.0.0.1", None);
    wait_for("pictures", || live.get("/api/state").json()["view"].as_u64() > Some(2));
    live
}

#[test]
fn it_tells_what_there_is() {
    let live = playing();
    assert_eq!((live.get("/healthz").status, live.get("/healthz").text().as_str()), (200, "ok\n"));
    let state = live.get("/api/state").json();
    assert_eq!(state["source"]["state"], "playing");
    assert_eq!(state["size"], serde_json::json!([640, 360]));
    let person = &state["persons"][0];
    assert_eq!(person["track"], 1);
    assert!(person["probability"].as_f64().is_some_and(|p| p > 0.4), "{state}");
    assert!(state["persons"][1]["verdict"].is_null(), "not scored yet");
    let tracks = live.get("/api/tracks").json();
    assert!(tracks["lines"]["1"].as_array().is_some_and(|line| !line.is_empty()), "{tracks}");
    let facts = live.get("/api/facts").json();
    assert_eq!(facts["facts"]["model"], "corner");
    let numbers = live.get("/metrics").text();
    for part in ["cyborg_frames_captured_total{source=\"", "stage=\"verdict\",le=\"0.1\"", ",state=\"playing\"} 1"] {
        assert!(numbers.contains(part), "{numbers}");
    }
    assert_eq!(live.get("/nothing").status, 404);
}

#[test]
fn each_answer_keeps_browsers_in_bounds() {
    let live = playing();
    for path in [
        "/",
        "/compact",
        "/page.css",
        "/page.js",
        "/api/state",
        "/api/history",
        "/api/snapshot.jpg",
        "/api/face.jpg?track=1",
        "/api/strongest.jpg?track=99",
        "/api/state?feed=x",
        "/nothing",
    ] {
        let head = live.get(path).head;
        for field in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.contains(field), "{path} lacks `{field}`: {head}");
        }
        assert!(!head.contains("access-control"), "nobody else may read it");
    }
    for page in ["/", "/compact"].map(|path| live.get(path).text()) {
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains(" style="), "{page}");
    }
}

/// Width and height of a JPEG, and its mean colour.
fn decode(file: &[u8]) -> (u32, u32, u64) {
    let picture = image::load_from_memory(file).expect("a JPEG file").to_rgb8();
    let sum: u64 = picture.pixels().map(|pixel| u64::from(pixel.0[0]) + u64::from(pixel.0[1])).sum();
    (picture.width(), picture.height(), sum)
}

#[test]
fn the_picture_moves_and_comes_in_a_few_widths() {
    let live = playing();
    let first = live.get("/picture.jpg?width=300");
    assert_eq!(decode(&first.body).0, 320, "the next width that is enough");
    let number: u64 =
        first.head.split("x-view: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).expect("a number");
    let second = live.get(&format!("/picture.jpg?width=300&after={number}"));
    assert!(!second.head.contains(&format!("x-view: {number}\r\n")), "a newer one was asked for");
    assert_ne!(first.body, second.body);
    let whole = decode(&live.get("/api/snapshot.jpg").body);
    assert_eq!((whole.0 as usize, whole.1 as usize), SIZE);
    let boxed = decode(&live.get("/api/snapshot.jpg?boxes=1").body);
    assert!(boxed.2 > whole.2 + 100_000, "labels, boxes and heat are brighter: {} and {}", boxed.2, whole.2);

    let mut stream = live.open("/picture.mjpeg?width=320");
    let mut parts = 0;
    let mut line = Vec::new();
    while parts < 5 {
        line.clear();
        stream.read_until(b'\n', &mut line).expect("pictures go on");
        parts += usize::from(line.starts_with(b"Content-Type: image/jpeg"));
    }
}

#[test]
fn turns_and_a_source_that_is_lost_are_told() {
    let _alone = alone();
    let live = playing();
    let mut events = live.open("/events");
    let past = event(&mut events, "past");
    assert_eq!(past["facts"]["sources"][0]["name"], "a <generated> source");
    let turns = event(&mut events, "turns");
    assert_eq!(turns[0]["track"], 1);
    assert!(["synthetic", "unsure"].iter().any(|verdict| turns[0]["to"] == *verdict), "{turns}");
    live.lost.store(true, Ordering::Relaxed);
    let end = Instant::now() + Duration::from_secs(20);
    let moment = loop {
        let moment = event(&mut events, "moment");
        if moment["source"]["state"] == "lost" {
            break moment;
        }
        assert!(Instant::now() < end, "nobody said that it is lost: {moment}");
    };
    assert_eq!(moment["source"]["reason"], "the cable is <out>");
    assert_eq!(moment["persons"], serde_json::json!([]), "nobody knows who is there now");
    live.lost.store(false, Ordering::Relaxed);
    wait_for("the source", || live.get("/api/state").json()["source"]["state"] == "playing");
}

#[test]
fn thresholds_are_switched_and_checked() {
    let live = playing();
    let put = |body: &str| live.ask("PUT", "/api/threshold", "Content-Type: application/json\r\n", body);
    assert_eq!(put(r#"{"authentic_below":0.1,"synthetic_above":0.2}"#).status, 200);
    assert_eq!(live.limits.now(), Limits { authentic_below: 0.1, synthetic_above: 0.2 });
    for (body, status) in [
        (r#"{"authentic_below":0.9,"synthetic_above":0.2}"#, 400),
        (r#"{"authentic_below":0.1,"synthetic_above":2}"#, 400),
        (r#"{"authentic_below":0.1}"#, 400),
        (r#"{"authentic_below":0.1,"synthetic_above":0.2,"more":1}"#, 400),
        ("[[[[[", 400),
        (&" ".repeat(5000), 413),
    ] {
        assert_eq!(put(body).status, status, "{body:.60}");
    }
    assert_eq!(live.ask("PUT", "/api/threshold", "Content-Type: text/plain\r\n", "null").status, 415);
    assert_eq!(live.limits.now().authentic_below, 0.1, "what is refused changes nothing");
    assert_eq!(put("null").status, 200);
    assert_eq!(live.limits.now().authentic_below, 0.3);
}

#[test]
fn only_who_knows_the_token_sees_anything() {
    let live = Broadcast::start("127.0.0.1", Some(TOKEN));
    let with = |path: &str, fields: &str| live.ask("GET", path, fields, "");
    assert_eq!(live.get("/healthz").status, 200, "it tells nothing");
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let cookie = format!("Cookie: other=1; cyborg_token={TOKEN}\r\n");
    for path in [
        "/",
        "/compact",
        "/api/state",
        "/api/history",
        "/api/face.jpg?track=1",
        "/api/strongest.jpg?track=1",
        "/events",
        "/picture.jpg",
        "/picture.mjpeg",
        "/metrics",
        "/api/snapshot.jpg",
        "/page.js",
    ] {
        assert_eq!(live.get(path).status, 401, "{path}");
    }
    assert_eq!(with("/api/state", &bearer).status, 200);
    assert_eq!(with("/api/state", &cookie).status, 200);
    for path in ["/api/state", "/compact", "/api/face.jpg"] {
        let asked = with(&format!("{path}?track=1&token={TOKEN}"), "");
        assert_eq!(asked.status, 401, "{path}: in the address only once, for the page");
    }
    let page = with(&format!("/?token={TOKEN}"), "");
    assert_eq!(page.status, 200);
    let set = format!("set-cookie: cyborg_token={TOKEN}; path=/; httponly; samesite=strict");
    assert!(page.head.contains(&set), "{}", page.head);
    let wrong = "Authorization: Bearer a-token-of-enough-sigms\r\n";
    let answers: Vec<_> = (0..12).map(|_| with("/api/state", wrong).status).collect();
    assert_eq!(answers[0], 401);
    assert_eq!(answers[11], 429, "nobody tries out tokens: {answers:?}");
}

#[test]
fn other_machines_need_a_token() {
    let listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let settings = PageSettings { listen, token: None, tls: None, names: Vec::new() };
    let limits = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
    let [tool, model, provider] = [(); 3].map(|()| String::new());
    let facts = Facts { tool, model, provider, thresholds: limits, record: None };
    let switch = Arc::new(SharedLimits::new(limits));
    let error = Arc::new(Page::new(Vec::new())).serve(settings, facts, switch);
    let error = error.expect_err("everybody could watch");
    assert!(matches!(error, PageError::NeedsToken(_)), "{error}");
}

#[test]
fn pages_of_others_are_refused() {
    let live = playing();
    let host = live.host();
    let check = |fields: &str, path: &str, status: u16| {
        assert_eq!(live.ask("GET", path, fields, "").status, status, "{path} {fields}");
    };
    // A foreign name that leads here.
    check("Host: evil.example\r\n", "/api/state", 403);
    check("Host: localhost.evil.example:80\r\n", "/healthz", 403);
    check(&format!("Host: {host}\r\nHost: evil.example\r\n"), "/api/state", 403);
    check("Host: localhost\r\n", "/api/state", 200);
    // A foreign page that asks.
    check("Origin: http://evil.example\r\n", "/api/state", 403);
    check("Origin: null\r\n", "/events", 403);
    check(&format!("Origin: https://{host}\r\n"), "/api/state", 403);
    check(&format!("Origin: http://{host}\r\n"), "/api/state", 200);
    check("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", "/picture.mjpeg", 403);
    check("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", "/api/face.jpg?track=1", 403);
    check("Origin: http://evil.example\r\n", "/api/history", 403);
    check("Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\n", "/api/snapshot.jpg", 403);
    check("Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\n", "/api/strongest.jpg?track=1", 403);
    check("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", "/", 200);
    check("Sec-Fetch-Site: same-origin\r\n", "/api/state", 200);
    let fields = "Origin: http://evil.example\r\nContent-Type: application/json\r\n";
    assert_eq!(live.ask("PUT", "/api/threshold", fields, "null").status, 403);
}

#[test]
fn no_bytes_bring_it_down() {
    let live = playing();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let whole = format!(
        "PUT /api/threshold?width=1 HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull",
        live.host()
    );
    let fixed: [Vec<u8>; 5] = [
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET http://a/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(3000)).into_bytes(),
        b"GET /picture.jpg?width=99999999999999999999&after=-1 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
    ];
    for round in 0..300 {
        let mut bytes = fixed.get(round).cloned().unwrap_or_else(|| whole.clone().into_bytes());
        for _ in 0..round % 12 {
            let at = random.next_u32() as usize % bytes.len();
            match random.next_u32() % 3 {
                0 => bytes[at] = random.next_u32() as u8,
                1 => bytes.insert(at, random.next_u32() as u8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let mut stream = live.connect();
        // The server may hang up in the middle, which is its right.
        if stream.write_all(&bytes).is_ok() && round % 3 == 0 {
            stream.shutdown(std::net::Shutdown::Write).ok();
            let mut answer = [0; 1];
            let silent = stream.read(&mut answer).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            assert!(!silent, "round {round} is left hanging");
        }
    }
    assert_eq!(live.get("/healthz").status, 200);
    assert_eq!(live.get("/api/state").status, 200);
}

#[test]
fn who_reads_nothing_holds_up_nobody() {
    let _alone = alone();
    let live = playing();
    // Ten read nothing of what they ask for.
    let stuck: Vec<_> = (0..10).map(|_| live.open("/picture.mjpeg")).collect();
    let readers: Vec<_> = (0..10).map(|_| live.open("/events")).collect();
    let took: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                scope.spawn(move || {
                    let start = Instant::now();
                    // One that is held up gives up after twenty seconds without a word.
                    (0..20).for_each(|_| drop(event(&mut reader, "moment")));
                    start.elapsed()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it reads on")).collect()
    });
    // 25 a second are shown; a machine that is busy gives fewer.
    assert!(!long_run() || took.iter().all(|took| took.as_secs() < 4), "{took:?}");
    let before = Instant::now();
    assert_eq!(live.get("/picture.jpg?width=320").status, 200);
    assert!(!long_run() || before.elapsed() < Duration::from_secs(2));
    drop(stuck);
}

#[test]
fn it_ends_within_a_second_whoever_reads() {
    let _alone = alone();
    let live = playing();
    let _readers: Vec<_> = (0..5).map(|_| live.open("/picture.mjpeg")).collect();
    let Broadcast { ref served, .. } = live;
    let address = served.address();
    let start = Instant::now();
    drop(live);
    within_a_second(start.elapsed());
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

/// A connection that was answered once, and goes on; nothing where it was closed instead.
fn answered(live: &Broadcast) -> Option<std::net::TcpStream> {
    let mut stream = live.connect();
    let asked = write!(stream, "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", live.served.address());
    let mut answer = [0; 12];
    let read = asked.and_then(|()| stream.read_exact(&mut answer));
    (read.is_ok() && answer == *b"HTTP/1.1 200").then_some(stream)
}

#[test]
fn past_the_limit_connections_are_closed_and_places_come_back() {
    let _alone = alone();
    let live = playing();
    // Each has its answer, and stays.
    let many: Vec<_> = (0..256).map(|_| answered(&live).expect("there is a place")).collect();
    let mut late = live.connect();
    let closed = matches!(late.read(&mut [0; 1]), Ok(0)) || late.read(&mut [0; 1]).is_err();
    assert!(closed, "it is told at once");
    drop(many);
    wait_for("a place", || answered(&live).is_some());
}
