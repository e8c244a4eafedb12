//! What a notification says of a turn: a line and a sentence, without a picture, as it may stand on a locked screen.

use crate::live::alerts::event::Event;
use crate::live::alerts::turning::To;
use crate::verdict::Verdict;

/// Signs of a source's name that are shown: a window's title may be as long as its program likes.
const LONGEST_NAME: usize = 80;

/// Who it is about: the name of the source, and the number of the person in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Who {
    pub(super) source: String,
    pub(super) track: u64,
}

/// What is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) who: Who,
    pub(super) summary: String,
    pub(super) body: String,
    /// Whether somebody turned synthetic; else the person turned back.
    pub(super) alarming: bool,
}

impl Who {
    /// Whom an event is about.
    pub(super) fn of(event: &Event) -> Self {
        Self { source: event.source.clone(), track: event.turn.track.0 }
    }
}

impl Note {
    /// What is said of an event; nothing of somebody who is gone.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let To::Verdict(verdict) = event.turn.to else {
            return None;
        };
        let (who, p) = (Who::of(event), event.turn.probability.value());
        let alarming = verdict == Verdict::Synthetic;
        let reason = event.turn.reason.map(|reason| reason.to_string());
        let (summary, said) = match (alarming, reason) {
            (true, Some(reason)) => (format!("Person {} looks synthetic", who.track), format!("{reason}, ")),
            (true, None) => (format!("Person {} looks synthetic", who.track), String::new()),
            (false, Some(reason)) => {
                (format!("Person {} no longer looks synthetic", who.track), format!("now {verdict}: {reason}, "))
            }
            (false, None) => (format!("Person {} no longer looks synthetic", who.track), format!("now {verdict}, ")),
        };
        let body = format!("{}: {said}p(synthetic) {p:.2}", short(&who.source));
        Some(Self { who, summary, body, alarming })
    }

    /// The body, with how many further turns are not shown.
    pub(super) fn body_and(&self, further: u64) -> String {
        match further {
            0 => self.body.clone(),
            further => format!("{}\nand {further} more", self.body),
        }
    }
}

/// A name on one line, cut where it is long.
fn short(name: &str) -> String {
    let line = name.chars().map(|sign| if sign.is_control() { ' ' } else { sign });
    let mut short: String = line.take(LONGEST_NAME + 1).collect();
    if let Some((cut, _)) = short.char_indices().nth(LONGEST_NAME) {
        short.truncate(cut);
        short.push('…');
    }
    short
}

/// Text for a service that reads tags in it.
pub(super) fn without_tags(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::face::follow::TrackId;
    use crate::live::alerts::event::Origin;
    use crate::live::alerts::turning::Turn;
    use crate::verdict::SyntheticProbability;
    use crate::verdict::reason::Reason;

    fn check(to: To, reason: Option<Reason>, expected: Option<(&str, &str)>) {
        let probability = SyntheticProbability::HALF;
        let turn = Turn { track: TrackId(3), from: None, to, probability, reason };
        let origin = Origin { source: "camera 0".to_owned(), model: "m".to_owned(), whole: true };
        let note = Note::of(&Event::new(1, turn, Duration::ZERO, &origin));
        assert_eq!(note.as_ref().map(|note| (&*note.summary, &*note.body)), expected);
        assert!(note.is_none_or(|note| note.alarming == (to == To::Verdict(Verdict::Synthetic))));
    }

    #[test]
    fn a_turn_is_told_in_plain_words() {
        let [synthetic, unsure, authentic] = [Verdict::Synthetic, Verdict::Unsure, Verdict::Authentic].map(To::Verdict);
        let (looks, no_longer) = ("Person 3 looks synthetic", "Person 3 no longer looks synthetic");
        let swapped = "camera 0: looks swapped, p(synthetic) 0.50";
        check(synthetic, Some(Reason::LooksSwapped), Some((looks, swapped)));
        check(synthetic, None, Some((looks, "camera 0: p(synthetic) 0.50")));
        let blurred = "camera 0: now unsure: face too blurred, p(synthetic) 0.50";
        check(unsure, Some(Reason::TooBlurred), Some((no_longer, blurred)));
        check(authentic, None, Some((no_longer, "camera 0: now authentic, p(synthetic) 0.50")));
        check(To::Gone, None, None);
    }

    #[test]
    fn long_names_are_cut_and_tags_are_none() {
        assert_eq!(short("a\nb"), "a b");
        let long = "ä".repeat(LONGEST_NAME);
        assert_eq!(short(&long), long);
        assert_eq!(short(&format!("{long}b")), format!("{long}…"));
        assert_eq!(without_tags("<b>&amp;"), "&lt;b&gt;&amp;amp;");
    }
}
