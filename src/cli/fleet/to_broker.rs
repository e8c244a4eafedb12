//! The events of a camera on their way to the broker, as another output of `cyborg live`.

use crate::fleet::cameras::watch::Outbox;
use crate::live::alerts::event::Event;
use crate::live::alerts::{Output, Trouble};

/// Sends events for as long as a lease holds.
pub(super) struct ToBroker(pub(super) Outbox);

impl Output for ToBroker {
    fn name(&self) -> &'static str {
        "fleet"
    }

    fn send(&mut self, event: &Event) -> Result<(), Trouble> {
        let Self(outbox) = self;
        let fields = serde_json::from_str(&event.json).map_err(|error| Trouble::Refused(error.to_string()))?;
        if outbox.send(fields) {
            return Ok(());
        }
        Err(match outbox.is_over() {
            true => Trouble::Refused("the camera is another worker's now".to_owned()),
            false => Trouble::Later("the broker takes no events".to_owned()),
        })
    }
}
