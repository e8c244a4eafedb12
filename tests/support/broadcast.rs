//! A live run without a camera: a moving picture, a verdict that turns, and a source that is lost and comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::face::follow::TrackId;
use cyborg_edge::frame::{Frame, PixelBox, PresentationTime};
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::page::{
    Facts, Feed, FeedFacts, FeedKind, Limits, Page, PageSettings, Secret, Served, SharedLimits,
};
use cyborg_edge::live::view::{Audience, LiveOpinion, Person, SourceState, View};
use cyborg_edge::verdict::reason::Reason;
use cyborg_edge::verdict::{SyntheticProbability, Verdict};
use image::imageops::FilterType;

pub(crate) const SIZE: (usize, usize) = (640, 360);
/// Pictures a second.
const RATE: u64 = 25;
/// A person's verdict turns after so many pictures.
const TURN: u64 = 25;

/// A page that is served, and a thread that shows it something.
pub(crate) struct Broadcast {
    pub feed: Arc<Feed>,
    pub served: Served,
    pub metrics: Arc<LiveMetrics>,
    pub limits: Arc<SharedLimits>,
    /// While it is set, the source is lost.
    pub lost: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Broadcast {
    /// Serves at a free port of `ip`.
    pub(crate) fn start(ip: &str, token: Option<&str>) -> Self {
        Self::start_named(ip, token, Vec::new())
    }

    /// The same, where readers call it by further names.
    pub(crate) fn start_named(ip: &str, token: Option<&str>, names: Vec<String>) -> Self {
        let metrics = Arc::new(LiveMetrics::default());
        let feed = feed("a <generated> source", &metrics);
        let (served, limits) = serve_named(vec![Arc::clone(&feed)], ip, token, names);
        let [lost, end] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (feed, metrics, lost, end) =
                (Arc::clone(&feed), Arc::clone(&metrics), Arc::clone(&lost), Arc::clone(&end));
            move || play(&feed, &metrics, &lost, &end)
        });
        Self { feed, served, metrics, limits, lost, end, thread: Some(thread) }
    }

    pub(crate) fn host(&self) -> String {
        self.served.address().to_string()
    }

    /// Asks for `path` as a program of this machine would.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    /// Asks with further header lines, each ending with CRLF, and a body.
    pub(crate) fn ask(&self, method: &str, path: &str, fields: &str, body: &str) -> Answer {
        let host = if fields.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.host()) };
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{fields}{length}\r\n{body}");
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("it is taken");
        Answer::read(stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.served.address()).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream
    }

    /// Opens an answer that doesn't end, and gives its lines.
    pub(crate) fn open(&self, path: &str) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host()).expect("it is taken");
        BufReader::new(stream)
    }
}

impl Drop for Broadcast {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the publisher doesn't panic");
        }
    }
}

/// Connects to a page, asks for `path`, and reads the answer to its end.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it is taken");
    Answer::read(stream)
}

/// A feed with this name and these numbers, that shows nothing yet.
pub(crate) fn feed(name: &str, metrics: &Arc<LiveMetrics>) -> Arc<Feed> {
    let facts = FeedFacts { name: name.to_owned(), kind: FeedKind::Camera, whole: true };
    Arc::new(Feed::new(facts, Arc::clone(metrics)))
}

/// Serves a page of these feeds at a free port of `ip`; gives also the thresholds that its readers switch.
pub(crate) fn serve(feeds: Vec<Arc<Feed>>, ip: &str, token: Option<&str>) -> (Served, Arc<SharedLimits>) {
    serve_named(feeds, ip, token, Vec::new())
}

fn serve_named(
    feeds: Vec<Arc<Feed>>,
    ip: &str,
    token: Option<&str>,
    names: Vec<String>,
) -> (Served, Arc<SharedLimits>) {
    let own = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
    let limits = Arc::new(SharedLimits::new(own));
    let settings = PageSettings {
        listen: SocketAddr::new(ip.parse().expect("an address"), 0),
        token: token.map(|token| Secret::new(token).expect("a token")),
        tls: None,
        names,
    };
    let facts = Facts {
        tool: "cyborg 9.9.9".into(),
        model: "corner".into(),
        provider: "asked auto, got cpu".into(),
        thresholds: own,
        record: None,
    };
    let served = Arc::new(Page::new(feeds)).serve(settings, facts, Arc::clone(&limits) as Arc<_>);
    (served.expect("a free port"), limits)
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads to the end of the connection.
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("the answer ends");
        let head = all.windows(4).position(|at| at == b"\r\n\r\n").expect("a head");
        let text = String::from_utf8_lossy(&all[..head]).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { status, head: text.to_ascii_lowercase(), body: all[head + 4..].to_vec() }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// The data of the next event of this kind.
pub(crate) fn event(stream: &mut impl BufRead, kind: &str) -> serde_json::Value {
    let mut found = false;
    let mut lines = stream.lines();
    loop {
        let line = lines.next().expect("the stream ended before the event").expect("the stream goes on");
        // Pieces of the answer are told with their length, on lines of their own.
        if let Some(name) = line.strip_prefix("event: ") {
            found = name == kind;
        } else if let Some(data) = line.strip_prefix("data: ").filter(|_| found) {
            return serde_json::from_str(data).expect("JSON");
        }
    }
}

fn play(feed: &Feed, metrics: &LiveMetrics, lost: &AtomicBool, end: &AtomicBool) {
    let playing = SourceState::Playing { size: SIZE, rate: Some(RATE as f64), differs: None };
    let mut told = SourceState::Starting;
    for number in 0.. {
        if end.load(Ordering::Relaxed) {
            break;
        }
        let state = if lost.load(Ordering::Relaxed) {
            SourceState::Lost { reason: "the cable is <out>".into(), tries: 3, wait: Duration::from_secs(2) }
        } else {
            playing.clone()
        };
        if state != told {
            feed.source(state.clone());
            told = state;
        }
        if told == playing {
            feed.show(Arc::new(view(number)));
            for count in [&metrics.captured, &metrics.shown, &metrics.scored] {
                count.fetch_add(1, Ordering::Relaxed);
            }
            metrics.shown_age.count(Duration::from_millis(12));
            metrics.verdict_age.count(Duration::from_millis(80));
        }
        std::thread::sleep(Duration::from_millis(1000 / RATE));
    }
}

/// NASA's photo of Eileen Collins, 640 pixels wide.
static PHOTO: OnceLock<image::RgbImage> = OnceLock::new();

/// The photo, as wide as a picture of [`view`].
pub(crate) fn photo() -> &'static image::RgbImage {
    PHOTO.get_or_init(|| {
        let photo = image::open(super::fetched("astronaut")).expect("a photo").to_rgb8();
        image::imageops::resize(&photo, SIZE.0 as u32, SIZE.0 as u32, FilterType::Triangle)
    })
}

/// A photo that moves, with a person who wanders and turns, and one who was not scored yet.
pub(crate) fn view(number: u64) -> View {
    let mut frame = Frame::empty();
    frame.resize(SIZE.0, SIZE.1);
    let photo = photo();
    let shift = 40.0 * (number as f32 / 20.0).sin();
    for (index, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % SIZE.0, index / SIZE.0);
        let x = (x as f32 - shift).clamp(0.0, (SIZE.0 - 1) as f32) as u32;
        pixel.copy_from_slice(&photo.get_pixel(x, y as u32 + 20).0);
    }
    frame.number = number;
    frame.time = PresentationTime((number * 1_000_000 / RATE) as i64);
    frame.captured = Instant::now();
    let turned = number / TURN % 2 == 1;
    let (verdict, evidence) = if turned { (Verdict::Synthetic, 2.4) } else { (Verdict::Unsure, 0.2) };
    let bounds = PixelBox { left: 222.0 + shift, top: 62.0, width: 118.0, height: 158.0 };
    let opinion = LiveOpinion {
        probability: SyntheticProbability::of_evidence(evidence + 0.3 * (number as f32 / 7.0).sin()),
        verdict,
        reason: (!turned).then_some(Reason::BetweenThresholds),
        at_first_sight: false,
        scored: Instant::now(),
        map: Arc::from((0..49).map(|cell| if cell == 24 { 1.0 } else { cell as f32 / 100.0 }).collect::<Vec<_>>()),
        map_size: (7, 7),
        square: CropSquare { left: bounds.left as i64 - 50, top: 32, side: 218 },
    };
    let away = PixelBox { left: 470.0 + shift, top: 250.0, width: 60.0, height: 70.0 };
    let persons = vec![
        Person { track: TrackId(1), bounds, opinion: Some(opinion) },
        Person { track: TrackId(2), bounds: away, opinion: None },
    ];
    View { frame, persons }
}
