//! A lease: which worker holds a camera. It is taken and renewed by revision, and runs out by the clock of whoever looks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::CameraName;
use crate::fleet::SCHEMA;
use crate::fleet::job::check_schema;

/// The longest lease, whatever an entry says.
const LONGEST: Duration = Duration::from_secs(600);
/// The shortest one.
const SHORTEST: Duration = Duration::from_millis(200);

/// Who holds a camera, in the bucket `cyborg-leases` under the camera's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// The camera.
    pub camera: CameraName,
    /// The worker's name.
    pub worker: String,
    /// Tells runs of workers apart that have one name.
    pub token: String,
    /// The revision by which it was taken: the one that its events carry. 0 in that first revision itself, which can't know it.
    pub tenure: u64,
    /// When it was taken, in seconds since 1970, for people.
    pub taken: u64,
    /// How often it was renewed.
    pub renewals: u64,
    /// How long it holds without being renewed, in milliseconds.
    pub lease_ms: u64,
}

impl Lease {
    /// What a worker writes to take a camera.
    pub(super) fn taking(camera: &CameraName, worker: &str, token: &str, lease: Duration) -> Self {
        Self {
            schema: SCHEMA,
            camera: camera.clone(),
            worker: worker.to_owned(),
            token: token.to_owned(),
            tenure: 0,
            taken: crate::fleet::now(),
            renewals: 0,
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// How long it holds after its last revision was seen.
    #[must_use]
    pub fn holds(&self) -> Duration {
        Duration::from_millis(self.lease_ms).clamp(SHORTEST, LONGEST)
    }

    /// Reads what stands under a key.
    ///
    /// # Errors
    ///
    /// When it is no lease of this version, or another camera's.
    pub fn read(key: &str, bytes: &[u8]) -> Result<Self, String> {
        check_schema(bytes)?;
        let lease: Self = serde_json::from_slice(bytes).map_err(|error| format!("the entry is no lease: {error}"))?;
        if lease.camera.as_str() != key {
            return Err(format!("it says that it is of {}", lease.camera));
        }
        Ok(lease)
    }

    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// When a worker does what, by the length of its lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The lease.
    pub(super) lease: Duration,
    /// Between two renewals.
    pub(super) renew: Duration,
    /// Without a renewal that was confirmed it stops judging after so long, counted from when that one was sent. The rest of the
    /// lease is for a judge that hears late.
    pub(super) trusts: Duration,
    /// How often it looks at all this.
    pub(super) tick: Duration,
}

impl Times {
    pub(super) fn of(lease: Duration) -> Self {
        let tick = (lease / 30).clamp(Duration::from_millis(20), Duration::from_millis(500));
        Self { lease, renew: lease / 5, trusts: lease * 2 / 3, tick }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_comes_back() {
        let camera: CameraName = "door".parse().expect("a name");
        let lease = Lease::taking(&camera, "w", "t", Duration::from_secs(3));
        assert_eq!(Lease::read("door", &lease.written()), Ok(lease.clone()));
        assert!(Lease::read("gate", &lease.written()).is_err());
        assert_eq!(lease.holds(), Duration::from_secs(3));
        assert_eq!(Lease { lease_ms: u64::MAX, ..lease.clone() }.holds(), LONGEST);
        assert_eq!(Lease { lease_ms: 0, ..lease }.holds(), SHORTEST);
    }

    /// It stops before anybody else may begin, with time to hear it, and has several tries to renew before that.
    #[test]
    fn who_loses_a_lease_stops_before_others_begin() {
        for seconds in [1, 3, 60] {
            let times = Times::of(Duration::from_secs(seconds));
            assert!(times.trusts + times.tick + times.lease / 5 < times.lease, "{times:?}");
            assert!(times.renew * 3 < times.trusts + times.tick, "{times:?}");
        }
    }
}
