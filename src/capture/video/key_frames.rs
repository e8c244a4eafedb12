//! Decoding key frames alone: only their packets, each by itself. Numbers and times are those that the frames have when all are read.
//!
//! All is decoded up to the first key frame, since what a decoder makes of frames before it differs from codec to codec. From there
//! on frames are counted by their packets. The decoder is emptied after each key frame, so that it can't make one up of what
//! it has seen before.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::picture::Type;

use super::keys::Keys;
use super::next::Next;
use super::shown_order::Coming;
use super::{VideoError, VideoSource};
use crate::capture::Read;
use crate::frame::Frame;

impl VideoSource {
    /// Goes on by a packet or a frame, once key frames have begun. `Some` when that came to something.
    pub(super) fn next_key(&mut self, keys: &mut Keys, frame: &mut Frame) -> Result<Option<Read>, VideoError> {
        if let Some(Coming { shown, key, .. }) = keys.next() {
            let Some(place) = self.place(Some(shown), key.is_some()) else {
                return Ok(None);
            };
            return match (place, key) {
                (Ok(place), Some(packet)) => match self.decode_alone(&packet) {
                    Some(damaged) => Ok(Some(damaged)),
                    None => self.give(place, frame).map(Some),
                },
                _ => Ok(Some(Read::End)),
            };
        }
        if keys.have_ended() {
            return Ok(Some(Read::End));
        }
        match self.next_packet()? {
            Next::Packet(packet) => keys.see(packet),
            Next::Damaged(error) => return Ok(Some(self.damaged(error))),
            Next::Ended => keys.end(),
            Next::Stopped => return Ok(Some(Read::End)),
        }
        Ok(None)
    }

    /// Decodes a packet without any other. `Some` where no picture came of it that is one by itself.
    fn decode_alone(&mut self, packet: &ffmpeg::Packet) -> Option<Read> {
        let came =
            (self.decoder.send_packet(packet)).and_then(|()| self.decoder.send_eof()).and_then(|()| self.receive());
        self.decoder.flush();
        let told = |reason: &str| Some(Read::Damaged(reason.to_owned()));
        match came {
            Ok(()) if matches!(self.picture.kind(), Type::P | Type::B) => {
                told("it is marked as a key frame, but builds on others")
            }
            Ok(()) => None,
            Err(ffmpeg::Error::Eof) => told("no picture comes of a key frame alone"),
            Err(error) => Some(self.damaged(error)),
        }
    }
}
