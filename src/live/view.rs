//! What there is to see at a moment: a picture with its persons, and how the source is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::face::crop::CropSquare;
use crate::face::follow::TrackId;
use crate::face::quality::Quality;
use crate::frame::{Frame, PixelBox};
use crate::verdict::reason::Reason;
use crate::verdict::{Score, SyntheticProbability, Verdict};

/// A picture, and the persons in it.
#[derive(Clone, Debug)]
pub struct View {
    /// The picture.
    pub frame: Frame,
    /// The faces in it, those that are followed.
    pub persons: Vec<Person>,
}

/// A face in a live picture.
#[derive(Clone, Debug)]
pub struct Person {
    /// Its track.
    pub track: TrackId,
    /// Where it is in this picture.
    pub bounds: PixelBox,
    /// The last score's results; absent until the face was scored once.
    pub opinion: Option<LiveOpinion>,
}

/// What was said of a face when it was last scored.
#[derive(Clone, Debug)]
pub struct LiveOpinion {
    /// p(synthetic) fused over the last seconds of the track.
    pub probability: SyntheticProbability,
    /// The verdict on that, with hysteresis.
    pub verdict: Verdict,
    /// Why the verdict is unsure; of one that is synthetic, what it looks like, where that is known.
    pub reason: Option<Reason>,
    /// Whether a quicker model says so, and the one that decides is still to be heard.
    pub at_first_sight: bool,
    /// When the frame that was scored was captured: how old the result is.
    pub scored: Instant,
    /// The activation map of that frame, not scaled, `map_size` (height, width) values from the top; empty where the model gives none.
    pub map: Arc<[f32]>,
    /// Height and width of the map.
    pub map_size: (usize, usize),
    /// The square that was scored, moved along with the face since.
    pub square: CropSquare,
}

impl Person {
    /// What is said of it by the model that decides; absent until then.
    #[must_use]
    pub fn decided(&self) -> Option<&LiveOpinion> {
        self.opinion.as_ref().filter(|opinion| !opinion.at_first_sight)
    }
}

/// A face that was just scored, in the picture in which it was.
#[derive(Clone, Copy, Debug)]
pub struct ScoredFace<'a> {
    /// That picture. Newer ones have been shown since.
    pub view: &'a Arc<View>,
    /// The person's track.
    pub track: TrackId,
    /// Where the face is in that picture.
    pub bounds: PixelBox,
    /// What the model saw.
    pub score: &'a Score,
    /// How well the face is seen.
    pub quality: &'a Quality,
    /// What is said of the person from now on.
    pub opinion: &'a LiveOpinion,
    /// How old the picture was when that was known.
    pub age: Duration,
}

/// How the source is.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceState {
    /// It is being opened.
    Starting,
    /// Frames come.
    Playing {
        /// Width and height in pixels.
        size: (usize, usize),
        /// Frames a second, as the source says.
        rate: Option<f64>,
        /// What was got in place of what was asked, in words; absent where both are the same.
        differs: Option<String>,
    },
    /// It was lost, and is opened again.
    Lost {
        /// Why, without credentials.
        reason: String,
        /// How often it was tried since.
        tries: u32,
        /// Until the next try.
        wait: Duration,
    },
    /// It will not come again.
    Ended,
}

/// Who is told what there is to see. No call may wait: it is made between two frames.
pub trait Audience: Send + Sync {
    /// A new picture.
    fn show(&self, view: Arc<View>);

    /// A face was scored. Most audiences see in the next picture what came of it.
    fn scored(&self, _face: &ScoredFace<'_>) {}

    /// Another state of the source.
    fn source(&self, state: SourceState);
}

impl<A: Audience + ?Sized> Audience for &A {
    fn show(&self, view: Arc<View>) {
        (**self).show(view);
    }

    fn scored(&self, face: &ScoredFace<'_>) {
        (**self).scored(face);
    }

    fn source(&self, state: SourceState) {
        (**self).source(state);
    }
}
