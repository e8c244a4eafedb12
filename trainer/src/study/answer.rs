//! What an annotator says of a face: a line of a journal.

use serde::{Deserialize, Serialize};

use super::painted::{Painted, PaintedError};
use crate::data::list::Label;

/// The version of the lines that are written.
pub const VERSION: u32 = 1;

/// Why a face was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// For the first time.
    Face,
    /// For the second time, to see whether the annotator agrees with themself.
    Repeat,
    /// To see whether the annotator reads: the page says what to answer.
    Check,
}

/// An answer. It holds no label and no source: what a face is, is looked up in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// [`VERSION`].
    pub version: u32,
    /// Name of the annotator.
    pub annotator: String,
    /// Its number in the annotator's own order, from 0; there is one answer of each.
    pub item: u32,
    /// Why it was shown.
    pub kind: Kind,
    /// The photo that `answer` and `painted` speak of, as the study's list names it.
    pub photo: String,
    /// Where two photos were shown, one of them synthetic: the one that was not picked. `answer` is synthetic then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Real or synthetic.
    pub answer: Label,
    /// How sure the annotator is, from 0.5 (a guess) to 1.
    pub confidence: f64,
    /// What a check asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Label>,
    /// From the face's being there to the answer, pauses taken off.
    pub seconds: f64,
    /// Width of the photo in pixels, upright.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// The telling pixels, as [`Painted`] has them.
    pub painted: Vec<u32>,
    /// Words from the study's list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Words of the annotator's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// When it was given: RFC 3339, in UTC.
    pub at: String,
}

/// An answer that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Of another version of this program.
    #[error("it is of version {0}, and this program reads {VERSION}")]
    Version(u32),
    /// The confidence is out of range.
    #[error("confidence {0} is not in 0.5 to 1")]
    Confidence(f64),
    /// The time is none.
    #[error("{0} is no number of seconds")]
    Seconds(f64),
    /// What was painted doesn't fit the photo.
    #[error(transparent)]
    Painted(#[from] PaintedError),
}

impl Answer {
    /// Checks what an answer says of itself, and gives what was painted.
    ///
    /// # Errors
    ///
    /// When a number is out of its range, or the runs are of another picture.
    pub fn check(&self) -> Result<Painted, AnswerError> {
        if self.version != VERSION {
            return Err(AnswerError::Version(self.version));
        }
        if !(0.5..=1.0).contains(&self.confidence) {
            return Err(AnswerError::Confidence(self.confidence));
        }
        if !(self.seconds.is_finite() && self.seconds >= 0.0) {
            return Err(AnswerError::Seconds(self.seconds));
        }
        Ok(Painted::new(self.width, self.height, self.painted.clone())?)
    }
}
