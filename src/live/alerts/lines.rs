//! Events as JSON lines, in a file that is rotated when it grows large, or on a stream.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use super::event::Event;
use super::output::{Output, Trouble};

use crate::name;

/// Writes each event as a line, at once.
pub struct Lines {
    to: Target,
}

enum Target {
    Stream(Box<dyn Write + Send>),
    File(Turned),
}

/// When a file is turned over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// No file grows above so many bytes, but by one event that is larger.
    pub size: NonZeroU64,
    /// So many older files are kept, with the endings `.1` (the newest), `.2` and so on.
    pub keep: u32,
}

/// A file, and the older ones beside it.
struct Turned {
    path: PathBuf,
    file: File,
    /// Its size in bytes; 0 for what is no plain file.
    size: u64,
    plain: bool,
    rotation: Rotation,
}

/// A file that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write events to {}: {reason}", name::of(path))]
pub struct LinesError {
    path: PathBuf,
    reason: io::Error,
}

impl Lines {
    /// Writes to a stream, such as the standard output.
    #[must_use]
    pub fn stream(stream: Box<dyn Write + Send>) -> Self {
        Self { to: Target::Stream(stream) }
    }

    /// Writes to the end of a file, which is made where it isn't there.
    ///
    /// # Errors
    ///
    /// When it can't be opened for writing.
    pub fn file(path: &Path, rotation: Rotation) -> Result<Self, LinesError> {
        let turned = Turned::open(path, rotation).map_err(|reason| LinesError { path: path.to_owned(), reason })?;
        Ok(Self { to: Target::File(turned) })
    }
}

impl Output for Lines {
    fn name(&self) -> &'static str {
        "events"
    }

    fn send(&mut self, event: &Event) -> Result<(), Trouble> {
        // One write: whoever reads along finds whole lines.
        let line = format!("{}\n", event.json);
        let written = match &mut self.to {
            Target::Stream(stream) => stream.write_all(line.as_bytes()).and_then(|()| stream.flush()),
            Target::File(turned) => turned.write(line.as_bytes()),
        };
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Trouble::Refused("its reader has left".to_owned()),
            _ => Trouble::Later(error.to_string()),
        })
    }
}

impl Turned {
    fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        let found = file.metadata()?;
        let (plain, mut size) = (found.is_file(), found.len());
        if plain && size > 0 && last_byte(path)? != b'\n' {
            // A run that was killed, or a full disk, left a part of a line: the next one must not go on in it.
            file.write_all(b"\n")?;
            size += 1;
        }
        Ok(Self { path: path.to_owned(), file, size, plain, rotation })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        if self.plain && self.size > 0 && self.size + length > self.rotation.size.get() {
            self.turn_over()?;
        }
        let written = self.file.write_all(line);
        if !self.plain {
            return written;
        }
        match written {
            Ok(()) => self.size += length,
            Err(error) => {
                // A full disk may have taken a part, which is taken out again.
                let _ = self.file.set_len(self.size);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Moves each file on by one, the oldest away, and begins a new one.
    fn turn_over(&mut self) -> io::Result<()> {
        let keep = self.rotation.keep;
        if keep == 0 {
            self.file.set_len(0)?;
            self.size = 0;
            return Ok(());
        }
        for number in (1..keep).rev() {
            match fs::rename(self.older(number), self.older(number + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.older(1))?;
        self.file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        self.size = self.file.metadata()?.len();
        Ok(())
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn last_byte(path: &Path) -> io::Result<u8> {
    let (mut file, mut byte) = (File::open(path)?, [0]);
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::face::follow::TrackId;
    use crate::live::alerts::event::Origin;
    use crate::live::alerts::turning::{To, Turn};
    use crate::verdict::SyntheticProbability;

    fn event(number: u64) -> Event {
        let (track, probability) = (TrackId(number), SyntheticProbability::HALF);
        let turn = Turn { track, from: None, to: To::Gone, probability, reason: None };
        Event::new(number, turn, Duration::ZERO, &Origin { source: "s".into(), model: "m".into(), whole: true })
    }

    /// The tracks in a file.
    fn tracks(path: &Path) -> Vec<u64> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let track = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["track"].as_u64();
        text.lines().map(|line| track(line).unwrap_or(0)).collect()
    }

    fn rotation(lines: u64, keep: u32) -> Rotation {
        let size = event(1).json.len() as u64 + 1;
        Rotation { size: NonZeroU64::new(size * lines).expect("not zero"), keep }
    }

    #[test]
    fn a_file_is_turned_over_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("events.jsonl");
        let older = |number: u32| folder.path().join(format!("events.jsonl.{number}"));
        let mut lines = Lines::file(&path, rotation(2, 2)).expect("it can be written");
        for number in 1..=5 {
            lines.send(&event(number)).expect("there is room");
        }
        drop(lines);
        // Another run goes on where this one ended.
        let mut lines = Lines::file(&path, rotation(2, 2)).expect("it can be written");
        for number in 6..=7 {
            lines.send(&event(number)).expect("there is room");
        }
        assert_eq!([tracks(&path), tracks(&older(1)), tracks(&older(2))], [vec![7], vec![5, 6], vec![3, 4]]);
        assert!(!older(3).exists(), "two older ones are kept");
    }

    #[test]
    fn with_no_older_file_it_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("events.jsonl");
        let mut lines = Lines::file(&path, rotation(2, 0)).expect("it can be written");
        (1..=3).for_each(|number| lines.send(&event(number)).expect("there is room"));
        assert_eq!(tracks(&path), [3]);
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_line_that_was_cut_stays_alone() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("events.jsonl");
        fs::write(&path, "{\"track\":1}\n{\"tra").expect("it can be written");
        Lines::file(&path, rotation(9, 2)).expect("it can be written").send(&event(2)).expect("there is room");
        assert_eq!(tracks(&path), [1, 0, 2]);
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let error = Lines::file(folder.path(), rotation(1, 1)).err().expect("it is a folder").to_string();
        assert!(error.contains("can't write events to "), "{error}");
    }

    /// `/dev/full` takes nothing: that may change, and a reader that left doesn't come back.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_may_help_is_tried_again() {
        let mut full = Lines::file(Path::new("/dev/full"), rotation(1, 1)).expect("it can be opened");
        assert!(matches!(full.send(&event(1)), Err(Trouble::Later(_))));
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut left = Lines::stream(Box::new(writer));
        assert!(matches!(left.send(&event(1)), Err(Trouble::Refused(_))));
    }
}
