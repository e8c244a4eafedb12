//! The server under requests that are wrong, under a kill, a full disk, and ten thousand faces.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::{Faces, Served, lines, reply};

#[test]
fn requests_that_are_wrong_are_refused_and_change_nothing() {
    let faces = Faces::new(8);
    let served = faces.serve(&["--annotator", "ann", "--annotator", "bob"]);
    let state = served.state("ann");
    let given = reply(&state);
    let status = |method: &str, path: &str, head: &str, body: &str| served.ask(method, path, head, body).status;
    let own = format!("Authorization: Bearer {}\r\n", served.code("ann"));

    assert_eq!(status("GET", "/healthz", "", ""), 200);
    for path in ["/", "/page.js", "/api/state", "/face/00"] {
        assert_eq!(status("GET", path, "", ""), 401, "{path}");
    }
    assert_eq!(
        status("GET", "/api/state", "Authorization: Bearer 0123456789012345678901234567890123456789\r\n", ""),
        401
    );
    assert_eq!(status("GET", "/api/state", &format!("{own}Host: evil.example\r\n"), ""), 403);
    assert_eq!(status("POST", "/api/answer", &format!("{own}Origin: https://evil.example\r\n"), "{}"), 403);
    assert_eq!(status("GET", "/api/state", &format!("{own}Sec-Fetch-Site: cross-site\r\n"), ""), 403);
    assert_eq!(status("PUT", "/api/answer", &own, "{}"), 405);
    assert_eq!(status("GET", "/nothing", &own, ""), 404);

    // The other one's picture and item.
    let picture = format!("/face/{}", state["item"]["pictures"][0]["picture"].as_str().expect("a number"));
    assert_eq!(served.get("ann", &picture).status, 200);
    assert_eq!(served.get("bob", &picture).status, 404);
    assert_eq!(served.answer("bob", &given.to_string()).status, 404);
    // No cookie of the live page, and not in any address but the page's own.
    assert_eq!(status("GET", "/api/state", &format!("Cookie: cyborg_token={}\r\n", served.code("ann")), ""), 401);
    assert_eq!(status("GET", &format!("/api/state?token={}", served.code("ann")), "", ""), 401);
    assert_eq!(status("POST", "/api/answer", &format!("{own}Content-Type: text/plain\r\n"), &given.to_string()), 415);

    let change = |field: &str, value: Value| {
        let mut given = given.clone();
        given[field] = value;
        served.answer("ann", &given.to_string()).status
    };
    for (field, value) in [
        ("label", json!("real")),
        ("answer", json!("left")),
        ("answer", json!("Real")),
        ("confidence", json!(0.4)),
        ("confidence", json!("0.7")),
        ("seconds", json!(-1)),
        ("width", json!(160)),
        ("painted", json!([19_201])),
        ("painted", json!([5, 0, 19_195])),
        ("painted", json!([-5, 19_205])),
        ("painted", json!([])),
        ("words", json!(["of my own"])),
        ("words", json!(["teeth", "teeth"])),
        ("text", json!("a\u{0}b")),
        ("text", json!("x".repeat(2001))),
        ("text", Value::Null),
    ] {
        assert_eq!(change(field, value.clone()), 400, "{field}: {value}");
    }
    for body in ["", "null", "[]", "{", "{}", &"[".repeat(100_000), "{\"item\":\"a\"}", "\u{fffd}"] {
        assert_eq!(served.answer("ann", body).status, 400, "{body:.20}");
    }
    assert_eq!(served.answer("ann", &" ".repeat((4 << 20) + 1)).status, 413);
    assert_eq!(change("item", json!("0123")), 404);
    assert_eq!(change("item", state["next"][0].clone()), 404, "a picture is no item");

    assert_eq!(served.state("ann"), state, "nothing was kept");
    let kept = served.answer("ann", &given.to_string());
    assert_eq!((kept.status, kept.json()["progress"]["done"].as_u64()), (200, Some(1)));
    assert_eq!(served.answer("ann", &given.to_string()).json(), kept.json(), "again, as after a lost connection");
    assert_eq!(change("confidence", json!(0.8)), 409);
    assert_eq!(lines(&faces.study(), "ann").len(), 1);
    assert_eq!(lines(&faces.study(), "bob").len(), 0);
}

#[test]
fn nothing_says_what_a_face_is() {
    let faces = Faces::new(12);
    let served = faces.serve(&["--checks", "0", "--repeats", "0.3"]);
    let mut numbers = HashSet::new();
    let mut state = served.state("me");
    while !state["item"].is_null() {
        let mut told = state.clone();
        told["words"] = Value::Null;
        let told = told.to_string();
        for word in ["gan", "swap", "camera", "phone", "png", "real", "synthetic", "photos", "maps", "repeat", "kind"] {
            assert!(!told.contains(word), "{word}: {told}");
        }
        let picture = state["item"]["pictures"][0]["picture"].as_str().expect("a number").to_owned();
        let got = served.get("me", &format!("/face/{picture}"));
        assert!(
            got.head.contains("content-type: image/png") && got.head.contains("cache-control: no-store"),
            "{}",
            got.head
        );
        for field in ["last-modified", "etag", "content-disposition"] {
            assert!(!got.head.contains(field), "{}", got.head);
        }
        assert!(numbers.insert(picture), "a face that comes again has another number");
        state = served.answer("me", &reply(&state).to_string()).json();
    }
    assert!(numbers.len() > 12, "some come twice");
    let lines = lines(&faces.study(), "me");
    assert!(lines.iter().any(|line| line["kind"] == "repeat"));
    assert_eq!(
        lines.iter().filter(|line| line["photo"].as_str().is_some_and(|photo| photo.starts_with("gan/"))).count() / 3,
        1
    );
}

#[test]
fn a_kill_loses_no_answer_and_doubles_none() {
    let faces = Faces::new(30);
    let arguments =
        ["--annotator", "ann", "--annotator", "bob", "--repeats", "0.2", "--checks", "0.1", "--sitting", "0"];
    let mut served = faces.serve(&arguments);
    let mut answered = 0;
    for round in 0..6 {
        // Both answer until the kill, which comes while answers are on their way.
        let ends = std::thread::scope(|scope| {
            let people = ["ann", "bob"].map(|name| {
                let served = &served;
                scope.spawn(move || answer_until_it_is_gone(served, name))
            });
            std::thread::sleep(Duration::from_millis(150 + 70 * round));
            let pid = served.child.id().to_string();
            let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
            assert!(killed.expect("there is such a program").success());
            people.map(|person| person.join().expect("it doesn't panic"))
        });
        served.kill();
        // What a kill in the middle of a line leaves.
        let journal = faces.study().join("answers/ann.jsonl");
        let mut text = fs::read(&journal).expect("it is there");
        text.extend_from_slice(b"{\"version\":1,\"annota");
        fs::write(&journal, text).expect("it can be written");
        served = faces.serve(&arguments);
        for (name, (sent, confirmed)) in ["ann", "bob"].into_iter().zip(ends) {
            let done = || served.state(name)["progress"]["done"].as_u64().expect("a number");
            assert!((confirmed..=confirmed + 1).contains(&done()), "{name}: {confirmed} confirmed, {} there", done());
            // The last one comes again, as from a page that heard no reply.
            if let Some(sent) = sent {
                assert_eq!(served.answer(name, &sent).status, 200);
            }
            let items: Vec<u64> =
                lines(&faces.study(), name).iter().map(|line| line["item"].as_u64().expect("a number")).collect();
            assert_eq!(items, (0..done()).collect::<Vec<_>>(), "{name}");
            answered = done();
        }
    }
    assert!(answered > 5, "some answers were given: {answered}");
}

/// What was sent last, and how many answers the server said that it has.
fn answer_until_it_is_gone(served: &Served, name: &str) -> (Option<String>, u64) {
    let (mut state, mut sent) = (served.state(name), None);
    let done = |state: &Value| state["progress"]["done"].as_u64().expect("a number");
    while !state["item"].is_null() {
        let given = reply(&state).to_string();
        let got = served.try_answer(name, &given);
        sent = Some(given);
        match got {
            Some(got) => state = got.json(),
            None => break,
        }
    }
    (sent, done(&state))
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let faces = Faces::new(8);
    let program = faces.command(&["--listen", "127.0.0.1:0"]);
    // A shell that lets files grow to two blocks, and has the program told instead of killed.
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""]);
    shell.arg(program.get_program()).args(program.get_args());
    let served = Served::start(&mut shell);
    let (mut state, mut kept) = (served.state("me"), 0);
    let full = loop {
        let mut given = reply(&state);
        given["text"] = "long ".repeat(100).into();
        let got = served.answer("me", &given.to_string());
        if got.status != 200 {
            break got;
        }
        (state, kept) = (got.json(), kept + 1);
    };
    assert_eq!(full.status, 507, "{}", full.text());
    assert!(full.text().contains("can't be written to the disk"), "{}", full.text());
    assert_eq!(served.state("me"), state, "it is asked again");
    assert!(kept > 0);
    assert_eq!(lines(&faces.study(), "me").len(), kept);
    drop(served);
    let served = faces.serve(&[]);
    assert_eq!(served.answer("me", &reply(&state).to_string()).status, 200, "there is room again");
}

#[test]
fn of_ten_thousand_faces_the_next_comes_at_once_and_memory_stays() {
    let faces = Faces::new(10_000);
    let served = faces.serve(&["--sitting", "0"]);
    let memory = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let mut state = served.state("me");
    assert!(state["progress"]["all"].as_u64() >= Some(11_100), "{}", state["progress"]);
    let (mut waits, mut before) = (Vec::new(), 0);
    for number in 0..150 {
        if number == 50 {
            before = memory();
        }
        // From the answer to the next face's picture, which a page has fetched ahead by then.
        let begun = Instant::now();
        state = served.answer("me", &reply(&state).to_string()).json();
        let picture = state["item"]["pictures"][0]["picture"].as_str().expect("a number");
        assert_eq!(served.get("me", &format!("/face/{picture}")).status, 200);
        waits.push(begun.elapsed());
    }
    waits.sort();
    let median = waits[waits.len() / 2];
    assert!(median < Duration::from_millis(100), "{median:?}");
    let after = memory();
    assert!(after < before + 16 * 1024, "{before} KiB, then {after} KiB");
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_it_in_good_order() {
    let faces = Faces::new(8);
    let mut served = faces.serve(&[]);
    let state = served.state("me");
    assert_eq!(served.answer("me", &reply(&state).to_string()).status, 200);
    let pid = served.child.id().to_string();
    let told = std::process::Command::new("kill").args(["-INT", &pid]).status();
    assert!(told.expect("there is such a program").success());
    assert_eq!(served.child.wait().expect("it is our child").code(), Some(0));
    assert_eq!(lines(&faces.study(), "me").len(), 1);
}

#[test]
fn a_study_stays_what_it_is() {
    let faces = Faces::new(8);
    let end = |arguments: &[&str]| crate::support::run(faces.command(arguments).args(["--listen", "127.0.0.1:0"]));
    drop(faces.serve(&["--seed", "3", "--annotator", "ann"]));
    let (code, _, stderr) = end(&["--seed", "4", "--pairs"]);
    assert_eq!(code, 1, "{stderr}");
    for part in ["other settings", "seed was 3, not 4", "question was single, not pairs"] {
        assert!(stderr.contains(part), "{stderr}");
    }
    let (code, _, stderr) = end(&["--annotator", "../x"]);
    assert!(code == 2 && stderr.contains("is no name of an annotator"), "{code} {stderr}");
    let served = faces.serve(&[]);
    assert_eq!(served.links.len(), 1);
    let (code, _, stderr) = end(&[]);
    assert!(code == 1 && stderr.contains("ann.jsonl is in use"), "{code} {stderr}");
    assert!(faces.study().join("faces.csv").is_file());
}
