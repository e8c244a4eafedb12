//! What each test needs: a bus, PipeWire and a folder, and on them a screen and its watcher.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cyborg_edge::capture::screen::portal::PortalOpener;
use cyborg_edge::capture::{NeverAgain, Open as _, Read, Source};
use cyborg_edge::frame::Frame;

use crate::daemons::PipeWire;
use crate::portal::{Manner, Portal, User};
use crate::shown::Shown;
use crate::support::bus::Bus;

/// A desktop, of which only PipeWire is real.
pub(crate) struct Stage {
    pub(crate) pipewire: PipeWire,
    pub(crate) bus: Bus,
    folder: tempfile::TempDir,
}

impl Stage {
    /// `None` where a program for it is missing, which is then told.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let bus = Bus::start(folder.path());
        let pipewire = PipeWire::start(test, folder.path(), &bus)?;
        Some(Self { pipewire, bus, folder })
    }

    /// A screen of 64 x 48 pixels.
    pub(crate) fn share(&self, colour: [u8; 3]) -> Shown {
        Shown::share(&self.pipewire.socket, (64, 48), colour)
    }

    /// A portal with a way to PipeWire.
    pub(crate) fn portal(&self, user: User, token: Option<&str>) -> Portal {
        let pipewire = Some(self.pipewire.socket.clone());
        Portal::start(&self.bus, Manner { user, token: token.map(ToOwned::to_owned), pipewire, ..Manner::default() })
    }

    pub(crate) fn token(&self) -> PathBuf {
        self.folder.path().join("state").join("token")
    }

    /// Who opens the screen, with as many looks as there can be.
    pub(crate) fn opener(&self) -> PortalOpener {
        PortalOpener::at(60.0, &self.bus.address, self.token()).expect("there are timers")
    }
}

/// A screen that is watched.
pub(crate) struct Watching(Box<dyn Source>);

impl Watching {
    /// Opens what is shown, which must go well.
    pub(crate) fn open(opener: &PortalOpener, shown: &Shown) -> Self {
        let is_open = AtomicBool::new(false);
        let opened = thread::scope(|scope| {
            scope.spawn(|| {
                while !is_open.load(Ordering::Relaxed) {
                    shown.again();
                    thread::sleep(Duration::from_millis(50));
                }
            });
            let opened = opener.open();
            is_open.store(true, Ordering::Relaxed);
            opened
        });
        Self(opened.map_err(|error| error.to_string()).expect("it can be opened").source)
    }

    /// The next frame; or why there is none, and whether that is for good.
    pub(crate) fn next(&mut self) -> Result<Frame, (String, bool)> {
        let mut frame = Frame::empty();
        // What was in the buffer before must not matter.
        frame.pixels.resize(99, 77);
        let read = self.0.read(&mut frame).map_err(|error| (error.to_string(), error.is::<NeverAgain>()))?;
        assert!(matches!(read, Read::Frame), "{read:?}");
        assert_eq!(frame.pixels.len(), frame.width * frame.height * 3);
        Ok(frame)
    }

    /// The first of the next frames that shows this colour, and nothing else.
    pub(crate) fn until(&mut self, colour: [u8; 3]) -> Frame {
        let mut frames = (0..200).map(|_| self.next().expect("a frame"));
        frames.find(|frame| is(frame, colour)).expect("it is shown")
    }

    /// Why it is lost, which it will soon be, and whether that is for good.
    pub(crate) fn lost(&mut self) -> (String, bool) {
        (0..200).find_map(|_| self.next().err()).expect("it is lost")
    }
}

/// Whether a frame has one colour, and this one.
pub(crate) fn is(frame: &Frame, colour: [u8; 3]) -> bool {
    frame.pixels.chunks_exact(3).all(|pixel| pixel == colour)
}
