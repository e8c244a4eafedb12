//! A shared screen is watched: what is shown comes as it is, and its loss is noticed.

use std::time::Duration;

use crate::portal::{Asked, User};
use crate::stage::{Stage, Watching, is};

const GREEN: [u8; 3] = [10, 200, 30];
const RED: [u8; 3] = [250, 1, 2];

#[test]
fn it_is_shown_as_it_is() {
    let Some(stage) = Stage::start("it_is_shown_as_it_is") else { return };
    let shown = stage.share(GREEN);
    let _portal = stage.portal(User::Chooses(shown.node), None);
    let opener = stage.opener();
    let mut watching = Watching::open(&opener, &shown);
    let first = watching.next().expect("a frame");
    assert_eq!((first.width, first.height, first.number), (64, 48, 0));
    assert!(is(&first, GREEN) && first.changed.is_none(), "all of it is new");
    let mut before = first;
    // Until nothing comes any more.
    let still = loop {
        let frame = watching.next().expect("a frame");
        assert!(is(&frame, GREEN) && frame.number == before.number + 1);
        match &frame.changed {
            Some(_) => break frame,
            None => before = frame,
        }
    };
    let changed = still.changed.expect("it is known");
    assert_eq!((changed.since(), changed.parts().len()), (before.number, 0));
    assert!(still.captured - before.captured >= Duration::from_millis(400), "twice a second");
    shown.blank();
    shown.paint(RED);
    let third = watching.until(RED);
    assert!(third.changed.is_none(), "nobody says where");
}

#[test]
fn of_another_size_it_goes_on() {
    let Some(stage) = Stage::start("of_another_size_it_goes_on") else { return };
    let shown = stage.share(GREEN);
    let _portal = stage.portal(User::Chooses(shown.node), None);
    let opener = stage.opener();
    let mut watching = Watching::open(&opener, &shown);
    watching.until(GREEN);
    for (width, height) in [(100, 30), (20, 60)] {
        shown.resize(width, height);
        let colour = [width as u8, 1, 2];
        let frame = (0..200).find_map(|_| {
            // Until the new memory is agreed upon a picture finds no room.
            shown.paint(colour);
            watching.next().ok().filter(|frame| is(frame, colour))
        });
        let frame = frame.expect("it is painted");
        assert_eq!((frame.width, frame.height), (width as usize, height as usize));
    }
}

#[test]
fn lost_it_is_given_again_without_a_dialog() {
    let Some(stage) = Stage::start("lost_it_is_given_again_without_a_dialog") else { return };
    let shown = stage.share(GREEN);
    let portal = stage.portal(User::Chooses(shown.node), Some("token-1"));
    let opener = stage.opener();
    let mut watching = Watching::open(&opener, &shown);
    watching.until(GREEN);
    drop(shown);
    let (error, for_good) = watching.lost();
    assert!(error.starts_with("the stream of the screen was lost: "), "{error}");
    assert!(!for_good);
    drop(watching);
    let shown = stage.share(RED);
    portal.knows("token-1", shown.node);
    Watching::open(&opener, &shown).until(RED);
    let dialogs = std::iter::from_fn(|| Some(portal.next()))
        .take_while(|asked| !matches!(asked, Asked::Select { token: Some(_), .. }))
        .filter(|asked| *asked == Asked::Dialog);
    assert_eq!(dialogs.count(), 1);
    assert_eq!((portal.next(), portal.is_quiet()), (Asked::Remote, true));
}

#[test]
fn ended_by_the_user_it_is_not_asked_for_again() {
    let Some(stage) = Stage::start("ended_by_the_user_it_is_not_asked_for_again") else { return };
    let shown = stage.share(GREEN);
    let portal = stage.portal(User::Chooses(shown.node), Some("token-1"));
    let opener = stage.opener();
    let mut watching = Watching::open(&opener, &shown);
    watching.until(GREEN);
    portal.knows("token-1", shown.node);
    // The stream may end before it is said why.
    portal.end();
    let (error, for_good) = watching.lost();
    assert!(error.starts_with("the desktop ended the sharing of the screen"), "{error}");
    assert!(for_good, "it is given again to who asks, but the user has said no");
}

#[test]
fn without_pipewire_it_is_lost() {
    let Some(mut stage) = Stage::start("without_pipewire_it_is_lost") else { return };
    let shown = stage.share(GREEN);
    let _portal = stage.portal(User::Chooses(shown.node), Some("token-1"));
    let opener = stage.opener();
    let mut watching = Watching::open(&opener, &shown);
    watching.until(GREEN);
    stage.pipewire.stop();
    let (error, for_good) = watching.lost();
    assert!(error.starts_with("the stream of the screen was lost: PipeWire went away ("), "{error}");
    assert!(!for_good);
    let error = cyborg_edge::capture::Open::open(&opener).err().expect("it is gone").to_string();
    assert!(error.starts_with("PipeWire, which brings the pictures, can't be reached ("), "{error}");
}

#[test]
fn what_was_before_another_size_is_not_taken_for_what_is() {
    let Some(stage) = Stage::start("what_was_before_another_size_is_not_taken_for_what_is") else { return };
    let shown = stage.share(GREEN);
    let _portal = stage.portal(User::Chooses(shown.node), Some("token-1"));
    let opener = stage.opener();
    let mut watching = Watching::open(&opener, &shown);
    watching.until(GREEN);
    // And nothing is drawn in it.
    shown.resize(100, 30);
    let (error, for_good) = watching.lost();
    assert_eq!((error.as_str(), for_good), ("the stream of the screen was lost: the desktop has stopped it", false));
}
