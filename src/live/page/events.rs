//! What happens, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::recorder::{Recorder, Told};

/// `past` once, then for each feed `moment` for what is newest, `turns` where somebody turned, and `changes` where a source was
/// lost, came back or ended.
pub(super) fn answer(recorder: Arc<Recorder>) -> Response {
    let bell = recorder.listen();
    // What was told by now is part of the past; the newest moments come behind it.
    let got = (0..recorder.feeds()).map(|feed| Got { number: 0, happened: recorder.told(feed).happened }).collect();
    let first = format!("retry: 1000\nevent: past\ndata: {}\n\n", recorder.past_json());
    let listener = Listener { recorder, bell, got, first: Some(first) };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// A reader of events, and what it has got.
struct Listener {
    recorder: Arc<Recorder>,
    bell: watch::Receiver<()>,
    /// Of each feed.
    got: Vec<Got>,
    first: Option<String>,
}

/// How far a reader has got with a feed.
struct Got {
    number: u64,
    happened: u64,
}

impl Listener {
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            self.bell.mark_changed();
            return Some(first);
        }
        let Self { recorder, bell, got, .. } = self;
        let mut events = String::new();
        while events.is_empty() {
            bell.changed().await.ok()?;
            for (feed, got) in got.iter_mut().enumerate() {
                let Told { number, json, happened } = recorder.told(feed);
                if number == got.number {
                    continue;
                }
                events += &format!("event: moment\ndata: {json}\n\n");
                if happened > got.happened {
                    let (turns, changes) = recorder.happened_json(feed, got.happened);
                    for (kind, json) in [("turns", turns), ("changes", changes)] {
                        if let Some(json) = json {
                            events += &format!("event: {kind}\ndata: {json}\n\n");
                        }
                    }
                }
                *got = Got { number, happened };
            }
        }
        Some(events)
    }
}
