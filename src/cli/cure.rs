//! What to do about an error, in words of the command line: the library's errors say what is wrong, and know no flags.

use std::error::Error;
use std::iter::successors;

use crate::BoxError;
use crate::capture::animation::AnimationError;
#[cfg(feature = "camera")]
use crate::capture::camera::CameraError;
use crate::capture::raw::RawError;
#[cfg(feature = "screen")]
use crate::capture::screen::ScreenError;
#[cfg(feature = "video")]
use crate::capture::video::VideoError;
use crate::classify::named::{NamedError, SMALL};
use crate::classify::panel::ExpertError;
use crate::classify::shipped::Form;
use crate::explain::explain;
use crate::face::detector::{DetectorError, KINDS, Origin};
#[cfg(feature = "fleet")]
use crate::fleet::error::FleetError;
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
    let known = [
        cause.downcast_ref().and_then(animation),
        cause.downcast_ref().and_then(raw),
        cause.downcast_ref().and_then(table),
        cause.downcast_ref().and_then(model),
        cause.downcast_ref().and_then(expert),
        cause.downcast_ref().and_then(session),
        cause.downcast_ref().and_then(detector),
        #[cfg(feature = "camera")]
        cause.downcast_ref().and_then(camera),
        #[cfg(feature = "screen")]
        cause.downcast_ref().and_then(screen),
        #[cfg(feature = "video")]
        cause.downcast_ref().and_then(video),
        #[cfg(feature = "video")]
        cause.downcast_ref().and_then(annotated),
        #[cfg(feature = "fleet")]
        cause.downcast_ref().and_then(fleet),
        #[cfg(feature = "page")]
        cause.downcast_ref().and_then(page),
        #[cfg(feature = "page")]
        cause.downcast_ref().and_then(mqtt),
        #[cfg(feature = "page")]
        cause.is::<SnapshotsError>().then(|| "name another folder with --snapshots".into()),
        #[cfg(feature = "page")]
        cause.is::<LinesError>().then(|| "name another file with --events".into()),
        #[cfg(feature = "page")]
        cause.is::<TokenError>().then(|| "--webhook-token-file names the file".into()),
    ];
    known.into_iter().flatten().next()
}

fn animation(error: &AnimationError) -> Option<String> {
    match error {
        AnimationError::TooLarge { .. } => Some(LARGER.into()),
        AnimationError::NothingWanted(_) => Some(OTHER_STRETCH.into()),
        _ => None,
    }
}

fn raw(error: &RawError) -> Option<String> {
    match error {
        RawError::TooLarge { .. } => Some(LARGER.into()),
        RawError::NothingWanted(_) => Some(OTHER_STRETCH.into()),
        _ => None,
    }
}

#[cfg(feature = "camera")]
fn camera(error: &CameraError) -> Option<String> {
    let none = matches!(error, CameraError::Unknown { cameras, .. } if cameras.is_empty());
    none.then(|| "`--camera test` needs none".into())
}

#[cfg(feature = "screen")]
fn screen(error: &ScreenError) -> Option<String> {
    match error {
        ScreenError::NoMonitor { .. }
        | ScreenError::Unplugged { .. }
        | ScreenError::NoWindow(_)
        | ScreenError::Outside { .. } => Some("`cyborg screens` lists what there is".into()),
        ScreenError::Wayland if cfg!(feature = "wayland") => Some("`--screen portal` asks the desktop for a screen".into()),
        ScreenError::Wayland => Some(
            "`--screen portal` asks the desktop for a screen, in a build with `cargo build --release --features wayland`".into(),
        ),
        ScreenError::Several { .. } => Some("`cyborg screens --pictures FOLDER` shows them".into()),
        _ => None,
    }
}

#[cfg(feature = "video")]
fn video(error: &VideoError) -> Option<String> {
    match error {
        VideoError::TooLarge { .. } => Some(LARGER.into()),
        VideoError::Silent { .. } => Some("a larger `--patience` waits longer".into()),
        VideoError::NothingWanted { asked: Some(asked), .. } => {
            Some(format!("`--start @{asked}` goes by its own clock"))
        }
        VideoError::NothingWanted { asked: None, .. } => Some(OTHER_STRETCH.into()),
        VideoError::Hardware { .. } => {
            Some("use `--decode auto` for one that works, or `cyborg doctor` to see what there is".into())
        }
        VideoError::NoKeyFrame(_) => Some("`--every N` with a number judges frames of any kind".into()),
        _ => None,
    }
}

#[cfg(feature = "video")]
fn annotated(error: &VideoSinkError) -> Option<String> {
    matches!(error, VideoSinkError::NoEncoder).then(|| "or drop `--annotate`".into())
}

fn table(error: &ResumeError) -> Option<String> {
    match error {
        ResumeError::Foreign { .. } => Some(format!("{START_OVER}, which replaces it")),
        ResumeError::Malformed { .. } => Some(format!("repair the table, or {START_OVER}")),
        ResumeError::OtherRun { differences, .. } => {
            let names = |form: Form| differences.iter().any(|difference| difference.contains(form.title()));
            let same = match Form::ALL.into_iter().all(names) {
                true => "name the form that the table was begun with, by --model small-float32 or --model small-int8",
                false => "use the same model and flags",
            };
            Some(format!("{same}, or {START_OVER}"))
        }
        _ => None,
    }
}

fn model(error: &NamedError) -> Option<String> {
    matches!(error, NamedError::NotInstalled { .. }).then(|| format!("or use --model {SMALL}"))
}

fn expert(error: &ExpertError) -> Option<String> {
    matches!(error, ExpertError::Foreign).then(|| "give it its own --model".into())
}

fn session(error: &SessionError) -> Option<String> {
    let cure = "use `--provider auto` for the best one that starts, or `cyborg doctor` to see what there is";
    matches!(error, SessionError::Provider { .. }).then(|| cure.into())
}

fn detector(error: &DetectorError) -> Option<String> {
    match error {
        DetectorError::Missing { .. } | DetectorError::NoCache => {
            let embedded = KINDS.iter().find(|kind| matches!(kind.origin, Origin::Embedded(_)))?;
            Some(format!("`--detector {}` is built in", embedded.name))
        }
        DetectorError::Foreign { .. } => Some("`--detector` takes one of these names or a file of one of them".into()),
        _ => None,
    }
}

#[cfg(feature = "fleet")]
fn fleet(error: &FleetError) -> Option<String> {
    let cure = match error {
        FleetError::Away { .. } => {
            "start nats-server with JetStream (`nats-server -js`), or name the address of another by `--nats`"
        }
        FleetError::NoJetStream { .. } => "start nats-server with `-js`",
        FleetError::Refused { .. } => "`--nats-creds` or `--nats-nkey` names the file with the right ones",
        FleetError::Secret { .. } => "`--nats-creds`, `--nats-nkey` and `--nats-ca` name such files",
        FleetError::NoJob(_) => "`cyborg fleet status` lists those there are",
        FleetError::OtherJob { .. } | FleetError::Cancelled(_) => "give this one another name by `--job`",
        FleetError::SameNames { .. } => "submit one of them under another `--job`",
        _ => return None,
    };
    Some(cure.into())
}

#[cfg(feature = "page")]
fn page(error: &PageError) -> Option<String> {
    match error {
        PageError::NeedsToken(_) => Some("give one with --token-file, or listen at 127.0.0.1".into()),
        PageError::Listen { .. } => Some("choose another address with --listen".into()),
        PageError::Tls { .. } => Some("--tls-cert and --tls-key take a certificate and its key as PEM files".into()),
        _ => None,
    }
}

#[cfg(feature = "page")]
fn mqtt(error: &MqttError) -> Option<String> {
    match error {
        MqttError::Topic(_) => Some("name another with --mqtt-topic".into()),
        MqttError::Path(_) => Some("--mqtt-topic names the topic".into()),
        _ => None,
    }
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

    fn check(error: impl Error + Send + Sync + 'static, cure: &str) {
        let words = in_words(&anyhow::Error::new(error));
        assert!(words.contains(&format!("; {cure}")), "`{cure}` is not in `{words}`");
    }

    #[test]
    fn flags_are_named() {
        let path = || std::path::PathBuf::from("a");
        check(ResumeError::Foreign { path: path(), found: String::new() }, "drop --resume to start over, which");
        check(ResumeError::Malformed { path: path(), line: 2 }, "repair the table, or drop --resume to start over");
        check(ResumeError::OtherRun { path: path(), differences: Vec::new() }, "use the same model and flags, or drop");
        let differences = vec![format!("model was {}, is {}", Form::Float32.title(), Form::Int8.title())];
        check(
            ResumeError::OtherRun { path: path(), differences },
            "name the form that the table was begun with, by --model small-float32 or --model small-int8, or drop",
        );
        check(NamedError::NotInstalled { places: Vec::new() }, "or use --model small");
        check(ExpertError::Foreign, "give it its own --model");
        let (provider, reason) = (crate::inference::provider::Provider::CPU, String::new());
        check(SessionError::Provider { provider, reason }, "use `--provider auto`");
        check(DetectorError::NoCache, "`--detector yunet` is built in");
        check(DetectorError::Foreign { path: path(), reason: String::new() }, "`--detector` takes one of these names");
        check(AnimationError::NothingWanted("a".into()), "give another `--start` or `--end`");
    }

    #[cfg(feature = "video")]
    #[test]
    fn flags_for_videos_are_named() {
        let name = || "a".to_owned();
        check(VideoError::TooLarge { name: name(), width: 9, height: 9, most: 10 }, LARGER);
        check(VideoError::Silent { name: name(), seconds: 1 }, "a larger `--patience` waits longer");
        let wanted = |asked| VideoError::NothingWanted { name: name(), last: 1.0, clock: 9.0, asked };
        check(wanted(None), "give another `--start` or `--end`");
        check(wanted(Some(8.0)), "`--start @8` goes by its own clock");
        check(VideoError::NoKeyFrame(name()), "`--every N` with a number");
        check(VideoError::Hardware { name: name(), decoder: "vaapi", reason: name() }, "use `--decode auto`");
        check(VideoSinkError::NoEncoder, "or drop `--annotate`");
    }

    #[cfg(feature = "screen")]
    #[test]
    fn flags_for_screens_are_named() {
        check(ScreenError::NoMonitor { asked: 1, count: 1 }, "`cyborg screens` lists what there is");
        check(ScreenError::Wayland, "`--screen portal` asks the desktop for a screen");
    }

    #[cfg(feature = "page")]
    #[test]
    fn flags_for_the_page_and_events_are_named() {
        let address = std::net::SocketAddr::from(([0, 0, 0, 0], 80));
        check(PageError::NeedsToken(address), "give one with --token-file");
        check(PageError::Listen { address, reason: std::io::ErrorKind::AddrInUse.into() }, "choose another address");
        check(PageError::Tls { path: "a".into(), reason: String::new() }, "--tls-cert and --tls-key take");
        check(MqttError::Topic("#".into()), "name another with --mqtt-topic");
        check(MqttError::Path("a".into()), "--mqtt-topic names the topic");
    }
}
