//! An event of a camera as it stands in the stream: the fields of `cyborg live`'s MQTT and webhook, and by which lease it was seen.

use serde_json::{Map, Value};

use super::entry::CameraName;
use crate::fleet::SCHEMA;
use crate::fleet::job::check_schema;

/// Bytes of a message at most.
const MOST_BYTES: usize = 64 << 10;
/// The names of the fields that come with the fleet. `number` is told by live too, where it counts the events of a run; here those of
/// a lease.
const OWN: [&str; 6] = ["schema", "id", "camera", "lease", "number", "worker"];

/// What was seen, or that a worker began to look.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The camera.
    pub camera: CameraName,
    /// The revision by which the lease was taken: a later one supersedes it.
    pub lease: u64,
    /// Counts the events of the lease from 1; 0 says that it began.
    pub number: u64,
    /// The worker.
    pub worker: String,
    /// All other fields.
    pub fields: Map<String, Value>,
}

impl Event {
    /// Made of camera, lease and number: no two events have the same.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.camera, self.lease, self.number)
    }

    /// Whether it says that a lease began, and nothing else.
    #[must_use]
    pub fn begins(&self) -> bool {
        self.number == 0
    }

    /// The event as one object.
    #[must_use]
    pub fn object(&self) -> Map<String, Value> {
        let own: [Value; 6] = [
            SCHEMA.into(),
            self.id().into(),
            self.camera.as_str().into(),
            self.lease.into(),
            self.number.into(),
            self.worker.as_str().into(),
        ];
        let mut object: Map<String, Value> = OWN.iter().map(|&name| name.to_owned()).zip(own).collect();
        let more = self.fields.iter().filter(|(name, _)| !OWN.contains(&&***name));
        object.extend(more.map(|(name, value)| (name.clone(), value.clone())));
        object
    }

    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(&self.object()).unwrap_or_default()
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// When it is no event of this version, or of another camera than its subject says.
    pub fn read(subject: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MOST_BYTES {
            return Err(format!("it has {} bytes, more than {MOST_BYTES}", bytes.len()));
        }
        check_schema(bytes)?;
        let read: Result<Map<String, Value>, _> = serde_json::from_slice(bytes);
        let mut fields = read.map_err(|error| format!("it is no event: {error}"))?;
        let mut own = |name: &str| fields.remove(name).unwrap_or(Value::Null);
        let [_, id, camera, lease, number, worker] = OWN.map(&mut own);
        let lacks = |name: &str| format!("it has no {name} as an event has it");
        let camera: CameraName =
            camera.as_str().and_then(|name| name.parse().ok()).ok_or_else(|| lacks("name of a camera"))?;
        let event = Self {
            camera,
            lease: lease.as_u64().filter(|&lease| lease > 0).ok_or_else(|| lacks("lease"))?,
            number: number.as_u64().ok_or_else(|| lacks("number"))?,
            worker: worker.as_str().ok_or_else(|| lacks("worker"))?.to_owned(),
            fields,
        };
        if id.as_str() != Some(&event.id()) {
            return Err(format!("its id isn't {}", event.id()));
        }
        if subject.rsplit('.').next() != Some(event.camera.as_str()) {
            return Err(format!("it says that it is of {}, and its subject is {subject}", event.camera));
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_back_and_a_forged_one_is_told() {
        let fields = serde_json::json!({"version": 2, "number": 77, "to": "synthetic"});
        let fields = fields.as_object().expect("an object").clone();
        let camera = "door".parse().expect("a name");
        let event = Event { camera, lease: 17, number: 3, worker: "w".to_owned(), fields };
        assert_eq!(event.id(), "door.17.3");
        let text = String::from_utf8(event.written()).expect("text");
        let read = Event::read("cyborg.events.door", text.as_bytes()).expect("it is good");
        assert_eq!((read.lease, read.number, &read.fields["to"]), (17, 3, &"synthetic".into()));
        assert!(!read.fields.contains_key("number"), "the lease's number stands in its place: {read:?}");
        assert_eq!(read.object(), event.object());
        let check = |subject: &str, text: &str, part: &str| {
            let told = Event::read(subject, text.as_bytes()).expect_err(text);
            assert!(told.contains(part), "no `{part}` in: {told}");
        };
        check("cyborg.events.gate", &text, "its subject is");
        check("cyborg.events.door", &text.replace("17", "18").replacen("18", "17", 1), "its id isn't");
        check("cyborg.events.door", &text.replace("\"lease\":17", "\"lease\":-1"), "no lease");
        check("cyborg.events.door", &text.replace("\"schema\":1", "\"schema\":9"), "version 9");
        check("cyborg.events.door", &text.replace("\"door\"", "\"d.oor\""), "name of a camera");
        check("cyborg.events.door", &" ".repeat(MOST_BYTES + 1), "more than");
    }
}
