//! A system whose screens can't be watched.

use super::choice::ScreenChoice;
use super::error::ScreenError;
use super::opener::{Display, Listed, ScreenOpener};
use crate::capture::Source;
use crate::frame::Frame;

pub(super) fn list(_: &Display) -> Result<Vec<Listed>, ScreenError> {
    Err(ScreenError::Unsupported)
}

pub(super) fn picture(_: &Display, _: &ScreenChoice) -> Result<Frame, ScreenError> {
    Err(ScreenError::Unsupported)
}

pub(super) fn open(_: &ScreenOpener) -> Result<(Box<dyn Source>, Option<String>), ScreenError> {
    Err(ScreenError::Unsupported)
}
