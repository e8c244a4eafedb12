//! Sound as evidence of time: if it continued while the pictures paused, the clock has not jumped.

use ffmpeg_next as ffmpeg;

use super::ticks::micros;

/// Moments of sound that are remembered, the newest ones.
const KEPT: usize = 64;
/// They are at least so far apart, in microseconds.
const APART: i64 = 500_000;
/// Sound so close to an end of a pause says nothing of it: the clocks of sound and pictures jump a little apart.
const EDGE: i64 = 2_000_000;

/// Listens to one stream of a source.
#[derive(Debug)]
pub(super) struct Heard {
    stream: usize,
    clock: ffmpeg::Rational,
    /// A ring, its place for the next moment, in microseconds.
    moments: Vec<i64>,
    next: usize,
    newest: Option<i64>,
}

impl Heard {
    pub(super) fn new(stream: &ffmpeg::Stream<'_>) -> Self {
        let (stream, clock) = (stream.index(), stream.time_base());
        Self { stream, clock, moments: Vec::with_capacity(KEPT), next: 0, newest: None }
    }

    /// Takes note of a packet, of whatever stream.
    pub(super) fn hear(&mut self, packet: &ffmpeg::Packet) {
        let stamp = packet.pts().or(packet.dts()).filter(|_| packet.stream() == self.stream);
        if let Some(stamp) = stamp {
            self.note(micros(stamp, self.clock));
        }
    }

    fn note(&mut self, moment: i64) {
        if self.newest.is_some_and(|newest| newest.abs_diff(moment) < APART.unsigned_abs()) {
            return;
        }
        self.newest = Some(moment);
        match self.moments.get_mut(self.next) {
            Some(oldest) => *oldest = moment,
            None => self.moments.push(moment),
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// Whether there was sound well between these two moments.
    pub(super) fn between(&self, from: i64, to: i64) -> bool {
        let inside = from.saturating_add(EDGE)..to.saturating_sub(EDGE);
        self.moments.iter().any(|moment| inside.contains(moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sound_well_inside_counts() {
        let mut heard = Heard { stream: 0, clock: (1, 1).into(), moments: Vec::new(), next: 0, newest: None };
        let second = |second: i64| second * 1_000_000;
        assert!(!heard.between(0, second(60)));
        (0..200).for_each(|at| heard.note(second(at) / 4));
        // Up to 50 s; of them the last 32 s are remembered.
        assert_eq!(heard.moments.len(), KEPT);
        assert!(heard.between(second(40), second(60)) && heard.between(second(1), second(49)));
        assert!(!heard.between(second(1), second(10)) && !heard.between(second(48), second(3600)));
    }
}
