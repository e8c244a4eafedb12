//! What a report says, as plain data: all that [`render`](super::render) needs, and nothing that it has to ask for.

use cyborg_models::contract::Contract;

use super::timeline::Bucket;
use crate::sink::jsonl::RunRecord;
use crate::verdict::{Judgement, Verdict};

/// A report on one source.
#[derive(Clone, Debug)]
pub struct ReportData {
    /// Name of the source as the user wrote it.
    pub source: String,
    /// How far the run came.
    pub ended: ReportEnd,
    /// Presentation times of the first and the last frame in seconds; `None` without a frame.
    pub span: Option<(f64, f64)>,
    /// When a live source was lost, in order of time; the first ones, where there were many.
    pub losses: Vec<Loss>,
    /// How often it was lost after those.
    pub further_losses: u64,
    /// A person each, in the order of their first frame.
    pub people: Vec<PersonReport>,
    /// Faces of people who are left out, because there were too many people for one page.
    pub faces_left_out: u64,
    /// Counts of frames and faces.
    pub quality: FrameCounts,
    /// What the run took.
    pub timing: Timing,
    /// Program, model and providers.
    pub made_with: MadeWith,
}

/// A live source was lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// When, in seconds from the beginning of the run.
    pub from: f64,
    /// When it was back; absent where it never was.
    pub until: Option<f64>,
    /// Why, without credentials.
    pub reason: String,
}

/// How far the run came that a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportEnd {
    /// To the end of the source.
    Whole,
    /// The user stopped it: the report covers what was done.
    Interrupted,
    /// It failed; the reason. The report covers what was done before.
    Failed(String),
}

/// What is said of a person.
#[derive(Clone, Debug)]
pub struct PersonReport {
    /// Number of the person in the source.
    pub person: u32,
    /// The verdict on the person.
    pub verdict: Verdict,
    /// p(synthetic) of the person, 0 to 1.
    pub probability: f32,
    /// How that number came about, `mean over 40 frames` for example.
    pub basis: String,
    /// Why the verdict is unsure, where there is more to say than that p lies between the thresholds; of a synthetic one, what the
    /// person looks like.
    pub reason: Option<String>,
    /// Presentation times of the first and the last frame with this person, in seconds.
    pub span: (f64, f64),
    /// Frames with this person.
    pub frames: u64,
    /// Of these, those judged authentic, unsure, synthetic.
    pub verdicts: [u64; 3],
    /// When the person was called synthetic.
    pub intervals: Vec<SyntheticSpan>,
    /// p of single frames over time, thinned out.
    pub timeline: Vec<Bucket>,
    /// The frames that speak most for synthetic, the strongest first.
    pub strongest: Vec<StillReport>,
    /// What further models say of the person, in the order in which they were named.
    pub others: Vec<OtherVerdict>,
}

/// What a further model says of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherVerdict {
    /// Its name.
    pub model: String,
    /// Its verdict on the person.
    pub verdict: Verdict,
    /// Its p(synthetic) of the person, 0 to 1.
    pub probability: f32,
    /// The same of its verdict.
    pub reason: Option<String>,
}

/// A frame that is shown, cut around the face.
#[derive(Clone, Debug)]
pub struct StillReport {
    /// Number of the frame in the source.
    pub frame: u64,
    /// Its presentation time in seconds.
    pub time: f64,
    /// What was said of this face in this frame.
    pub judgement: Judgement,
    /// The picture with the face box and the verdict, a JPEG file.
    pub plain: Vec<u8>,
    /// The same with the activation map over the face, a JPEG file.
    pub heat: Vec<u8>,
    /// Side of both pictures in pixels.
    pub side: usize,
}

/// Counts of frames and faces of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Frames that were judged.
    pub frames: u64,
    /// How many there were, where of these key frames alone were judged.
    pub all_frames: Option<u64>,
    /// Of the judged ones, frames that are the same as the one before.
    pub repeated_frames: u64,
    /// How many the source claims to have, where it says it.
    pub claimed_frames: Option<u64>,
    /// Of the judged ones, frames without a face.
    pub frames_without_face: u64,
    /// Of the judged ones, frames that the decoder patched up.
    pub patched_frames: u64,
    /// Frames that could not be decoded.
    pub damaged_frames: u64,
    /// What the decoder said of the first of them.
    pub first_damage: Option<String>,
    /// Faces in all frames.
    pub faces: u64,
    /// Of these, those judged authentic, unsure, synthetic.
    pub verdicts: [u64; 3],
    /// Width and height of the source in pixels.
    pub size: (usize, usize),
    /// Frames a second in thousandths, where the source says it.
    pub milli_rate: Option<u64>,
}

/// What a run took, in seconds where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// From the start to the last frame.
    pub wall: f64,
    /// Work of each stage, summed over frames, waiting left out: its name, and its seconds. Empty where it was not measured.
    pub stages: Vec<(&'static str, f64)>,
    /// From decoding a frame to its verdict, in milliseconds: name of the percentile, and its value.
    pub ages_ms: Vec<(&'static str, f64)>,
}

/// What a report was made with.
#[derive(Clone, Debug)]
pub struct MadeWith {
    /// Program, name and digest of the model, providers.
    pub run: RunRecord,
    /// What the model says of itself.
    pub contract: Contract,
    /// A sentence on how far the model's numbers can be trusted, for people.
    pub caution: Option<String>,
}

/// A span in which a person was called synthetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticSpan {
    /// Presentation time of its first frame in microseconds.
    pub first: i64,
    /// Presentation time of its last frame in microseconds, not before `first`.
    pub last: i64,
}

/// A person in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PersonFrame {
    /// Number of the person in the source.
    pub person: u32,
    /// Which face of the frame it is.
    pub face: usize,
    /// What is said of this face in this frame.
    pub judgement: Judgement,
}

/// What is said of a person in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// Number of the person in the source.
    pub person: u32,
    /// The verdict on the person.
    pub verdict: Verdict,
    /// p(synthetic) of the person, 0 to 1.
    pub probability: f32,
    /// How that number came about, in a few words.
    pub basis: String,
    /// Why the verdict is unsure, or what a synthetic person looks like.
    pub reason: Option<String>,
    /// When the person was called synthetic.
    pub intervals: Vec<SyntheticSpan>,
    /// What further models say of the person.
    pub others: Vec<OtherVerdict>,
}
