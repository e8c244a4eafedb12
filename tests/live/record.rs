//! The record of a live session: its tables and report are those of `cyborg video`, whole also after a crash, and told of.

#[path = "../../fuzz/src/schema.rs"]
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::face::follow::TrackId;
use cyborg_edge::face::quality::Quality;
use cyborg_edge::frame::{Frame, PixelBox};
use cyborg_edge::live::limits::SharedLimits;
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::record::{RecordSettings, Recorded, Recorder};
use cyborg_edge::live::view::{Audience, LiveOpinion, ScoredFace, View};
use cyborg_edge::sink::jsonl::RunRecord;
use cyborg_edge::sink::report::MadeWith;
use cyborg_edge::verdict::reason::Reason;
use cyborg_edge::verdict::{Logits, Score, SyntheticProbability, Verdict};
use schema::check;
use serde_json::Value;

use crate::support::events::{PATIENCE, Running, live, turning_clip};
use crate::support::{face_clip, model, run};

/// The whole lines of a table, each held against the schema.
fn lines(table: &Path) -> Vec<Value> {
    let text = fs::read_to_string(table).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    for line in &lines {
        assert_eq!(check(line), Ok(()), "{line}");
    }
    lines
}

fn of<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

/// Waits until the table has so many lines of a kind.
fn wait_for(table: &Path, kind: &str, least: usize) -> Vec<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let lines = lines(table);
        if of(&lines, kind).len() >= least {
            return lines;
        }
        assert!(Instant::now() < end, "{lines:#?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn seconds(line: &Value) -> f64 {
    line["time_s"].as_f64().expect("a number")
}

#[test]
fn a_session_is_recorded_in_tables_and_a_report() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let [csv, jsonl, html] = ["call.csv", "call.jsonl", "call.html"].map(|name| folder.path().join(name));
    let mut command = live(folder.path(), &clip);
    command.args(["--no-page", "--stall", "0.8", "--test-script", "at 3s unplug 300ms"]);
    for file in [&csv, &jsonl, &html] {
        command.arg("--record").arg(file);
    }
    let mut running = Running::start(&mut command);
    let told = running.wait_for("This session is being recorded to");
    assert!(told.contains("call.csv, call.jsonl, call.html: verdicts, times and pictures of the faces"), "{told}");
    assert!(told.ends_with("Tell the people in the call."), "{told}");
    assert!(!told.contains(&folder.path().display().to_string()), "it says where the files lie: {told}");
    // Lost once, and scored again after that.
    wait_for(&jsonl, "source", 3);
    let before = of(&lines(&jsonl), "face").len();
    wait_for(&jsonl, "face", before + 5);
    assert!(fs::read_to_string(&html).expect("it is there from the start").contains("not finished"));
    let stopped = running.stop("-TERM");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);

    let all = lines(&jsonl);
    assert_eq!(all.first().map(|line| line["type"].clone()), Some("run".into()));
    let (faces, sources) = (of(&all, "face"), of(&all, "source"));
    let states: Vec<_> = sources.iter().map(|line| line["state"].as_str().unwrap_or_default()).collect();
    assert_eq!(states[..3], ["playing", "lost", "playing"]);
    assert!(sources[1]["reason"].as_str().is_some_and(|reason| reason.contains("unplugged")), "{}", sources[1]);
    // Time runs on over the loss, and so do the numbers of frames.
    assert!(faces.windows(2).all(|pair| seconds(pair[0]) <= seconds(pair[1])), "{faces:#?}");
    let number = |line: &Value| line["frame"].as_u64();
    assert!(faces.windows(2).all(|pair| number(pair[0]) <= number(pair[1])), "{faces:#?}");
    assert!(faces.iter().any(|face| seconds(face) > seconds(sources[2])), "nothing after the loss");
    let verdicts: BTreeSet<_> = faces.iter().filter_map(|face| face["track_verdict"].as_str()).collect();
    assert!(verdicts.contains("synthetic"), "{verdicts:?}");
    assert!(faces.iter().all(|face| face["source"].as_str().is_some_and(|name| name.contains("turning.mp4"))));
    // Who was seen is summed up: each track once, with all of its rows.
    let tracks = of(&all, "track");
    let rows: u64 = tracks.iter().filter_map(|track| track["frames"].as_u64()).sum();
    assert_eq!(rows, faces.len() as u64);
    assert!(tracks.len() >= 2, "the person before the loss and the one after it");
    let [summary] = of(&all, "summary")[..] else { unreachable!("one source: {all:#?}") };
    assert_eq!(summary["faces"].as_u64(), Some(faces.len() as u64));
    assert_eq!(summary["ended"], "whole");
    assert!(summary["frames"].as_u64() >= Some(faces.len() as u64), "one person in each frame: {summary}");
    assert!(stopped.stderr.contains(&format!("recorded {} scored faces in ", faces.len())), "{}", stopped.stderr);

    let table = fs::read_to_string(&csv).expect("the table was written");
    assert_eq!(table.lines().count(), faces.len() + 1, "a header, and the same rows");
    let report = fs::read_to_string(&html).expect("the report was written");
    for part in ["turning.mp4", "Called synthetic", "The source was lost", "unplugged", "data:image/jpeg;base64,/9j/"] {
        assert!(report.contains(part), "`{part}` is not in the report");
    }
    assert!(!report.contains("Not the whole source"), "it ended as live runs do");
}

#[test]
fn after_a_crash_the_tables_are_whole_up_to_their_last_row() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [csv, jsonl] = ["call.csv", "call.jsonl"].map(|name| folder.path().join(name));
    // What is there is replaced, as by the other commands.
    fs::write(&csv, "an older table\n".repeat(10_000)).expect("it can be written");
    let mut command = live(folder.path(), &face_clip());
    command.arg("--no-page").arg("--record").arg(&csv).arg("--record").arg(&jsonl);
    let mut running = Running::start(&mut command);
    running.wait_for("verdicts and times of everyone seen, no pictures. Tell the people in the call.");
    wait_for(&jsonl, "face", 5);
    let stopped = running.stop("-KILL");
    assert_eq!(stopped.code, None, "{}", stopped.stderr);
    let table = fs::read_to_string(&csv).expect("it is there");
    assert!(table.ends_with('\n') && table.starts_with("source,frame,time_s,"), "{table}");
    let columns: BTreeSet<_> = table.lines().map(|row| row.split(',').count()).collect();
    assert_eq!(columns.len(), 1, "a row is cut: {table}");
    assert!(fs::read_to_string(&jsonl).expect("it is there").ends_with("}\n"));
}

/// A face that was scored in a frame of this number.
fn score(audience: &dyn Audience, frame: u64, track: u64) {
    let square = CropSquare { left: 0, top: 0, side: 8 };
    let mut picture = Frame::empty();
    picture.number = frame;
    let opinion = LiveOpinion {
        probability: SyntheticProbability::HALF,
        verdict: Verdict::Unsure,
        reason: Some(Reason::BetweenThresholds),
        at_first_sight: false,
        scored: picture.captured,
        map: Arc::from([]),
        map_size: (0, 0),
        square,
    };
    let view = Arc::new(View { frame: picture, persons: Vec::new() });
    let face = ScoredFace {
        view: &view,
        track: TrackId(track),
        bounds: PixelBox { left: 1.0, top: 2.0, width: 3.0, height: 4.0 },
        score: &Score::new(square, Logits { authentic: 0.0, synthetic: 0.0 }),
        quality: &Quality { side: 100.0, sharpness: 1.0, yaw: 0.0, roll: 0.0 },
        opinion: &opinion,
        age: Duration::ZERO,
    };
    audience.scored(&face);
    // What is said at first sight is not recorded.
    audience.scored(&ScoredFace { opinion: &LiveOpinion { at_first_sight: true, ..opinion.clone() }, ..face });
}

fn recorder(files: Vec<PathBuf>, feeds: &[&str]) -> Recorder {
    let run = RunRecord {
        tool: "test".to_owned(),
        model: "m".to_owned(),
        model_sha256: "0".repeat(64),
        ..RunRecord::default()
    };
    Recorder::begin(RecordSettings {
        files,
        made_with: MadeWith { run, contract: model::contract(), caution: None },
        limits: Arc::new(SharedLimits::of(&model::contract())),
        feeds: feeds.iter().map(|&name| name.to_owned()).collect(),
    })
    .expect("the files can be made")
}

#[test]
fn several_sources_share_the_tables_and_have_a_report_each() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [jsonl, html, second] = ["call.jsonl", "call.html", "call.2.html"].map(|name| folder.path().join(name));
    let recorder = recorder(vec![jsonl.clone(), html.clone(), second.with_file_name("call.csv")], &["hall", "door"]);
    let metrics = [Arc::<LiveMetrics>::default(), Arc::default()];
    let seats = [0, 1].map(|feed| recorder.audience(feed, &metrics[feed]).expect("there are two"));
    assert!(recorder.audience(2, &metrics[0]).is_none());
    // Both have a person of this number; the second source is opened anew after its third frame.
    (0..6).for_each(|frame| score(&*seats[0], frame, 1));
    [0, 1, 2, 0, 1].iter().for_each(|&frame| score(&*seats[1], frame, 1));
    let failure = Some("the classifier failed".to_owned());
    assert_eq!(recorder.finish(failure), Recorded { written: 11, dropped: 0, complete: true });
    let counts = metrics.map(|metrics| metrics.record.get().expect("counted").written.load(Ordering::Relaxed));
    assert_eq!(counts, [6, 5]);
    let all = lines(&jsonl);
    let numbers = |source: &str| -> Vec<u64> {
        let own = of(&all, "face").into_iter().filter(|face| face["source"] == source);
        own.filter_map(|face| face["frame"].as_u64()).collect()
    };
    assert_eq!((numbers("hall"), numbers("door")), (vec![0, 1, 2, 3, 4, 5], vec![0, 1, 2, 3, 4]));
    let summaries = of(&all, "summary");
    assert_eq!(summaries.iter().map(|line| &line["faces"]).collect::<Vec<_>>(), [6, 5]);
    assert!(summaries.iter().all(|line| line["ended"] == "failed"));
    for (page, name) in [(&html, "<h1>hall</h1>"), (&second, "<h1>door</h1>")] {
        let page = fs::read_to_string(page).expect("it was written");
        assert!(page.contains(name) && page.contains("the classifier failed"), "{name}");
    }
}

/// A disk that hangs, here a pipe that nobody reads: nobody who scores waits, and what has no room is counted.
#[test]
#[cfg(unix)]
fn a_disk_that_hangs_holds_up_nothing() {
    const ROWS: u64 = 8000;
    let folder = tempfile::tempdir().expect("a folder for the test");
    let pipe = folder.path().join("call.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("`mkfifo` is there").success());
    let (read, ready) = std::sync::mpsc::channel();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut file = fs::File::open(pipe).expect("it is there");
            ready.recv().expect("it is told when to read");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("it is text");
            text.lines().count() as u64
        }
    });
    let recorder = recorder(vec![pipe], &["hall"]);
    let metrics = Arc::default();
    let seat = recorder.audience(0, &metrics).expect("there is one");
    let counts = metrics.record.get().expect("it is counted");
    // Until the pipe is full: then rows wait, and then there is no more room.
    (0..ROWS).for_each(|frame| score(&*seat, frame, 1));
    let dropped = counts.dropped.load(Ordering::Relaxed);
    assert!(dropped > 0 && counts.written.load(Ordering::Relaxed) < ROWS - dropped, "{counts:?}");
    read.send(()).expect("it waits");
    let Recorded { written, dropped: all_dropped, complete } = recorder.finish(None);
    assert_eq!((written + dropped, all_dropped, complete), (ROWS, dropped, true));
    drop((recorder, seat));
    assert_eq!(reader.join().expect("it reads"), written + 1);
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let inside = folder.path().join("gone");
    fs::create_dir(&inside).expect("it can be made");
    let recorder = recorder(vec![inside.join("call.html")], &["a"]);
    fs::remove_dir_all(&inside).expect("it can be removed");
    assert!(!recorder.finish(None).complete, "there is no such report");
}

#[test]
fn a_run_that_cannot_begin_leaves_the_record_before_it() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let table = folder.path().join("call.csv");
    fs::write(&table, "of the run before\n").expect("it can be written");
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = other.local_addr().expect("it has one").to_string();
    let mut command = live(folder.path(), &face_clip());
    let (code, _, stderr) = run(command.args(["--listen", &address, "--record"]).arg(&table));
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(fs::read_to_string(&table).expect("it is there"), "of the run before\n");
}

/// Files that can't be written are told before the work begins; what is written is counted.
#[test]
#[cfg(all(target_os = "linux", feature = "page"))]
fn wrong_files_are_told_and_rows_are_counted() {
    use crate::support::broadcast::Answer;

    let folder = tempfile::tempdir().expect("a folder for the test");
    let full = folder.path().join("full.csv");
    std::os::unix::fs::symlink("/dev/full", &full).expect("it can be made");
    let check = |arguments: &[&str], code: i32, words: &str| {
        let mut command = live(folder.path(), &face_clip());
        let (found, _, stderr) = run(command.arg("--no-page").args(arguments));
        assert_eq!(found, code, "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    };
    let path = full.display().to_string();
    check(&["--record", &path], 1, "name another file with --record");
    check(&["--record", "call.mp4"], 2, "--record call.mp4: its name must end in .csv, .jsonl or .html");
    check(&["--record", "/no/such/folder/call.csv"], 1, "can't write /no/such/folder/call.csv");
    check(&["--record", "a.csv", "--record", "./a.csv"], 2, "is named for two outputs");
    let second = format!("test={}", face_clip().display());
    check(&["--camera", &second, "--record", "a.html", "--record", "a.2.html"], 2, "is named for two outputs");

    let mut command = live(folder.path(), &face_clip());
    let table = folder.path().join("call.csv");
    command.args(["--listen", "127.0.0.1:0", "--record"]).arg(&table);
    let mut running = Running::start(&mut command);
    let page = running.next_out();
    let page = page.trim_start_matches("the page: http://").trim_end_matches('/').to_owned();
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&page).expect("the page is served");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it is taken");
        Answer::read(stream).text()
    };
    let sample = |fate: &str| {
        let source = format!("test={}", face_clip().display());
        format!("cyborg_record_rows_total{{source=\"{source}\",fate=\"{fate}\"}} ")
    };
    let end = Instant::now() + PATIENCE;
    let counted = loop {
        let numbers = ask("/metrics");
        let written = numbers.lines().find_map(|line| line.strip_prefix(&sample("written")));
        let written: u64 = written.and_then(|number| number.parse().ok()).unwrap_or_default();
        if written > 3 {
            break numbers;
        }
        assert!(Instant::now() < end, "{numbers}");
    };
    assert!(counted.contains(&format!("{}0\n", sample("dropped"))), "{counted}");
    assert_eq!(running.stop("-TERM").code, Some(0));
}
