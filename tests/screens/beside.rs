//! The whole program on a clip and a window at once: each is a source of its own, in the order of the flags.

use serde_json::json;

use crate::desk::Desk;
use crate::painted::Painted;
use crate::support::browser::wait_for;
use crate::support::shim::Watching;
use crate::support::{cyborg, face_clip, model};

#[test]
fn a_window_is_watched_beside_a_camera() {
    let Some(desk) = Desk::start("a_window_is_watched_beside_a_camera") else { return };
    let window = Painted::open(&desk, "Notes", (320, 240), [40, 40, 40]);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let camera = format!("test={}", face_clip().display());
    let mut command = cyborg();
    command.env("DISPLAY", &desk.name).args(["live", "--screen", "window=notes", "--camera"]).arg(&camera);
    command.args(["--listen", "127.0.0.1:0", "--model"]);
    command.arg(model::write(folder.path(), "corner.onnx", &model::corner()));
    let mut watching = Watching::of(command, folder);
    watching.hears("[screen window=notes] playing 320x240");
    let facts = watching.get("/api/facts").json();
    let sources = json!([
        { "name": "screen window=notes", "kind": "screen", "whole": false },
        { "name": camera, "kind": "test", "whole": true },
    ]);
    assert!(facts.to_string().contains(&sources.to_string()), "{facts}");
    let of = |watching: &Watching, feed: usize| watching.get(&format!("/api/state?feed={feed}")).json();
    wait_for("the clip plays", || (of(&watching, 1)["source"]["state"] == "playing").then_some(()));
    window.close();
    watching.hears("[screen window=notes] lost: ");
    wait_for("the window is lost", || (of(&watching, 0)["source"]["state"] == "lost").then_some(()));
    assert_eq!(of(&watching, 1)["source"]["state"], "playing", "what befalls a window is no loss of the camera");
    wait_for("a face is scored", || (of(&watching, 1)["numbers"]["scored"].as_u64()? > 0).then_some(()));
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}

#[test]
fn a_window_is_watched_once_however_it_is_named() {
    let Some(desk) = Desk::start("a_window_is_watched_once_however_it_is_named") else { return };
    let window = Painted::open(&desk, "Notes", (320, 240), [40, 40, 40]);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let number = format!("window-id={:#x}", window.id);
    let mut command = cyborg();
    command.env("DISPLAY", &desk.name).args(["live", "--screen", "window=notes", "--screen"]).arg(&number);
    command.args(["--listen", "127.0.0.1:0", "--model"]);
    command.arg(model::write(folder.path(), "corner.onnx", &model::corner()));
    let mut watching = Watching::of(command, folder);
    // Who comes first has it.
    let refused = watching.hears("is watched already, as ");
    let words = |one: &str, other: &str| format!("the window for {one} is watched already, as {other}: ");
    let (one, other) = (words("window=notes", &number), words(&number, "window=notes"));
    assert!(refused.contains("lost: ") && (refused.contains(&one) || refused.contains(&other)), "{refused}");
    let states =
        || [0, 1].map(|feed| watching.get(&format!("/api/state?feed={feed}")).json()["source"]["state"].clone());
    wait_for("one plays", || states().contains(&"playing".into()).then_some(()));
    assert!(states().contains(&"lost".into()), "{:?}", states());
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}
