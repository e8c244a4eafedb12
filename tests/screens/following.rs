//! A window is followed: where it moves, what lies over it, how large it is; closed it is lost, and found when it comes back.

use cyborg_edge::capture::screen::ScreenOpener;
use cyborg_edge::capture::{Open as _, Opened};
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::ConnectionExt as _;

use crate::desk::{Desk, Watching};
use crate::painted::{Painted, at};

#[test]
fn moved_and_covered_it_shows_the_same() {
    let Some(desk) = Desk::start("moved_and_covered_it_shows_the_same") else { return };
    let window = Painted::open(&desk, "Film", (320, 200), [10, 200, 30]);
    let mut watching = desk.watch("window=Film");
    let first = watching.next().expect("a frame");
    assert_eq!(at(&first, 160, 100), [10, 200, 30]);
    window.move_to(500, 300);
    let moved = watching.next().expect("a frame");
    assert_eq!(moved.pixels, first.pixels);

    let cover = Painted::open(&desk, "Cover", (1200, 650), [250, 0, 0]);
    cover.move_to(0, 0);
    cover.raise();
    let covered = watching.next().expect("a frame");
    assert_eq!(covered.pixels, first.pixels, "what covers it is not read");
    // The screen shows the cover there.
    let (x, y) = window.place();
    let screen = desk.watch("monitor=0").next().expect("a frame");
    assert_eq!(at(&screen, x as usize + 160, y as usize + 100), [250, 0, 0], "it isn't covered");
    window.fill([1, 2, 3]);
    let painted = watching.until("what is painted below the cover", |frame| at(frame, 0, 0) == [1, 2, 3]);
    assert_eq!(at(&painted, 319, 199), [1, 2, 3]);
    // Out of the screen for the most part.
    window.move_to(1200, 650);
    window.fill([7, 8, 9]);
    watching.until("what is painted outside of the screen", |frame| at(frame, 310, 190) == [7, 8, 9]);
}

#[test]
fn of_another_size_it_goes_on() {
    let Some(desk) = Desk::start("of_another_size_it_goes_on") else { return };
    let mut window = Painted::open(&desk, "Film", (320, 200), [10, 200, 30]);
    let mut watching = desk.watch("window=Film");
    watching.next().expect("a frame");
    for (width, height) in [(500, 400), (200, 100), (640, 480)] {
        window.resize(width, height);
        window.fill([width as u8, 1, 2]);
        let (width, height) = (usize::from(width), usize::from(height));
        let frame = watching.until("the new size", |frame| {
            (frame.width, frame.height) == (width, height) && at(frame, width - 1, height - 1) == [width as u8, 1, 2]
        });
        assert_eq!(at(&frame, 0, 0), [width as u8, 1, 2]);
    }
}

#[test]
fn closed_it_is_lost_and_reopened_found_again() {
    let Some(desk) = Desk::start("closed_it_is_lost_and_reopened_found_again") else { return };
    let window = Painted::open(&desk, "A call - Meet", (320, 200), [10, 200, 30]);
    let mut watching = desk.watch("window=a call");
    watching.next().expect("a frame");
    window.close();
    assert_eq!(watching.lost(), "the window was closed");
    assert_eq!(desk.open("window=a call", 10.0).err().expect("it is gone"), "there is no window for window=a call");
    let _again = Painted::open(&desk, "A call - Meet", (300, 200), [200, 10, 30]);
    let frame = desk.watch("window=a call").next().expect("a frame");
    // The window manager may make it wider, so that its title bar has room.
    assert!(frame.width >= 300, "{}", frame.width);
    assert_eq!(at(&frame, 150, 100), [200, 10, 30]);
}

#[test]
fn found_by_its_very_title_another_is_not_taken_for_it() {
    let Some(desk) = Desk::start("found_by_its_very_title_another_is_not_taken_for_it") else { return };
    let window = Painted::open(&desk, "Meeting", (320, 200), [10, 200, 30]);
    let _notes = Painted::open(&desk, "Meeting notes", (320, 200), [250, 0, 0]);
    let choice = "window=Meeting".parse().expect("a choice");
    let opener = ScreenOpener::new(choice, 60.0, desk.display());
    let open = || opener.open().map(|Opened { source, .. }| Watching(source)).map_err(|error| error.to_string());
    let mut watching = open().expect("it is there");
    watching.next().expect("a frame");
    window.close();
    assert_eq!(watching.lost(), "the window was closed");
    assert_eq!(open().err().expect("it is gone"), "there is no window for window=Meeting");
    let _again = Painted::open(&desk, "Meeting", (320, 200), [200, 10, 30]);
    let frame = open().expect("it is there again").next().expect("a frame");
    assert_eq!(at(&frame, 160, 100), [200, 10, 30]);
}

/// Puts up two monitors side by side, in place of those that were put up before.
fn put_up(desk: &Desk, names: [&str; 2]) {
    let (connection, screen) = desk.connect();
    let root = connection.setup().roots[screen].root;
    let atoms = names.map(|name| {
        let atom = connection.intern_atom(false, name.as_bytes()).expect("it is sent").reply();
        atom.expect("a number").atom
    });
    // Nobody sees them half arranged.
    connection.grab_server().expect("it is sent");
    let known = connection.randr_get_monitors(root, true).expect("it is sent").reply().expect("a list").monitors;
    for monitor in known.iter().filter(|monitor| !monitor.automatic) {
        connection.randr_delete_monitor(root, monitor.name).expect("it is sent");
    }
    for (name, x) in atoms.into_iter().zip([0, 640]) {
        let monitor = MonitorInfo {
            name,
            primary: false,
            automatic: false,
            x,
            y: 0,
            width: 640,
            height: 720,
            width_in_millimeters: 160,
            height_in_millimeters: 180,
            outputs: Vec::new(),
        };
        connection.randr_set_monitor(root, monitor).expect("it is sent");
    }
    connection.ungrab_server().expect("it is sent");
    connection.get_input_focus().expect("it is sent").reply().expect("the server did it all");
}

#[test]
fn monitors_that_change_places_are_noticed() {
    let Some(desk) = Desk::start("monitors_that_change_places_are_noticed") else { return };
    put_up(&desk, ["left", "right"]);
    let listed = cyborg_edge::capture::screen::list(&desk.display()).expect("the server is there");
    let number = listed.iter().position(|each| each.title == "right").expect("it is put up");
    let window = Painted::open(&desk, "Wide", (600, 600), [10, 200, 30]);
    window.move_to(660, 40);
    let opener = ScreenOpener::new(format!("monitor={number}").parse().expect("a choice"), 60.0, desk.display());
    let open = || opener.open().map(|Opened { source, .. }| Watching(source)).map_err(|error| error.to_string());
    let mut watching = open().expect("it is there");
    assert_eq!(at(&watching.next().expect("a frame"), 320, 360), [10, 200, 30]);
    put_up(&desk, ["right", "left"]);
    assert_eq!(watching.lost(), "the monitors have changed");
    let frame = open().expect("it is there").next().expect("a frame");
    assert_ne!(at(&frame, 320, 360), [10, 200, 30], "it is the one of this name, which is on the other side now");
    put_up(&desk, ["another", "left"]);
    let gone = open().err().expect("it is gone");
    assert!(gone.contains("was `right`, which is there no more"), "{gone}");
}

#[test]
fn minimised_it_is_lost_until_it_is_shown() {
    let Some(desk) = Desk::start("minimised_it_is_lost_until_it_is_shown") else { return };
    let window = Painted::open(&desk, "Film", (320, 200), [10, 200, 30]);
    let mut watching = desk.watch("window=Film");
    watching.next().expect("a frame");
    window.minimise();
    let words = "the window for window=Film is hidden: it shows nothing while it is minimised";
    assert_eq!(watching.lost(), words);
    assert_eq!(desk.open("window=Film", 10.0).err().expect("it is hidden"), words);
    window.show();
    let frame = desk.watch("window=Film").next().expect("a frame");
    assert_eq!(at(&frame, 160, 100), [10, 200, 30]);
}

#[test]
fn with_the_server_all_is_lost() {
    let Some(desk) = Desk::start("with_the_server_all_is_lost") else { return };
    let mut watching = desk.watch("monitor=0");
    watching.next().expect("a frame");
    drop(desk);
    let reason = watching.lost();
    assert!(reason.contains("the X server failed"), "{reason}");
}
