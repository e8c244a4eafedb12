//! The flags that name what is watched, each of which may be given several times: their order is that of the feeds.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
#[cfg(feature = "screen")]
use std::str::FromStr;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};

use crate::capture::address::Address;
use crate::capture::names::distinct;
#[cfg(feature = "screen")]
use crate::capture::screen::{ChoiceError, ScreenChoice};
use crate::cli::outcome::UsageError;
use crate::name;

/// The flag of cameras, streams and clips.
const CAMERA: &str = "camera";
/// The flag of screens.
#[cfg(feature = "screen")]
const SCREEN: &str = "screen";
/// What stands for a screen that is chosen on the page.
#[cfg(feature = "screen")]
const CHOOSE: &str = "choose";
/// What stands for a screen that is chosen in a dialog of the desktop's.
#[cfg(feature = "screen")]
const PORTAL: &str = "portal";
/// What is watched when nothing is named.
const FIRST_CAMERA: &str = "0";
/// What stands for the test camera.
const TEST: &str = "test";

/// A thing that can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Watched {
    /// A camera by its index, path or name.
    Camera(String),
    /// A stream from the network.
    Stream(Address),
    /// A clip that plays a camera; the usual one where none is named.
    Test(Option<PathBuf>),
    /// A monitor, a window or a rectangle of a screen.
    #[cfg(feature = "screen")]
    Screen(ScreenChoice),
    /// A screen that the desktop's portal gives, as its user likes.
    #[cfg(feature = "screen")]
    Portal,
}

/// All that is watched, at least one, in the order in which the flags were given.
#[derive(Clone, Debug)]
pub(super) struct WatchedArgs {
    named: Vec<Watched>,
    /// The places, among those that are named, of what is chosen on the page.
    choose: Vec<usize>,
}

/// What `--screen` takes.
#[cfg(feature = "screen")]
#[derive(Clone, Debug)]
enum ScreenWord {
    /// It is chosen on the page.
    Choose,
    /// The desktop's portal gives it.
    Portal,
    /// This one.
    This(ScreenChoice),
}

#[cfg(feature = "screen")]
impl FromStr for ScreenWord {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        if cfg!(feature = "page") && text == CHOOSE {
            return Ok(Self::Choose);
        }
        if text == PORTAL {
            return Ok(Self::Portal);
        }
        text.parse().map(Self::This)
    }
}

impl Watched {
    fn of(word: &OsStr) -> Self {
        if word == TEST {
            return Self::Test(None);
        }
        if let Some(clip) = behind(word, &format!("{TEST}=")) {
            return Self::Test(Some(clip));
        }
        match Address::of(word) {
            address @ Address::Url(_) => Self::Stream(address),
            Address::File(_) | Address::Stdin => Self::Camera(name::of(word)),
        }
    }

    /// The clip that it plays, where one is named.
    pub(super) fn clip(&self) -> Option<PathBuf> {
        match self {
            Self::Test(clip) => clip.clone(),
            _ => None,
        }
    }

    /// Its name, without secrets.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Camera(word) => Address::of(word.as_ref()).name(),
            Self::Stream(address) => address.name(),
            Self::Test(None) => TEST.to_owned(),
            Self::Test(Some(clip)) => Address::of(format!("{TEST}={}", name::of(clip)).as_ref()).name(),
            #[cfg(feature = "screen")]
            Self::Screen(choice) => format!("screen {choice}"),
            #[cfg(feature = "screen")]
            Self::Portal => format!("screen {PORTAL}"),
        }
    }

    /// Whether calls with many people may be in its pictures: faces in tiles, that are arranged anew.
    pub(super) fn shows_calls(&self) -> bool {
        match self {
            Self::Camera(_) | Self::Stream(_) | Self::Test(_) => false,
            #[cfg(feature = "screen")]
            Self::Screen(_) | Self::Portal => true,
        }
    }

    /// Whether the desktop is asked for it, and may ask its user.
    pub(super) fn asks_desktop(&self) -> bool {
        match self {
            #[cfg(feature = "screen")]
            Self::Portal => true,
            _ => false,
        }
    }

    /// Whether both are one and the same thing, which can't be opened twice. A clip can.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Test(_), _) => false,
            (Self::Camera(one), Self::Camera(other)) => index(one) == index(other),
            (one, other) => one == other,
        }
    }
}

/// `/dev/video2` is the camera with the index 2.
fn index(camera: &str) -> &str {
    camera.strip_prefix("/dev/video").unwrap_or(camera)
}

impl WatchedArgs {
    /// All that are named.
    pub(super) fn all(&self) -> &[Watched] {
        &self.named
    }

    /// Whether one is to be chosen on the page.
    #[cfg(all(feature = "page", feature = "screen"))]
    pub(super) fn asks(&self) -> bool {
        !self.choose.is_empty()
    }

    /// The same with the one that was chosen, in its place.
    #[cfg(all(feature = "page", feature = "screen"))]
    pub(super) fn with(&self, chosen: ScreenChoice) -> Self {
        let mut named = self.named.clone();
        if let Some(&place) = self.choose.first() {
            named.insert(place, Watched::Screen(chosen));
        }
        Self { named, choose: Vec::new() }
    }

    /// Their names, without secrets, no two the same.
    pub(super) fn names(&self) -> Vec<String> {
        distinct(self.named.iter().map(Watched::name))
    }

    /// Refuses a thing that is named twice.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        if self.choose.len() > 1 {
            let words = "--screen choose is given twice: one screen is chosen on the page, name the others; `cyborg screens` lists them";
            return Err(UsageError(words.to_owned()));
        }
        let all = &self.named;
        let twice = (1..all.len()).find(|&at| all[..at].iter().any(|known| known.is(&all[at])));
        match twice {
            Some(at) => {
                let name = all[at].name();
                Err(UsageError(format!("{name} is to be watched twice: name each camera, stream and screen once")))
            }
            None => Ok(()),
        }
    }
}

impl Args for WatchedArgs {
    fn augment_args(command: Command) -> Command {
        // A further kind of source is a flag here, its words below and a variant of `Watched`.
        let camera = Arg::new(CAMERA)
            .long(CAMERA)
            .value_name("N|PATH|NAME|URL|test")
            .action(ArgAction::Append)
            .value_parser(value_parser!(OsString))
            .help(
                "What to watch: index, path or name of a camera (`cyborg cameras` lists them), an address (rtsp://, \
                 http://), or test, which plays a clip in real time, over and over (test=CLIP: this clip); give it more \
                 than once to watch several [default: 0]",
            );
        let command = command.arg(camera);
        #[cfg(feature = "screen")]
        let command = command.arg(
            Arg::new(SCREEN)
                .long(SCREEN)
                .value_name("choose|portal|monitor=N|window=TITLE|window-id=ID|region=X,Y,WIDTHxHEIGHT")
                .action(ArgAction::Append)
                .value_parser(value_parser!(ScreenWord))
                .help(
                    "Watch a screen: a monitor, a window (by its title, a part of it, or its number), or a rectangle in \
                     pixels; `cyborg screens` lists what there is, and `choose` shows small pictures of it on the page to choose \
                     from, before the run begins; `portal` has the desktop ask which, the only way under Wayland; give it more than once, or beside --camera, to watch \
                     several",
                ),
        );
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for WatchedArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut found = given::<OsString>(matches, CAMERA, |word| Some(Watched::of(word)));
        #[cfg(feature = "screen")]
        found.extend(given::<ScreenWord>(matches, SCREEN, |word| match word {
            ScreenWord::Choose => None,
            ScreenWord::Portal => Some(Watched::Portal),
            ScreenWord::This(choice) => Some(Watched::Screen(choice.clone())),
        }));
        found.sort_by_key(|&(place, _)| place);
        if found.is_empty() {
            found.push((0, Some(Watched::of(FIRST_CAMERA.as_ref()))));
        }
        let (mut named, mut choose) = (Vec::new(), Vec::new());
        for (_, watched) in found {
            match watched {
                Some(watched) => named.push(watched),
                None => choose.push(named.len()),
            }
        }
        Ok(Self { named, choose })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What was given with a flag, each with its place on the command line; `None` where it is still to be chosen.
fn given<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    flag: &str,
    read: impl Fn(&T) -> Option<Watched>,
) -> Vec<(usize, Option<Watched>)> {
    let values = matches.get_many::<T>(flag).into_iter().flatten();
    matches.indices_of(flag).into_iter().flatten().zip(values.map(read)).collect()
}

/// The path behind `begin`, which is ASCII.
fn behind(word: &OsStr, begin: &str) -> Option<PathBuf> {
    if !word.as_encoded_bytes().starts_with(begin.as_bytes()) {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Some(OsStr::from_bytes(&word.as_bytes()[begin.len()..]).into())
    }
    #[cfg(not(unix))]
    Some(word.to_string_lossy().get(begin.len()..).unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> WatchedArgs {
        let command = WatchedArgs::augment_args(Command::new("cyborg"));
        let words = std::iter::once("cyborg").chain(words.iter().copied());
        let matches = command.try_get_matches_from(words).expect("these are flags");
        WatchedArgs::from_arg_matches(&matches).expect("any word names a source")
    }

    #[test]
    fn what_is_watched_comes_in_the_order_of_the_flags() {
        let url = "rtsp://me:secret@door/live";
        let found = read(&["--camera", "Desk", "--camera", url, "--camera=test=a b.mp4", "--camera", "test"]);
        let expected = [
            Watched::Camera("Desk".to_owned()),
            Watched::Stream(Address::Url(url.to_owned())),
            Watched::Test(Some("a b.mp4".into())),
            Watched::Test(None),
        ];
        assert_eq!(found.all(), expected);
        assert_eq!(found.names(), ["Desk", "rtsp://***@door/live", "test=a b.mp4", "test"]);
        assert_eq!(read(&[]).all(), [Watched::Camera("0".to_owned())]);
    }

    #[cfg(feature = "screen")]
    #[test]
    fn screens_stand_among_cameras_in_the_order_of_the_flags() {
        let found = read(&["--screen", "window=A call", "--camera", "0", "--screen=monitor=1"]);
        let expected = [
            Watched::Screen(ScreenChoice::Window("A call".to_owned())),
            Watched::Camera("0".to_owned()),
            Watched::Screen(ScreenChoice::Monitor(1)),
        ];
        assert_eq!(found.all(), expected);
        assert_eq!(found.names(), ["screen window=A call", "0", "screen monitor=1"]);
        assert_eq!(read(&["--screen", "monitor=0"]).all().len(), 1, "no camera that nobody named");
        assert!(read(&["--screen", "monitor=0", "--screen", "monitor=0"]).check().is_err());
        let found = read(&["--screen", "portal", "--camera", "1"]);
        assert_eq!((found.names(), found.check().is_ok()), (vec!["screen portal".to_owned(), "1".to_owned()], true));
        assert!(read(&["--screen", "portal", "--screen", "portal"]).check().is_err(), "one dialog, one screen");
    }

    #[cfg(all(feature = "page", feature = "screen"))]
    #[test]
    fn what_is_chosen_takes_the_place_of_the_flag() {
        let found = read(&["--camera", "1", "--screen", "choose", "--screen", "monitor=0"]);
        assert!(found.asks() && found.check().is_ok());
        let names = found.with(ScreenChoice::WindowId(1)).names();
        assert_eq!(names, ["1", "screen window-id=0x1", "screen monitor=0"]);
        assert!(read(&["--screen", "choose"]).all().is_empty(), "no camera that nobody named");
        assert!(read(&["--screen", "choose", "--screen", "choose"]).check().is_err());
    }

    #[test]
    fn no_two_have_the_same_name() {
        let names = |names: &[&str]| distinct(names.iter().map(|&name| name.to_owned()));
        assert_eq!(names(&["a", "b", "a", "a"]), ["a", "b", "a (2)", "a (3)"]);
        assert_eq!(names(&["a (2)", "a", "a"]), ["a (2)", "a", "a (3)"]);
    }

    #[test]
    fn a_camera_or_a_stream_is_watched_once_and_a_clip_as_often_as_one_likes() {
        let check = |words: [&str; 2], twice: Option<&str>| {
            let found = read(&["--camera", words[0], "--camera", "other", "--camera", words[1]]).check();
            assert_eq!(found.is_err(), twice.is_some(), "{words:?}");
            if let (Err(error), Some(name)) = (found, twice) {
                assert!(error.to_string().starts_with(&format!("{name} is to be watched twice")), "{error}");
            }
        };
        check(["0", "0"], Some("0"));
        check(["0", "/dev/video0"], Some("/dev/video0"));
        check(["0", "1"], None);
        check(["rtsp://u:secret@host/a", "rtsp://u:secret@host/a"], Some("rtsp://***@host/a"));
        // Both are shown alike, and are not the same.
        check(["rtsp://u:one@host/a", "rtsp://u:two@host/a"], None);
        check(["test", "test"], None);
        check(["test=a.mp4", "test=a.mp4"], None);
    }
}
