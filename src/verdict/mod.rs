//! From numbers to a verdict: pure functions, with no clock and no picture in them.
//!
//! [`Judge`] speaks of one face in one frame, by what one expert says of it or several together ([`experts`]), [`track`] of a
//! person, [`ModelJudge`] of all faces of a source by one model. [`fusion`] makes one number of many frames, [`quality`] says
//! how much each counts, [`hysteresis`] keeps the verdict from flickering. A [`reason`] says in a word why.

pub mod experts;
pub mod fusion;
pub mod hysteresis;
mod judge;
mod judgement;
mod marks;
mod model_judge;
pub mod quality;
pub mod reason;
pub mod score;
pub mod score_kind;
pub mod track;

pub use self::judge::Judge;
pub use self::judgement::{Judgement, SyntheticProbability, Verdict, evidence};
pub use self::model_judge::{Followed, ModelJudge};
pub use self::score::{Logits, Score};
