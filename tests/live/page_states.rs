//! The page in a real browser, for eyes and for those who have none: each of its states on a desk and a phone, light and dark,
//! held against axe-core; and what can be done with it by keys alone.
//!
//! `CYBORG_SCREENSHOTS` names a folder for the pictures; with it each state is also seen on a tablet.
#![cfg(feature = "page")]

use std::time::Duration;

use cyborg_edge::live::page::FeedKind;
use cyborg_edge::live::view::SourceState;
use cyborg_edge::verdict::Verdict::{Authentic, Synthetic, Unsure};
use cyborg_edge::verdict::reason::Reason;

use crate::support::alone::alone;
use crate::support::axe::{accessible, axe};
use crate::support::browser::Browser;
use crate::support::left_out::not_run;
use crate::support::scenes::{Said, Scene, Staged, said};

/// People of a meeting: two of them are synthetic, some unsure, one not judged yet.
fn meeting(number: u64) -> Vec<Said> {
    let reasons = [Reason::TooSmall, Reason::TooBlurred, Reason::TooTurned, Reason::TooFewFrames];
    let person = |track: u64| match track {
        8 | 19 => said(track, Synthetic, Some(Reason::LooksSwapped), 0.93),
        25 => Said { track, verdict: None },
        _ if track % 5 == 3 => said(track, Unsure, Some(reasons[track as usize % 4]), 0.5),
        _ => said(track, Authentic, None, 0.08),
    };
    (1..=number).map(person).collect()
}

/// A state of the page: what the source shows, and what must become true of the page.
struct State {
    name: &'static str,
    scene: Scene,
    until: &'static str,
}

fn states() -> Vec<State> {
    let state = |name, scene, until| State { name, scene, until };
    let all = [
        Reason::TooSmall,
        Reason::TooBlurred,
        Reason::TooTurned,
        Reason::TooFewFrames,
        Reason::BetweenThresholds,
        Reason::SyntheticInParts,
        Reason::Unfamiliar,
    ];
    let unsure: Vec<Said> = (1..).zip(all).map(|(track, reason)| said(track, Unsure, Some(reason), 0.5)).collect();
    let lost = SourceState::Lost { reason: "the cable is <out>".into(), tries: 3, wait: Duration::from_secs(4) };
    vec![
        state(
            "nobody",
            Scene::of(&[]),
            "document.getElementById('nobody-words').textContent === 'No face in the picture'",
        ),
        state(
            "not-judged",
            Scene::of(&[Said { track: 1, verdict: None }]),
            "document.querySelector('.person .verdict')?.textContent === 'Waiting'",
        ),
        state(
            "one",
            Scene::of(&[said(1, Authentic, None, 0.08)]),
            "document.querySelectorAll('.person.authentic').length === 1",
        ),
        state(
            "unsure",
            Scene::of(&unsure),
            "new Set([...document.querySelectorAll('.unsure .reason')].map(p => p.textContent)).size === 7",
        ),
        state(
            "generated",
            Scene::of(&[said(1, Synthetic, Some(Reason::LooksGenerated), 0.97)]),
            "document.querySelector('.person.synthetic .reason')?.textContent === 'The whole face looks generated' && document.title.startsWith('⚠')",
        ),
        state(
            "swapped",
            Scene::of(&[said(1, Synthetic, Some(Reason::LooksSwapped), 0.91), said(2, Authentic, None, 0.05)]),
            "document.querySelector('.person.synthetic .reason')?.textContent.includes('put onto another')",
        ),
        state(
            "many",
            Scene::of(&meeting(25)),
            "document.querySelectorAll('.person').length === 25 && document.querySelector('.person').classList.contains('synthetic')",
        ),
        state(
            "lost",
            Scene::away(lost),
            "document.querySelector('.veil:not([hidden])')?.textContent.startsWith('Source lost: the cable is <out>')",
        ),
        state(
            "ended",
            Scene::away(SourceState::Ended),
            "document.querySelector('.veil:not([hidden])')?.textContent === 'The source has ended'",
        ),
    ]
}

#[test]
fn each_state_is_for_everybody() {
    let _alone = alone();
    let Some(mut browser) = Browser::open() else {
        return not_run("each_state_is_for_everybody", "install chromium");
    };
    let axe = axe();
    if axe.is_none() {
        not_run("each_state_is_for_everybody, its part with axe-core", "run `cargo xtask setup --media`");
    }
    let axe = axe.as_deref();
    let mut screens = vec![("desk", (1440, 900), "light"), ("phone", (390, 844), "dark")];
    if std::env::var_os("CYBORG_SCREENSHOTS").is_some() {
        screens.extend([("desk", (1440, 900), "dark"), ("phone", (390, 844), "light")]);
        screens.extend(["light", "dark"].map(|scheme| ("tablet", (820, 1180), scheme)));
    }
    for (screen, size, scheme) in screens {
        let one = Staged::start(&[("Studio camera", FeedKind::Camera, true)], None);
        let url = one.served.url();
        let shown = |browser: &mut Browser, name: &str| {
            let at = format!("live-{screen}-{scheme}-{name}");
            browser.keep(&(at.clone() + ".png"));
            let wide = browser.value("document.documentElement.scrollWidth <= innerWidth");
            assert_eq!(wide, true, "{at}: it fits the width");
            accessible(browser, axe, &at);
        };
        browser.visit(&url, size, scheme);
        for State { name, scene, until } in states() {
            let people = scene.said.len();
            one.show(0, scene);
            browser.until(until);
            // Faces come a moment after their cards, and cards of who left go.
            browser.until(&format!("document.querySelectorAll('.person:not(.left)').length === {people}"));
            browser.until("document.querySelectorAll('.person.left').length === 0");
            browser.until(
                "[...document.querySelectorAll('.face img')].every(face => !face.hidden && face.naturalWidth === 192)",
            );
            shown(&mut browser, name);
        }
        drop(one);
        browser.until("!document.getElementById('gone').hidden");
        shown(&mut browser, "gone");
        let several = Staged::start(
            &[
                ("Studio camera", FeedKind::Camera, true),
                ("rtsp://***@door.example/live", FeedKind::Stream, true),
                ("Meeting window", FeedKind::Screen, false),
            ],
            Some("What is said of the people in it is written to call.jsonl. Tell them."),
        );
        several.show(0, Scene::of(&[said(1, Authentic, None, 0.1)]));
        several.show(1, Scene::of(&[]));
        several.show(2, Scene::of(&meeting(9)));
        browser.visit(&several.served.url(), size, scheme);
        browser.until("document.querySelectorAll('.person').length === 10");
        let lost = SourceState::Lost { reason: "no answer".into(), tries: 1, wait: Duration::from_secs(2) };
        several.show(1, Scene::away(lost));
        browser.until("document.querySelector('#sources [data-state=lost]') !== null");
        browser.until("document.getElementById('record').textContent.includes('call.jsonl')");
        browser.until("document.getElementById('sources').textContent.includes('Screen: only faces are shown')");
        browser.until("[...document.querySelectorAll('.feed canvas')].every(canvas => canvas.dataset.view)");
        browser.until("document.querySelectorAll('.face img:not([hidden])').length === 10");
        shown(&mut browser, "several");
        browser.visit(&format!("{}compact", several.served.url()), (320, 640), scheme);
        browser.until("document.querySelectorAll('.row').length === 10");
        browser.until("document.querySelectorAll('.feed')[2].querySelector('.row').classList.contains('synthetic')");
        shown(&mut browser, "compact");
        drop(several);
        browser
            .complaints
            .retain(|complaint| !complaint.contains("ERR_CONNECTION") && !complaint.contains("ERR_INCOMPLETE"));
    }
    assert!(browser.complaints.is_empty(), "the browser complains: {:?}", browser.complaints);
}

#[test]
fn all_can_be_done_by_keys() {
    let _alone = alone();
    let Some(mut browser) = Browser::open() else {
        return not_run("all_can_be_done_by_keys", "install chromium");
    };
    let axe = axe();
    let live = Staged::start(&[("Studio camera", FeedKind::Camera, true), ("Meeting", FeedKind::Screen, false)], None);
    live.show(0, Scene::of(&[said(1, Authentic, None, 0.1)]));
    live.show(1, Scene::of(&meeting(25)));
    browser.visit(&live.served.url(), (1440, 900), "light");
    browser.until("document.querySelectorAll('.person').length === 26");
    browser.until("document.querySelector('.person').classList.contains('synthetic')");

    // The order stays while nothing new is said.
    let order = "[...document.querySelectorAll('.person')].map(card => card.id).join()";
    let before = browser.value(order);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(browser.value(order), before, "nobody changes places without a reason");
    // Who turns goes to the front.
    let mut people = meeting(25);
    people[3] = said(4, Synthetic, Some(Reason::LooksGenerated), 0.95);
    live.show(1, Scene::of(&people));
    browser.until("[...document.querySelectorAll('.person')].slice(0, 3).some(card => card.id === 'person-1-4')");
    browser.until("document.getElementById('said').textContent.includes('Person B4: synthetic')");

    browser.until("!document.querySelector('#person-1-4 button').disabled");
    browser.value("document.querySelector('#person-1-4 button').focus()");
    browser.keys(&["Enter"]);
    browser.until("document.getElementById('why').open && document.getElementById('why-heat').naturalWidth === 192 && document.getElementById('why-plain').naturalWidth === 192");
    assert_eq!(browser.value("document.getElementById('why-title').textContent"), "Why synthetic? Person B4");
    browser.keep("live-why.png");
    accessible(&mut browser, axe.as_deref(), "why");
    browser.keys(&["Escape"]);
    browser.until("!document.getElementById('why').open && document.activeElement.closest('#person-1-4') !== null");

    let span = "Number(document.getElementById('zone').dataset.span)";
    browser.value("document.querySelector('[data-span=\"60000\"]').focus()");
    browser.keys(&["Enter"]);
    browser.until(&format!("{span} === 60000"));
    browser.value("document.getElementById('zone').focus()");
    browser.keys(&["+"]);
    browser.until(&format!("{span} === 30000"));
    browser.keys(&["-"]);
    browser.until(&format!("{span} === 60000 && document.getElementById('now').disabled"));
    browser.keys(&["+", "+", "+", "ArrowLeft"]);
    browser.until("!document.getElementById('now').disabled");
    browser.keys(&["End"]);
    browser.until("document.getElementById('now').disabled");

    browser.value("document.querySelectorAll('.feed button')[1].focus()");
    browser.keys(&["Enter"]);
    browser.until("document.querySelectorAll('.feed')[1].classList.contains('large')");
    browser.keys(&["Enter"]);
    browser.until("!document.querySelectorAll('.feed')[1].classList.contains('large')");

    browser.value("document.getElementById('only').click()");
    browser.until("[...document.querySelectorAll('#happened li')].every(row => row.classList.contains('synthetic') === row.offsetHeight > 0)");
    browser.value("document.querySelector('summary').focus()");
    browser.keys(&["Enter"]);
    browser
        .until("document.querySelector('details').open && document.querySelectorAll('#numbers thead th').length === 3");
    assert!(browser.complaints.is_empty(), "the browser complains: {:?}", browser.complaints);
}
