//! What there is to ask for.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, put};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::faces::Faces;
use super::feed::{Feed, Page, Shown};
use super::picture::{Coded, Drawn, Pictures};
use super::recorder::Recorder;
use super::settings::Facts;
use super::{Limits, ThresholdSwitch, events, numbers};
use crate::web::{MOST_CONNECTIONS, Sent};

/// What is read of thresholds that somebody sends.
const SENT: Sent = Sent { most: 4096, within: Duration::from_secs(5) };
/// Who asks for the next picture is sent away after this time, and asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Between the pictures of a stream.
const BOUNDARY: &str = "cyborg-picture";
/// The header that says which picture a file is of.
const NUMBER: HeaderName = HeaderName::from_static("x-view");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files that the page is made of.
const FILES: [(&str, &str, &str); 17] = [
    ("/", HTML, include_str!("page.html")),
    ("/compact", HTML, include_str!("compact.html")),
    ("/page.css", CSS, include_str!("page.css")),
    ("/layout.css", CSS, include_str!("layout.css")),
    ("/compact.css", CSS, include_str!("compact.css")),
    ("/page.js", SCRIPT, include_str!("page.js")),
    ("/compact.js", SCRIPT, include_str!("compact.js")),
    ("/events.js", SCRIPT, include_str!("events.js")),
    ("/feeds.js", SCRIPT, include_str!("feeds.js")),
    ("/people.js", SCRIPT, include_str!("people.js")),
    ("/timeline.js", SCRIPT, include_str!("timeline.js")),
    ("/lines.js", SCRIPT, include_str!("lines.js")),
    ("/happened.js", SCRIPT, include_str!("happened.js")),
    ("/numbers.js", SCRIPT, include_str!("numbers.js")),
    ("/words.js", SCRIPT, include_str!("words.js")),
    ("/icons.js", SCRIPT, include_str!("icons.js")),
    ("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// All that answers are made of.
pub(super) struct Room {
    page: Arc<Page>,
    /// Of each feed.
    pictures: Vec<Pictures>,
    faces: Vec<Faces>,
    pub recorder: Arc<Recorder>,
    /// A place for each connection.
    pub places: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new(page: Arc<Page>, facts: Facts, switch: Arc<dyn ThresholdSwitch>) -> Self {
        let recorder = Arc::new(Recorder::new(Arc::clone(&page), facts, switch));
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let pictures = page.feeds.iter().map(|feed| Pictures::new(feed.facts.whole)).collect();
        let faces = page.feeds.iter().map(|_| Faces::default()).collect();
        Self { page, pictures, faces, recorder, places }
    }
}

/// The addresses and who answers.
pub(super) fn router(room: Arc<Room>) -> Router {
    let files = FILES.iter().fold(Router::new(), |router, &(path, kind, text)| router.route(path, file(kind, text)));
    files
        .route("/healthz", file("text/plain; charset=utf-8", "ok\n"))
        .route("/events", get(async |State(room): Here| events::answer(Arc::clone(&room.recorder))))
        .route("/picture.jpg", get(picture))
        .route("/picture.mjpeg", get(pictures))
        .route("/api/snapshot.jpg", get(snapshot))
        .route("/api/face.jpg", get(face))
        .route("/api/strongest.jpg", get(strongest))
        .route("/api/state", get(state))
        .route("/api/facts", get(async |State(room): Here| json(room.recorder.past_json())))
        .route("/api/tracks", get(tracks))
        .route("/api/history", get(history))
        .route("/api/threshold", put(threshold))
        .route("/metrics", get(metrics))
        .with_state(room)
}

type Here = State<Arc<Room>>;

fn file(kind: &'static str, text: &'static str) -> MethodRouter<Arc<Room>> {
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

fn json(text: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::from(text.into())).into_response()
}

/// Which feed is asked for; the first one where none is named.
#[derive(Debug, Deserialize)]
struct Which {
    #[serde(default)]
    feed: usize,
}

/// A feed and its number.
type Found<'a> = (usize, &'a Arc<Feed>);

/// The feed of this number, or the answer to who asks for another one.
#[expect(clippy::result_large_err, reason = "a refusal is an answer, made once a request at most")]
fn of(page: &Page, feed: usize) -> Result<Found<'_>, Response> {
    page.feeds.get(feed).map(|found| (feed, found)).ok_or_else(|| {
        let words = format!("there is no source {feed}: this run has {}, counted from 0\n", page.feeds.len());
        (StatusCode::NOT_FOUND, words).into_response()
    })
}

async fn state(State(room): Here, Query(Which { feed }): Query<Which>) -> Response {
    match of(&room.page, feed) {
        Ok((feed, _)) => json(room.recorder.told(feed).json.as_bytes().to_vec()),
        Err(refusal) => refusal,
    }
}

async fn tracks(State(room): Here, Query(Which { feed }): Query<Which>) -> Response {
    match of(&room.page, feed) {
        Ok((feed, _)) => json(room.recorder.tracks_json(feed)),
        Err(refusal) => refusal,
    }
}

async fn history(State(room): Here, Query(Which { feed }): Query<Which>) -> Response {
    match of(&room.page, feed) {
        Ok((feed, _)) => json(room.recorder.session_json(feed)),
        Err(refusal) => refusal,
    }
}

/// Whose face is wanted.
#[derive(Debug, Deserialize)]
struct Whose {
    #[serde(default)]
    feed: usize,
    track: u64,
    /// 1 for the heat map over it.
    heat: Option<u8>,
}

/// The newest crop of a person; that of the moment that says most of it where no other is left.
async fn face(State(room): Here, Query(Whose { feed, track, heat }): Query<Whose>) -> Response {
    let shown = match of(&room.page, feed) {
        Ok((_, feed)) => feed.now(),
        Err(refusal) => return refusal,
    };
    let heat = heat == Some(1);
    let newest = room.faces[feed].get(&shown, track, heat).await;
    crop(newest.or_else(|| Some(room.recorder.strongest(feed, track)?.files[usize::from(heat)].clone())))
}

/// The crop of the moment that says most of a person.
async fn strongest(State(room): Here, Query(Whose { feed, track, heat }): Query<Whose>) -> Response {
    if let Err(refusal) = of(&room.page, feed) {
        return refusal;
    }
    crop(room.recorder.strongest(feed, track).map(|telling| telling.files[usize::from(heat == Some(1))].clone()))
}

fn crop(file: Option<Bytes>) -> Response {
    match file {
        Some(file) => ([(header::CONTENT_TYPE, "image/jpeg")], file).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no face of that person\n").into_response(),
    }
}

/// How a picture is wanted.
#[derive(Debug, Deserialize)]
struct Wanted {
    /// Of which feed.
    #[serde(default)]
    feed: usize,
    /// Least width in pixels; absent: as it is.
    width: Option<usize>,
    /// 1 for the activation maps.
    heat: Option<u8>,
    /// 1 for boxes and labels.
    boxes: Option<u8>,
    /// Only a picture that is newer than this one.
    after: Option<u64>,
}

impl Wanted {
    fn drawn(&self) -> Drawn {
        match (self.boxes, self.heat) {
            (Some(1), _) => Drawn::All,
            (_, Some(1)) => Drawn::Heat,
            _ => Drawn::Plain,
        }
    }

    async fn get(&self, room: &Room, shown: &Shown) -> Option<Coded> {
        room.pictures[self.feed].get(shown, self.width.unwrap_or(usize::MAX), self.drawn()).await
    }
}

/// The next picture, or the newest one for who has none.
async fn picture(State(room): Here, Query(wanted): Query<Wanted>) -> Response {
    let mut shown = match of(&room.page, wanted.feed) {
        Ok((_, feed)) => feed.shown.subscribe(),
        Err(refusal) => return refusal,
    };
    let after = wanted.after.unwrap_or(0);
    // The number of a run before this one is no reason to wait.
    let newer = |shown: &Shown| shown.number > 0 && shown.number != after;
    let found = tokio::time::timeout(LONGEST_WAIT, shown.wait_for(newer)).await;
    let Ok(Ok(found)) = found.map(|found| found.map(|found| found.clone())) else {
        return StatusCode::NO_CONTENT.into_response();
    };
    jpeg(wanted.get(&room, &found).await)
}

/// The newest picture.
async fn snapshot(State(room): Here, Query(wanted): Query<Wanted>) -> Response {
    let shown = match of(&room.page, wanted.feed) {
        Ok((_, feed)) => feed.now(),
        Err(refusal) => return refusal,
    };
    jpeg(wanted.get(&room, &shown).await)
}

fn jpeg(coded: Option<Coded>) -> Response {
    match coded {
        Some(Coded { number, file }) => {
            ([(header::CONTENT_TYPE, "image/jpeg".to_owned()), (NUMBER, number.to_string())], file).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no picture yet\n").into_response(),
    }
}

/// All pictures from now on, for programs that show a stream of JPEG files. A slow one gets those that are newest.
async fn pictures(State(room): Here, Query(wanted): Query<Wanted>) -> Response {
    let mut shown = match of(&room.page, wanted.feed) {
        Ok((_, feed)) => feed.shown.subscribe(),
        Err(refusal) => return refusal,
    };
    shown.mark_changed();
    let parts = stream::unfold((room, shown, wanted), async |(room, mut shown, wanted)| {
        loop {
            shown.changed().await.ok()?;
            let newest = shown.borrow_and_update().clone();
            if let Some(coded) = wanted.get(&room, &newest).await {
                let part = part(&coded);
                return Some((Ok::<_, Infallible>(part), (room, shown, wanted)));
            }
        }
    });
    let kind = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(parts)).into_response()
}

fn part(Coded { number, file }: &Coded) -> Bytes {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nX-View: {number}\r\n\r\n",
        file.len()
    );
    [head.as_bytes(), &file[..], b"\r\n"].concat().into()
}

/// `null` for the model's own thresholds, or a pair of numbers. The answer is what is used from now on.
async fn threshold(State(room): Here, request: Request) -> Response {
    let asked = match SENT.json::<Option<Limits>>(request).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let asked = match asked.map(Limits::checked).transpose() {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    room.recorder.switch.switch(asked);
    room.recorder.tell_all();
    json(serde_json::to_vec(&room.recorder.switch.now()).unwrap_or_default())
}

async fn metrics(State(room): Here) -> Response {
    let readers = MOST_CONNECTIONS - room.places.available_permits();
    let text = numbers::text(&room.page, &room.recorder.facts, readers);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
