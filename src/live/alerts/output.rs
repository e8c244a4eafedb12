//! An output of events: what each of them, one per file, has to do.

use super::event::Event;

/// Events that wait for an output, at most.
const ROOM: usize = 256;

/// An output for events. One thread of its own uses it, and it may take its time.
pub trait Output: Send {
    /// Its name in the numbers.
    fn name(&self) -> &'static str;

    /// Sends an event.
    ///
    /// # Errors
    ///
    /// When it could not be sent: whether to try again, and why, without credentials.
    fn send(&mut self, event: &Event) -> Result<(), Trouble>;

    /// Called a few times a second while there is nothing to send.
    fn rest(&mut self) {}

    /// Events that may wait for it.
    fn room(&self) -> usize {
        ROOM
    }

    /// Whether it wants the pictures of the events, whose memory is held until then.
    fn wants_picture(&self) -> bool {
        false
    }
}

/// Why an event could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another try may help.
    Later(String),
    /// No other try will.
    Refused(String),
    /// Nobody was there to take it, and later it would be of no use. Of an outage the first one is told.
    Missed(String),
}
