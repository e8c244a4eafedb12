//! What the terminal says of a clip when several models were asked: a line a model for each person, and whether they agree.

use std::cmp::Reverse;

use super::persons::{self, MOST_LINES};
use crate::verdict::track::TrackSummary;

/// A model's name, and what it says of each track. All models judge the same tracks, in the same order.
pub(super) type Voice<'a> = (&'a str, &'a [TrackSummary]);

/// Whether all models say the same of a whole clip.
pub(super) fn agree(voices: &[Voice<'_>]) -> bool {
    let first = voices.first().map_or(&[][..], |(_, tracks)| tracks);
    voices.iter().all(|(_, tracks)| {
        tracks.len() == first.len() && tracks.iter().zip(first).all(|(track, other)| track.verdict == other.verdict)
    })
}

/// The line that a person reads first.
pub(super) fn answer(voices: &[Voice<'_>]) -> String {
    let answers: Vec<String> = voices.iter().map(|(_, tracks)| persons::answer(tracks)).collect();
    match &*answers {
        [] => String::new(),
        [first, others @ ..] if others.iter().all(|other| other == first) && agree(voices) => {
            format!("all models agree: {first}")
        }
        _ => {
            let named: Vec<_> =
                voices.iter().zip(&answers).map(|((model, _), answer)| format!("{model}: {answer}")).collect();
            format!("the models disagree: {}", named.join("; "))
        }
    }
}

/// For each person a line, and below it one a model. The gravest verdict of any model comes first; faces that were seen for
/// a moment alone share the last line.
pub(super) fn lines(voices: &[Voice<'_>]) -> Vec<String> {
    let Some((_, first)) = voices.first() else {
        return Vec::new();
    };
    let of = |index: usize| voices.iter().filter_map(move |(model, tracks)| Some((*model, tracks.get(index)?)));
    let mut people: Vec<usize> = (0..first.len()).collect();
    people.retain(|&index| !of(index).all(|(_, track)| persons::is_glimpse(track)));
    people.sort_by_key(|&index| (of(index).map(|(_, track)| Reverse(track.verdict as u8)).min(), index));
    let mut lines = Vec::new();
    for &index in people.iter().take(MOST_LINES) {
        let (track, span) = (&first[index], persons::span(&first[index].span));
        let same = of(index).all(|(_, other)| other.verdict == track.verdict);
        let word = if same { "the models agree" } else { "the models disagree" };
        lines.push(format!("person {}, {span} ({} frames): {word}", track.id, track.frames));
        lines.extend(of(index).map(|(model, track)| format!("  {model}: {}", persons::said(track))));
    }
    if people.len() > MOST_LINES {
        lines.push(format!("and {} persons more: see the tables", people.len() - MOST_LINES));
    }
    let glimpses = first.len() - people.len();
    if glimpses > 0 {
        lines.push(persons::glimpses(glimpses));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::persons::tests::track;
    use crate::verdict::Verdict::{Authentic, Synthetic, Unsure};
    use crate::verdict::reason::Reason;

    #[test]
    fn models_that_agree_say_it_once() {
        let (a, b) = ([track(1, Synthetic, None, vec![])], [track(1, Synthetic, None, vec![])]);
        let voices: [Voice<'_>; 2] = [("a.onnx", &a), ("b.onnx", &b)];
        assert!(agree(&voices));
        assert_eq!(answer(&voices), "all models agree: synthetic");
        let expected = [
            "person 1, 0.0 s to 4.2 s (120 frames): the models agree",
            "  a.onnx: synthetic, p 0.93",
            "  b.onnx: synthetic, p 0.93",
        ];
        assert_eq!(lines(&voices), expected);
    }

    #[test]
    fn the_gravest_of_any_model_comes_first() {
        let a = [track(1, Authentic, None, vec![]), track(2, Authentic, None, vec![])];
        let b = [track(1, Authentic, None, vec![]), track(2, Synthetic, None, vec![])];
        let voices: [Voice<'_>; 2] = [("a.onnx", &a), ("b.onnx", &b)];
        assert!(!agree(&voices));
        let expected = "the models disagree: a.onnx: authentic (2 of 2 persons); b.onnx: synthetic (1 of 2 persons)";
        assert_eq!(answer(&voices), expected);
        let lines = lines(&voices);
        assert!(lines[0].starts_with("person 2, ") && lines[0].ends_with(": the models disagree"), "{lines:?}");
        assert!(lines[3].starts_with("person 1, ") && lines[3].ends_with(": the models agree"), "{lines:?}");
    }

    #[test]
    fn the_same_words_on_other_persons_are_no_agreement() {
        let a = [track(1, Authentic, None, vec![]), track(2, Synthetic, None, vec![])];
        let b = [track(1, Synthetic, None, vec![]), track(2, Authentic, None, vec![])];
        let voices: [Voice<'_>; 2] = [("a", &a), ("b", &b)];
        assert!(answer(&voices).starts_with("the models disagree: "), "{}", answer(&voices));
    }

    #[test]
    fn glimpses_share_a_line() {
        let few = || [track(1, Unsure, Some(Reason::TooFewFrames), vec![])];
        let (a, b) = (few(), few());
        assert_eq!(lines(&[("a", &a), ("b", &b)]), ["seen in too few frames to be judged: 1"]);
        assert_eq!(answer(&[("a", &[]), ("b", &[])]), "all models agree: no face found");
    }
}
