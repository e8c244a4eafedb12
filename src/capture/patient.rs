//! Cancellable reads from inputs that may block: named pipes, terminals, standard input.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Milliseconds from one look at the wish to stop to the next.
#[cfg(unix)]
const POLL_INTERVAL: u16 = 100;

/// A flag that becomes true when the user wants an end.
pub type Stop = Option<&'static AtomicBool>;

/// Whether reading a file of this kind may make one wait for somebody else.
#[cfg(unix)]
pub(super) fn may_wait(kind: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = kind.file_type();
    kind.is_fifo() || kind.is_socket() || kind.is_char_device()
}

#[cfg(not(unix))]
pub(super) fn may_wait(_: &Metadata) -> bool {
    false
}

/// Opens a named pipe or a device without waiting for whoever writes to it.
#[cfg(unix)]
pub(super) fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY;
    File::options().read(true).custom_flags(flags.bits()).open(path)
}

#[cfg(not(unix))]
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Reads, and looks at the wish to stop while it waits: then there is no more to read.
#[derive(Debug)]
pub(crate) struct Patient<R> {
    pub(crate) reader: R,
    pub(crate) stop: Stop,
}

/// The standard input. Not by the standard library's own buffer: what waits there is no longer in the pipe, which would be
/// waited for.
#[cfg(unix)]
#[cfg_attr(not(feature = "video"), expect(dead_code, reason = "frames without a container are a video, too"))]
pub(crate) fn stdin(stop: Stop) -> io::Result<Patient<File>> {
    use std::os::fd::AsFd;
    Ok(Patient { reader: io::stdin().as_fd().try_clone_to_owned()?.into(), stop })
}

#[cfg(not(unix))]
#[cfg_attr(not(feature = "video"), expect(dead_code, reason = "frames without a container are a video, too"))]
pub(crate) fn stdin(stop: Stop) -> io::Result<Patient<io::Stdin>> {
    Ok(Patient { reader: io::stdin(), stop })
}

#[cfg(unix)]
impl<R: Read + std::os::fd::AsFd> Read for Patient<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if !wait(&self.reader, self.stop)? {
                return Ok(0);
            }
            match self.reader.read(bytes) {
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

#[cfg(not(unix))]
impl<R: Read> Read for Patient<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if stopped(self.stop) { Ok(0) } else { self.reader.read(bytes) }
    }
}

/// Waits until there is something to read, or its end: true. False when the user wants an end.
#[cfg(unix)]
pub(super) fn wait(file: &impl std::os::fd::AsFd, stop: Stop) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    loop {
        if stopped(stop) {
            return Ok(false);
        }
        let mut asked = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
        match poll(&mut asked, PollTimeout::from(POLL_INTERVAL)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn stopped(stop: Stop) -> bool {
    stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
}
