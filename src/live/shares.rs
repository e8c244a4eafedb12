//! Whose faces are scored next, where several feeds share a classifier: those of the feed that had the least of its time. Which
//! of its faces, the feed's schedule says. A function of what was asked and used, with no clock of its own.

use std::time::Duration;

/// A turn counts as no longer than this: a feed doesn't wait for long because the machine was busy with something else in its
/// turn.
const LONGEST: Duration = Duration::from_secs(1);

/// Remembers how much of the classifier's time each feed had.
///
/// Each feed that always has a face to score gets the same time, however many faces it has. One that had none for a while
/// begins again where the others are: it is next, and has saved nothing up.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    feeds: Vec<Share>,
    /// What the feed had that was picked last, when it was picked.
    level: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    used: Duration,
    /// Whether it had faces to score at the last pick.
    waited: bool,
}

impl Shares {
    /// The shares of so many feeds, of which none had any time yet.
    #[must_use]
    pub fn new(feeds: usize) -> Self {
        Self { feeds: vec![Share::default(); feeds], level: Duration::ZERO }
    }

    /// Another feed comes, and has the next number.
    pub fn add(&mut self) {
        self.feeds.push(Share::default());
    }

    /// A feed goes. Each one behind it has the number below its own from now on.
    pub fn remove(&mut self, feed: usize) {
        if feed < self.feeds.len() {
            self.feeds.remove(feed);
        }
    }

    /// The feed whose turn it is, by its number, among those that have a face to score; none where none has.
    ///
    /// Of several that had equally little, it is the first.
    pub fn pick(&mut self, has_faces: impl Fn(usize) -> bool) -> Option<usize> {
        for (number, feed) in self.feeds.iter_mut().enumerate() {
            let waits = has_faces(number);
            if waits && !feed.waited {
                feed.used = feed.used.max(self.level);
            }
            feed.waited = waits;
        }
        let waiting = self.feeds.iter().enumerate().filter(|(_, feed)| feed.waited);
        let (number, feed) = waiting.min_by_key(|(_, feed)| feed.used)?;
        self.level = self.level.max(feed.used);
        Some(number)
    }

    /// Takes down how much time the classifier spent on this feed's faces.
    pub fn charge(&mut self, feed: usize, time: Duration) {
        if let Some(feed) = self.feeds.get_mut(feed) {
            feed.used += time.min(LONGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each feed's turn comes in so many turns, where its turns take `millis`; a feed has something to score in those
    /// turns that `has_faces` says.
    fn turns<const FEEDS: usize>(
        count: usize,
        millis: [u64; FEEDS],
        has_faces: impl Fn(usize, usize) -> bool,
    ) -> [usize; FEEDS] {
        let (mut shares, mut got) = (Shares::new(FEEDS), [0; FEEDS]);
        for turn in 0..count {
            if let Some(feed) = shares.pick(|feed| has_faces(turn, feed)) {
                shares.charge(feed, Duration::from_millis(millis[feed]));
                got[feed] += 1;
            }
        }
        got
    }

    #[test]
    fn feeds_that_always_have_faces_get_the_same_time() {
        assert_eq!(turns(300, [10, 10, 10], |_, _| true), [100, 100, 100]);
        // A turn of the first takes three times as long: three turns of the second for each.
        assert_eq!(turns(400, [30, 10], |_, _| true), [100, 300]);
        assert_eq!(turns(5, [10], |_, _| true), [5]);
        assert_eq!(turns(5, [10, 10], |_, _| false), [0, 0]);
    }

    #[test]
    fn turns_come_one_after_the_other() {
        let mut shares = Shares::new(3);
        let picked: Vec<_> = (0..6)
            .filter_map(|_| {
                let feed = shares.pick(|_| true)?;
                shares.charge(feed, Duration::from_millis(7));
                Some(feed)
            })
            .collect();
        assert_eq!(picked, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn a_feed_with_a_face_now_and_then_is_next_when_it_has_one() {
        // In each tenth turn the second has a face.
        assert_eq!(turns(1000, [10, 10], |turn, feed| feed == 0 || turn % 10 == 5), [900, 100]);
    }

    #[test]
    fn nobody_saves_up_time() {
        // The second has no face for a long time, and then always: from there on both have the same, and the first doesn't wait.
        let (mut shares, mut got) = (Shares::new(2), Vec::new());
        for turn in 0..1020 {
            let feed = shares.pick(|feed| feed == 0 || turn >= 1000).expect("the first always has one");
            shares.charge(feed, Duration::from_millis(10));
            got.extend((turn >= 1000).then_some(feed));
        }
        assert_eq!(got.iter().filter(|&&feed| feed == 1).count(), 10, "{got:?}");
        assert!(got.windows(2).all(|pair| pair[0] != pair[1]), "{got:?}");
    }

    #[test]
    fn who_comes_later_begins_where_the_others_are() {
        let mut shares = Shares::new(2);
        let turn = |shares: &mut Shares| {
            let feed = shares.pick(|_| true).expect("all have faces");
            shares.charge(feed, Duration::from_millis(10));
            feed
        };
        for _ in 0..100 {
            turn(&mut shares);
        }
        shares.add();
        let got: Vec<usize> = (0..9).map(|_| turn(&mut shares)).collect();
        assert_eq!(got.iter().filter(|&&feed| feed == 2).count(), 3, "{got:?}");
        // The first goes: the other two keep what they had.
        shares.remove(0);
        let got: Vec<usize> = (0..8).map(|_| turn(&mut shares)).collect();
        assert_eq!(got.iter().filter(|&&feed| feed == 0).count(), 4, "{got:?}");
        shares.remove(7);
    }

    /// Whatever comes and goes: a feed that has faces gets a turn before any other gets a second one more than it.
    #[test]
    fn nobody_waits_longer_than_a_round() {
        use rand_chacha::ChaCha8Rng;
        use rand_chacha::rand_core::{Rng, SeedableRng};

        let mut chance = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..100 {
            let (mut shares, mut passed) = (Shares::new(4), [0; 4]);
            let mut has_faces = [false; 4];
            for _ in 0..200 {
                for has in &mut has_faces {
                    *has ^= chance.next_u32() % 3 == 0;
                }
                let picked = shares.pick(|feed| has_faces[feed]);
                assert_eq!(picked.is_some(), has_faces.contains(&true));
                for feed in 0..4 {
                    let waits = has_faces[feed] && picked != Some(feed);
                    passed[feed] = if waits { passed[feed] + 1 } else { 0 };
                    // Each of the others may be a turn ahead, and have one more that began at the same level.
                    assert!(passed[feed] <= 6, "feed {feed} was passed over {} times", passed[feed]);
                }
                if let Some(feed) = picked {
                    shares.charge(feed, Duration::from_millis(10));
                }
            }
        }
    }
}
