//! What the page is told. Of a face that is its size, and a number that says nothing.

use serde::Serialize;

use crate::study::order::{Question, Reply};

/// All that the page shows at a moment.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    /// Who is asked, in the study's own words.
    pub(super) annotator: &'a str,
    pub(super) question: Question,
    /// Words to choose from.
    pub(super) words: &'a [String],
    pub(super) progress: Progress,
    /// What is to be answered now; nothing at the end, and while there is rest.
    pub(super) item: Option<ItemTold>,
    /// Numbers of the pictures that come then, to be fetched ahead.
    pub(super) next: Vec<String>,
    /// Seconds of rest until the next sitting.
    pub(super) rest: Option<u64>,
}

/// How far an annotator is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Progress {
    /// Answers so far.
    pub(super) done: usize,
    /// Answers in all.
    pub(super) all: usize,
    /// Answers of this sitting.
    pub(super) sitting: u32,
    /// Most answers of a sitting; 0 for no end.
    pub(super) most: u32,
}

/// What is to be answered.
#[derive(Debug, Serialize)]
pub(super) struct ItemTold {
    /// Its number, which the answer names.
    pub(super) item: String,
    pub(super) pictures: Vec<PictureTold>,
    /// What a check asks for.
    pub(super) asked: Option<Reply>,
}

/// A picture.
#[derive(Debug, Serialize)]
pub(super) struct PictureTold {
    /// Its number: the picture is at `face/NUMBER`.
    pub(super) picture: String,
    pub(super) width: u32,
    pub(super) height: u32,
}
