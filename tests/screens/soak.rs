//! A screen that is watched for long: a window in which a head moves ten times a second, which changes its size, and is closed and
//! opened again. Memory, threads and file handles stay what they were, those of the X server too. Some seconds; in the long run an
//! hour, or as many seconds as `CYBORG_SOAK_SECONDS` says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::desk::Desk;
use crate::film::film;
use crate::painted::Painted;
use crate::support::alone::alone;
use crate::support::child::long_run;
use crate::support::course::{Course, LONG, length};
use crate::support::readers::read;
use crate::support::shim::Watching;
use crate::support::{cyborg, face_clip, model};

/// From one picture to the next.
const STEP: Duration = Duration::from_millis(100);
/// Sizes of the window. A picture has 0.9 MB at least, so that a few that are kept are seen soon.
const SIZES: [(u16, u16); 3] = [(640, 480), (800, 600), (720, 500)];
/// Every so many changes of its size it is closed.
const CLOSED: usize = 4;

#[test]
fn nothing_grows_while_a_window_is_watched() {
    let name = "nothing_grows_while_a_window_is_watched";
    let _alone = alone();
    let Some(desk) = Desk::start(name) else { return };
    let (pictures, size) = film(&face_clip(), 100);
    let open = || Painted::open(&desk, "A call - Meet", SIZES[0], [40, 40, 40]);
    let mut window = open();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut command = cyborg();
    command.env("DISPLAY", &desk.name).args(["live", "--screen", "window=a call", "--listen", "127.0.0.1:0"]);
    command.arg("--model").arg(model::write(folder.path(), "corner.onnx", &model::corner()));
    let mut watching = Watching::of(command, folder);
    watching.hears("playing ");
    let address: SocketAddr = watching.host().parse().expect("an address");
    let (id, server) = (watching.id().to_string(), desk.server().to_string());
    let length = length(24, LONG);
    let [mut course, mut servers] = [(); 2].map(|()| Course::new(length));
    let (over, got, mut losses) = (AtomicBool::new(false), [const { AtomicU64::new(0) }; 2], 0);
    let lap = Duration::from_secs(if long_run() { 10 } else { 2 });
    thread::scope(|scope| {
        for (path, got) in ["/events", "/picture.mjpeg?width=320"].iter().zip(&got) {
            let over = &over;
            scope.spawn(move || read(address, path, got, over));
        }
        let mut moments = pictures.iter().cycle();
        for round in 1.. {
            let begun = Instant::now();
            while begun.elapsed() < lap {
                window.paint((80, 40), size, moments.next().expect("it goes on for ever"));
                window.done();
                thread::sleep(STEP);
                course.sample(&id);
                servers.sample(&server);
            }
            if course.is_over() {
                break;
            }
            if round % CLOSED == 0 {
                window.close();
                watching.hears("lost: ");
                window = open();
                watching.hears("playing ");
                losses += 1;
            } else {
                let (width, height) = SIZES[round % SIZES.len()];
                window.resize(width, height);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let numbers = watching.get("/api/state").json()["numbers"].clone();
    course.has_not_grown(losses);
    servers.has_not_grown(losses);
    let read = got.iter().all(|got| got.load(Ordering::Relaxed) > 0);
    assert!(losses > 0 && read && numbers["scored"].as_u64() > Some(0), "{losses}, {got:?}, {numbers}");
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}
