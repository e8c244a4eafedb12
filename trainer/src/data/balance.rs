//! How often the faces of each source are shown: a large collection must not be all that a class is known by.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::list::{Label, Row};

/// How often the faces of a source are shown in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// Each face once.
    #[default]
    Listed,
    /// Half of the epoch from each class, and of that from each source a share by the root of its size.
    Sources,
}

/// Faces of an epoch with both classes alike, as many as there are indices: each source has a share by the root of its size,
/// its faces shown equally often but for one. A class that isn't there has no half.
#[must_use]
pub fn balanced(rows: &[Row], indices: &[usize], random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut shown = Vec::with_capacity(indices.len());
    for label in [Label::Authentic, Label::Synthetic] {
        let mut sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &index in indices.iter().filter(|&&index| rows[index].label == label) {
            sources.entry(&rows[index].source).or_default().push(index);
        }
        let weight = |faces: &[usize]| (faces.len() as f64).sqrt();
        let all: f64 = sources.values().map(|faces| weight(faces)).sum();
        for mut faces in sources.into_values() {
            let count = (indices.len() as f64 / 2.0 * weight(&faces) / all).round() as usize;
            // Shuffled, so that the few that are shown once more are others in each epoch.
            faces.shuffle(random);
            shown.extend(faces.iter().cycle().take(count));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn classes_are_alike_and_sources_by_the_root_of_their_size() {
        let row = |label, source: &str| Row::bare("", label, source);
        let mut rows = vec![row(Label::Authentic, "large"); 90];
        rows.extend(vec![row(Label::Authentic, "small"); 10]);
        rows.extend(vec![row(Label::Synthetic, "one"); 20]);
        let indices: Vec<usize> = (0..120).collect();
        let shown = balanced(&rows, &indices, &mut ChaCha8Rng::seed_from_u64(1));
        let of = |source: &str| shown.iter().filter(|&&index| rows[index].source == source).count();
        // 60 a class; roots of 90 and 10 are as 3 to 1.
        assert_eq!((of("large"), of("small"), of("one")), (45, 15, 60));
        let times = |index: usize| shown.iter().filter(|&&each| each == index).count();
        assert!((90..100).all(|index| (1..=2).contains(&times(index))) && (100..120).all(|index| times(index) == 3));
        assert_ne!(shown, balanced(&rows, &indices, &mut ChaCha8Rng::seed_from_u64(2)));
    }
}
