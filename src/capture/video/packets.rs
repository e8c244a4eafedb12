//! Reading packets, the pieces that a container is made of: those of the pictures are given, those of the sound are heard.

use ffmpeg_next as ffmpeg;

use super::next::Next;
use super::{VideoError, VideoSource};

/// A file whose reading fails this often in a row has nothing more to give.
const MOST_READ_ERRORS: u32 = 16;
/// Packets that are looked at before it is believed that all have times.
const LOOKED_AT: usize = 64;

impl VideoSource {
    /// The next packet.
    pub(super) fn next_packet(&mut self) -> Result<Next, VideoError> {
        self.ahead.pop_front().map_or_else(|| self.read_packet(), Ok)
    }

    /// Looks at the first packets, and says whether all of them tell when they are shown. They are given all the same.
    pub(super) fn are_timed(&mut self) -> Result<bool, VideoError> {
        let mut all = true;
        while self.ahead.len() < LOOKED_AT {
            let next = match self.read_packet()? {
                // Both are found again by whoever reads on.
                Next::Ended | Next::Stopped => break,
                next => next,
            };
            all &= !matches!(&next, Next::Packet(packet) if packet.pts().is_none());
            self.ahead.push_back(next);
        }
        Ok(all)
    }

    fn read_packet(&mut self) -> Result<Next, VideoError> {
        loop {
            // A new one each time, which costs nothing: reading into one that is full would lose what it holds, and with it
            // the sound of the whole clip.
            let mut packet = ffmpeg::Packet::empty();
            self.watch.restart();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream => {
                    if let Some(heard) = &mut self.heard {
                        heard.hear(&packet);
                    }
                }
                Ok(()) => {
                    self.read_errors = 0;
                    return Ok(Next::Packet(packet));
                }
                Err(_) if self.watch.stopped() => return Ok(Next::Stopped),
                Err(ffmpeg::Error::Eof) => return Ok(Next::Ended),
                Err(error) => {
                    if let Some(seconds) = self.watch.late() {
                        return Err(VideoError::Silent { name: self.info.name.clone(), seconds });
                    }
                    self.read_errors += 1;
                    let ended = self.read_errors > MOST_READ_ERRORS;
                    return Ok(if ended { Next::Ended } else { Next::Damaged(error) });
                }
            }
        }
    }
}
