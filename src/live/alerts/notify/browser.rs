//! Opening a page in the browser of the desktop.

use std::io;
use std::process::{Child, Command, Stdio};

/// Opens an address for the person at the desktop; gives why it can't.
pub trait OpenPage: Send {
    /// Opens it, and doesn't wait for it to be closed.
    ///
    /// # Errors
    ///
    /// When nothing can open it.
    fn open(&mut self, address: &str) -> io::Result<()>;

    /// Called a few times a second.
    fn rest(&mut self) {}
}

/// The browser that the desktop is set to, by the program that all desktops have for it.
#[derive(Debug, Default)]
pub struct Browser {
    /// Those that run until the browser is closed.
    begun: Vec<Child>,
}

/// What opens an address by the desktop's settings.
const PROGRAM: &str = "xdg-open";

impl OpenPage for Browser {
    fn open(&mut self, address: &str) -> io::Result<()> {
        let mut command = Command::new(PROGRAM);
        // The one argument is an address of our own: no shell reads it.
        command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = command.spawn().map_err(|error| io::Error::new(error.kind(), format!("{PROGRAM}: {error}")))?;
        self.begun.push(begun);
        Ok(())
    }

    /// Takes leave of those that ended; the system keeps them until somebody asks.
    fn rest(&mut self) {
        self.begun.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}
