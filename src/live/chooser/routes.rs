//! What there is to ask for while a screen is chosen.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::settle::{self, Refusal, settle};
use crate::capture::screen::{self, Display, Listed, ScreenChoice, ScreenError};
use crate::draw::jpeg;
use crate::web::Sent;

/// Width of the small pictures in pixels.
const WIDTH: u32 = 320;
/// What is read of a choice that somebody sends.
const SENT: Sent = Sent { most: 4096, within: Duration::from_secs(5) };

const CSS: &str = "text/css; charset=utf-8";

/// The files that the page is made of.
const FILES: [(&str, &str, &str); 6] = [
    ("/", "text/html; charset=utf-8", include_str!("chooser.html")),
    ("/page.css", CSS, include_str!("../page/page.css")),
    ("/chooser.css", CSS, include_str!("chooser.css")),
    ("/chooser.js", "text/javascript; charset=utf-8", include_str!("chooser.js")),
    ("/icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    ("/healthz", "text/plain; charset=utf-8", "ok\n"),
];

/// All that answers are made of.
pub(super) struct Room {
    display: Display,
    taken: Vec<ScreenChoice>,
    /// What readers were last told.
    listed: Mutex<Vec<Listed>>,
    /// Who waits for the choice; nobody once there is one.
    tell: Mutex<Option<Sender<ScreenChoice>>>,
}

/// An answer to who asks for what isn't to be had: how it failed, and why.
struct Refused(StatusCode, String);

type Here = State<Arc<Room>>;

impl Room {
    pub(super) fn new(
        display: Display,
        listed: Vec<Listed>,
        taken: Vec<ScreenChoice>,
        tell: Sender<ScreenChoice>,
    ) -> Arc<Self> {
        Arc::new(Self { display, taken, listed: Mutex::new(listed), tell: Mutex::new(Some(tell)) })
    }

    /// Looks at what there is now. Waits for the X server.
    fn look(&self) -> Result<Vec<Listed>, ScreenError> {
        let listed = screen::list(&self.display)?;
        locked(&self.listed).clone_from(&listed);
        Ok(listed)
    }

    /// Takes the choice, if it was listed and is still to be had. Waits for the X server.
    fn choose(&self, word: &str) -> Result<ScreenChoice, Refused> {
        settle(&locked(&self.listed), word, &self.taken)?;
        let choice = settle(&self.look()?, word, &self.taken)?;
        let tell = locked(&self.tell).take().ok_or(Refusal::Over)?;
        // Nobody waits any more when the program is just ending, and then nothing comes of it.
        let _ = tell.send(choice.clone());
        Ok(choice)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.status(), refusal.to_string())
    }
}

/// A window may be closed or hidden at any time; all else is the X server's fault.
impl From<ScreenError> for Refused {
    fn from(error: ScreenError) -> Self {
        let status = match error {
            ScreenError::NoWindow(_) | ScreenError::NoMonitor { .. } | ScreenError::Closed => StatusCode::NOT_FOUND,
            ScreenError::Hidden(_) => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}

/// The addresses and who answers.
pub(super) fn router(room: Arc<Room>) -> Router {
    let files = FILES.iter().fold(Router::new(), |router, &(path, kind, text)| router.route(path, file(kind, text)));
    files
        .route("/api/screens", get(screens))
        .route("/thumbnail.jpg", get(thumbnail))
        .route("/choose", post(choose))
        .with_state(room)
}

fn file(kind: &'static str, text: &'static str) -> MethodRouter<Arc<Room>> {
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

async fn screens(State(room): Here) -> Result<Response, Refused> {
    let listed = aside(move || Ok(room.look()?)).await?;
    Ok(answered(&listed.iter().map(described).collect()))
}

fn described(each: &Listed) -> Value {
    json!({
        "choice": each.choice.to_string(), "kind": if settle::is_window(each) { "window" } else { "monitor" },
        "title": each.title, "width": each.place.width, "height": each.place.height, "hidden": each.hidden,
    })
}

/// Of which one a picture is wanted, or which one is chosen.
#[derive(Debug, Deserialize)]
struct Which {
    choice: String,
}

async fn thumbnail(State(room): Here, Query(Which { choice }): Query<Which>) -> Result<Response, Refused> {
    if locked(&room.tell).is_none() {
        return Err(Refusal::Over.into());
    }
    let choice = settle::find(&locked(&room.listed), &choice)?.choice.clone();
    let made = aside(move || {
        let frame = screen::thumbnail(&room.display, &choice, WIDTH)?;
        jpeg::encode(&frame.pixels, (frame.width, frame.height))
            .map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, format!("{choice} gives no picture: {error}")))
    });
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], made.await?).into_response())
}

async fn choose(State(room): Here, request: Request) -> Result<Response, Response> {
    let Which { choice } = SENT.json(request).await?;
    let chosen = aside(move || room.choose(&choice)).await.map_err(IntoResponse::into_response)?;
    Ok(answered(&json!({ "chosen": chosen.to_string() })))
}

/// Does what waits for the X server on a thread of its own.
async fn aside<T: Send + 'static>(act: impl FnOnce() -> Result<T, Refused> + Send + 'static) -> Result<T, Refused> {
    let crashed = |_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "the program failed at this".to_owned());
    tokio::task::spawn_blocking(act).await.map_err(crashed)?
}

fn answered(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// None of them is left half changed by a thread that panics.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
