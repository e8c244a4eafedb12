//! Which parts of a picture differ from an earlier one of the same source, so that only these need to be looked at again.

use smallvec::SmallVec;

use super::PixelBox;

/// Parts that are told apart at most. A panel's clock and two films are three; whoever looks again does so part by part.
const MOST_PARTS: usize = 4;
/// Parts are told as one where the box around both has no more than this many times their area.
const LITTLE_WASTE: f32 = 1.25;

/// Where a picture differs from an earlier frame of its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Number of that earlier frame. Who hasn't looked at it, or at a later one, must look at all of the picture.
    since: u64,
    /// With room for one more than there ever are, so that nothing is allocated while two are made one.
    parts: SmallVec<[PixelBox; MOST_PARTS + 1]>,
}

impl Changed {
    /// Nothing differs from frame `since`.
    #[must_use]
    pub fn nothing(since: u64) -> Self {
        Self { since, parts: SmallVec::new() }
    }

    /// Number of the frame that the picture is compared with.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The parts that differ, four at most; none where nothing does. They may overlap.
    #[must_use]
    pub fn parts(&self) -> &[PixelBox] {
        &self.parts
    }

    /// This part differs too. One without an area is left out.
    pub fn add(&mut self, part: PixelBox) {
        if part.area() > 0.0 {
            self.parts.push(part);
            while self.join() {}
        }
    }

    /// What differs from the frame that `older` is compared with, which is of the frame that this is compared with or of a
    /// later one: that picture was replaced by this one before anybody looked.
    pub fn unite(&mut self, older: &Self) {
        self.since = self.since.min(older.since);
        older.parts.iter().for_each(|&part| self.add(part));
    }

    /// Whether something differs within a box.
    #[must_use]
    pub fn touches(&self, bounds: &PixelBox) -> bool {
        self.parts.iter().any(|part| part.meets(bounds))
    }

    /// Makes the two parts one that waste least by it, where there are too many or that wastes little; whether it did.
    fn join(&mut self) -> bool {
        let mut best: Option<(f32, f32, usize, usize)> = None;
        for first in 0..self.parts.len() {
            for second in first + 1..self.parts.len() {
                let (a, b) = (&self.parts[first], &self.parts[second]);
                let (around, sum) = (a.around(b).area(), a.area() + b.area());
                if best.is_none_or(|(waste, ..)| around - sum < waste) {
                    best = Some((around - sum, around / sum, first, second));
                }
            }
        }
        match best {
            Some((_, share, first, second)) if share <= LITTLE_WASTE || self.parts.len() > MOST_PARTS => {
                let other = self.parts.swap_remove(second);
                self.parts[first] = self.parts[first].around(&other);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(left: f32, top: f32, width: f32, height: f32) -> PixelBox {
        PixelBox { left, top, width, height }
    }

    fn check(parts: &[PixelBox], expected: &[PixelBox]) {
        let mut changed = Changed::nothing(0);
        parts.iter().for_each(|&part| changed.add(part));
        assert_eq!(changed.parts(), expected);
        assert!(!changed.parts.spilled(), "nothing is allocated");
        for part in parts.iter().filter(|part| part.area() > 0.0) {
            assert!(expected.iter().any(|kept| kept.around(part) == *kept), "{part:?} is lost");
        }
    }

    #[test]
    fn parts_stay_apart_unless_one_box_is_as_good() {
        check(
            &[part(0.0, 0.0, 10.0, 10.0), part(90.0, 90.0, 10.0, 10.0)],
            &[part(0.0, 0.0, 10.0, 10.0), part(90.0, 90.0, 10.0, 10.0)],
        );
        // Rows of one picture, as a program draws them.
        check(
            &[part(0.0, 0.0, 10.0, 5.0), part(0.0, 5.0, 10.0, 5.0), part(2.0, 2.0, 3.0, 3.0)],
            &[part(0.0, 0.0, 10.0, 10.0)],
        );
        check(&[part(5.0, 5.0, 0.0, 9.0)], &[]);
    }

    #[test]
    fn of_many_parts_the_nearest_become_one() {
        let far = [0.0, 100.0, 200.0, 300.0, 312.0].map(|left| part(left, 0.0, 4.0, 4.0));
        check(&far, &[far[0], far[1], far[2], part(300.0, 0.0, 16.0, 4.0)]);
    }

    #[test]
    fn a_picture_that_nobody_saw_adds_its_own() {
        let mut newer = Changed::nothing(8);
        newer.add(part(0.0, 0.0, 4.0, 4.0));
        let mut older = Changed::nothing(7);
        older.add(part(50.0, 0.0, 4.0, 4.0));
        newer.unite(&older);
        assert_eq!((newer.since(), newer.parts().len()), (7, 2));
        assert!(newer.touches(&part(52.0, 2.0, 9.0, 9.0)) && !newer.touches(&part(10.0, 0.0, 9.0, 9.0)));
    }
}
