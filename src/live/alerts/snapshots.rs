//! The pictures of events as JPEG files in a folder, the newest so many.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::event::Event;
use super::output::{Output, Trouble};
use crate::draw::jpeg;
use crate::live::faces_alone::FacesAlone;
use crate::{name, whole_file};

/// Pictures that wait for the disk at most: each holds the memory of a frame.
const ROOM: usize = 4;
/// Its files begin and end so; no other file is ever removed.
const BEGIN: &str = "event-";
const END: &str = ".jpg";

/// Keeps the pictures of events.
pub struct Snapshots {
    folder: PathBuf,
    keep: usize,
    /// The files in the folder, the oldest first.
    names: VecDeque<String>,
    faces: FacesAlone,
    pixels: Vec<u8>,
}

/// A folder that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("can't keep pictures in {}: {reason}", name::of(folder))]
pub struct SnapshotsError {
    folder: PathBuf,
    reason: io::Error,
}

impl Snapshots {
    /// Keeps the newest `keep` pictures in `folder`, which is made where it isn't there. Those of earlier runs count.
    ///
    /// # Errors
    ///
    /// When the folder can't be made or read.
    pub fn new(folder: &Path, keep: NonZeroUsize) -> Result<Self, SnapshotsError> {
        let names = fs::create_dir_all(folder).and_then(|()| names(folder));
        let names = names.map_err(|reason| SnapshotsError { folder: folder.to_owned(), reason })?;
        let (faces, pixels) = Default::default();
        let mut snapshots = Self { folder: folder.to_owned(), keep: keep.get(), names: names.into(), faces, pixels };
        snapshots.forget();
        Ok(snapshots)
    }

    fn save(&mut self, name: String, file: &[u8]) -> io::Result<()> {
        whole_file::write(&self.folder.join(&name), file)?;
        self.names.push_back(name);
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        while self.names.len() > self.keep {
            if let Some(name) = self.names.pop_front()
                && let Err(error) = fs::remove_file(self.folder.join(&name))
                && error.kind() != io::ErrorKind::NotFound
            {
                log::warn!("snapshots: can't remove {name}: {error}");
            }
        }
    }
}

/// The pictures in a folder, the oldest first: their names begin with the time.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && is_ours(&name)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a file's name is one that is given here: `event-20261126T102030.123Z-track-3-synthetic.jpg`, and with several feeds
/// `event-20261126T102030.123Z-feed-1-track-3-synthetic.jpg`.
fn is_ours(name: &str) -> bool {
    let words = |name: &str| -> Option<bool> {
        let middle = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
        let (time, rest) = middle.split_once("-track-")?;
        let (track, to) = rest.split_once('-')?;
        let (time, feed) = time.split_once("-feed-").unwrap_or((time, "0"));
        let time = time.len() == 20 && time.ends_with('Z') && time.starts_with(|sign: char| sign.is_ascii_digit());
        let numbers = feed.parse::<usize>().is_ok() && track.parse::<u64>().is_ok();
        Some(time && numbers && ["authentic", "unsure", "synthetic"].contains(&to))
    };
    words(name).unwrap_or(false)
}

/// The time without signs that some systems take in no name.
fn name(event: &Event) -> String {
    let time = event.time.replace(['-', ':'], "");
    let feed = event.feed.map(|feed| format!("-feed-{feed}")).unwrap_or_default();
    format!("{BEGIN}{time}{feed}-track-{}-{}{END}", event.turn.track, event.turn.to.word())
}

impl Output for Snapshots {
    fn name(&self) -> &'static str {
        "snapshots"
    }

    fn send(&mut self, event: &Event) -> Result<(), Trouble> {
        let Some(view) = &event.view else {
            return Ok(());
        };
        let size = (view.frame.width, view.frame.height);
        let pixels = if event.whole {
            &view.frame.pixels
        } else {
            self.pixels.resize(size.0 * size.1 * 3, 0);
            let drawn = self.faces.draw(view, size, &mut self.pixels);
            drawn.map_err(|error| Trouble::Refused(error.to_string()))?;
            &self.pixels
        };
        let file = jpeg::encode(pixels, size);
        let file = file.map_err(|error| Trouble::Refused(error.to_string()))?;
        self.save(name(event), &file).map_err(|error| Trouble::Later(format!("{}: {error}", name::of(&self.folder))))
    }

    fn room(&self) -> usize {
        ROOM
    }

    fn wants_picture(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::face::follow::TrackId;
    use crate::frame::{Frame, PixelBox};
    use crate::live::alerts::event::Origin;
    use crate::live::alerts::turning::{To, Turn};
    use crate::live::view::{Person, View};
    use crate::verdict::{SyntheticProbability, Verdict};

    fn event(number: u64) -> Event {
        let (to, probability) = (To::Verdict(Verdict::Synthetic), SyntheticProbability::HALF);
        let turn = Turn { track: TrackId(number), from: None, to, probability, reason: None };
        let mut frame = Frame::empty();
        frame.resize(32, 16);
        frame.pixels.fill(200);
        let origin = Origin { source: "s".into(), model: "m".into(), whole: true };
        let view = Some(Arc::new(View { frame, persons: Vec::new() }));
        // The later the younger, so that their names are in order.
        Event { view, ..Event::new(number, turn, Duration::from_secs(100 - number), &origin) }
    }

    #[test]
    fn each_feed_has_names_of_its_own() {
        let event = event(7);
        let of = |feed| name(&Event { feed, ..event.clone() });
        let names = [None, Some(0), Some(12)].map(of);
        assert!(names[2].contains("Z-feed-12-track-7-synthetic"), "{names:?}");
        assert!(names.iter().all(|name| is_ours(name)), "{names:?}");
        assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");
        for other in ["feed-x-track", "feed--track", "feed-1-2-track"] {
            assert!(!is_ours(&names[1].replace("feed-0-track", other)), "{other}");
        }
    }

    #[test]
    fn of_a_screen_faces_alone_are_kept() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let keep = NonZeroUsize::new(3).expect("not zero");
        let mut snapshots = Snapshots::new(folder.path(), keep).expect("it can be made");
        let bounds = PixelBox { left: 20.0, top: 4.0, width: 6.0, height: 6.0 };
        let mut event = Event { whole: false, ..event(1) };
        let frame = event.view.take().expect("it has one").frame.clone();
        let persons = vec![Person { track: TrackId(1), bounds, opinion: None }];
        event.view = Some(Arc::new(View { frame, persons }));
        snapshots.send(&event).expect("there is room");
        let kept = names(folder.path()).expect("it is there");
        let picture = image::open(folder.path().join(&kept[0])).expect("a JPEG file").to_rgb8();
        let grey = |x, y| picture.get_pixel(x, y).0[0];
        assert!(grey(23, 7) > 150, "the face is seen: {}", grey(23, 7));
        assert!(grey(4, 7) < 60, "nothing beside it is: {}", grey(4, 7));
    }

    #[test]
    fn the_newest_are_kept_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let folder = folder.path().join("new");
        let keep = NonZeroUsize::new(3).expect("not zero");
        let mut snapshots = Snapshots::new(&folder, keep).expect("it can be made");
        let others = ["event-of-mine.jpg", "event-20261126T102030.123Z-track-x-synthetic.jpg", "a.jpg"];
        for name in others {
            fs::write(folder.join(name), "mine").expect("it can be written");
        }
        for number in 1..=4 {
            snapshots.send(&event(number)).expect("there is room");
        }
        let mut snapshots = Snapshots::new(&folder, keep).expect("it is there");
        snapshots.send(&event(5)).expect("there is room");
        let kept = names(&folder).expect("it is there");
        let tracks: Vec<&str> =
            kept.iter().filter_map(|name| name.split("-track-").nth(1)?.split('-').next()).collect();
        assert_eq!(tracks, ["3", "4", "5"]);
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 3 + others.len());
        let picture = image::open(folder.join(&kept[0])).expect("a JPEG file").to_rgb8();
        assert_eq!(picture.dimensions(), (32, 16));
        assert!(picture.pixels().all(|pixel| pixel.0.iter().all(|&value| value.abs_diff(200) < 4)));
    }
}
