//! The pixels of a photo that somebody painted, as the lengths of runs.

/// What is painted of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Painted {
    width: u32,
    height: u32,
    runs: Vec<u32>,
}

/// Runs that describe no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaintedError {
    /// There are more or fewer pixels than the photo has.
    #[error("the runs have {found} pixels, and the photo {expected}")]
    Pixels {
        /// What the runs add up to.
        found: u64,
        /// Width times height.
        expected: u64,
    },
    /// A run after the first is empty: the same picture would have two descriptions.
    #[error("run {0} is empty")]
    Empty(usize),
}

impl Painted {
    /// Reads run lengths: over the rows from the top, unpainted and painted pixels in turn, unpainted first. Only the first
    /// may be 0.
    ///
    /// # Errors
    ///
    /// When they don't add up to `width * height`, or a later one is empty.
    pub fn new(width: u32, height: u32, runs: Vec<u32>) -> Result<Self, PaintedError> {
        if let Some(empty) = runs.iter().skip(1).position(|&run| run == 0) {
            return Err(PaintedError::Empty(empty + 1));
        }
        let found = runs.iter().map(|&run| u64::from(run)).sum();
        let expected = u64::from(width) * u64::from(height);
        if found != expected {
            return Err(PaintedError::Pixels { found, expected });
        }
        Ok(Self { width, height, runs })
    }

    /// Of a mask: `width * height` values, rows from the top.
    ///
    /// # Panics
    ///
    /// When the mask has another number of values.
    #[must_use]
    pub fn of_mask(width: u32, height: u32, mask: &[bool]) -> Self {
        assert_eq!(mask.len() as u64, u64::from(width) * u64::from(height), "a value for each pixel");
        let mut runs = Vec::new();
        if mask.first() == Some(&true) {
            runs.push(0);
        }
        runs.extend(mask.chunk_by(|one, next| one == next).map(|run| run.len() as u32));
        Self { width, height, runs }
    }

    /// Width and height of the photo in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The run lengths, as [`new`](Self::new) takes them.
    #[must_use]
    pub fn runs(&self) -> &[u32] {
        &self.runs
    }

    /// Number of painted pixels.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).map(|&run| u64::from(run)).sum()
    }

    /// The painted runs: first pixel (rows from the top) and length of each.
    pub fn spans(&self) -> impl Iterator<Item = (usize, usize)> + use<'_> {
        let mut at = 0;
        let runs = self.runs.iter().enumerate().map(move |(index, &length)| {
            let start = at;
            at += length as usize;
            (index, start, length as usize)
        });
        runs.filter(|(index, ..)| index % 2 == 1).map(|(_, start, length)| (start, length))
    }

    /// `width * height` values, rows from the top.
    #[must_use]
    pub fn mask(&self) -> Vec<bool> {
        let mut mask = vec![false; self.width as usize * self.height as usize];
        for (start, length) in self.spans() {
            mask[start..start + length].fill(true);
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mask: &[bool], runs: &[u32], area: u64) {
        let painted = Painted::of_mask(3, 2, mask);
        assert_eq!((painted.runs(), painted.area()), (runs, area));
        assert_eq!(painted.mask(), mask);
        assert_eq!(Painted::new(3, 2, runs.to_vec()), Ok(painted));
    }

    #[test]
    fn a_mask_is_its_runs() {
        let (o, x) = (false, true);
        check(&[o, x, x, x, o, o], &[1, 3, 2], 3);
        check(&[x, x, o, o, o, x], &[0, 2, 3, 1], 3);
        check(&[o; 6], &[6], 0);
        check(&[x; 6], &[0, 6], 6);
    }

    #[test]
    fn runs_of_another_picture_are_refused() {
        assert_eq!(Painted::new(3, 2, vec![1, 2]), Err(PaintedError::Pixels { found: 3, expected: 6 }));
        assert_eq!(Painted::new(3, 2, vec![1, 2, 0, 3]), Err(PaintedError::Empty(2)));
        assert!(Painted::new(3, 2, Vec::new()).is_err());
        assert!(Painted::new(3, 2, vec![u32::MAX, u32::MAX]).is_err());
    }
}
