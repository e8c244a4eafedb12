//! The whole program on a window that plays a clip: the person gets a verdict, and the window is lost and found again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::desk::Desk;
use crate::film::film;
use crate::painted::Painted;
use crate::support::browser::{Browser, wait_for};
use crate::support::events::turning_clip;
use crate::support::left_out::not_run;
use crate::support::shim::Watching;
use crate::support::{cyborg, face_clip, model};

/// A window that plays a clip, over and over, until it is closed.
struct Player {
    over: Arc<AtomicBool>,
    playing: Option<JoinHandle<()>>,
}

impl Player {
    fn open(desk: &Desk, title: &str) -> Self {
        Self::play(desk, title, &face_clip(), 100)
    }

    /// Plays the first pictures of a clip, `most` of them.
    fn play(desk: &Desk, title: &str, clip: &Path, most: usize) -> Self {
        let (pictures, (width, height)) = film(clip, most);
        let window = Painted::open(desk, title, (width, height), [40, 40, 40]);
        let over = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&over);
        let playing = thread::spawn(move || {
            for picture in pictures.iter().cycle() {
                if heard.load(Ordering::Relaxed) {
                    break;
                }
                window.paint((0, 0), window.size, picture);
                window.done();
                thread::sleep(Duration::from_millis(40));
            }
            window.close();
        });
        Self { over, playing: Some(playing) }
    }

    fn close(mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.playing.take().expect("it plays").join().expect("it ends");
    }
}

/// The program watches a window by its title, with the small model `corner`.
fn watching(desk: &Desk) -> Watching {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut command = cyborg();
    command.env("DISPLAY", &desk.name).args(["live", "--screen", "window=a call", "--listen", "127.0.0.1:0"]);
    command.arg("--model").arg(model::write(folder.path(), "corner.onnx", &model::corner()));
    Watching::of(command, folder)
}

#[test]
fn a_person_in_a_window_is_judged_and_found_again() {
    let Some(desk) = Desk::start("a_person_in_a_window_is_judged_and_found_again") else { return };
    let player = Player::open(&desk, "A call - Meet");
    let mut watching = watching(&desk);
    // The window manager may make a window wider, so that its title bar has room.
    let line = watching.hears("playing ");
    assert!(line.ends_with("x288, 10 fps"), "{line}");
    let judged = |watching: &Watching| {
        wait_for("a verdict", || {
            let state = watching.get("/api/state").json();
            let is_judged = |person: &serde_json::Value| person["verdict"].is_string();
            state["persons"].as_array()?.iter().any(is_judged).then_some(())
        });
    };
    judged(&watching);
    let facts = watching.get("/api/facts").text();
    assert!(facts.contains("screen window=a call"), "{facts}");
    player.close();
    let line = watching.hears("lost: ");
    assert!(line.contains("the window was closed"), "{line}");
    let line = watching.hears("lost: ");
    assert!(line.contains("there is no window for window=a call; `cyborg screens` lists what there is"), "{line}");
    let player = Player::open(&desk, "A call - Meet");
    watching.hears("playing ");
    judged(&watching);
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
    player.close();
}

#[test]
fn a_browser_sees_that_the_head_in_a_window_turns() {
    let name = "a_browser_sees_that_the_head_in_a_window_turns";
    let Some(desk) = Desk::start(name) else { return };
    let Some(mut browser) = Browser::open() else { return not_run(name, "install chromium") };
    let folder = tempfile::tempdir().expect("a folder for the test");
    // Dark, which the model calls authentic, and bright, which it calls synthetic: for three seconds each.
    let player = Player::play(&desk, "A call - Meet", &turning_clip(folder.path()), 300);
    let watching = watching(&desk);
    browser.visit(&format!("http://{}/", watching.host()), (1280, 900), "light");
    for verdict in ["authentic", "synthetic", "authentic"] {
        browser.until(&format!("document.querySelector('.person.{verdict}') !== null"));
    }
    let turns =
        "[...document.querySelectorAll('#happened li')].filter(row => row.textContent.includes('synthetic')).length";
    browser.until(&format!("{turns} > 0"));
    assert!(browser.complaints.is_empty(), "the browser complains: {:?}", browser.complaints);
    player.close();
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}
