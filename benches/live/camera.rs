//! The source in real time, 30 pictures a second: in memory, and as JPEG pictures over the network, as cameras of that kind
//! send them.

use std::io::{self, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{AtEnd, Open, Opened, Read, Source, SourceInfo};
use cyborg_edge::frame::{Frame, PresentationTime};
use rustix::time::{ClockId, clock_gettime};

use crate::measure::Ages;
use crate::pictures::{MARKS, Pictures, SIZE};

/// Between two pictures.
const STEP: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// A clock that other processes have too.
pub(crate) fn clock() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Waits for the next picture's time. One that was missed is left out, as with any camera.
fn wait(due: &mut Instant) {
    *due = (*due + STEP).max(Instant::now());
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// The pictures in memory.
pub(crate) struct Memory {
    pictures: Arc<Pictures>,
}

struct Playing {
    pictures: Arc<Pictures>,
    info: SourceInfo,
    due: Instant,
    number: u64,
}

impl Memory {
    pub(crate) fn new(pictures: Arc<Pictures>) -> Self {
        Self { pictures }
    }
}

impl Open for Memory {
    fn open(&self) -> Result<Opened, BoxError> {
        let info = SourceInfo { name: "memory".into(), size: SIZE, rate: Some(30.0), claimed_frames: None };
        let pictures = Arc::clone(&self.pictures);
        let source = Box::new(Playing { pictures, info, due: Instant::now(), number: 0 });
        Ok(Opened { source, differs: None, at_end: AtEnd::Finish })
    }
}

impl Source for Playing {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        wait(&mut self.due);
        frame.captured = Instant::now();
        (frame.width, frame.height) = SIZE;
        self.pictures.draw(self.number as usize % MARKS, &mut frame.pixels);
        frame.number = self.number;
        frame.time = PresentationTime(0);
        self.number += 1;
        Ok(Read::Frame)
    }
}

/// When each mark was sent.
type Sent = Arc<Mutex<Vec<(usize, Duration)>>>;

/// Sends the pictures to one reader.
pub(crate) struct Sender {
    address: SocketAddr,
    sent: Sent,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sender {
    pub(crate) fn start(pictures: Arc<Pictures>) -> anyhow::Result<Self> {
        // Coded before: it must cost nothing while it is measured.
        let files: Vec<Vec<u8>> = (0..MARKS).map(|mark| pictures.coded(mark)).collect::<Result<_, _>>()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sent, over) = (Sent::default(), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (sent, over) = (Arc::clone(&sent), Arc::clone(&over));
            move || {
                for stream in listener.incoming() {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    // A reader that goes away is how it ends.
                    let _ = stream.and_then(|stream| send(stream, &files, &sent, &over));
                }
            }
        });
        Ok(Self { address, sent, over, thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The ages of pictures that were judged at these times.
    pub(crate) fn ages(&self, judged: &[(usize, Duration)]) -> Ages {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let age = |&(mark, at): &(usize, Duration)| {
            let last = sent.iter().rev().find(|(known, when)| *known == mark && *when <= at);
            last.map(|(_, when)| at - *when)
        };
        judged.iter().filter_map(age).collect()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // It may wait for a reader.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn send(mut stream: TcpStream, files: &[Vec<u8>], sent: &Sent, over: &AtomicBool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=picture\r\n\r\n")?;
    let mut due = Instant::now();
    for mark in (0..files.len()).cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        wait(&mut due);
        sent.lock().unwrap_or_else(PoisonError::into_inner).push((mark, clock()));
        let file = &files[mark];
        let head = format!("--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", file.len());
        stream.write_all(&[head.as_bytes(), file, b"\r\n"].concat())?;
    }
    Ok(())
}
