//! The runtime of cyborg-edge: finds generated and swapped faces in pictures, and shows where it sees the signs.
//!
//! A frame goes one way, and the modules are named after the way:
//!
//! ```text
//! capture -> face (locate, crop) -> classify -> verdict (judge) -> sink
//! ```
//!
//! [`pipeline`] joins them with threads; each of them is a plain struct with one method and can be used without it.
//!
//! [`analyzer`] is all of it for a program that wants verdicts and nothing else:
//!
//! ```no_run
//! # fn main() -> Result<(), cyborg_edge::analyzer::AnalyzeError> {
//! use cyborg_edge::analyzer::Analyzer;
//!
//! let mut analyzer = Analyzer::open()?;
//! for face in analyzer.photo("photo.jpg")? {
//!     println!("{}, p(synthetic) {:.2}", face.verdict, face.probability);
//! }
//! for frame in analyzer.clip("clip.mp4")? {
//!     let frame = frame?;
//!     println!("{:.2} s: {} faces", frame.time.seconds(), frame.faces.len());
//! }
//! # Ok(())
//! # }
//! ```

pub mod analyzer;
pub mod capture;
pub mod classify;
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod draw;
pub mod explain;
pub mod face;
pub mod findings;
#[cfg(feature = "fleet")]
pub mod fleet;
pub mod frame;
pub mod inference;
pub mod live;
pub mod photo_list;
pub mod pipeline;
pub mod sink;
mod stderr;
pub mod verdict;
pub mod wall;
#[cfg(feature = "page")]
pub mod web;
mod whole_file;

pub use cyborg_models::name;
pub use explain::BoxError;
