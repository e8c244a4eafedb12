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

use super::picture::{Coded, Drawn, Pictures};
use super::recorder::{Recorder, Told};
use super::settings::Facts;
use super::shown::{Page, Shown};
use super::{Limits, ThresholdSwitch, numbers};
use crate::live::metrics::LiveMetrics;
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
    metrics: Arc<LiveMetrics>,
    pictures: Pictures,
    pub recorder: Recorder,
    /// A place for each connection.
    pub places: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new(
        page: Arc<Page>,
        metrics: Arc<LiveMetrics>,
        facts: Facts,
        switch: Arc<dyn ThresholdSwitch>,
    ) -> Self {
        let recorder = Recorder::new(Arc::clone(&page), Arc::clone(&metrics), facts, switch);
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        Self { page, metrics, pictures: Pictures::new(), recorder, places }
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
        .route("/api/state", get(async |State(room): Here| json(room.recorder.moment_json().as_bytes().to_vec())))
        .route("/api/facts", get(async |State(room): Here| json(room.recorder.past_json())))
        .route("/api/tracks", get(async |State(room): Here| json(room.recorder.tracks_json())))
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

/// How a picture is wanted.
#[derive(Debug, Deserialize)]
struct Wanted {
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
        room.pictures.get(shown, self.width.unwrap_or(usize::MAX), self.drawn()).await
    }
}

/// The next picture, or the newest one for who has none.
async fn picture(State(room): Here, Query(wanted): Query<Wanted>) -> Response {
    let mut shown = room.page.shown.subscribe();
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
    let shown = room.page.shown.borrow().clone();
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
    let mut shown = room.page.shown.subscribe();
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

/// Server-sent events: `past` once, then `moment` for what is newest, and `turns` where somebody turned.
async fn events(State(room): Here) -> Response {
    let told = room.recorder.listen();
    let turned = told.borrow().turned;
    let first = format!("retry: 1000\nevent: past\ndata: {}\n\n", room.recorder.past_json());
    let next = Listener { room, told, turned, first: Some(first) };
    let events = stream::unfold(next, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// A reader of events, and what it has got.
struct Listener {
    room: Arc<Room>,
    told: watch::Receiver<Told>,
    turned: u64,
    first: Option<String>,
}

impl Listener {
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            self.told.mark_changed();
            return Some(first);
        }
        self.told.changed().await.ok()?;
        let Told { json, turned } = self.told.borrow_and_update().clone();
        let mut event = format!("event: moment\ndata: {json}\n\n");
        if turned > self.turned {
            event += &format!("event: turns\ndata: {}\n\n", self.room.recorder.turns_json(self.turned));
            self.turned = turned;
        }
        Some(event)
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
    let shown = room.page.shown.borrow().clone();
    room.recorder.tell(&shown);
    json(serde_json::to_vec(&room.recorder.switch.now()).unwrap_or_default())
}

async fn metrics(State(room): Here) -> Response {
    let readers = MOST_CONNECTIONS - room.places.available_permits();
    let source = room.page.source.borrow().clone();
    let text = numbers::text(&room.metrics, &source, &room.recorder.facts, readers);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
