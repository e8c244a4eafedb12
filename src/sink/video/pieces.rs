//! The pieces of a source between the jumps of its clock, as its pictures tell, and where sound lies in them.
//!
//! Sound is read by itself and has the source's own times. Its clock jumps where that of the pictures does, a little before or
//! after; between two jumps both are moved by the same.

use std::collections::VecDeque;

use crate::capture::clock::LONGEST;
use crate::frame::Frame;

/// Sound may begin and end so far beyond the pictures of a piece, in microseconds.
const NEAR: i64 = 2_000_000;
/// Sound that steps back by more is that of another piece.
const BACK: i64 = 500_000;
/// Sound that steps back by more than this is, where the pictures jump too.
const SLIGHT: i64 = 100_000;

/// What the pictures show, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Jumps before it.
    jumps: u64,
    /// What is added to the source's own time to get the running one.
    offset: i64,
    first: i64,
    last: i64,
}

/// The pieces so far that sound may still be of.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Piece>,
    /// No more pictures will come.
    ended: bool,
}

/// Where the sound is, in the order in which it is read.
#[derive(Debug, Default)]
pub(super) struct SoundFollower {
    /// Jumps before the piece that it is in.
    piece: u64,
    last: Option<i64>,
    /// Its own jumps that lead to the first piece that has pictures.
    ahead: u64,
    /// It stepped back slightly: pictures that go on beyond this moment without a jump show that it did so alone.
    doubt: Option<i64>,
}

/// Where a moment of sound lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// There on the running clock.
    At(i64),
    /// Beside no picture.
    Nowhere,
    /// The pictures have not come so far yet.
    Later,
}

impl Pieces {
    /// Takes note of the next picture.
    pub(super) fn see(&mut self, frame: &Frame) {
        let (time, running) = (frame.time.0, frame.running().0);
        match self.pieces.back_mut().filter(|piece| piece.jumps == frame.jumps()) {
            Some(piece) => (piece.first, piece.last) = (piece.first.min(time), piece.last.max(time)),
            None => {
                let offset = running.saturating_sub(time);
                self.pieces.push_back(Piece { jumps: frame.jumps(), offset, first: time, last: time });
            }
        }
    }

    /// No more pictures will come: what is later than the last one is wanted too.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether no more pictures will come.
    pub(super) fn have_ended(&self) -> bool {
        self.ended
    }

    /// Forgets what comes before the piece where the sound is; without sound, all but the last.
    pub(super) fn forget(&mut self, sound: Option<&SoundFollower>) {
        let wanted = |piece: &Piece| sound.is_some_and(|sound| sound.piece <= piece.jumps);
        while self.pieces.len() > 1 && !self.pieces.front().is_some_and(wanted) {
            self.pieces.pop_front();
        }
    }

    /// Whether the pictures of this piece, the last one, go on beyond a moment, or to the end.
    fn went_on(&self, jumps: u64, until: i64) -> bool {
        self.get(jumps).is_some_and(|(piece, _, is_last)| is_last && (self.ended || piece.last > until))
    }

    fn get(&self, jumps: u64) -> Option<(&Piece, bool, bool)> {
        let at = self.pieces.iter().position(|piece| piece.jumps == jumps)?;
        Some((&self.pieces[at], at == 0, at + 1 == self.pieces.len()))
    }
}

impl SoundFollower {
    /// Sound of a source whose first picture has come.
    pub(super) fn new(first: &Frame) -> Self {
        Self { piece: first.jumps(), last: None, ahead: first.jumps(), doubt: None }
    }

    /// A packet at `moment` was read. Says whether it begins another piece, which [`SoundFollower::place`] wants to know.
    pub(super) fn turns(&mut self, moment: i64) -> Continuation {
        let last = self.last.replace(moment);
        let steps_back = |by: i64| last.is_some_and(|last| moment < last.saturating_sub(by));
        let back = steps_back(SLIGHT);
        if self.ahead > 0 {
            self.ahead -= u64::from(back || last.is_some_and(|last| moment > last.saturating_add(LONGEST)));
            return if self.ahead > 0 { Continuation::Before } else { Continuation::Within };
        }
        if back {
            self.doubt = last.filter(|_| !steps_back(BACK)).map(|last| last.saturating_add(NEAR));
            return Continuation::Anew;
        }
        Continuation::Within
    }

    /// Where sound at `moment` lies, the last one that was read; where the answer was [`Place::Later`] it is asked again, within
    /// its piece.
    pub(super) fn place(&mut self, moment: i64, turn: Continuation, pieces: &Pieces) -> Place {
        match turn {
            Continuation::Before => return Place::Nowhere,
            Continuation::Anew => self.piece += 1,
            Continuation::Within => {}
        }
        loop {
            let Some((piece, is_first, is_last)) = pieces.get(self.piece) else {
                if self.doubt.take_if(|until| pieces.went_on(self.piece - 1, *until)).is_some() {
                    self.piece -= 1;
                    continue;
                }
                return if pieces.ended { Place::Nowhere } else { Place::Later };
            };
            let room = match (is_last, pieces.ended) {
                (true, true) => return Place::At(moment.saturating_add(piece.offset)),
                (true, false) => LONGEST,
                (false, _) => NEAR,
            };
            let begins = is_first || moment >= piece.first.saturating_sub(NEAR);
            let ends = moment <= piece.last.saturating_add(room);
            match (begins, ends) {
                (true, true) => return Place::At(moment.saturating_add(piece.offset)),
                (_, false) if is_last => return Place::Later,
                (_, false) => self.piece += 1,
                (false, true) => return Place::Nowhere,
            }
        }
    }
}

/// How a packet of sound goes on from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuation {
    /// In the same piece, as far as its own clock tells.
    Within,
    /// Its clock has stepped back.
    Anew,
    /// It is before all pieces with pictures.
    Before,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{PresentationTime, Running};

    const SECOND: i64 = 1_000_000;

    fn picture(time: i64, running: i64, jumps: u64) -> Frame {
        let mut frame = Frame::empty();
        frame.time = PresentationTime(time * SECOND);
        frame.running = Some(Running { time: PresentationTime(running * SECOND), jumps });
        frame
    }

    /// Sound at this second, and where it is on the running clock.
    fn check(sound: &mut SoundFollower, pieces: &Pieces, second: i64, expected: Place) {
        let turn = sound.turns(second * SECOND);
        assert_eq!(sound.place(second * SECOND, turn, pieces), expected, "{second}: {pieces:?}");
    }

    fn at(second: i64) -> Place {
        Place::At(second * SECOND)
    }

    #[test]
    fn sound_goes_along_with_a_clock_that_begins_anew() {
        let (mut pieces, mut sound) = (Pieces::default(), SoundFollower::new(&picture(100, 0, 0)));
        (0..5).for_each(|n| pieces.see(&picture(100 + n, n, 0)));
        check(&mut sound, &pieces, 91, at(-9));
        check(&mut sound, &pieces, 104, at(4));
        // The sound is there first.
        check(&mut sound, &pieces, 0, Place::Later);
        pieces.see(&picture(0, 5, 1));
        assert_eq!(sound.place(0, Continuation::Within, &pieces), at(5));
        check(&mut sound, &pieces, 1, at(6));
        pieces.end();
        check(&mut sound, &pieces, 60, at(65));
    }

    #[test]
    fn two_pieces_with_the_same_times_are_told_apart() {
        let (mut pieces, mut sound) = (Pieces::default(), SoundFollower::new(&picture(0, 0, 0)));
        (0..5).for_each(|n| pieces.see(&picture(n, n, 0)));
        (0..5).for_each(|n| pieces.see(&picture(n, 5 + n, 1)));
        check(&mut sound, &pieces, 4, at(4));
        check(&mut sound, &pieces, 0, at(5));
        check(&mut sound, &pieces, 1, at(6));
    }

    #[test]
    fn a_jump_ahead_is_followed_and_a_pause_waited_for() {
        let (mut pieces, mut sound) = (Pieces::default(), SoundFollower::new(&picture(0, 0, 0)));
        pieces.see(&picture(0, 0, 0));
        check(&mut sound, &pieces, 30, Place::Later);
        (0..22).for_each(|n| pieces.see(&picture(n, n, 0)));
        assert_eq!(sound.place(30 * SECOND, Continuation::Within, &pieces), at(30));
        check(&mut sound, &pieces, 3600, Place::Later);
        pieces.see(&picture(3600, 31, 1));
        assert_eq!(sound.place(3600 * SECOND, Continuation::Within, &pieces), at(31));
        pieces.forget(Some(&sound));
        assert_eq!(pieces.pieces.len(), 1);
    }

    #[test]
    fn sound_before_a_late_start_is_left_out() {
        let (mut pieces, mut sound) = (Pieces::default(), SoundFollower::new(&picture(2, 102, 1)));
        (2..5).for_each(|n| pieces.see(&picture(n, 100 + n, 1)));
        check(&mut sound, &pieces, 95, Place::Nowhere);
        check(&mut sound, &pieces, 99, Place::Nowhere);
        check(&mut sound, &pieces, 0, at(100));
        check(&mut sound, &pieces, 2, at(102));
    }

    #[test]
    fn sound_that_jumps_alone_waits_to_the_end() {
        let (mut pieces, mut sound) = (Pieces::default(), SoundFollower::new(&picture(100, 0, 0)));
        (0..60).for_each(|n| pieces.see(&picture(100 + n, n, 0)));
        check(&mut sound, &pieces, 101, at(1));
        check(&mut sound, &pieces, 0, Place::Later);
        pieces.end();
        assert_eq!(sound.place(0, Continuation::Within, &pieces), Place::Nowhere);
    }
    #[test]
    fn a_slight_step_back_goes_along_with_the_pictures() {
        let moment = |tenths: i64| tenths * SECOND / 10;
        // The first tenth second of sound behind the step, once the pictures say what it was.
        let behind = |tell: &dyn Fn(&mut Pieces)| {
            let (mut pieces, mut sound) = (Pieces::default(), SoundFollower::new(&picture(100, 0, 0)));
            (0..5).for_each(|n| pieces.see(&picture(100 + n, n, 0)));
            check(&mut sound, &pieces, 104, at(4));
            let turn = sound.turns(moment(1036));
            assert_eq!(sound.place(moment(1036), turn, &pieces), Place::Later);
            tell(&mut pieces);
            sound.place(moment(1036), Continuation::Within, &pieces)
        };
        let jumped = behind(&|pieces| {
            let mut frame = picture(104, 5, 1);
            frame.time = PresentationTime(moment(1036));
            pieces.see(&frame);
        });
        assert_eq!(jumped, at(5));
        let alone = Place::At(moment(36));
        assert_eq!(behind(&|pieces| (5..8).for_each(|n| pieces.see(&picture(100 + n, n, 0)))), alone);
        assert_eq!(behind(&Pieces::end), alone);
    }
}
