//! Pictures are what was drawn: in colour, and each of one moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cyborg_edge::capture::screen::{self, ScreenChoice};
use cyborg_edge::frame::Frame;

use crate::desk::Desk;
use crate::painted::{Painted, Rgb, at, is_near};
use crate::support::child::long_run;

const COLOURS: [Rgb; 8] =
    [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 140, 120], [12, 34, 56], [254, 1, 128]];

/// Paints all colours side by side, 40 x 40 pixels each.
fn paint_colours(window: &Painted) {
    for (left, colour) in (0..).step_by(40).zip(COLOURS) {
        window.patch(left, 0, (40, 40), colour);
    }
    window.done();
}

/// Checks all of them in a picture in which the window begins at `x`, `y`.
fn check_colours(frame: &Frame, (x, y): (usize, usize)) {
    for (left, colour) in (0..).step_by(40).zip(COLOURS) {
        for (across, down) in [(0, 0), (20, 20), (39, 39)] {
            let found = at(frame, x + left + across, y + down);
            assert!(is_near(found, colour), "{found:?} is not {colour:?}");
        }
    }
}

fn all_ways(desk: &Desk) {
    let window = Painted::open(desk, "Colours", (320, 200), [90, 90, 90]);
    paint_colours(&window);
    let frame = desk.watch("window=colours").next().expect("a frame");
    assert_eq!((frame.width, frame.height), (320, 200));
    check_colours(&frame, (0, 0));
    assert!(is_near(at(&frame, 319, 199), [90, 90, 90]));
    let frame = desk.watch(&format!("window-id={}", window.id)).next().expect("a frame");
    check_colours(&frame, (0, 0));

    let (x, y) = window.place();
    let (x, y) = (usize::try_from(x).expect("on the screen"), usize::try_from(y).expect("on the screen"));
    let frame = desk.watch("monitor=0").next().expect("a frame");
    check_colours(&frame, (x, y));
    let frame = desk.watch(&format!("region={x},{y},321x41")).next().expect("a frame");
    assert_eq!((frame.width, frame.height), (321, 41));
    check_colours(&frame, (0, 0));

    let choice = ScreenChoice::WindowId(window.id);
    let small = screen::thumbnail(&desk.display(), &choice, 160).expect("a small picture");
    assert_eq!((small.width, small.height), (160, 100));
    assert!(is_near(at(&small, 50, 10), COLOURS[2]));
}

#[test]
fn colours_are_what_was_painted() {
    let Some(desk) = Desk::start("colours_are_what_was_painted") else { return };
    all_ways(&desk);
}

#[test]
fn so_they_are_where_no_memory_is_shared() {
    let flags = ["-screen", "0", "800x600x24", "-extension", "MIT-SHM"];
    let Some(desk) = Desk::bare("so_they_are_where_no_memory_is_shared", &flags) else { return };
    all_ways(&desk);
}

#[test]
fn few_colours_are_refused() {
    let Some(desk) = Desk::bare("few_colours_are_refused", &["-screen", "0", "320x240x16"]) else { return };
    let error = desk.open("monitor=0", 10.0).err().expect("it can't be read");
    assert!(error.contains("pixels of 16 bits"), "{error}");
}

/// Pairs of bars, one at the top and one at the bottom of the window: the newest number goes to one of them in turn.
const PAIRS: u16 = 4;
/// Bits of a number; each is a block of 5 x 5 pixels.
const BITS: u16 = 24;
const BLOCK: u16 = 5;

/// Paints a number into its pair of bars, as it were with a slow pen: in two requests that nobody may come between.
fn count(window: &Painted, number: u32) {
    let mut bar = Vec::new();
    for _ in 0..BLOCK {
        for bit in 0..BITS {
            let light = if number >> bit & 1 == 1 { 255 } else { 0 };
            bar.extend([light; 3 * BLOCK as usize]);
        }
    }
    let left = (number % u32::from(PAIRS)) as i16 * (BITS * BLOCK) as i16;
    window.alone(|| {
        for top in [0, window.size.1 - BLOCK] {
            window.paint((left, top as i16), (BITS * BLOCK, BLOCK), &bar);
        }
    });
}

/// The number in a bar.
fn number(frame: &Frame, pair: u16, top: usize) -> u32 {
    let bit = |bit: u16| {
        let x = usize::from((pair * BITS + bit) * BLOCK + BLOCK / 2);
        u32::from(at(frame, x, top + usize::from(BLOCK / 2))[0] > 127) << bit
    };
    (0..BITS).map(bit).sum()
}

/// Each picture shows one moment: both bars of a pair have one number, and the pairs have numbers that follow each other.
fn check_untorn(choice: &str) {
    let Some(desk) = Desk::start(&format!("no_picture_is_torn, {choice}")) else { return };
    let window = Painted::open(&desk, "Counter", (PAIRS * BITS * BLOCK, 480), [0, 0, 0]);
    (0..u32::from(PAIRS)).for_each(|number| count(&window, number));
    let over = AtomicBool::new(false);
    let wanted = if long_run() { 1000 } else { 200 };
    let mut seen = Vec::new();
    thread::scope(|scope| {
        let counting = scope.spawn(|| {
            for number in u32::from(PAIRS).. {
                count(&window, number);
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let (x, y) = window.place();
        let choice = choice.replace("X,Y", &format!("{x},{y}"));
        let mut watching = desk.watch(&choice);
        for _ in 0..wanted {
            let frame = watching.next().expect("a frame");
            let bottom = frame.height - usize::from(BLOCK);
            let tops: Vec<u32> = (0..PAIRS).map(|pair| number(&frame, pair, 0)).collect();
            let bottoms: Vec<u32> = (0..PAIRS).map(|pair| number(&frame, pair, bottom)).collect();
            let newest = *tops.iter().max().expect("there are some");
            let follow = (0..u32::from(PAIRS)).all(|back| tops.contains(&newest.wrapping_sub(back)));
            seen.push((tops == bottoms && follow, tops, bottoms));
        }
        over.store(true, Ordering::Relaxed);
        counting.join().expect("it counts");
    });
    let torn: Vec<_> = seen.iter().filter(|(whole, ..)| !whole).collect();
    assert!(torn.is_empty(), "{} of {wanted} are torn, the first: {:?}", torn.len(), torn[0]);
    let different = seen.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    assert!(different > wanted / 2, "the numbers stand: {different}");
}

#[test]
fn no_picture_of_a_window_is_torn() {
    check_untorn("window=Counter");
}

#[test]
fn no_picture_of_a_region_is_torn() {
    check_untorn("region=X,Y,480x480");
}
