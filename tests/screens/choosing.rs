//! What there is, and what is meant.

use cyborg_edge::capture::screen::{self, ScreenChoice};

use crate::desk::Desk;
use crate::painted::Painted;
use crate::support::{check_error, cyborg, run};

fn refused(desk: &Desk, choice: &str) -> String {
    desk.open(choice, 10.0).err().expect("it is refused")
}

#[test]
fn several_windows_of_a_title_are_listed() {
    let Some(desk) = Desk::start("several_windows_of_a_title_are_listed") else { return };
    let [one, two] = [(); 2].map(|()| Painted::open(&desk, "Call", (200, 100), [9, 9, 9]));
    let error = refused(&desk, "window=call");
    for window in [&one, &two] {
        assert!(error.contains(&format!("{:#x}", window.id)), "{error}");
    }
    desk.watch(&format!("window-id={:#x}", two.id)).next().expect("by its number it is clear");
    one.close();
    desk.watch("window=call").next().expect("now there is one");
}

#[test]
fn what_is_not_there_is_said() {
    let Some(desk) = Desk::start("what_is_not_there_is_said") else { return };
    assert_eq!(refused(&desk, "monitor=1"), "there is no monitor 1; the only one is monitor 0");
    assert_eq!(refused(&desk, "window=nothing"), "there is no window for window=nothing");
    assert_eq!(refused(&desk, "window-id=0x77777777"), "there is no window for window-id=0x77777777");
    let words = "the rectangle 640x360 at 700,0 is not within the screen of 1280x720 pixels";
    assert_eq!(refused(&desk, "region=700,0,640x360"), words);
}

#[test]
fn they_are_listed() {
    let Some(desk) = Desk::start("they_are_listed") else { return };
    let window = Painted::open(&desk, "Caf\u{e9}", (200, 100), [9, 200, 9]);
    let hidden = Painted::open(&desk, "Away", (200, 100), [9, 9, 9]);
    hidden.minimise();
    let listed = crate::support::browser::wait_for("the list", || {
        let listed = screen::list(&desk.display()).expect("the server is there");
        listed.iter().any(|each| each.hidden).then_some(listed)
    });
    assert_eq!(listed[0].choice, ScreenChoice::Monitor(0));
    assert_eq!((listed[0].place.width, listed[0].place.height), (1280, 720));
    let found = listed.iter().find(|each| each.choice == ScreenChoice::WindowId(window.id)).expect("it is listed");
    assert_eq!((found.place.width, found.place.height, found.hidden), (200, 100, false));
    let (x, y) = window.place();
    assert_eq!((found.place.left, found.place.top), (x.into(), y.into()));

    let folder = tempfile::tempdir().expect("a folder for the test");
    let screens = || {
        let mut command = cyborg();
        command.arg("screens").env("DISPLAY", &desk.name);
        command
    };
    let (code, stdout, stderr) = run(screens().arg("--json").arg("--pictures").arg(folder.path()));
    assert_eq!(code, 0, "{stderr}");
    let lines: Vec<serde_json::Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    // The window manager has one more, on settings that it can't read.
    assert!(lines.len() >= 3, "{stdout}");
    let own = lines.iter().find(|line| line["screen"] == format!("window-id={:#x}", window.id)).expect("it is listed");
    assert_eq!((&own["kind"], &own["width"]), (&"window".into(), &200.into()));
    let picture = image::open(own["picture"].as_str().expect("a file")).expect("a picture").to_rgb8();
    assert_eq!((picture.dimensions(), picture.get_pixel(100, 50).0), ((200, 100), [9, 200, 9]));
    let monitor = image::open(folder.path().join("monitor-0.png")).expect("a picture");
    assert_eq!((monitor.width(), monitor.height()), (320, 180));
    let none = folder.path().join(format!("window-id-{:#x}.png", hidden.id));
    assert!(!none.exists(), "of the hidden one there is none");
    let (code, stdout, _) = run(&mut screens());
    assert!(code == 0 && stdout.lines().count() >= 3, "{stdout}");
    assert!(stdout.lines().any(|line| line.contains("Away") && line.ends_with("hidden")), "{stdout}");
}

#[test]
fn without_a_server_it_is_said_what_helps() {
    let bare = |arguments: &[&str], wayland: bool| {
        let mut command = cyborg();
        command.args(arguments).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        if wayland {
            command.env("WAYLAND_DISPLAY", "wayland-0");
        }
        command
    };
    check_error(&mut bare(&["screens"], false), 1, "DISPLAY is not set; run it in the desktop's session");
    check_error(&mut bare(&["screens"], true), 1, "a Wayland session without an X server");
    let mut none = bare(&["screens"], false);
    check_error(none.env("DISPLAY", ":4711"), 1, "the X server at DISPLAY `:4711` can't be used");
    let live = ["live", "--no-page", "--screen", "screen=1"];
    check_error(&mut bare(&live, false), 2, "expected monitor=N, window=TITLE, window-id=ID or region=X,Y");
    let twice = ["live", "--no-page", "--screen", "monitor=0", "--screen", "monitor=0"];
    check_error(&mut bare(&twice, false), 2, "screen monitor=0 is to be watched twice");
}
