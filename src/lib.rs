//! The runtime of cyborg-edge: finds generated and swapped faces in pictures, and shows where it saw it.
//!
//! A frame goes one way, and the modules are named after the way:
//!
//! ```text
//! capture -> face (locate, crop) -> classify -> verdict (judge) -> sink
//! ```
//!
//! [`pipeline`] joins them with threads; each of them is a plain struct with one method and can be used without it.
//!
//! ```no_run
//! use std::num::NonZeroUsize;
//! use std::path::Path;
//!
//! use cyborg_edge::capture::stills;
//! use cyborg_edge::face::{Locate, detector::{Detector, DetectorName, DetectorSettings}};
//! use cyborg_edge::frame::Frame;
//! use cyborg_edge::classify::classifier::{ActivationMaps, Classifier, Classify};
//! use cyborg_edge::inference::{provider::Asked, runtime::Runtime, session::SessionSettings};
//! use cyborg_edge::verdict::Judge;
//!
//! # fn main() -> anyhow::Result<()> {
//! let runtime = Runtime::load()?;
//! let session = SessionSettings { provider: Asked::Auto, threads: NonZeroUsize::MIN };
//! let settings = DetectorSettings::of_side(640);
//! let mut detector = Detector::open(&runtime, &DetectorName::default(), settings, session)?;
//! let mut classifier = Classifier::open(&runtime, None, session)?;
//!
//! let mut frame = Frame::empty();
//! stills::read(Path::new("photo.jpg"), &mut frame)?;
//! let (mut faces, mut scores, mut maps) = (Vec::new(), Vec::new(), ActivationMaps::default());
//! detector.locate(&frame, &mut faces)?;
//! classifier.classify_frame(&frame, &faces, &mut scores, &mut maps)?;
//!
//! let mut judgements = Vec::new();
//! Judge::new(classifier.contract()).judge(&scores, &mut judgements);
//! for judgement in judgements {
//!     println!("{}: {}", judgement.verdict, judgement.probability.value());
//! }
//! # Ok(())
//! # }
//! ```

pub mod capture;
pub mod classify;
#[doc(hidden)]
pub mod cli;
pub mod draw;
pub mod explain;
pub mod face;
pub mod findings;
pub mod frame;
pub mod inference;
pub mod live;
pub mod photo_list;
pub mod pipeline;
pub mod sink;
mod stderr;
pub mod verdict;
pub mod wall;

pub use cyborg_models::name;
