//! The desktop is asked for a screen: once, with a dialog, and by its token from then on.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::thread;

use cyborg_edge::capture::screen::portal::PortalOpener;
use cyborg_edge::capture::{NeverAgain, Open as _};

use crate::portal::{Asked, Manner, Portal, User};
use crate::stage::{Stage, Watching};

const GREEN: [u8; 3] = [10, 200, 30];

fn select(token: Option<&str>) -> Asked {
    // Monitors are all that the portal has; the pointer is hidden; until revoked.
    Asked::Select { types: 1, cursor: Some(1), persist: Some(2), token: token.map(ToOwned::to_owned) }
}

fn prepare(opener: &PortalOpener) -> Result<bool, String> {
    opener.prepare(&AtomicBool::new(false)).map_err(|error| error.to_string())
}

/// Why it isn't opened, and whether that is for good.
fn not_opened(opener: &PortalOpener) -> (String, bool) {
    let error = opener.open().err().expect("it can't be opened");
    (error.to_string(), error.is::<NeverAgain>())
}

#[test]
fn the_dialog_comes_once() {
    let Some(stage) = Stage::start("the_dialog_comes_once") else { return };
    let shown = stage.share(GREEN);
    let portal = stage.portal(User::Thinks, Some("token-1"));
    let opener = stage.opener();
    thread::scope(|scope| {
        let asking = scope.spawn(|| prepare(&opener));
        assert_eq!((portal.next(), portal.next()), (select(None), Asked::Dialog));
        assert!(!asking.is_finished(), "the user thinks");
        portal.decide(User::Chooses(shown.node));
        assert_eq!(asking.join().expect("it ends"), Ok(true));
    });
    assert_eq!(fs::read_to_string(stage.token()).expect("it is kept"), "token-1\n");
    Watching::open(&opener, &shown).until(GREEN);
    assert_eq!(portal.next(), Asked::Remote);
    drop(opener);
    assert_eq!(portal.next(), Asked::Closed);
    // The program is started again.
    portal.knows("token-1", shown.node);
    let opener = stage.opener();
    assert_eq!(prepare(&opener), Ok(true));
    Watching::open(&opener, &shown).until(GREEN);
    assert_eq!((portal.next(), portal.next()), (select(Some("token-1")), Asked::Remote));
}

#[test]
fn a_token_that_is_refused_leads_to_the_dialog() {
    let Some(stage) = Stage::start("a_token_that_is_refused_leads_to_the_dialog") else { return };
    let shown = stage.share(GREEN);
    let portal = stage.portal(User::Chooses(shown.node), None);
    fs::create_dir_all(stage.token().parent().expect("a folder")).expect("it is made");
    fs::write(stage.token(), "stale\n").expect("it is written");
    assert_eq!(prepare(&stage.opener()), Ok(true));
    assert_eq!((portal.next(), portal.next(), portal.next()), (select(Some("stale")), Asked::Dialog, Asked::Closed));
    assert!(!stage.token().exists(), "no new one came");
    // Some portals fail at it.
    fs::write(stage.token(), "malformed\n").expect("it is written");
    assert_eq!(prepare(&stage.opener()), Ok(true));
    assert_eq!((portal.next(), portal.next()), (select(Some("malformed")), select(None)));
    assert_eq!(portal.next(), Asked::Dialog);
}

#[test]
fn a_no_is_for_good() {
    let Some(stage) = Stage::start("a_no_is_for_good") else { return };
    let portal = stage.portal(User::Cancels, None);
    let opener = stage.opener();
    let error = prepare(&opener).expect_err("the user said no");
    assert!(error.starts_with("the desktop's dialog was cancelled"), "{error}");
    assert_eq!((portal.next(), portal.next()), (select(None), Asked::Dialog));
    assert_eq!(not_opened(&opener), (error, true));
    assert!(portal.is_quiet(), "nobody is asked twice");
}

#[test]
fn one_dialog_waits_for_its_answer_however_often_it_is_opened() {
    let Some(stage) = Stage::start("one_dialog_waits_for_its_answer_however_often_it_is_opened") else { return };
    let shown = stage.share(GREEN);
    let portal = stage.portal(User::Thinks, None);
    let opener = stage.opener();
    let words = "the desktop asks whether the screen may be watched; answer its dialog";
    assert_eq!(not_opened(&opener), (words.to_owned(), false));
    let stopped = opener.prepare(&AtomicBool::new(true)).map_err(|error| error.to_string());
    assert_eq!(stopped, Ok(false), "the program is to end");
    portal.decide(User::Chooses(shown.node));
    Watching::open(&opener, &shown).until(GREEN);
    assert_eq!((portal.next(), portal.next(), portal.next()), (select(None), Asked::Dialog, Asked::Remote));
    assert!(portal.is_quiet());
}

#[test]
fn what_is_missing_is_said() {
    let Some(stage) = Stage::start("what_is_missing_is_said") else { return };
    let error = prepare(&stage.opener()).expect_err("there is no portal");
    assert!(error.starts_with("no desktop portal answers ("), "{error}");
    assert!(error.contains("install xdg-desktop-portal"), "{error}");
    let nowhere = format!("unix:path={}", stage.token().with_file_name("nothing").display());
    let nowhere = PortalOpener::at(10.0, &nowhere, stage.token()).expect("there are timers");
    let error = prepare(&nowhere).expect_err("there is no bus");
    assert!(error.starts_with("no D-Bus session to ask for a screen in"), "{error}");

    let portal = Portal::start(&stage.bus, Manner { user: User::Chooses(1), ..Manner::default() });
    let opener = stage.opener();
    assert_eq!(prepare(&opener), Ok(true));
    let (error, for_good) = not_opened(&opener);
    assert!(error.starts_with("PipeWire, which brings the pictures, can't be reached ("), "{error}");
    assert!(for_good, "the next try would be another dialog");
    drop(portal);
}

#[test]
fn a_portal_that_goes_while_the_user_thinks_is_missed() {
    let Some(stage) = Stage::start("a_portal_that_goes_while_the_user_thinks_is_missed") else { return };
    let portal = stage.portal(User::Thinks, None);
    let opener = stage.opener();
    thread::scope(|scope| {
        let asking = scope.spawn(|| prepare(&opener));
        assert_eq!((portal.next(), portal.next()), (select(None), Asked::Dialog));
        drop(portal);
        let error = asking.join().expect("it ends").expect_err("nobody answers");
        assert!(error.contains("failed at Start (it went away)"), "{error}");
    });
}
