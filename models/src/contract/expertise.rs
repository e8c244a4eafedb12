//! What later contract versions add: which kind of synthetic faces a model looks for, and which faces it can't judge at all (2); and
//! that it judges frames of a video otherwise than photos (3).
//!
//! Beside [`Contract`](super::Contract) and not in it: a model that has nothing of this to say is written as version 1.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::metadata::{key, ranged, unit, word};
use super::{ContractError, SECOND_VERSION, VERSION};

/// A kind of synthetic face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All of it was made by a network.
    Generated,
    /// It was put over the face of somebody who was filmed.
    Swapped,
}

/// What a model says of its field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Expertise {
    /// The kind that it was trained to find; nothing where it is for all of them.
    pub looks_for: Option<Kind>,
    /// The kinds that it tells apart, in the order of the numbers of its `kind` output; there if and only if the file has one.
    pub tells_apart: Vec<Kind>,
    /// From where on a face is unlike anything that it was trained on; there if and only if the file has a distance output.
    pub unfamiliar: Option<Unfamiliar>,
    /// The constant of the network that holds the offsets of its gates, where these tell frames of a video from photos. Who knows
    /// that a picture is a frame of a video opens them: [`crate::video_gates`].
    pub video_gates: Option<String>,
}

/// When a face is unlike anything that a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unfamiliar {
    /// A distance above this one; finite.
    pub distance_above: f32,
    /// How many faces that is; absent where it was not measured.
    pub rate: Option<UnfamiliarRate>,
}

/// How many faces of somewhere else are beyond the distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnfamiliarRate {
    /// Share of faces of collections that were left out of training, in 0 to 1.
    pub share: f64,
    /// Which these were.
    pub measured_on: String,
}

impl Expertise {
    /// Reads it from the metadata of a model file, whose version [`Contract::from_metadata`](super::Contract::from_metadata)
    /// has looked at.
    ///
    /// # Errors
    ///
    /// When a key is missing, or holds what it may not hold.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self, ContractError> {
        let text = |name: &'static str| metadata.get(name).map(String::as_str);
        let wanted = |name: &'static str| text(name).ok_or(ContractError::Missing(name));
        let known = [("generated", Kind::Generated), ("swapped", Kind::Swapped)];
        let looks_for = text(key::LOOKS_FOR);
        let looks_for = looks_for.map(|found| word(key::LOOKS_FOR, found, "`generated` or `swapped`", &known));
        let measured = [key::UNFAMILIAR_SHARE, key::UNFAMILIAR_MEASURED_ON];
        let rate = match measured.into_iter().any(|name| metadata.contains_key(name)) {
            false => None,
            true => Some(UnfamiliarRate {
                share: ranged(key::UNFAMILIAR_SHARE, wanted(key::UNFAMILIAR_SHARE)?, "a number in 0 to 1", unit)?,
                measured_on: wanted(key::UNFAMILIAR_MEASURED_ON)?.to_owned(),
            }),
        };
        let unfamiliar = match text(key::DISTANCE_ABOVE) {
            None if rate.is_some() => return Err(ContractError::Missing(key::DISTANCE_ABOVE)),
            None => None,
            Some(found) => Some(Unfamiliar {
                distance_above: ranged(key::DISTANCE_ABOVE, found, "a finite number", |v: &f32| v.is_finite())?,
                rate,
            }),
        };
        let tells_apart = match text(key::TELLS_APART) {
            None => Vec::new(),
            Some(found) => kinds(found)?,
        };
        if looks_for.is_some() && !tells_apart.is_empty() {
            return Err(ContractError::Invalid {
                key: key::LOOKS_FOR,
                found: text(key::LOOKS_FOR).unwrap_or_default().to_owned(),
                expected: "absent if `cyborg.tells_apart` is present",
            });
        }
        let video_gates = match text(key::VIDEO_GATES) {
            Some("") => {
                let expected = "the name of a constant of the network";
                return Err(ContractError::Invalid { key: key::VIDEO_GATES, found: String::new(), expected });
            }
            found => found.map(str::to_owned),
        };
        Ok(Self { looks_for: looks_for.transpose()?, tells_apart, unfamiliar, video_gates })
    }

    /// Whether there is nothing to say beyond version 1.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds it to the metadata of a contract, whose version is then the oldest that knows what is said: 1 where there is nothing to say.
    pub fn add_to(&self, metadata: &mut BTreeMap<String, String>) {
        if self.is_none() {
            return;
        }
        let mut add = |name: &str, value: String| metadata.insert(name.to_owned(), value);
        add(key::VERSION, if self.video_gates.is_some() { VERSION } else { SECOND_VERSION }.to_string());
        if let Some(name) = &self.video_gates {
            add(key::VIDEO_GATES, name.clone());
        }
        if let Some(kind) = self.looks_for {
            add(key::LOOKS_FOR, kind.to_string());
        }
        if !self.tells_apart.is_empty() {
            let kinds: Vec<String> = self.tells_apart.iter().map(Kind::to_string).collect();
            add(key::TELLS_APART, kinds.join(","));
        }
        if let Some(Unfamiliar { distance_above, rate }) = &self.unfamiliar {
            add(key::DISTANCE_ABOVE, distance_above.to_string());
            if let Some(UnfamiliarRate { share, measured_on }) = rate {
                add(key::UNFAMILIAR_SHARE, share.to_string());
                add(key::UNFAMILIAR_MEASURED_ON, measured_on.clone());
            }
        }
    }
}

/// At least two kinds, each once, with commas between them.
fn kinds(text: &str) -> Result<Vec<Kind>, ContractError> {
    let of = |word: &str| [Kind::Generated, Kind::Swapped].into_iter().find(|kind| kind.to_string() == word);
    let found: Option<Vec<Kind>> = text.split(',').map(of).collect();
    let apart = |kinds: &Vec<Kind>| kinds.len() > 1 && (1..kinds.len()).all(|at| !kinds[..at].contains(&kinds[at]));
    found.filter(apart).ok_or_else(|| ContractError::Invalid {
        key: key::TELLS_APART,
        found: text.to_owned(),
        expected: "`generated,swapped` or `swapped,generated`",
    })
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generated => "generated",
            Self::Swapped => "swapped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::metadata::tests::example;
    use super::super::{Contract, FIRST_VERSION, SECOND_VERSION, VERSION};
    use super::*;

    fn expert() -> Expertise {
        let rate = Some(UnfamiliarRate { share: 0.04, measured_on: "collections left out".into() });
        let unfamiliar = Some(Unfamiliar { distance_above: 0.75, rate });
        Expertise { looks_for: Some(Kind::Swapped), unfamiliar, ..Expertise::default() }
    }

    fn metadata(expertise: &Expertise) -> BTreeMap<String, String> {
        let mut metadata = example().to_metadata();
        expertise.add_to(&mut metadata);
        metadata
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let bare = Unfamiliar { distance_above: -1.5, rate: None };
        for expertise in [
            expert(),
            Expertise { looks_for: Some(Kind::Generated), ..Expertise::default() },
            Expertise { unfamiliar: Some(bare), ..Expertise::default() },
            Expertise { tells_apart: vec![Kind::Swapped, Kind::Generated], ..Expertise::default() },
            Expertise { video_gates: Some("gates".to_owned()), ..expert() },
            Expertise::default(),
        ] {
            let metadata = metadata(&expertise);
            assert_eq!(Expertise::from_metadata(&metadata), Ok(expertise.clone()));
            assert_eq!(Contract::from_metadata(&metadata), Ok(example()));
            let version = match &expertise {
                none if none.is_none() => FIRST_VERSION,
                with if with.video_gates.is_some() => VERSION,
                _ => SECOND_VERSION,
            };
            assert_eq!(metadata[key::VERSION], version.to_string());
        }
    }

    fn check(name: &str, value: Option<&str>, message_part: &str) {
        let mut metadata = metadata(&expert());
        match value {
            Some(value) => drop(metadata.insert(name.to_owned(), value.to_owned())),
            None => drop(metadata.remove(name)),
        }
        let read = Contract::from_metadata(&metadata).and_then(|_| Expertise::from_metadata(&metadata));
        let error = read.expect_err("it is broken").to_string();
        assert!(error.contains(message_part), "`{error}` does not say `{message_part}`");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        check(key::LOOKS_FOR, Some("painted"), "expected `generated` or `swapped`");
        check(key::TELLS_APART, Some("generated"), "generated,swapped");
        check(key::TELLS_APART, Some("generated,generated"), "generated,swapped");
        check(key::TELLS_APART, Some("generated,painted"), "generated,swapped");
        check(key::TELLS_APART, Some("generated,swapped"), "absent if");
        check(key::DISTANCE_ABOVE, Some("inf"), "a finite number");
        check(key::DISTANCE_ABOVE, None, "`cyborg.unfamiliar.distance_above` is missing");
        check(key::UNFAMILIAR_SHARE, None, "`cyborg.unfamiliar.share` is missing");
        check(key::UNFAMILIAR_SHARE, Some("4"), "0 to 1");
        check(key::UNFAMILIAR_MEASURED_ON, None, "`cyborg.unfamiliar.measured_on` is missing");
        // A file of version 1 can't know these keys.
        check(key::VERSION, Some("1"), "not part of contract version 1");
        check(key::VIDEO_GATES, Some("gates"), "not part of contract version 2");
    }
}
