//! A video: a file, standard input or an address, by FFmpeg.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::wanted::Wanted;
use crate::capture::Source;
use crate::capture::address::Address;
use crate::capture::video::{Decode, OpenSettings, VideoSource};
use crate::cli::outcome::note;

/// Time between two looks at the wish to stop while a video is opened.
const HEARING: Duration = Duration::from_millis(200);

pub(super) fn open(address: &Address, wanted: &Wanted) -> Option<anyhow::Result<Box<dyn Source>>> {
    let Wanted { stretch, most_pixels, patience, threads, decode, stop, confined, .. } = *wanted;
    // Each thread of a decoder keeps pictures of its own, and decoding is seldom more than half of the work.
    let threads = NonZeroUsize::new(threads.get().div_ceil(2)).unwrap_or(threads);
    let settings =
        OpenSettings { threads, most_pixels, stretch, patience, stop: Some(stop), tells_same: true, decode, confined };
    let opened = open_or_leave(address.clone(), settings, stop).inspect(|source| {
        if decode != Decode::Cpu {
            note(&format!("{}: decoder: {}", address.name(), source.decoded_by()));
        }
    });
    Some(opened.map(|source| Box::new(source) as Box<dyn Source>))
}

/// Opens a video in a thread of its own. A host's name that is looked up and a disk in the network hear no wish to stop:
/// when there is one, the thread is left behind.
fn open_or_leave(address: Address, settings: OpenSettings, stop: &'static AtomicBool) -> anyhow::Result<VideoSource> {
    let (sender, opened) = mpsc::channel();
    thread::Builder::new().name("open".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(VideoSource::open_with(&address, &settings));
    })?;
    let mut stopped = false;
    loop {
        match opened.recv_timeout(HEARING) {
            Ok(opened) => return Ok(opened?),
            Err(RecvTimeoutError::Timeout) if stopped => return Err(io::Error::from(io::ErrorKind::Interrupted).into()),
            // It has heard the same, and gets the time to end well.
            Err(RecvTimeoutError::Timeout) => stopped = stop.load(Ordering::Relaxed),
            Err(error) => return Err(error.into()),
        }
    }
}
