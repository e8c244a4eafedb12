//! The page for eyes and for those who have none: each step on a desk and a phone, light and dark, held against axe-core.
//!
//! `CYBORG_SCREENSHOTS` names a folder for the pictures.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::axe::{accessible, axe};
use crate::browser::Browser;
use crate::left_out::not_run;
use crate::served::Served;
use crate::support::{photos, text};

fn faces(folder: &std::path::Path) -> PathBuf {
    let (real, synthetic) = photos(folder, 4);
    let list = folder.join("list.csv");
    let mut rows = "file,label,split,source\n".to_owned();
    for (place, label) in [(&real, "real"), (&synthetic, "synthetic")] {
        for number in 0..4 {
            rows += &format!("{},{label},test,{label}\n", text(&place.join(format!("{number}.png"))));
        }
    }
    fs::write(&list, rows).expect("it can be written");
    list
}

#[test]
fn each_step_is_for_everybody() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let list = faces(folder.path());
    let serve = |out: &str, more: &[&str]| {
        let mut command = crate::support::cyborg_train(&["annotate", "--data", text(&list), "--out"]);
        Served::start(command.arg(folder.path().join(out)).args(more).args(["--listen", "127.0.0.1:0"]))
    };
    let (single, pairs) = (serve("single", &["--checks", "0"]), serve("pairs", &["--pairs", "--checks", "0"]));
    let checks = serve("checks", &["--checks", "1", "--sitting", "3"]);
    let Some(mut browser) = Browser::open() else {
        return not_run("each_step_is_for_everybody", "install chromium");
    };
    // Each visit is a first one.
    let forget = json!({ "source": "sessionStorage.clear()" });
    browser.call("Page.addScriptToEvaluateOnNewDocument", forget);
    let axe = axe();
    if axe.is_none() {
        not_run("each_step_is_for_everybody, its part with axe-core", "run `cargo xtask setup --media`");
    }
    let axe = axe.as_deref();
    let screens = [("desk", (1280, 800)), ("phone", (390, 844)), ("tablet", (820, 1180)), ("lying", (844, 390))];
    for (screen, size) in screens {
        for scheme in ["light", "dark"] {
            let at = |step: &str| format!("{screen}-{scheme}-{step}");
            let shown = |browser: &mut Browser, step: &str| {
                browser.keep(&(at(step) + ".png"));
                accessible(browser, axe, &at(step));
                let wide = browser.value(&format!(
                    "innerWidth === {} && document.documentElement.scrollWidth <= innerWidth \
                     && document.documentElement.scrollHeight <= innerHeight",
                    size.0
                ));
                assert_eq!(wide, true, "{}: it fits", at(step));
            };
            browser.visit(single.link("me"), size, scheme);
            browser.until("document.body.dataset.step === 'welcome'");
            shown(&mut browser, "welcome");
            browser.keys(&["Enter"]);
            browser.until("document.body.dataset.step === 'question'");
            shown(&mut browser, "question");
            browser.keys(&["s"]);
            browser.until("document.body.dataset.step === 'sure'");
            shown(&mut browser, "sure");
            browser.keys(&["5"]);
            browser.until("document.body.dataset.step === 'paint'");
            let place = browser.value("(() => { const r = document.getElementById('stage').getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2, r.height] })()");
            let [x, y, height] = [0, 1, 2].map(|at| place[at].as_f64().expect("a number") as i32);
            browser.keys(&["]", "]"]);
            let eyes = y - height / 12;
            browser.drag(&[(x - height / 8, eyes), (x - height / 12, eyes - 3), (x - height / 24, eyes)]);
            browser.drag(&[(x + height / 24, eyes), (x + height / 8, eyes - 4)]);
            browser.until("document.getElementById('stage').getAttribute('aria-label').includes('painted')");
            browser.value("document.querySelector('.chip input').click()");
            shown(&mut browser, "paint");
            browser.visit(pairs.link("me"), size, scheme);
            browser.until("document.body.dataset.step === 'welcome'");
            browser.keys(&["Enter"]);
            browser.until("document.body.dataset.step === 'question'");
            shown(&mut browser, "pair");
        }
    }
    browser.visit(checks.link("me"), (1280, 800), "light");
    browser.until("document.body.dataset.step === 'welcome'");
    browser.keys(&["Enter"]);
    for _ in 0..3 {
        browser.until("document.body.dataset.step === 'question'");
        if browser.value("!document.getElementById('instruction').hidden") == true {
            browser.keep("check.png");
            accessible(&mut browser, axe, "check");
        }
        let before = browser.value("document.getElementById('progress').value");
        browser.keys(&["s", "1"]);
        browser.value("document.body.dataset.step === 'paint' && document.getElementById('next').click()");
        browser.until(&format!("document.getElementById('progress').value > {before}"));
    }
    browser.until("document.getElementById('veil-title').textContent === 'Time for a rest'");
    browser.keep("rest.png");
    accessible(&mut browser, axe, "rest");
    assert!(browser.complaints.is_empty(), "the browser complains: {:?}", browser.complaints);
}
