//! What the page may say: an answer, checked before it is believed.

use serde::Deserialize;

use crate::study::order::{Question, Reply};
use crate::study::painted::Painted;

/// The longest text, in letters.
pub(super) const MOST_TEXT: usize = 2000;
/// The longest time for an answer, in seconds: a week.
const MOST_SECONDS: f64 = 604_800.0;

/// An answer as the page sends it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// Number of the item.
    pub(super) item: String,
    pub(super) answer: Reply,
    /// 0.5 to 1.
    pub(super) confidence: f64,
    /// From the face's being there to the answer.
    pub(super) seconds: f64,
    /// Of the photo that is painted on, in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    /// As [`Painted`] has it.
    pub(super) painted: Vec<u32>,
    pub(super) words: Vec<String>,
    pub(super) text: String,
}

impl Given {
    /// Checks all that can be without knowing the photo; and its size, which is that of the photo.
    pub(super) fn check(&self, question: Question, words: &[String], size: (u32, u32)) -> Result<(), String> {
        let fits = match question {
            Question::Single => matches!(self.answer, Reply::Real | Reply::Synthetic),
            Question::Pairs => matches!(self.answer, Reply::Left | Reply::Right),
        };
        if !fits {
            return Err("that answer is to another question".to_owned());
        }
        if !(0.5..=1.0).contains(&self.confidence) {
            return Err(format!("confidence {} is not in 0.5 to 1", self.confidence));
        }
        if !(0.0..=MOST_SECONDS).contains(&self.seconds) {
            return Err(format!("{} is no number of seconds", self.seconds));
        }
        if (self.width, self.height) != size {
            let (width, height) = size;
            return Err(format!("the photo is {width} x {height} pixels, not {} x {}", self.width, self.height));
        }
        // Found out here, where the page can be told; the journal would find out too.
        Painted::new(self.width, self.height, self.painted.clone()).map_err(|error| error.to_string())?;
        for (at, word) in self.words.iter().enumerate() {
            if !words.contains(word) {
                return Err(format!("{word:?} is not among the study's words"));
            }
            if self.words[..at].contains(word) {
                return Err(format!("{word:?} is said twice"));
            }
        }
        if self.text.chars().count() > MOST_TEXT {
            return Err(format!("a text has {MOST_TEXT} letters at most"));
        }
        if self.text.chars().any(|sign| sign.is_control() && sign != '\n') {
            return Err("the text has signs that are none".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        let json = r#"{"item":"a","answer":"real","confidence":0.5,"seconds":1.5,"width":3,"height":2,"painted":[1,2,3],
            "words":["teeth"],"text":"two\nlines"}"#;
        serde_json::from_str(json).expect("an answer")
    }

    fn check(change: impl Fn(&mut Given), part: Option<&str>) {
        let mut given = given();
        change(&mut given);
        let found = given.check(Question::Single, &["teeth".to_owned(), "hair".to_owned()], (3, 2));
        let found = found.err();
        assert_eq!(found.is_some(), part.is_some(), "{given:?}: {found:?}");
        assert!(found.iter().zip(part).all(|(words, part)| words.contains(part)), "{found:?}");
    }

    #[test]
    fn an_answer_is_of_this_photo_and_this_study() {
        check(|_| {}, None);
        check(|given| given.confidence = 1.0, None);
        check(|given| given.answer = Reply::Left, Some("another question"));
        check(|given| given.confidence = 1.01, Some("confidence 1.01"));
        check(|given| given.confidence = f64::NAN, Some("confidence NaN"));
        check(|given| given.seconds = -0.1, Some("no number of seconds"));
        check(|given| given.seconds = 1e9, Some("no number of seconds"));
        check(|given| given.width = 2, Some("3 x 2 pixels, not 2 x 2"));
        check(|given| given.painted = vec![7], Some("7 pixels"));
        check(|given| given.painted = vec![1, 0, 5], Some("run 1 is empty"));
        check(|given| given.words.push("eyes".to_owned()), Some("\"eyes\" is not among"));
        check(|given| given.words.push("teeth".to_owned()), Some("said twice"));
        check(|given| given.text = "x".repeat(2001), Some("2000 letters"));
        check(|given| given.text = "\u{1b}[2J".to_owned(), Some("signs"));
    }

    #[test]
    fn further_fields_are_refused() {
        let json = r#"{"item":"a","answer":"real","confidence":0.5,"seconds":1.5,"width":3,"height":2,"painted":[6],
            "words":[],"text":"","label":"real"}"#;
        assert!(serde_json::from_str::<Given>(json).is_err());
    }
}
