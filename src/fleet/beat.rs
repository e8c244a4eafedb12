//! What a worker says of itself, in the bucket `cyborg-workers` under its name: entries vanish a minute after their worker.

use serde::{Deserialize, Serialize};

use super::SCHEMA;
use super::job::check_schema;

/// What a worker is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum State {
    /// There is nothing to do.
    Idle,
    /// It judges a clip.
    Working {
        /// The job.
        job: String,
        /// The clip's name.
        clip: String,
    },
    /// It can't do what there is to do, and tries again later.
    Parked {
        /// The job that it can't do clips of.
        job: String,
        /// Why, in words.
        reason: String,
    },
    /// It ends: no further clip is taken.
    Draining,
}

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// Its name.
    pub worker: String,
    /// Program and version.
    pub tool: String,
    /// What it is doing.
    #[serde(flatten)]
    pub state: State,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// When it said so, in seconds since 1970.
    pub at: u64,
    /// Clips that it has judged.
    pub done: u64,
    /// Clips that it could not judge.
    pub failed: u64,
    /// Clips that came to it after another worker had begun them.
    pub redelivered: u64,
}

impl Beat {
    pub(super) fn new(worker: &str, tool: &str) -> Self {
        let now = super::now();
        Self {
            schema: SCHEMA,
            worker: worker.to_owned(),
            tool: tool.to_owned(),
            state: State::Idle,
            since: now,
            at: now,
            done: 0,
            failed: 0,
            redelivered: 0,
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        check_schema(bytes)?;
        serde_json::from_slice(bytes).map_err(|error| format!("the entry is no worker's: {error}"))
    }

    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_comes_back() {
        let [job, clip, reason] = ["j", "c", "r"].map(str::to_owned);
        for state in
            [State::Idle, State::Working { job: job.clone(), clip }, State::Parked { job, reason }, State::Draining]
        {
            let beat = Beat { state, ..Beat::new("w", "cyborg 0") };
            assert_eq!(Beat::read(&beat.written()), Ok(beat));
        }
    }
}
