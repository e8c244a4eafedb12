//! Pipes for FFmpeg that don't wait: where nothing has come, it asks whether to give up, and tries again.
//!
//! A read of its own from a pipe would wait in the system, where no wish to stop is heard.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::capture::patient::{self, Stop};

/// A pipe, closed when dropped.
#[derive(Debug)]
pub(super) struct OwnedPipe(File);

#[cfg(unix)]
impl OwnedPipe {
    /// As FFmpeg knows it.
    pub(super) fn name(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("pipe:{}", self.0.as_raw_fd())
    }
}

/// What is to be read in place of a named pipe; `None` for a plain file. Waits until somebody writes to it.
#[cfg(unix)]
pub(super) fn of_file(path: &Path, stop: Stop) -> io::Result<Option<OwnedPipe>> {
    if !path.metadata().is_ok_and(|found| patient::may_wait(&found)) {
        return Ok(None);
    }
    let file = patient::open(path)?;
    // Before its first writer a pipe that doesn't wait would be taken for one that has ended.
    if patient::wait(&file, stop)? { Ok(Some(OwnedPipe(file))) } else { Err(io::ErrorKind::Interrupted.into()) }
}

/// What is to be read in place of the standard input; `None` where that is a plain file.
#[cfg(unix)]
pub(super) fn of_stdin() -> io::Result<Option<OwnedPipe>> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let kind = File::from(io::stdin().as_fd().try_clone_to_owned()?).metadata()?;
    if !patient::may_wait(&kind) {
        return Ok(None);
    }
    // Opened anew, so that those who share it with us still wait as they want. Not all systems have this name for it.
    if kind.file_type().is_fifo()
        && let Ok(file) = patient::open(Path::new("/proc/self/fd/0"))
    {
        return Ok(Some(OwnedPipe(file)));
    }
    relay().map(Some)
}

/// Sockets and terminals can't be opened anew: a thread reads them, and is left behind at the end.
#[cfg(unix)]
fn relay() -> io::Result<OwnedPipe> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use std::os::fd::OwnedFd;

    let (reader, mut writer) = io::pipe()?;
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        // The reader has had enough, or the writer has gone: both are an end.
        let _ = io::copy(&mut io::stdin().lock(), &mut writer);
    })?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(OwnedPipe(OwnedFd::from(reader).into()))
}

#[cfg(not(unix))]
impl OwnedPipe {
    pub(super) fn name(&self) -> String {
        String::new()
    }
}

#[cfg(not(unix))]
pub(super) fn of_file(_: &Path, _: Stop) -> io::Result<Option<OwnedPipe>> {
    Ok(None)
}

#[cfg(not(unix))]
pub(super) fn of_stdin() -> io::Result<Option<OwnedPipe>> {
    Ok(None)
}
