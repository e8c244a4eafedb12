//! Exit codes, and words on the two standard streams.

use std::io::{self, ErrorKind, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use log::Level;

use crate::cli::cure;
use crate::name;
use crate::stderr;

/// What stands at the end of the help.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0    all done
  1    a failure, or all inputs failed
  2    wrong usage
  3    some inputs failed, the others were done
  130  interrupted; what was done until then is written";

/// How a run of the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Failed,
    Usage,
    SomeFailed,
    Interrupted,
}

/// An error in the way the program was called, found after the flags were read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

impl Outcome {
    /// The outcome of `failed` failures among `all` inputs.
    pub(super) fn of(failed: usize, all: usize) -> Self {
        match failed {
            0 => Self::Done,
            _ if failed == all => Self::Failed,
            _ => Self::SomeFailed,
        }
    }

    /// Says what went wrong, and gives the code for it. A broken pipe is no failure: the reader has had enough.
    pub(super) fn from_error(error: &anyhow::Error) -> Self {
        if is_broken_pipe(error) {
            return Self::Done;
        }
        complain(error);
        if error.is::<UsageError>() { Self::Usage } else { Self::Failed }
    }
}

/// Whether the reader of an output left.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    error.chain().any(pipe)
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Usage => 2,
            Outcome::SomeFailed => 3,
            Outcome::Interrupted => 130,
        })
    }
}

/// An output that is one of the inputs would destroy it before it is read, and two outputs in one file each other.
pub(super) fn refuse_overwriting<'a>(
    inputs: impl Iterator<Item = &'a PathBuf>,
    outputs: &[PathBuf],
) -> Result<(), UsageError> {
    let inputs: Vec<_> = inputs.filter_map(|input| identity(input)).collect();
    let mut taken = Vec::new();
    for output in outputs {
        let Some(file) = identity(output) else {
            continue;
        };
        if inputs.contains(&file) {
            return Err(UsageError(format!(
                "{} is both an input and an output: name another output",
                name::of(output)
            )));
        }
        if taken.contains(&file) {
            return Err(UsageError(format!("{} is named for two outputs: change one of them", name::of(output))));
        }
        taken.push(file);
    }
    Ok(())
}

/// What tells a file from all others, under whatever names; nothing for what is no plain file, a pipe for example.
fn identity(path: &Path) -> Option<(PathBuf, u64)> {
    match path.metadata() {
        #[cfg(unix)]
        Ok(found) if found.is_file() => {
            use std::os::unix::fs::MetadataExt;
            // Two names of one file (hard links) have these numbers in common.
            Some((PathBuf::from(found.dev().to_string()), found.ino()))
        }
        #[cfg(not(unix))]
        Ok(found) if found.is_file() => Some((path.canonicalize().ok()?, 0)),
        Ok(_) => None,
        Err(_) => {
            // A file that is still to be made: its folder is there, or it can't be made.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some((folder.canonicalize().ok()?.join(path.file_name()?), 0))
        }
    }
}

/// Writes an error with its causes to standard error.
pub(super) fn complain(error: &anyhow::Error) {
    stderr::say(Level::Error, &cure::in_words(error));
}

/// Writes a note to standard error.
pub(super) fn note(text: &str) {
    stderr::say(Level::Info, text);
}

/// Writes a result to standard output. When its reader left, the work goes on: tables and videos want it all.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_input_is_not_all_of_them() {
        assert_eq!(Outcome::of(0, 3), Outcome::Done);
        assert_eq!(Outcome::of(1, 3), Outcome::SomeFailed);
        assert_eq!(Outcome::of(3, 3), Outcome::Failed);
        assert_eq!(Outcome::of(1, 1), Outcome::Failed);
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let error = anyhow::Error::from(io::Error::from(ErrorKind::BrokenPipe)).context("writing");
        assert_eq!(Outcome::from_error(&error), Outcome::Done);
    }
}
