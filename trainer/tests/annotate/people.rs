//! Two people in real browsers, who answer to 20 faces each by mouse, touch and keyboard, undo, reload, and lose the server: what is
//! kept is what they painted, to the pixel.

use std::collections::HashMap;
use std::time::Duration;

use cyborg_trainer::study::answer::{Answer, Kind};
use cyborg_trainer::study::journal::read_all;
use cyborg_trainer::study::painted::Painted;
use serde_json::json;

use crate::browser::Browser;
use crate::brush::{Done, Point, painted};
use crate::left_out::not_run;
use crate::served::{Faces, SIZE, Served};

/// Where the photo is on the page, worked out from the canvas' place alone.
struct View {
    corner: (f64, f64),
    scale: f64,
    zoom: f64,
}

impl View {
    /// The photo fits into the canvas with a margin of 12 pixels, and is at most 6 times as large as it is.
    fn of(browser: &mut Browser, zoom: f64) -> Self {
        let place = "(() => { const r = document.getElementById('stage').getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })()";
        let place = browser.value(place);
        let [left, top, width, height] = [0, 1, 2, 3].map(|at| place[at].as_f64().expect("a number"));
        let (photo_width, photo_height) = (f64::from(SIZE.0), f64::from(SIZE.1));
        let scale = ((width - 24.0) / photo_width).min((height - 24.0) / photo_height).min(6.0) * zoom;
        let corner = (left + width / 2.0 - photo_width / 2.0 * scale, top + height / 2.0 - photo_height / 2.0 * scale);
        Self { corner, scale, zoom }
    }

    /// The pixel of the page nearest to a place of the photo, whose parts are 0 to 1 from the photo's middle eighth outward; and
    /// what that is in the photo.
    fn at(&self, (x, y): (f64, f64)) -> ((i32, i32), Point) {
        // What is seen from near is a part from the middle.
        let seen = |share: f64, size: u32| f64::from(size) * (0.5 + (share - 0.5) / self.zoom);
        let page = |at: f64, corner: f64| (corner + at * self.scale).round();
        let (px, py) = (page(seen(x, SIZE.0), self.corner.0), page(seen(y, SIZE.1), self.corner.1));
        let back = |at: f64, corner: f64| ((at - corner) / self.scale * 16.0).round() as i64;
        ((px as i32, py as i32), (back(px, self.corner.0), back(py, self.corner.1)))
    }

    fn all(&self, places: &[(f64, f64)]) -> (Vec<(i32, i32)>, Vec<Point>) {
        places.iter().map(|&place| self.at(place)).unzip()
    }
}

/// Sizes of the brush, and the one that a photo of 160 pixels begins with: nearest to 3 %.
const RADII: [i64; 5] = [2, 3, 4, 6, 8];
const FIRST: usize = 2;

/// Somebody in front of a browser.
struct Person {
    browser: Browser,
    name: &'static str,
    /// What was painted on each item, by the item's place.
    expected: HashMap<u32, Vec<Done>>,
    item: u32,
}

impl Person {
    fn open(name: &'static str, served: &Served, ratio: f64, size: (u32, u32)) -> Option<Self> {
        let mut browser = Browser::open()?;
        browser.ratio = ratio;
        browser.visit(served.link(name), size, "light");
        browser.until("document.body.dataset.step === 'welcome'");
        assert_eq!(browser.value("location.search"), "", "the code is out of the address");
        assert_eq!(browser.value("document.cookie"), "", "no script can read it");
        Some(Self { browser, name, expected: HashMap::new(), item: 0 })
    }

    fn step_is(&mut self, step: &str) {
        self.browser.until(&format!("document.body.dataset.step === '{step}'"));
    }

    /// Waits for the face after the last one that was answered.
    fn face(&mut self) {
        let words = format!("document.getElementById('progress-words').textContent.startsWith('{} of')", self.item);
        self.browser.until(&words);
        self.step_is("question");
    }

    /// The middle of something on the page.
    fn middle(&mut self, selector: &str) -> (i32, i32) {
        let place = self.browser.value(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{ block: 'nearest' }}); \
             const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] }})()"
        ));
        let at = |index: usize| place[index].as_f64().expect("a number") as i32;
        (at(0), at(1))
    }

    fn click(&mut self, selector: &str) {
        let middle = self.middle(selector);
        self.browser.drag(&[middle]);
    }

    /// Taps until the page says that it was. A browser takes a tap that comes right after a swift stroke for the end of that.
    fn tap(&mut self, selector: &str, until: &str) {
        let tapped = (0..10).any(|_| {
            let middle = self.middle(selector);
            self.browser.touch(&[&[middle]]);
            (0..40).any(|_| {
                std::thread::sleep(Duration::from_millis(25));
                self.browser.value(until) == true
            })
        });
        assert!(tapped, "{selector} was tapped in vain: {until}");
    }

    fn done(&mut self, done: Vec<Done>) {
        self.expected.insert(self.item, done);
        self.item += 1;
    }

    /// A face by mouse: two strokes, the second taken back and done again or not, some erased, a shape.
    fn by_mouse(&mut self, near: bool) -> Vec<Done> {
        self.face();
        self.click(if self.item.is_multiple_of(2) { "[data-answer=real]" } else { "[data-answer=synthetic]" });
        self.step_is("sure");
        self.click("#sureness button:nth-child(4)");
        self.step_is("paint");
        if near {
            self.click("#nearer");
        }
        let view = View::of(&mut self.browser, if near { 1.5 } else { 1.0 });
        let shift = f64::from(self.item) / 100.0;
        let (page, photo) = view.all(&[(0.2 + shift, 0.2), (0.6, 0.3 + shift), (0.55, 0.7), (0.3, 0.65)]);
        self.browser.drag(&page);
        let mut done = vec![Done::Stroke(RADII[FIRST] * 16, photo, true)];
        let (page, _) = view.all(&[(0.8, 0.1), (0.8, 0.9)]);
        self.browser.drag(&page);
        self.click("#undo");
        self.browser.keys(&["]"]);
        self.click("[data-tool=eraser]");
        let (page, photo) = view.all(&[(0.5, 0.2), (0.5, 0.8)]);
        self.browser.drag(&page);
        done.push(Done::Stroke(RADII[FIRST + 1] * 16, photo, false));
        self.click("[data-tool=polygon]");
        let (page, photo) = view.all(&[(0.1, 0.7), (0.45, 0.95), (0.9, 0.6), (0.4, 0.75)]);
        for corner in &page {
            self.browser.drag(&[*corner]);
        }
        self.browser.keys(&["Enter"]);
        done.push(Done::Shape(photo));
        done
    }

    /// A face by keys alone: a dot, a line while Space is held, and a step back and forth.
    fn by_keys(&mut self) -> Vec<Done> {
        self.face();
        self.browser.keys(&["s"]);
        self.step_is("sure");
        self.browser.keys(&["6"]);
        self.step_is("paint");
        let mut at = (i64::from(SIZE.0) / 2 * 16, i64::from(SIZE.1) / 2 * 16);
        let by = RADII[FIRST] / 2 * 16;
        self.browser.keys(&["ArrowLeft", "ArrowLeft", "ArrowUp", " "]);
        at = (at.0 - 2 * by, at.1 - by);
        let dot = Done::Stroke(RADII[FIRST] * 16, vec![at], true);
        self.browser.keys(&["]", "ArrowDown"]);
        let by = RADII[FIRST + 1] / 2 * 16;
        at.1 += by;
        let mut points = vec![at];
        self.browser.key("keyDown", " ", 0);
        for _ in 0..=self.item % 5 {
            self.browser.keys(&["ArrowRight"]);
            at.0 += by;
            points.push(at);
            self.browser.key("keyDown", "ArrowDown", 8);
            at.1 += 4 * by;
            points.push(at);
        }
        self.browser.key("keyUp", " ", 0);
        let line = Done::Stroke(RADII[FIRST + 1] * 16, points, true);
        self.browser.key("keyDown", "z", 2);
        self.browser.key("keyDown", "z", 2);
        self.browser.key("keyDown", "y", 2);
        self.browser.key("keyDown", "y", 2);
        vec![dot, line]
    }

    /// A face by fingers: a stroke, and a second one that becomes two fingers' and is none.
    fn by_touch(&mut self, near: bool) -> Vec<Done> {
        self.face();
        self.tap("[data-answer=synthetic]", "document.body.dataset.step === 'sure'");
        self.tap("#sureness button:nth-child(2)", "document.body.dataset.step === 'paint'");
        if near {
            self.tap("#nearer", "document.getElementById('stage').dataset.zoom === '1.5'");
        }
        let view = View::of(&mut self.browser, if near { 1.5 } else { 1.0 });
        let shift = f64::from(self.item) / 100.0;
        let (page, photo) = view.all(&[(0.2, 0.2 + shift), (0.7, 0.3), (0.6, 0.8), (0.25 + shift, 0.7)]);
        self.browser.touch(&[&page]);
        let mut done = vec![Done::Stroke(RADII[FIRST] * 16, photo, true)];
        self.tap("[data-tool=polygon]", "document.body.dataset.tool === 'polygon'");
        // In one go.
        let (page, photo) = view.all(&[(0.6, 0.1), (0.9, 0.4), (0.6, 0.5)]);
        self.browser.touch(&[&page]);
        done.push(Done::Shape(photo));
        self.tap("[data-tool=brush]", "document.body.dataset.tool === 'brush'");
        let [(one, _), (other, _)] = [view.all(&[(0.5, 0.5)]), view.all(&[(0.7, 0.5)])];
        // Two fingers that go nowhere: the photo stays, and nothing is painted.
        let touch = |points: serde_json::Value, kind: &str| json!({ "type": kind, "touchPoints": points });
        let first = json!({ "id": 0, "x": one[0].0, "y": one[0].1 });
        let second = json!({ "id": 1, "x": other[0].0, "y": other[0].1 });
        for (points, kind) in
            [(json!([first]), "touchStart"), (json!([first, second]), "touchStart"), (json!([]), "touchEnd")]
        {
            self.browser.call("Input.dispatchTouchEvent", touch(points, kind));
        }
        done
    }

    fn next(&mut self, done: Vec<Done>) {
        self.click("#next");
        self.done(done);
    }
}

/// The runs that the journal must have.
fn runs(done: &[Done]) -> Vec<u32> {
    Painted::of_mask(SIZE.0, SIZE.1, &painted(SIZE, done)).runs().to_vec()
}

#[test]
fn two_people_paint_and_all_of_it_is_kept() {
    let faces = Faces::new(20);
    let arguments = ["--annotator", "ann", "--annotator", "bob", "--repeats", "0", "--checks", "0"];
    let mut served = faces.serve(&arguments);
    let people = [("ann", 1.0, (1280, 800)), ("bob", 2.0, (390, 844))];
    let [Some(mut ann), Some(mut bob)] = people.map(|(name, ratio, size)| Person::open(name, &served, ratio, size))
    else {
        return not_run("two_people_paint_and_all_of_it_is_kept", "install chromium");
    };
    bob.browser.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 2 }));
    ann.browser.keys(&["Enter"]);
    bob.tap("#veil-go", "document.body.dataset.step === 'question'");
    for number in 0..20 {
        let done = if number % 3 == 2 { ann.by_keys() } else { ann.by_mouse(number % 2 == 1) };
        if number == 4 {
            // In the middle of a face: what was painted is there again, and can be taken back.
            ann.browser.call("Page.reload", json!({}));
            ann.browser.until("document.getElementById('stage').getAttribute('aria-label').includes('painted')");
            ann.click("#undo");
            ann.click("#redo");
        }
        if number == 7 {
            served.kill();
            ann.click("#next");
            ann.browser.until("!document.getElementById('fault').hidden");
            let words = ann.browser.value("document.getElementById('fault-words').textContent");
            assert!(words.as_str().is_some_and(|words| words.contains("kept here")), "{words}");
            let host = served.host().to_owned();
            served = Served::start(faces.command(&arguments).args(["--listen", &host]));
            ann.done(done);
        } else if number == 13 {
            // What is changed while it waits isn't sent before one says so.
            served.kill();
            ann.click("#next");
            ann.browser.until("!document.getElementById('fault').hidden");
            ann.click("#undo");
            ann.browser.until("document.getElementById('fault').hidden");
            ann.click("#redo");
            let host = served.host().to_owned();
            served = Served::start(faces.command(&arguments).args(["--listen", &host]));
            ann.next(done);
        } else {
            ann.next(done);
        }
        let done = bob.by_touch(number % 2 == 0);
        if number == 10 {
            // The answer gets there and the page is gone before it hears so.
            bob.browser.value("window.old = true, document.getElementById('next').click(), location.reload()");
            bob.done(done);
            let came = "!window.old && ['welcome', 'paint', 'question'].includes(document.body?.dataset.step)";
            bob.browser.until(came);
            // Whichever of the two was quicker, the same answer must be there once; the last is where the page had heard so after all.
            match bob.browser.value("document.body.dataset.step").as_str() {
                Some("paint") => bob.click("#next"),
                Some("welcome") => bob.tap("#veil-go", "document.body.dataset.step === 'question'"),
                _ => {}
            }
        } else {
            bob.next(done);
        }
    }
    for person in [&mut ann, &mut bob] {
        person.step_is("ended");
        let thanks = person.browser.value("document.getElementById('veil-title').textContent");
        assert_eq!(thanks, "That was the last one");
    }
    let answers = read_all(&faces.study()).expect("the journals are whole");
    for (person, answers) in [ann, bob].iter().zip(&answers) {
        check(person, answers);
    }
}

fn check(person: &Person, answers: &[Answer]) {
    let items: Vec<u32> = answers.iter().map(|answer| answer.item).collect();
    assert_eq!(items, (0..20).collect::<Vec<_>>(), "{}: none is lost or doubled", person.name);
    for answer in answers {
        let at = format!("{} {}", person.name, answer.item);
        assert_eq!((answer.kind, (answer.width, answer.height)), (Kind::Face, SIZE), "{at}");
        assert!(answer.seconds > 0.0 && answer.seconds < 60.0, "{at}: {}", answer.seconds);
        assert!(answer.painted == runs(&person.expected[&answer.item]), "{at}: other pixels than were painted");
        assert!(answer.painted.len() > 20, "{at}");
    }
    // A click of a link is no error; what is refused or lost shows on the page and in the network's log alone.
    let complaints: Vec<&String> =
        person.browser.complaints.iter().filter(|text| !text.contains("net::ERR_")).collect();
    assert!(complaints.is_empty(), "the browser complains: {complaints:?}");
}
