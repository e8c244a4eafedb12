//! The record of a live session: its tables and report are those of `cyborg video`, whole also after a crash, and told of.

#[path = "../../fuzz/src/schema.rs"]
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use schema::check;
use serde_json::Value;

use crate::support::events::{PATIENCE, Running, live, turning_clip};
use crate::support::{face_clip, run};

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
    check(&["--record", &path], 1, "can't write");
    check(&["--record", "call.mp4"], 2, "--record call.mp4: its name must end in .csv, .jsonl or .html");
    check(&["--record", "/no/such/folder/call.csv"], 1, "can't write /no/such/folder/call.csv");
    check(&["--record", "a.csv", "--record", "./a.csv"], 2, "is named for two outputs");

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
