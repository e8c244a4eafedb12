//! The page of several sources, asked over the network: each is told by its number, of a screen faces alone are shown, and what
//! is kept of people and of the session.
#![cfg(feature = "page")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cyborg_edge::live::page::FeedKind;
use cyborg_edge::live::view::SourceState;
use cyborg_edge::verdict::Verdict::{Authentic, Synthetic, Unsure};
use cyborg_edge::verdict::reason::Reason;
use serde_json::Value;

use crate::support::alone::alone;
use crate::support::broadcast::{Answer, event, get};
use crate::support::browser::wait_for;
use crate::support::scenes::{GALLERY, Said, Scene, Staged, said};

impl Staged {
    fn get(&self, path: &str) -> Answer {
        get(self.served.address(), path)
    }

    fn state(&self, feed: usize) -> Value {
        self.get(&format!("/api/state?feed={feed}")).json()
    }

    /// Waits until a picture with so many persons was told.
    fn until_persons(&self, feed: usize, number: usize) {
        wait_for("the persons", || {
            (self.state(feed)["persons"].as_array().map(Vec::len) == Some(number)).then_some(())
        });
    }
}

fn two() -> Staged {
    Staged::start(&[("a camera", FeedKind::Camera, true), ("a camera", FeedKind::Screen, false)], None)
}

#[test]
fn each_source_is_told_by_its_number() {
    let live = two();
    live.show(0, Scene::of(&[said(1, Authentic, None, 0.1)]));
    live.show(1, Scene::of(&[said(1, Unsure, Some(Reason::TooSmall), 0.5), said(2, Synthetic, None, 0.9)]));
    live.until_persons(1, 2);
    assert_eq!(live.state(0)["feed"], 0);
    assert_eq!(live.state(0)["persons"].as_array().map(Vec::len), Some(1));
    assert_eq!(live.get("/api/tracks?feed=1").json()["persons"].as_array().map(Vec::len), Some(2));
    let facts = live.get("/api/facts").json();
    let sources = &facts["facts"]["sources"];
    assert_eq!(sources[0], serde_json::json!({ "name": "a camera", "kind": "camera", "whole": true }));
    assert_eq!(sources[1], serde_json::json!({ "name": "a camera (2)", "kind": "screen", "whole": false }));
    assert_eq!(facts["feeds"].as_array().map(Vec::len), Some(2));
    let numbers = live.get("/metrics").text();
    for source in ["a camera", "a camera (2)"] {
        assert!(numbers.contains(&format!("cyborg_frames_shown_total{{source=\"{source}\"}} ")), "{numbers}");
    }
    let mut stream = TcpStream::connect(live.served.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is taken");
    let mut events = BufReader::new(stream);
    let mut heard = [false; 2];
    while heard.contains(&false) {
        let feed = event(&mut events, "moment")["feed"].as_u64().expect("a number");
        heard[usize::try_from(feed).expect("it is small")] = true;
    }
    live.show(1, Scene::of(&[said(1, Synthetic, None, 0.9), said(2, Synthetic, None, 0.9)]));
    let turns = event(&mut events, "turns");
    assert_eq!((&turns[0]["feed"], &turns[0]["track"]), (&Value::from(1), &Value::from(1)), "{turns}");
}

/// The picture in a JPEG file.
fn decode(file: &[u8]) -> image::RgbImage {
    image::load_from_memory(file).expect("a JPEG file").to_rgb8()
}

/// The first file of a stream of pictures.
fn first_of_stream(live: &Staged, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(live.served.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is taken");
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("pictures come");
        if let Some(told) = line.strip_prefix("Content-Length: ") {
            length = told.trim().parse().expect("a length");
        }
        if length > 0 && line == "\r\n" {
            break;
        }
    }
    let mut file = vec![0; length];
    reader.read_exact(&mut file).expect("the whole picture");
    file
}

/// How far the pixels of a part of a picture are from dark, in grey levels; the part is in shares of the picture.
fn brightest(picture: &image::RgbImage, left: f32, top: f32, right: f32, bottom: f32) -> u8 {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let columns = (left * width) as u32..(right * width) as u32;
    let rows = || (top * height) as u32..(bottom * height) as u32;
    columns.flat_map(|x| rows().map(move |y| picture.get_pixel(x, y).0)).flatten().max().expect("it has pixels")
}

#[test]
fn of_a_screen_faces_alone_are_shown() {
    let live = two();
    let people: Vec<Said> = (1..=3).map(|track| said(track, Authentic, None, 0.1)).collect();
    for feed in [0, 1] {
        live.show(feed, Scene::of(&people));
        live.until_persons(feed, 3);
    }
    // Of the gallery's 25 tiles the first three are people; the others are no faces that anybody found.
    for path in [
        "/picture.jpg?feed=1",
        "/picture.jpg?feed=1&width=320",
        "/picture.jpg?feed=1&width=100000&heat=1",
        "/picture.jpg?feed=1&width=640&boxes=1",
        "/api/snapshot.jpg?feed=1",
        "/api/snapshot.jpg?feed=1&boxes=1&heat=1&width=960",
        "/picture.mjpeg?feed=1",
        "/picture.mjpeg?feed=1&width=480&heat=1",
    ] {
        let file = if path.contains("mjpeg") { first_of_stream(&live, path) } else { live.get(path).body };
        let picture = decode(&file);
        assert!(picture.width() >= 320, "{path}");
        let beside = brightest(&picture, 0.0, 0.21, 1.0, 1.0).max(brightest(&picture, 0.85, 0.0, 1.0, 1.0));
        assert!(beside < 60, "{path}: something beside the faces is {beside} bright");
        let face = brightest(&picture, 0.08, 0.06, 0.1, 0.12);
        assert!(face > 120, "{path}: the face is {face} bright");
    }
    let whole = decode(&live.get("/picture.jpg?feed=0").body);
    assert!(brightest(&whole, 0.0, 0.3, 1.0, 1.0) > 120, "of a camera all is shown");
    assert_eq!((whole.width() as usize, whole.height() as usize), GALLERY);
}

#[test]
fn the_moment_that_says_most_stays() {
    let live = two();
    let strongest = |feed: usize| live.state(feed)["persons"][0]["strongest"]["probability"].as_f64();
    let wait = |what: &str, is: &dyn Fn(f64) -> bool| wait_for(what, || strongest(1).filter(|&value| is(value)));
    live.show(1, Scene::of(&[said(7, Unsure, Some(Reason::BetweenThresholds), 0.5)]));
    wait("a first moment", &|value| value < 0.7);
    live.show(1, Scene::of(&[said(7, Synthetic, Some(Reason::LooksSwapped), 0.95)]));
    wait("a stronger one", &|value| value > 0.9);
    let highest = strongest(1);
    live.show(1, Scene::of(&[said(7, Synthetic, Some(Reason::LooksSwapped), 0.8)]));
    wait_for("the weaker one", || live.state(1)["persons"][0]["probability"].as_f64().filter(|&value| value < 0.87));
    assert!(strongest(1) >= highest, "it stays");
    let [plain, heat] = [0, 1].map(|heat| live.get(&format!("/api/strongest.jpg?feed=1&track=7&heat={heat}")));
    assert_eq!((plain.status, heat.status), (200, 200));
    assert_eq!(decode(&plain.body).dimensions(), (192, 192));
    assert_ne!(plain.body, heat.body, "the heat map is over one of them");
    live.show(1, Scene::of(&[said(7, Authentic, None, 0.1)]));
    wait("the telling one of an authentic person", &|value| value < 0.2);
    assert_eq!(live.get("/api/strongest.jpg?track=7").status, 404, "the other source has nobody");

    assert_eq!(decode(&live.get("/api/face.jpg?feed=1&track=7").body).dimensions(), (192, 192));
    live.show(1, Scene::of(&[]));
    live.until_persons(1, 0);
    assert_eq!(live.get("/api/face.jpg?feed=1&track=7").status, 200, "the last one that was made");
    assert_eq!(live.get("/api/face.jpg?feed=1&track=7&heat=1").status, 200, "that of the moment that says most");
    assert_eq!(live.get("/api/face.jpg?feed=1&track=8").status, 404);
}

#[test]
fn the_whole_session_is_told() {
    let live = two();
    live.show(0, Scene::of(&[said(1, Unsure, None, 0.5)]));
    live.until_persons(0, 1);
    let lost = SourceState::Lost { reason: "unplugged".into(), tries: 1, wait: Duration::from_secs(1) };
    live.show(0, Scene::away(lost));
    wait_for("the loss", || (live.state(0)["source"]["state"] == "lost").then_some(()));
    live.show(0, Scene::of(&[said(1, Synthetic, Some(Reason::LooksGenerated), 0.9)]));
    live.until_persons(0, 1);
    let session = live.get("/api/history?feed=0").json();
    assert_eq!(session["lines"][0]["track"], 1);
    assert!(session["lines"][0]["points"].as_array().is_some_and(|points| !points.is_empty()), "{session}");
    let states: Vec<_> = session["changes"].as_array().expect("a list").iter().map(|each| &each["state"]).collect();
    assert_eq!(states, ["lost", "playing"]);
    assert_eq!(session["changes"][0]["reason"], "unplugged");
    let numbers = ["turns", "changes"].map(|kind| session[kind].as_array().expect("a list").clone()).concat();
    let mut numbers: Vec<_> = numbers.iter().map(|each| each["number"].as_u64().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "one count for all that happens");
    let last = session["turns"].as_array().and_then(|turns| turns.last().cloned()).expect("a turn");
    assert_eq!((&last["to"], &last["reason"]), (&"synthetic".into(), &"looks_generated".into()));
}

#[test]
fn who_asks_for_what_isn_t_there_is_told_so() {
    let live = two();
    live.show(0, Scene::of(&[said(1, Unsure, None, 0.5)]));
    live.until_persons(0, 1);
    let refused = |path: &str, status: u16| assert_eq!(live.get(path).status, status, "{path}");
    for path in ["/picture.jpg", "/picture.mjpeg", "/api/snapshot.jpg", "/api/state", "/api/tracks", "/api/history"] {
        refused(&format!("{path}?feed=2"), 404);
        refused(&format!("{path}?feed=18446744073709551615"), 404);
        for wrong in ["-1", "x", "18446744073709551616", "1.5", "", "%ff", "0&feed=1"] {
            refused(&format!("{path}?feed={wrong}"), 400);
        }
    }
    for path in ["/api/face.jpg", "/api/strongest.jpg"] {
        refused(path, 400);
        refused(&format!("{path}?track=99"), 404);
        refused(&format!("{path}?feed=9&track=1"), 404);
        for wrong in
            ["track=-1", "track=x", "track=18446744073709551616", "track=1&heat=256", "track=1&feed=x", "feed=0"]
        {
            refused(&format!("{path}?{wrong}"), 400);
        }
    }
    assert_eq!(live.get("/api/state?feed=2").text(), "there is no source 2: this run has 2, counted from 0\n");
    let long = live.get(&format!("/api/state?feed={}", "1".repeat(15_000))).status;
    assert!((400..500).contains(&long), "{long}");
}

/// As many readers and people as there may be: faces are asked for again and again, and the run goes on.
#[test]
fn faces_are_made_once_for_all_who_ask() {
    let _alone = alone();
    let live = two();
    let people: Vec<Said> = (1..=25).map(|track| said(track, Authentic, None, 0.1)).collect();
    live.show(1, Scene::of(&people));
    live.until_persons(1, 25);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for track in 1..=25 {
                    assert_eq!(live.get(&format!("/api/face.jpg?feed=1&track={track}")).status, 200);
                }
            });
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let before = live.state(1)["view"].as_u64();
    wait_for("the next picture", || (live.state(1)["view"].as_u64() > before).then_some(()));
}
