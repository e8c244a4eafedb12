//! A screen that is chosen on the page, before the run begins.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;

use serde_json::json;

use crate::desk::Desk;
use crate::painted::{Painted, is_near};
use crate::support::broadcast::Answer;
use crate::support::browser::{Browser, wait_for};
use crate::support::left_out::not_run;
use crate::support::shim::Watching;
use crate::support::{check_error, cyborg, model};

const TOKEN: &str = "a-token-of-enough-signs";

/// The program, with a choice to be made.
fn choosing(desk: &Desk, folder: &tempfile::TempDir) -> Command {
    let mut command = cyborg();
    command.env("DISPLAY", &desk.name).args(["live", "--screen", "choose", "--listen", "127.0.0.1:0", "--model"]);
    command.arg(model::write(folder.path(), "corner.onnx", &model::corner()));
    command
}

fn ask(host: &str, head: &str, fields: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(host).expect("the page is served");
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
    Answer::read(stream)
}

#[test]
fn a_window_is_chosen_and_watched() {
    let Some(desk) = Desk::start("a_window_is_chosen_and_watched") else { return };
    let window = Painted::open(&desk, "A call - Meet", (640, 360), [200, 60, 30]);
    let hidden = Painted::open(&desk, "Away", (200, 100), [9, 9, 9]);
    hidden.minimise();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let command = choosing(&desk, &folder);
    let mut watching = Watching::of(command, folder);
    let host = watching.host().to_owned();
    let own = format!("window-id={:#x}", window.id);
    let away = format!("window-id={:#x}", hidden.id);

    assert!(watching.get("/").text().contains("What is to be watched?"));
    let listed = wait_for("the list", || {
        let listed = watching.get("/api/screens").json();
        listed.as_array()?.iter().any(|each| each["choice"] == *away && each["hidden"] == true).then_some(listed)
    });
    let expected = json!({
        "choice": own, "kind": "window", "title": "A call - Meet", "width": 640, "height": 360, "hidden": false,
    });
    assert!(listed.as_array().is_some_and(|listed| listed.contains(&expected)), "{listed}");
    let answer = watching.get(&format!("/thumbnail.jpg?choice={own}"));
    assert!(answer.head.contains("content-type: image/jpeg"), "{}", answer.head);
    let picture = image::load_from_memory_with_format(&answer.body, image::ImageFormat::Jpeg).expect("a JPEG file");
    let picture = picture.to_rgb8();
    assert_eq!(picture.dimensions(), (320, 180));
    assert!(is_near(picture.get_pixel(160, 90).0, [200, 60, 30]), "{:?}", picture.get_pixel(160, 90));
    assert_eq!(watching.get(&format!("/thumbnail.jpg?choice={away}")).status, 409);
    assert_eq!(watching.get("/thumbnail.jpg?choice=window-id=0x77777777").status, 404);

    let typed = "Content-Type: application/json\r\n";
    let choose =
        |choice: &str, fields: &str| ask(&host, "POST /choose", fields, &json!({ "choice": choice }).to_string());
    assert_eq!(choose("window-id=0x77777777", typed).status, 404);
    assert_eq!(choose("region=0,0,100x100", typed).status, 404);
    assert_eq!(choose("screen", typed).status, 400);
    assert_eq!(choose(&away, typed).status, 409);
    assert_eq!(choose(&own, "").status, 415);
    let foreign = format!("{typed}Origin: http://evil.example\r\n");
    assert_eq!(choose(&own, &foreign).status, 403);
    assert_eq!(watching.get("/api/state").status, 404, "the run hasn't begun");

    let answer = choose(&own, typed);
    assert_eq!((answer.status, answer.text()), (200, r#"{"chosen":"window=A call - Meet"}"#.to_owned()));
    watching.hears("chosen: window=A call - Meet");
    let line = watching.hears("the page: http://");
    assert!(line.ends_with(&format!("{host}/")), "the run's page is where the choice was made: {line}");
    watching.hears("playing 640x360");
    let state = watching.get("/api/state");
    assert_eq!((state.status, &state.json()["source"]["state"]), (200, &"playing".into()));
    assert!(watching.get("/api/facts").text().contains("screen window=A call - Meet"));
    assert_eq!(watching.get("/thumbnail.jpg?choice=monitor=0").status, 404, "only while it is chosen");
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}

#[test]
fn without_the_token_nothing_is_seen_or_chosen() {
    let Some(desk) = Desk::start("without_the_token_nothing_is_seen_or_chosen") else { return };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("token");
    std::fs::write(&file, TOKEN).expect("a token");
    let mut command = choosing(&desk, &folder);
    command.arg("--token-file").arg(&file);
    let watching = Watching::of(command, folder);
    let host = watching.host().to_owned();
    let (typed, body) = ("Content-Type: application/json\r\n", r#"{"choice":"monitor=0"}"#);
    for path in ["/", "/api/screens", "/thumbnail.jpg?choice=monitor=0"] {
        assert_eq!(watching.get(path).status, 401, "{path}");
    }
    assert_eq!(ask(&host, "POST /choose", typed, body).status, 401);
    let known = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(ask(&host, "GET /thumbnail.jpg?choice=monitor=0", &known, "").status, 200);
    let (status, took) = watching.stop();
    assert!(status.success(), "Ctrl-C ends the choosing as it ends a run: {status}");
    assert!(took.as_secs() < 5, "{took:?}");
}

#[test]
fn what_it_needs_is_said() {
    let bare = |more: &[&str]| {
        let mut command = cyborg();
        command.args(["live", "--screen", "choose", "--listen", "127.0.0.1:0"]).args(more);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    };
    check_error(&mut bare(&[]), 1, "DISPLAY is not set; run it in the desktop's session");
    check_error(&mut bare(&["--screen", "choose"]), 2, "--screen choose is given twice");
    let mut none = cyborg();
    none.args(["live", "--screen", "choose", "--no-page"]);
    check_error(&mut none, 2, "--screen choose needs the page, and --no-page is given");
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("live.toml");
    std::fs::write(&file, "screen = \"choose\"\nno-page = true\n").expect("settings");
    let mut none = cyborg();
    none.args(["live", "--config"]).arg(&file);
    check_error(&mut none, 2, "`cyborg screens` lists it");
}

#[test]
fn a_real_browser_chooses_by_keyboard() {
    let Some(desk) = Desk::start("a_real_browser_chooses_by_keyboard") else { return };
    let window = Painted::open(&desk, "<b>Call</b>", (640, 360), [30, 160, 60]);
    let Some(mut browser) = Browser::open() else {
        return not_run("a_real_browser_chooses_by_keyboard", "install chromium");
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let command = choosing(&desk, &folder);
    let mut watching = Watching::of(command, folder);
    let url = format!("http://{}/", watching.host());
    browser.visit(&url, (1280, 900), "light");
    let drawn = "[...document.querySelectorAll('.card img')].length >= 2 && \
        [...document.querySelectorAll('.card img')].every(i => i.complete && i.naturalWidth > 0)";
    browser.until(drawn);
    browser.keep("chooser.png");
    browser.visit(&url, (360, 740), "dark");
    browser.until(drawn);
    assert_eq!(browser.value("document.documentElement.scrollWidth <= 360"), true, "it fits the width of a phone");
    browser.keep("chooser-phone.png");
    let own = format!("[data-choice=\"window-id={:#x}\"]", window.id);
    assert_eq!(browser.value(&format!("document.querySelector('{own} .name').textContent")), "<b>Call</b>");
    browser.value(&format!("document.querySelector('{own}').focus()"));
    browser.keys(&["Enter"]);
    watching.hears("chosen: window=<b>Call</b>");
    browser.until("document.querySelector('#sources li b')?.textContent === 'screen window=<b>Call</b>'");
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}
