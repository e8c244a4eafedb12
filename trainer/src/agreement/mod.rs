//! How well the people of a study tell synthetic faces, how far they agree, and with themselves, and where they look.
//!
//! - [`gather`]: what the study's journals say, face by face.
//! - [`signal`], [`chance`], [`overlap`]: sensitivity, agreement beyond chance, likeness of what was painted; pure functions.
//! - [`interval`]: a value over faces with its bootstrap interval.
//! - [`figures`]: all of it, an annotator and overall; [`rules`]: who should be left out and why.
//! - [`average`]: mean maps in the frame of the face.
//! - [`report`]: the page, the text and the numbers for programs.

pub mod average;
pub mod chance;
pub mod figures;
pub mod gather;
pub mod interval;
pub mod overlap;
pub mod report;
pub mod rules;
pub mod signal;
