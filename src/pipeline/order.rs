//! Restores the frame order of the workers' results.

use std::iter::from_fn;

/// Holds back what came too early. It never holds more than `room` items, because no more are under way.
#[derive(Debug)]
pub(super) struct InOrder<T> {
    /// The item with number `n` waits at `n % room`.
    waiting: Vec<Option<T>>,
    next: u64,
}

impl<T> InOrder<T> {
    /// For numbers from 0, of which at most `room` are under way at once.
    pub(super) fn new(room: usize) -> Self {
        Self { waiting: (0..room.max(1)).map(|_| None).collect(), next: 0 }
    }

    /// Takes an item in, and gives all whose turn it is.
    pub(super) fn push(&mut self, number: u64, item: T) -> impl Iterator<Item = T> + '_ {
        let room = self.waiting.len() as u64;
        self.waiting[(number % room) as usize] = Some(item);
        from_fn(move || {
            let item = self.waiting[(self.next % room) as usize].take();
            self.next += u64::from(item.is_some());
            item
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_early_waits_for_its_turn() {
        let mut order = InOrder::new(3);
        let mut given = Vec::new();
        for number in [1, 2, 0, 3, 5, 4, 7, 6] {
            given.push(order.push(number, number).collect::<Vec<u64>>());
        }
        assert_eq!(given, [vec![], vec![], vec![0, 1, 2], vec![3], vec![], vec![4, 5], vec![], vec![6, 7]]);
    }
}
