//! Who should hold which cameras: a function of what a worker sees, by which each worker decides for itself.
//!
//! All workers that see the same come to the same targets: cameras are dealt out in proportion to what each worker can hold, up to
//! what it says that it has room for. A worker takes free cameras up to its target, and gives up what is above it only when another one is
//! below its own. Where views differ for a moment two workers may want the same camera: its lease decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::entry::CameraName;

/// A worker, as it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    /// Cameras that it was made for.
    pub capacity: u64,
    /// Cameras that it can hold as things are: fewer than the capacity where it is overloaded.
    pub room: u64,
}

/// Whether a camera is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// By this worker.
    By(String),
    /// By nobody.
    Free {
        /// For longer than whoever is to take it should need: anybody with room may.
        overdue: bool,
    },
}

/// How much may move at once.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Cameras that are taken.
    pub take: usize,
    /// Cameras that are given up.
    pub release: usize,
}

/// What a worker should do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Take these.
    pub take: Vec<CameraName>,
    /// Give these up.
    pub release: Vec<CameraName>,
}

/// What `me` should do, where the cameras and the workers are these.
#[must_use]
pub fn share(me: &str, cameras: &BTreeMap<CameraName, Held>, hands: &BTreeMap<String, Hand>, most: Most) -> Moves {
    let targets = targets(cameras.len() as u64, hands);
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    for camera in cameras.values() {
        if let Held::By(worker) = camera {
            *held.entry(worker).or_default() += 1;
        }
    }
    let (Some(&target), Some(hand)) = (targets.get(me), hands.get(me)) else {
        return Moves::default();
    };
    let mine = held.get(me).copied().unwrap_or(0);
    let wanted = target.saturating_sub(mine);
    let room = hand.room.saturating_sub(mine);
    // Each worker has an order of its own, so that several don't all reach for the same camera.
    let free = cameras.iter().filter_map(|(name, held)| match held {
        Held::Free { overdue } => Some((!overdue, rank(me, name), name)),
        Held::By(_) => None,
    });
    let mut free: Vec<_> = free.collect();
    free.sort_unstable();
    let overdue = free.iter().filter(|(in_time, ..)| !in_time).count() as u64;
    let take = usize::try_from(wanted.max(overdue.min(room))).unwrap_or(usize::MAX).min(most.take);
    let take = free.into_iter().take(take).map(|(.., name)| name.clone()).collect();
    let surplus = mine.saturating_sub(target);
    let lacking: u64 = targets.iter().map(|(worker, target)| lack(*target, held.get(worker).copied())).sum();
    let release = usize::try_from(surplus.min(lacking)).unwrap_or(usize::MAX).min(most.release);
    let is_mine = |held: &Held| matches!(held, Held::By(worker) if worker == me);
    let mut own: Vec<_> = cameras.iter().filter(|(_, held)| is_mine(held)).map(|(name, _)| name).collect();
    own.sort_unstable_by_key(|name| Reverse(rank(me, name)));
    Moves { take, release: own.into_iter().take(release).cloned().collect() }
}

fn lack(target: u64, held: Option<u64>) -> u64 {
    target.saturating_sub(held.unwrap_or(0))
}

/// How many each worker should hold: one camera after the other goes to whoever is least full for its capacity, and has room.
fn targets(cameras: u64, hands: &BTreeMap<String, Hand>) -> BTreeMap<&str, u64> {
    let full = |count: u64, hand: &Hand| (count + 1).saturating_mul(1 << 20) / hand.capacity.max(1);
    let mut targets: BTreeMap<&str, u64> = hands.keys().map(|name| (&**name, 0)).collect();
    let mut next: BinaryHeap<Reverse<(u64, &str)>> =
        hands.iter().filter(|(_, hand)| hand.room > 0).map(|(name, hand)| Reverse((full(0, hand), &**name))).collect();
    for _ in 0..cameras {
        let Some(Reverse((_, name))) = next.pop() else {
            break;
        };
        if let (Some(count), Some(hand)) = (targets.get_mut(name), hands.get(name)) {
            *count += 1;
            if *count < hand.room {
                next.push(Reverse((full(*count, hand), name)));
            }
        }
    }
    targets
}

/// The order in which a worker takes cameras.
fn rank(worker: &str, camera: &CameraName) -> u64 {
    let mut hasher = DefaultHasher::new();
    (worker, camera).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const MOST: Most = Most { take: 8, release: 2 };

    fn name(number: usize) -> CameraName {
        format!("c{number}").parse().expect("a name")
    }

    /// A fleet whose workers see the same, and act in turns that chance sets.
    struct Fleet {
        cameras: BTreeMap<CameraName, Held>,
        hands: BTreeMap<String, Hand>,
        chance: ChaCha8Rng,
    }

    impl Fleet {
        fn new(cameras: usize, workers: usize, capacity: u64) -> Self {
            let cameras = (0..cameras).map(|number| (name(number), Held::Free { overdue: false })).collect();
            let mut fleet = Self { cameras, hands: BTreeMap::new(), chance: ChaCha8Rng::seed_from_u64(3) };
            (0..workers).for_each(|number| fleet.join(number, capacity));
            fleet
        }

        fn join(&mut self, number: usize, capacity: u64) {
            self.hands.insert(format!("w{number}"), Hand { capacity, room: capacity });
        }

        fn leave(&mut self, number: usize) {
            let gone = format!("w{number}");
            self.hands.remove(&gone);
            for held in self.cameras.values_mut().filter(|held| **held == Held::By(gone.clone())) {
                *held = Held::Free { overdue: false };
            }
        }

        /// One round, and how many cameras moved.
        fn round(&mut self) -> usize {
            let mut names: Vec<String> = self.hands.keys().cloned().collect();
            let before = self.cameras.clone();
            let mut moved = 0;
            while !names.is_empty() {
                let worker = names.swap_remove(self.chance.next_u32() as usize % names.len());
                // Half of them see what was before this round.
                let seen = if self.chance.next_u32().is_multiple_of(2) { &before } else { &self.cameras };
                let Moves { take, release } = share(&worker, seen, &self.hands, MOST);
                assert!(take.len() <= MOST.take && release.len() <= MOST.release);
                for camera in take {
                    let held = self.cameras.get_mut(&camera).expect("it is there");
                    // The lease decides: whoever comes second gets nothing.
                    if matches!(held, Held::Free { .. }) {
                        *held = Held::By(worker.clone());
                        moved += 1;
                    }
                }
                for camera in release {
                    let held = self.cameras.get_mut(&camera).expect("it is there");
                    if *held == Held::By(worker.clone()) {
                        *held = Held::Free { overdue: false };
                        moved += 1;
                    }
                }
            }
            moved
        }

        /// Rounds until nothing moves any more.
        fn settle(&mut self) -> usize {
            let rounds = (1..200).find(|_| self.round() == 0).expect("it comes to rest");
            for _ in 0..5 {
                assert_eq!(self.round(), 0, "and stays so");
            }
            rounds
        }

        fn counts(&self) -> Vec<usize> {
            let of = |worker: &String| {
                self.cameras.values().filter(|held| matches!(held, Held::By(name) if name == worker)).count()
            };
            self.hands.keys().map(of).collect()
        }
    }

    #[test]
    fn cameras_are_shared_evenly_when_workers_come_and_go() {
        let mut fleet = Fleet::new(50, 5, 20);
        fleet.settle();
        assert_eq!(fleet.counts(), [10; 5]);
        fleet.leave(2);
        fleet.settle();
        assert_eq!(fleet.counts().iter().sum::<usize>(), 50, "all are held again");
        assert!(fleet.counts().iter().all(|count| (12..=13).contains(count)), "{:?}", fleet.counts());
        fleet.join(7, 20);
        fleet.settle();
        assert_eq!(fleet.counts(), [10; 5]);
        fleet.join(8, 40);
        fleet.settle();
        let counts = fleet.counts();
        assert!((14..=15).contains(&counts[5]) && counts.iter().sum::<usize>() == 50, "{counts:?}");
    }

    #[test]
    fn chance_may_do_what_it_likes() {
        let mut chance = ChaCha8Rng::seed_from_u64(11);
        let mut fleet = Fleet::new(60, 3, 30);
        for number in 10..60 {
            match chance.next_u32() % 3 {
                0 if fleet.hands.len() > 2 => {
                    let gone = fleet.hands.keys().next().expect("one is there")[1..].parse().expect("a number");
                    fleet.leave(gone);
                }
                1 => fleet.join(number, 10 + u64::from(chance.next_u32() % 40)),
                _ => {
                    fleet.round();
                }
            }
        }
        fleet.settle();
        let capacity: u64 = fleet.hands.values().map(|hand| hand.capacity).sum();
        assert_eq!(fleet.counts().iter().sum::<usize>() as u64, capacity.min(60));
    }

    #[test]
    fn who_is_overloaded_gives_up_what_others_have_room_for() {
        let mut fleet = Fleet::new(20, 2, 20);
        fleet.settle();
        assert_eq!(fleet.counts(), [10, 10]);
        fleet.hands.get_mut("w0").expect("it is there").room = 7;
        fleet.settle();
        assert_eq!(fleet.counts(), [7, 13]);
        // Nobody has room: a camera that is judged badly is better than one that isn't judged.
        fleet.hands.get_mut("w1").expect("it is there").room = 10;
        fleet.hands.get_mut("w0").expect("it is there").room = 5;
        assert_eq!(fleet.round(), 0);
        assert_eq!(fleet.counts(), [7, 13]);
    }

    #[test]
    fn a_camera_that_nobody_comes_for_is_anybodys() {
        // `w1` is still believed to live, and never acts.
        let mut fleet = Fleet::new(10, 2, 10);
        let see = |fleet: &Fleet| share("w0", &fleet.cameras, &fleet.hands, MOST).take.len();
        assert_eq!(see(&fleet), 5);
        fleet.cameras.values_mut().for_each(|held| *held = Held::Free { overdue: true });
        assert_eq!(see(&fleet), MOST.take);
        fleet.hands.get_mut("w0").expect("it is there").room = 6;
        assert_eq!(see(&fleet), 6, "but no more than it has room for");
        assert_eq!(share("stranger", &fleet.cameras, &fleet.hands, MOST), Moves::default());
    }
}
