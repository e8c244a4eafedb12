//! What there is to ask for, and who answers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use cyborg_edge::web::{Sent, Site, Visitor};

use super::desk::{Desk, Refusal};
use super::given::Given;

/// What is read of an answer: a photo of 4096 pixels a side that is painted in fine lines all over has 2 MiB of runs.
const SENT: Sent = Sent { most: 4 << 20, within: Duration::from_secs(60) };

/// What is served to annotators.
#[must_use]
pub fn site(desk: Arc<Desk>) -> Site {
    let router = Router::new()
        .route("/", file("text/html; charset=utf-8", include_str!("page/page.html")))
        .route("/page.css", file("text/css; charset=utf-8", include_str!("page/page.css")))
        .route("/page.js", script(include_str!("page/page.js")))
        .route("/clock.js", script(include_str!("page/clock.js")))
        .route("/mask.js", script(include_str!("page/mask.js")))
        .route("/server.js", script(include_str!("page/server.js")))
        .route("/stage.js", script(include_str!("page/stage.js")))
        .route("/icon.svg", file("image/svg+xml", include_str!("page/icon.svg")))
        .route("/healthz", file("text/plain; charset=utf-8", "ok\n"))
        .route("/face/{number}", get(face))
        .route("/api/state", get(state))
        .route("/api/answer", post(answer))
        .with_state(desk);
    Site::new(router)
}

type Here = State<Arc<Desk>>;

fn file(kind: &'static str, text: &'static str) -> MethodRouter<Arc<Desk>> {
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

fn script(text: &'static str) -> MethodRouter<Arc<Desk>> {
    file("text/javascript; charset=utf-8", text)
}

/// What is to be seen now.
async fn state(State(desk): Here, Extension(visitor): Extension<Visitor>) -> Response {
    aside(move || desk.told(visitor).map(json)).await
}

/// A picture.
async fn face(State(desk): Here, Extension(visitor): Extension<Visitor>, Path(number): Path<String>) -> Response {
    let coded = move || {
        let coded = desk.picture(visitor, &number)?;
        Ok(([(header::CONTENT_TYPE, coded.kind)], coded.file.clone()).into_response())
    };
    aside(coded).await
}

/// Keeps an answer, and says what is to be seen next.
async fn answer(State(desk): Here, Extension(visitor): Extension<Visitor>, request: Request) -> Response {
    let given: Given = match SENT.json(request).await {
        Ok(given) => given,
        Err(refusal) => return refusal,
    };
    let taken = move || {
        desk.take(visitor, given)?;
        desk.told(visitor).map(json)
    };
    aside(taken).await
}

fn json(text: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::from(text)).into_response()
}

/// Does what waits for the disk or takes long apart from the server's thread.
async fn aside(work: impl FnOnce() -> Result<Response, Refusal> + Send + 'static) -> Response {
    let refused = |status: StatusCode, words: &str| (status, format!("{words}\n")).into_response();
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response,
        Ok(Err(Refusal::Unknown)) => refused(StatusCode::NOT_FOUND, "there is no such thing for you now"),
        Ok(Err(Refusal::Wrong(words))) => refused(StatusCode::BAD_REQUEST, &words),
        Ok(Err(Refusal::Conflict(words))) => refused(StatusCode::CONFLICT, words),
        Ok(Err(Refusal::Unreadable)) => refused(StatusCode::SERVICE_UNAVAILABLE, "its photo can't be read just now"),
        Ok(Err(Refusal::NotKept)) => refused(
            StatusCode::INSUFFICIENT_STORAGE,
            "the answer can't be written to the disk: tell whoever runs the study, and send it again then",
        ),
        Err(error) => {
            log::error!("an answer of the page failed: {error}");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong with the server")
        }
    }
}
