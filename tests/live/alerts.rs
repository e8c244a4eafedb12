//! Events of `cyborg live`: who turns synthetic is told to a file, a web server, an MQTT broker and a folder, and no way out
//! holds up the picture or another way.
#![cfg(feature = "page")]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::alone::alone;
use crate::support::child::within_a_second;
use crate::support::events::{
    Broker, Got, PATIENCE, Running, Server, Speaks, certificate, events_in, live, turning_clip,
};
use crate::support::{face_clip, run};

/// The events alternate for each person, and have all fields.
fn check_events(events: &[Value]) {
    let mut synthetic = std::collections::BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["version"], 2, "{event}");
        assert_eq!(event["number"], index as u64 + 1, "{event}");
        assert!(event["time"].as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 24), "{event}");
        assert!(event["source"].as_str().is_some_and(|source| source.contains("turning.mp4")), "{event}");
        assert!(event["model"].as_str().is_some_and(|model| model.ends_with("corner.onnx")), "{event}");
        let p = event["p_synthetic"].as_f64().expect("a number");
        let on = synthetic.insert(event["track"].as_u64(), event["to"] == "synthetic").unwrap_or(false);
        assert_ne!(on, event["to"] == "synthetic", "{events:#?}");
        assert_eq!(event["from"] == "synthetic", on, "{event}");
        assert_eq!(event["reason"].is_null(), event["to"] != "unsure", "{event}");
        assert!(event["to"] != "synthetic" || p > 0.6, "{event}");
    }
}

#[test]
fn events_go_to_a_file_and_pictures_to_a_folder() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let [file, pictures] = ["events.jsonl", "pictures"].map(|name| folder.path().join(name));
    let mut command = live(folder.path(), &clip);
    command
        .arg("--no-page")
        .arg("--events")
        .arg(&file)
        .arg("--snapshots")
        .arg(&pictures)
        .args(["--snapshots-keep", "2"]);
    let running = Running::start(&mut command);
    let events = events_in(&file, 4);
    check_events(&events);
    let stopped = running.stop("-TERM");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    let events = events_in(&file, 4);
    check_events(&events);
    // Nobody is left synthetic: the end of the run is the end of each.
    let mut last = std::collections::BTreeMap::new();
    last.extend(events.iter().map(|event| (event["track"].as_u64(), event["to"].clone())));
    assert!(last.values().all(|to| to != "synthetic"), "{events:#?}");
    let names: Vec<String> = fs::read_dir(&pictures)
        .expect("the folder was made")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        let picture = image::open(pictures.join(name)).expect("a JPEG file");
        assert_eq!((picture.width(), picture.height()), (193, 144), "{name}");
    }
}

#[test]
fn standard_output_holds_events_alone() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let mut running = Running::start(live(folder.path(), &clip).args(["--listen", "127.0.0.1:0", "--events", "-"]));
    let mut lines = vec![running.next_out(), running.next_out()];
    let stopped = running.stop("-INT");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    lines.extend(stopped.stdout);
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    check_events(&events);
    assert!(
        stopped.stderr.contains("the page: http://") && stopped.stderr.contains("person 1: "),
        "{}",
        stopped.stderr
    );
}

#[test]
fn a_web_server_gets_each_event_though_it_fails_at_first() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let server = Server::start(&["503 Busy", "", "204 Thanks"]);
    let token = folder.path().join("token");
    fs::write(&token, "a+token/of=mine\n").expect("it can be written");
    let file = folder.path().join("events.jsonl");
    let mut command = live(folder.path(), &clip);
    command.arg("--no-page").arg("--webhook").arg(format!("http://{}/hook?key=hidden", server.address));
    command.arg("--webhook-token-file").arg(&token).arg("--events").arg(&file).arg("-vv");
    let mut running = Running::start(&mut command);
    let requests = [server.next(), server.next(), server.next(), server.next()];
    for request in &requests {
        let head = request.head.to_lowercase();
        assert!(head.starts_with("post /hook?key=hidden http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
        assert!(request.head.contains("Bearer a+token/of=mine\r\n"), "{}", request.head);
    }
    // The same event until it is taken, then the next one.
    assert_eq!([&requests[1].body, &requests[2].body], [&requests[0].body; 2]);
    let sent: Vec<Value> =
        [&requests[0], &requests[3]].map(|request| serde_json::from_str(&request.body).expect("it is JSON")).into();
    check_events(&sent);
    assert_eq!(sent, events_in(&file, 2)[..2], "both ways tell the same");
    running.wait_for("webhook: working again");
    let stopped = running.stop("-TERM");
    assert!(stopped.stderr.contains(&format!("webhook: http://{}/hook?*** answered 503", server.address)));
    for secret in ["hidden", "a+token"] {
        assert!(!stopped.stderr.contains(secret), "{}", stopped.stderr);
    }
}

#[test]
fn a_broker_gets_each_event_though_it_hangs_up() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let broker = Broker::start(&[0]);
    let mut command = live(folder.path(), &clip);
    command.arg("--no-page").arg("--mqtt").arg(format!("mqtt://me:se%40cret@{}", broker.address));
    command.args(["--mqtt-topic", "house/door", "-vv"]);
    let mut running = Running::start(&mut command);
    let mut published: Vec<String> = Vec::new();
    let mut connected = 0;
    while published.len() < 3 {
        match broker.next() {
            Got::Connect(rest) => {
                connected += 1;
                let text = String::from_utf8_lossy(&rest).into_owned();
                assert!(text.contains("MQTT") && text.contains("me") && text.ends_with("se@cret"), "{text:?}");
            }
            Got::Publish(qos, topic, payload) => {
                assert_eq!((qos, topic.as_str()), (1, "house/door/events"));
                published.push(payload);
            }
        }
    }
    assert_eq!(published[0], published[1], "the broker gave no word for the first one");
    assert_eq!(connected, 2);
    let events: Vec<Value> =
        published[1..].iter().map(|payload| serde_json::from_str(payload).expect("it is JSON")).collect();
    check_events(&events);
    running.wait_for("mqtt: working again");
    let stopped = running.stop("-TERM");
    assert!(!stopped.stderr.contains("cret"), "{}", stopped.stderr);
}

/// With TLS only those are told whom the system trusts; here that is the certificate of the tests, or a stranger's.
#[test]
fn over_tls_nobody_else_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let server = Server::speaking(Speaks::Tls, &["200 OK"]);
    let broker = Broker::speaking(Speaks::Tls, &[]);
    let start = |trusted: &str| {
        let mut command = live(folder.path(), &clip);
        command.arg("--no-page").arg("--webhook").arg(format!("https://localhost:{}/", server.address.port()));
        command.arg("--mqtt").arg(format!("mqtts://localhost:{}", broker.address.port()));
        Running::start(command.env("SSL_CERT_FILE", certificate(trusted)).env_remove("SSL_CERT_DIR"))
    };
    let mut running = start("stranger.pem");
    // The broker is asked before there is an event.
    running.wait_for("mqtt: mqtts://localhost:");
    running.wait_for("webhook: https://localhost:");
    let stopped = running.stop("-TERM");
    assert!(stopped.stderr.contains("certificate"), "{}", stopped.stderr);

    let running = start("certificate.pem");
    let request = server.next();
    assert!(matches!(broker.next(), Got::Connect(_)));
    let payload = match broker.next() {
        Got::Publish(1, _, payload) => payload,
        other => format!("{other:?}"),
    };
    assert_eq!(payload, request.body);
    check_events(&[serde_json::from_str(&payload).expect("it is JSON")]);
    assert_eq!(running.stop("-TERM").code, Some(0));
}

/// Nobody answers at one address, and the disk is full: the picture goes on, the other way too, the end comes within a
/// second, and what was lost is told.
#[test]
#[cfg(target_os = "linux")]
fn no_way_out_holds_up_the_picture_or_another_way() {
    let _alone = alone();
    use crate::support::broadcast::Answer;

    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    // It takes connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it has one");
    let server = Server::start(&["200 OK"]);
    let mut command = live(folder.path(), &clip);
    command.args(["--listen", "127.0.0.1:0", "--events", "/dev/full"]);
    command.arg("--mqtt").arg(format!("mqtt://{address}")).arg("--webhook").arg(format!("http://{}/", server.address));
    let mut running = Running::start(&mut command);
    let page = running.next_out();
    let page = page.trim_start_matches("the page: http://").trim_end_matches('/').to_owned();
    running.wait_for("playing ");
    let [first, second] = [server.next(), server.next()];
    check_events(&[first.body, second.body].map(|body| serde_json::from_str(&body).expect("it is JSON")));
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&page).expect("the page is served");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it is taken");
        Answer::read(stream).text()
    };
    // The state is that of the newest picture, a moment later.
    let end = Instant::now() + PATIENCE;
    let state = loop {
        let state: Value = serde_json::from_str(&ask("/api/state")).expect("it is JSON");
        if state["events"].as_u64() >= Some(2) {
            break state;
        }
        assert!(Instant::now() < end, "{state}");
        std::thread::sleep(Duration::from_millis(30));
    };
    let way = |name: &str| {
        let ways = state["ways"].as_array().expect("a list");
        ways.iter().find(|way| way["name"] == name).cloned().unwrap_or_default()
    };
    assert!(way("webhook")["delivered"].as_u64() >= Some(1), "{state}");
    assert!(way("events")["retried"].as_u64() >= Some(1), "{state}");
    assert_eq!((&way("events")["delivered"], &way("mqtt")["delivered"]), (&0.into(), &0.into()), "{state}");
    let (captured, overwritten) = (state["numbers"]["captured"].as_u64(), state["numbers"]["overwritten"].as_u64());
    assert!(captured > Some(30) && overwritten < captured, "{state}");
    let numbers = ask("/metrics");
    for part in [
        "cyborg_events_sent_total{way=\"webhook\",fate=\"delivered\"} ",
        "cyborg_events_sent_total{way=\"mqtt\",fate=\"failed\"} 0\n",
        "cyborg_event_retries_total{way=\"events\"} ",
        "cyborg_events_waiting{way=\"mqtt\"} ",
        "cyborg_events_total{source=",
    ] {
        assert!(numbers.contains(part), "`{part}` is not in {numbers}");
    }
    let stopped = running.stop("-TERM");
    within_a_second(stopped.took);
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("still unsent at the end"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("events: "), "{}", stopped.stderr);
}

#[test]
fn wrong_addresses_are_told_without_their_secrets() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let check = |arguments: &[&str], code: i32, words: &str| {
        let mut command = live(folder.path(), &face_clip());
        let (found, _, stderr) = run(command.arg("--no-page").args(arguments));
        assert_eq!(found, code, "{arguments:?}: {stderr}");
        assert!(stderr.contains(words) && !stderr.contains("secret"), "{arguments:?}: {stderr}");
    };
    check(&["--webhook", "ftp://me:secret@host/"], 2, "it must begin with http:// or https://");
    check(&["--mqtt", "mqtt://me:secret@host/topic"], 2, "--mqtt-topic names the topic");
    check(&["--mqtt", "mqtt://host", "--mqtt-topic", "a/#"], 2, "invalid MQTT topic");
    check(&["--events", "/no/such/folder/events.jsonl"], 1, "name another file with --events");
    check(&["--snapshots", "/dev/null/folder"], 1, "name another folder with --snapshots");
    check(&["--webhook", "http://host/", "--webhook-token-file", "/dev/null"], 1, "it contains no token");
    check(&["--webhook-token-file", "/dev/null"], 2, "--webhook");
}
