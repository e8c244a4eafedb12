//! An event as it is told to other programs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serialize;

use super::turning::{To, Turn};
use crate::live::view::View;
use crate::verdict::Verdict;
use crate::verdict::reason::Reason;

/// Version of the fields; it changes when one goes or means something else.
pub const VERSION: u32 = 2;

/// What events are told of.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The source's name, without its secrets.
    pub source: String,
    /// The model's name.
    pub model: String,
    /// Whether its pictures may be shown whole; of others, screens, faces alone are.
    pub whole: bool,
}

/// The fields of an event, in the order in which they are written.
#[derive(Serialize)]
struct Fields<'a> {
    version: u32,
    number: u64,
    time: &'a str,
    source: &'a str,
    track: u64,
    to: To,
    from: Option<Verdict>,
    p_synthetic: f32,
    reason: Option<Reason>,
    model: &'a str,
}

/// Somebody turned: the line that is told of it, and what snapshots are made from.
#[derive(Clone, Debug)]
pub struct Event {
    /// Counts the events of a run from 1, over all feeds.
    pub number: u64,
    /// The number of the feed in which it was seen, where there are others.
    pub feed: Option<usize>,
    /// When it was seen, RFC 3339 in UTC with milliseconds.
    pub time: String,
    /// Who turned, and how.
    pub turn: Turn,
    /// The name of the source it was seen in, without its secrets.
    pub source: String,
    /// The event as JSON, without a line's end.
    pub json: String,
    /// Whether the picture may be shown whole; else faces alone are.
    pub whole: bool,
    /// The picture in which it was seen; only for outputs that want one.
    pub view: Option<Arc<View>>,
}

impl Event {
    /// An event of `age` ago.
    #[must_use]
    pub fn new(number: u64, turn: Turn, age: Duration, origin: &Origin) -> Self {
        let time = moment(age);
        let fields = Fields {
            version: VERSION,
            number,
            time: &time,
            source: &origin.source,
            track: turn.track.0,
            to: turn.to,
            from: turn.from,
            p_synthetic: turn.probability.value(),
            reason: turn.reason,
            model: &origin.model,
        };
        let json = serde_json::to_string(&fields).expect("plain fields always have a JSON form");
        Self { number, feed: None, time, turn, source: origin.source.clone(), json, whole: origin.whole, view: None }
    }
}

/// The moment `age` ago, RFC 3339 in UTC with milliseconds.
fn moment(age: Duration) -> String {
    let then = SystemTime::now().checked_sub(age).and_then(|then| Timestamp::try_from(then).ok());
    format!("{:.3}", then.unwrap_or_else(Timestamp::now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::follow::TrackId;
    use crate::verdict::SyntheticProbability;

    #[test]
    fn an_event_is_one_line_with_all_fields() {
        let turn = Turn {
            track: TrackId(3),
            from: Some(Verdict::Synthetic),
            to: To::Verdict(Verdict::Unsure),
            probability: SyntheticProbability::HALF,
            reason: Some(Reason::TooBlurred),
        };
        let origin = Origin { source: "a \"name\"\nof two lines".into(), model: "m".into(), whole: true };
        let event = Event::new(9, turn, Duration::from_secs(60), &origin);
        assert!(!event.json.contains('\n'), "{}", event.json);
        let json: serde_json::Value = serde_json::from_str(&event.json).expect("it is JSON");
        let time = json["time"].as_str().expect("a time").to_owned();
        let expected = serde_json::json!({
            "version": 2, "number": 9, "time": time, "source": "a \"name\"\nof two lines", "track": 3,
            "to": "unsure", "from": "synthetic", "p_synthetic": 0.5, "reason": "too_blurred", "model": "m",
        });
        assert_eq!(json, expected);
        // 2026-11-26T10:20:30.123Z
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
        let then: Timestamp = time.parse().expect("RFC 3339");
        let age = Timestamp::now().duration_since(then).as_secs();
        assert!((59..=90).contains(&age), "{age}");
    }
}
