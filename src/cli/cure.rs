//! What to do about an error, in words of the command line: the library's errors say what is wrong, and know no flags.

use std::error::Error;
use std::iter::successors;

use crate::BoxError;
use crate::capture::animation::AnimationError;
use crate::capture::raw::RawError;
#[cfg(feature = "video")]
use crate::capture::video::VideoError;
use crate::classify::named::{NamedError, SMALL};
use crate::classify::panel::ExpertError;
use crate::explain::explain;
use crate::face::detector::{DetectorError, KINDS, Origin};
use crate::inference::session::SessionError;
#[cfg(feature = "page")]
use crate::live::alerts::{lines::LinesError, mqtt::MqttError, snapshots::SnapshotsError, webhook::TokenError};
#[cfg(feature = "page")]
use crate::live::page::PageError;
use crate::sink::resume::ResumeError;
#[cfg(feature = "video")]
use crate::sink::video::VideoSinkError;

const LARGER: &str = "raise `--max-pixels` if that is right";
const OTHER_STRETCH: &str = "give another `--start` or `--end`";
const START_OVER: &str = "drop --resume to start over";

/// The error with its causes and its cure, as one line.
pub(super) fn in_words(error: &impl AsRef<dyn Error + Send + Sync>) -> String {
    let line = explain(error);
    let first: &(dyn Error + 'static) = error.as_ref();
    match successors(Some(first), |&cause| cause.source()).find_map(of) {
        Some(cure) => format!("{line}; {cure}"),
        None => line,
    }
}

/// An error of a part that may come from outside this crate as one of the command line. It stays what it was where the command
/// line knows it: a box would hide that.
pub(super) fn unboxed(error: BoxError) -> anyhow::Error {
    let error = match error.downcast::<std::io::Error>() {
        Ok(known) => return anyhow::Error::new(*known),
        Err(error) => error,
    };
    #[cfg(feature = "video")]
    let error = match error.downcast::<VideoError>() {
        Ok(known) => return anyhow::Error::new(*known),
        Err(error) => error,
    };
    let error = match error.downcast::<AnimationError>() {
        Ok(known) => return anyhow::Error::new(*known),
        Err(error) => error,
    };
    match error.downcast::<RawError>() {
        Ok(known) => anyhow::Error::new(*known),
        Err(error) => anyhow::Error::from_boxed(error),
    }
}

/// What cures this one cause.
fn of(cause: &(dyn Error + 'static)) -> Option<String> {
    stretch(cause).or_else(|| parts(cause)).or_else(|| live(cause))
}

/// Of sources and tables.
fn stretch(cause: &(dyn Error + 'static)) -> Option<String> {
    let cure = match cause.downcast_ref() {
        Some(AnimationError::TooLarge { .. }) => LARGER,
        Some(AnimationError::NothingWanted(_)) => OTHER_STRETCH,
        _ => match cause.downcast_ref() {
            Some(RawError::TooLarge { .. }) => LARGER,
            Some(RawError::NothingWanted(_)) => OTHER_STRETCH,
            _ => match cause.downcast_ref()? {
                ResumeError::Foreign { .. } => return Some(format!("{START_OVER}, which replaces it")),
                ResumeError::Malformed { .. } => return Some(format!("repair the table, or {START_OVER}")),
                ResumeError::OtherRun { .. } => return Some(format!("use the same model and flags, or {START_OVER}")),
                _ => return None,
            },
        },
    };
    Some(cure.to_owned())
}

/// Of models, detectors, providers and videos.
fn parts(cause: &(dyn Error + 'static)) -> Option<String> {
    #[cfg(feature = "video")]
    match cause.downcast_ref() {
        Some(VideoError::TooLarge { .. }) => return Some(LARGER.to_owned()),
        Some(VideoError::Silent { .. }) => return Some("a larger `--patience` waits longer".to_owned()),
        Some(VideoError::NothingWanted { asked: Some(asked), .. }) => {
            return Some(format!("`--start @{asked}` goes by its own clock"));
        }
        Some(VideoError::NothingWanted { .. }) => return Some(OTHER_STRETCH.to_owned()),
        _ => {}
    }
    #[cfg(feature = "video")]
    if let Some(VideoSinkError::NoEncoder) = cause.downcast_ref() {
        return Some("or drop `--annotate`".to_owned());
    }
    if let Some(NamedError::NotInstalled { .. }) = cause.downcast_ref() {
        return Some(format!("or use --model {SMALL}"));
    }
    if let Some(ExpertError::Foreign) = cause.downcast_ref() {
        return Some("give it its own --model".to_owned());
    }
    if let Some(SessionError::Provider { .. }) = cause.downcast_ref() {
        let cure = "use `--provider auto` for the best one that starts, or `cyborg doctor` to see what there is";
        return Some(cure.to_owned());
    }
    match cause.downcast_ref()? {
        DetectorError::Missing { .. } | DetectorError::NoCache => {
            let embedded = KINDS.iter().find(|kind| matches!(kind.origin, Origin::Embedded(_)))?;
            Some(format!("`--detector {}` is built in", embedded.name))
        }
        DetectorError::Foreign { .. } => {
            Some("`--detector` takes one of these names or a file of one of them".to_owned())
        }
        _ => None,
    }
}

#[cfg(feature = "page")]
fn live(cause: &(dyn Error + 'static)) -> Option<String> {
    let cure = match cause.downcast_ref() {
        Some(PageError::NeedsToken(_)) => "give one with --token-file, or listen at 127.0.0.1",
        Some(PageError::Listen { .. }) => "choose another address with --listen",
        Some(PageError::Tls { .. }) => "--tls-cert and --tls-key take a certificate and its key as PEM files",
        _ => match cause.downcast_ref() {
            Some(MqttError::Topic(_)) => "name another with --mqtt-topic",
            Some(MqttError::Path(_)) => "--mqtt-topic names the topic",
            _ if cause.is::<SnapshotsError>() => "name another folder with --snapshots",
            _ if cause.is::<LinesError>() => "name another file with --events",
            _ if cause.is::<TokenError>() => "--webhook-token-file names the file",
            _ => return None,
        },
    };
    Some(cure.to_owned())
}

#[cfg(not(feature = "page"))]
fn live(_cause: &(dyn Error + 'static)) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_cure_stands_behind_all_causes() {
        let large = || RawError::TooLarge { name: "a".to_owned(), width: 9, height: 9, most: 10 };
        let expected = "the clip was not completed: a would be 9x9 pixels, more than the limit of 10; raise `--max-pixels` \
            if that is right";
        let error = Err::<(), _>(large()).context("the clip was not completed").expect_err("it is one");
        assert_eq!(in_words(&error), expected);
        let boxed = unboxed(Box::new(large())).context("the clip was not completed");
        assert_eq!(in_words(&boxed), expected, "through a box");
        assert_eq!(in_words(&anyhow::anyhow!("disk full")), "disk full");
    }

    #[test]
    fn a_systems_error_in_a_box_stays_one() {
        let error = unboxed(Box::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe)));
        assert!(error.chain().any(|cause| cause.is::<std::io::Error>()));
    }
}
