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
use tokio::sync::{Semaphore, watch};

use super::feed::{Feed, Shown};
use super::picture::{Coded, Drawn, Pictures};
use super::recorder::{Recorder, Told};
use super::served::Page;
use super::settings::Facts;
use super::{Limits, ThresholdSwitch, numbers};
use crate::web::{MOST_CONNECTIONS, Sent};

/// What is read of thresholds that somebody sends.
const SENT: Sent = Sent { most: 4096, within: Duration::from_secs(5) };
/// Who asks for the next picture is sent away after this time, and asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Between the pictures of a stream.
const BOUNDARY: &str = "cyborg-picture";
/// The header that says which picture a file is of.
const NUMBER: HeaderName = HeaderName::from_static("x-view");

/// All that answers are made of.
pub(super) struct Room {
    page: Arc<Page>,
    /// Of each feed.
    pictures: Vec<Pictures>,
    pub recorder: Recorder,
    /// A place for each connection.
    pub places: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new(page: Arc<Page>, facts: Facts, switch: Arc<dyn ThresholdSwitch>) -> Self {
        let recorder = Recorder::new(Arc::clone(&page), facts, switch);
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let pictures = page.feeds.iter().map(|_| Pictures::new()).collect();
        Self { page, pictures, recorder, places }
    }
}

/// The addresses and who answers.
pub(super) fn router(room: Arc<Room>) -> Router {
    Router::new()
        .route("/", file("text/html; charset=utf-8", include_str!("page.html")))
        .route("/page.css", file("text/css; charset=utf-8", include_str!("page.css")))
        .route("/page.js", file("text/javascript; charset=utf-8", include_str!("page.js")))
        .route("/chart.js", file("text/javascript; charset=utf-8", include_str!("chart.js")))
        .route("/icon.svg", file("image/svg+xml", include_str!("icon.svg")))
        .route("/healthz", file("text/plain; charset=utf-8", "ok\n"))
        .route("/events", get(events))
        .route("/picture.jpg", get(picture))
        .route("/picture.mjpeg", get(pictures))
        .route("/api/snapshot.jpg", get(snapshot))
        .route("/api/state", get(state))
        .route("/api/facts", get(async |State(room): Here| json(room.recorder.past_json())))
        .route("/api/tracks", get(tracks))
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

/// Server-sent events: `past` once, then for each feed `moment` for what is newest, and `turns` where somebody turned.
async fn events(State(room): Here) -> Response {
    let bell = room.recorder.listen();
    // What was told by now is part of the past; the newest moments come behind it.
    let got = (0..room.page.feeds.len()).map(|feed| Got { number: 0, turned: room.recorder.told(feed).turned });
    let got = got.collect();
    let first = format!("retry: 1000\nevent: past\ndata: {}\n\n", room.recorder.past_json());
    let next = Listener { room, bell, got, first: Some(first) };
    let events = stream::unfold(next, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// A reader of events, and what it has got.
struct Listener {
    room: Arc<Room>,
    bell: watch::Receiver<()>,
    /// Of each feed.
    got: Vec<Got>,
    first: Option<String>,
}

/// How far a reader has got with a feed.
struct Got {
    number: u64,
    turned: u64,
}

impl Listener {
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            self.bell.mark_changed();
            return Some(first);
        }
        let Self { room, bell, got, .. } = self;
        let mut events = String::new();
        while events.is_empty() {
            bell.changed().await.ok()?;
            for (feed, got) in got.iter_mut().enumerate() {
                let Told { number, json, turned } = room.recorder.told(feed);
                if number == got.number {
                    continue;
                }
                events += &format!("event: moment\ndata: {json}\n\n");
                if turned > got.turned {
                    events += &format!("event: turns\ndata: {}\n\n", room.recorder.turns_json(feed, got.turned));
                }
                *got = Got { number, turned };
            }
        }
        Some(events)
    }
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
