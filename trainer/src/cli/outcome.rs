//! How a command ended, and what is wrong with a command line.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// Some inputs failed, the others are done.
    SomeFailed,
    /// Not one input could be used.
    AllFailed,
    Interrupted,
}

/// A command line that can't be followed, found out after it was read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongUsage(String);

/// The error of a command line that can't be followed.
pub(super) fn wrong_usage<T>(message: &str) -> anyhow::Result<T> {
    Err(WrongUsage(message.to_owned()).into())
}
