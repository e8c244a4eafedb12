//! Notifications of the desktop, on a bus of the test's own: what is shown, what a click does, and that no service that is
//! missing or hangs holds up anything.
#![cfg(all(feature = "notify", target_os = "linux"))]

use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use cyborg_edge::face::follow::TrackId;
use cyborg_edge::live::alerts::event::{Event, Origin};
use cyborg_edge::live::alerts::notify::{Notify, NotifySettings, OpenPage};
use cyborg_edge::live::alerts::turning::{To, Turn};
use cyborg_edge::live::alerts::{Output, Trouble};
use cyborg_edge::verdict::reason::Reason;
use cyborg_edge::verdict::{SyntheticProbability, Verdict};

use crate::support::broadcast::Answer;
use crate::support::child::within_a_second;
use crate::support::desktop::{Bus, Manner, Service};
use crate::support::events::{PATIENCE, Running, live, turning_clip};
use crate::support::face_clip;

/// Tells which page is opened.
struct Told(Sender<String>);

impl OpenPage for Told {
    fn open(&mut self, address: &str) -> io::Result<()> {
        self.0.send(address.to_owned()).map_err(io::Error::other)
    }
}

const PAGE: &str = "http://127.0.0.1:8080/";

fn notify(bus: &Bus, limit: usize, quiet: &[&str]) -> (Notify, Receiver<String>) {
    let (tell, opened) = mpsc::channel();
    let settings = NotifySettings {
        limit: NonZeroUsize::new(limit).expect("not zero"),
        quiet: quiet.iter().map(|hours| hours.parse().expect("a span")).collect(),
        page: Arc::new(OnceLock::from(PAGE.to_owned())),
        bus: Some(bus.address.clone()),
    };
    (Notify::new(settings, Box::new(Told(tell))).expect("there is a timer"), opened)
}

fn event(track: u64, to: To) -> Event {
    let reason = (to == To::Verdict(Verdict::Synthetic)).then_some(Reason::LooksGenerated);
    let turn = Turn { track: TrackId(track), from: None, to, probability: SyntheticProbability::HALF, reason };
    let origin = Origin { source: "hall <1> & \"door\"".to_owned(), model: "m".to_owned(), whole: true };
    Event::new(1, turn, Duration::ZERO, &origin)
}

const SYNTHETIC: To = To::Verdict(Verdict::Synthetic);
const AUTHENTIC: To = To::Verdict(Verdict::Authentic);

#[test]
fn a_notification_says_who_and_why_and_takes_the_place_of_the_persons_last() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let bus = Bus::start(folder.path());
    let service = Service::start(&bus, Manner::Answers, 7);
    let (mut notify, opened) = notify(&bus, 4, &[]);
    assert_eq!(notify.send(&event(3, SYNTHETIC)), Ok(()));
    let first = service.next();
    assert_eq!((&*first.program, first.replaces, first.number), ("cyborg", 0, 7));
    assert_eq!(first.summary, "Person 3 looks synthetic");
    assert_eq!(first.body, "hall &lt;1&gt; &amp; \"door\": looks generated, p(synthetic) 0.50");
    assert_eq!(first.actions, ["default", "Open the page"]);
    // No picture, and nothing that shows it above a locked screen.
    assert_eq!((first.hints, first.urgency), (vec!["urgency".to_owned()], Some(1)));

    assert_eq!(notify.send(&event(4, SYNTHETIC)), Ok(()));
    let other = service.next();
    assert_eq!((&*other.summary, other.replaces, other.number), ("Person 4 looks synthetic", 0, 8));
    assert_eq!(notify.send(&event(3, AUTHENTIC)), Ok(()));
    let back = service.next();
    assert_eq!((&*back.summary, back.replaces), ("Person 3 no longer looks synthetic", 7));
    assert!(back.body.ends_with(": now authentic, p(synthetic) 0.50"), "{}", back.body);
    assert_eq!(notify.send(&event(4, To::Gone)), Ok(()));
    assert!(service.is_quiet(), "who is gone is told of");

    // A click opens the page, also on that of somebody who is gone; one on somebody else's notification doesn't.
    let opened = |notify: &mut Notify| {
        let end = Instant::now() + Duration::from_millis(500);
        while Instant::now() < end {
            notify.rest();
            if let Ok(page) = opened.recv_timeout(Duration::from_millis(5)) {
                return Some(page);
            }
        }
        None
    };
    service.click(8);
    assert_eq!(opened(&mut notify).as_deref(), Some(PAGE));
    service.click(99);
    assert_eq!(opened(&mut notify), None);
    service.close(7);
    assert_eq!(opened(&mut notify), None);
    assert_eq!(notify.send(&event(3, SYNTHETIC)), Ok(()));
    assert_eq!(service.next().replaces, 0, "it takes the place of one that was clicked away");
}

#[test]
fn beyond_the_limit_and_in_quiet_hours_nothing_is_shown() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let bus = Bus::start(folder.path());
    let service = Service::start(&bus, Manner::Answers, 1);
    let (mut limited, _opened) = notify(&bus, 3, &[]);
    for track in 1..=5 {
        assert_eq!(limited.send(&event(track, SYNTHETIC)), Ok(()));
    }
    let shown = [service.next(), service.next(), service.next()];
    assert_eq!(shown.map(|asked| asked.number), [1, 2, 3]);
    limited.rest();
    assert!(service.is_quiet(), "more than three a minute");
    let (mut quiet, _opened) = notify(&bus, 3, &["00:00-12:00", "12:00-24:00"]);
    assert_eq!(quiet.send(&event(1, SYNTHETIC)), Ok(()));
    quiet.rest();
    assert!(service.is_quiet(), "in quiet hours");
}

#[test]
fn a_service_may_be_missing_hang_and_come_again() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let bus = Bus::start(folder.path());
    let (mut output, _opened) = notify(&bus, 60, &[]);
    let missed = |output: &mut Notify, words: &str| {
        let begun = Instant::now();
        match output.send(&event(1, SYNTHETIC)) {
            Err(Trouble::Missed(reason)) => assert!(reason.contains(words), "{reason}"),
            other => unreachable!("{other:?}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    };
    missed(&mut output, "start one, such as dunst or mako");
    let service = Service::start(&bus, Manner::Answers, 7);
    assert_eq!(output.send(&event(1, SYNTHETIC)), Ok(()));
    assert_eq!((service.next().number, service.is_quiet()), (7, true));
    // It leaves the bus; what comes then counts anew.
    drop(service);
    let gone = Instant::now() + PATIENCE;
    while output.send(&event(1, SYNTHETIC)).is_ok() {
        assert!(Instant::now() < gone, "it doesn't leave");
    }
    let silent = Service::start(&bus, Manner::Silent, 1);
    missed(&mut output, "gave no answer within");
    assert_eq!(silent.next().replaces, 0);
    drop((output, silent, bus));

    let settings = NotifySettings {
        limit: NonZeroUsize::MIN,
        quiet: Vec::new(),
        page: Arc::default(),
        bus: Some(format!("unix:path={}", folder.path().join("nobody").display())),
    };
    let mut output = Notify::new(settings, Box::new(Told(mpsc::channel().0))).expect("there is a timer");
    missed(&mut output, "no D-Bus session");
}

/// The program on such a desktop: what it shows, and that a click opens its page.
#[test]
fn the_program_notifies_and_a_click_opens_its_page() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let bus = Bus::start(folder.path());
    let service = Service::start(&bus, Manner::Answers, 1);
    // In place of the desktop's program: it notes what it is to open.
    let opened = folder.path().join("opened");
    let program = folder.path().join("xdg-open");
    fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\n", opened.display())).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = env::join_paths(
        [folder.path().to_owned()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    );
    let mut command = live(folder.path(), &clip);
    command.args(["--listen", "127.0.0.1:0", "--notify"]).env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    let mut running = Running::start(command.env("PATH", path.expect("it joins")));
    let page = running.next_out();
    let page = page.trim_start_matches("the page: ");
    let asked = service.next();
    assert_eq!((&*asked.summary, asked.urgency), ("Person 1 looks synthetic", Some(1)));
    assert!(asked.body.contains("turning.mp4: p(synthetic) 0."), "{}", asked.body);
    service.click(asked.number);
    let end = Instant::now() + PATIENCE;
    while fs::read_to_string(&opened).unwrap_or_default() != format!("{page}\n") {
        assert!(Instant::now() < end, "{:?}", fs::read_to_string(&opened));
        std::thread::sleep(Duration::from_millis(20));
    }
    let back = service.next();
    assert_eq!((&*back.summary, back.replaces), ("Person 1 no longer looks synthetic", asked.number));
    let stopped = running.stop("-TERM");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("events go to: notify"), "{}", stopped.stderr);
}

/// Nobody shows notifications: that is told once with what helps, the picture goes on, and each is counted.
#[test]
fn without_a_service_the_program_says_so_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let bus = Bus::start(folder.path());
    let service = Service::start(&bus, Manner::Silent, 1);
    let mut command = live(folder.path(), &clip);
    command.args(["--listen", "127.0.0.1:0", "--notify"]).env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    let mut running = Running::start(&mut command);
    let page = running.next_out();
    let page = page.trim_start_matches("the page: http://").trim_end_matches('/').to_owned();
    service.next();
    running.wait_for("notify: the notification service gave no answer within 3 s: restart it");
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&page).expect("the page is served");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n");
        io::Write::write_all(&mut stream, request.as_bytes()).expect("it is taken");
        Answer::read(stream).text()
    };
    let end = Instant::now() + PATIENCE;
    while !ask("/metrics").contains("cyborg_events_sent_total{way=\"notify\",fate=\"failed\"} 2\n") {
        assert!(Instant::now() < end, "{}", ask("/metrics"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let stopped = running.stop("-TERM");
    within_a_second(stopped.took);
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert_eq!(stopped.stderr.matches("gave no answer").count(), 1, "{}", stopped.stderr);

    let mut command = live(folder.path(), &face_clip());
    command.args(["--no-page", "--notify"]).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nobody/there");
    let mut running = Running::start(&mut command);
    running.wait_for("notify: no D-Bus session to show notifications in");
    assert_eq!(running.stop("-TERM").code, Some(0));
}
