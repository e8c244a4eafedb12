//! What goes wrong between this machine and the broker, or with what is stored there.

use crate::BoxError;

/// Why a command of the fleet can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// Nobody answers there.
    #[error("can't reach the broker at {broker} ({reason})")]
    Away {
        /// Its address, without secrets.
        broker: String,
        /// What the connection said.
        reason: String,
    },
    /// It answers, and lets nobody in with these credentials.
    #[error("the broker at {broker} refuses this login ({reason})")]
    Refused {
        /// Its address, without secrets.
        broker: String,
        /// What it said.
        reason: String,
    },
    /// A file of credentials or certificates can't be used.
    #[error("can't use {path}: {reason}")]
    Secret {
        /// The file.
        path: String,
        /// Why, without what stands in it.
        reason: String,
    },
    /// It answers, and keeps no messages.
    #[error("the broker at {broker} has no JetStream ({reason})")]
    NoJetStream {
        /// Its address, without secrets.
        broker: String,
        /// What it said.
        reason: String,
    },
    /// A request failed.
    #[error("the broker could not {what}")]
    Request {
        /// What was asked, in words.
        what: &'static str,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    NoJob(String),
    /// A name that can't be part of a subject.
    #[error("{0} can't be the name of a job: take 1 to 64 letters, digits, - and _, the first one a letter or a digit")]
    JobName(String),
    /// The job was made with other models or settings.
    #[error("job {job} is there already, with different settings: {}", differences.join(", "))]
    OtherJob {
        /// Its name.
        job: String,
        /// What differs, and how.
        differences: Vec<String>,
    },
    /// The job was cancelled.
    #[error("job {0} was cancelled")]
    Cancelled(String),
    /// Two clips that tables could not tell apart.
    #[error("two clips of job {job} are called {name}, and their rows could not be told apart")]
    SameNames {
        /// The job.
        job: String,
        /// What both are called.
        name: String,
    },
    /// Others keep changing the same job.
    #[error("job {0} is being changed by others at this moment: try again")]
    Busy(String),
    /// What is stored can't be understood.
    #[error("{what} at the broker can't be read: {reason}")]
    Malformed {
        /// What it is.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Whoever takes results could not.
    #[error(transparent)]
    Taker(BoxError),
    /// This machine has no threads or sockets to give.
    #[error("can't start the fleet's own runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

impl FleetError {
    /// A request that failed, as a function for `map_err`.
    pub(super) fn request<E: Into<BoxError>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Request { what, source: source.into() }
    }
}
