//! Keeping faces out of training where a list has none to validate on.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Row;

/// Splits some rows into those to train on and those kept out: of each source a random tenth, rounded, is kept out, and
/// frames of one video stay together.
///
/// The two parts share their sources, so what is measured on the kept-out part is a sanity check and says nothing of
/// generators that were never seen. The same seed gives the same split.
#[must_use]
pub fn keep_out(rows: &[Row], indices: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut sources: Vec<&str> = indices.iter().map(|&index| rows[index].source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut train, mut kept_out) = (Vec::new(), Vec::new());
    for source in sources {
        let of_source: Vec<usize> = indices.iter().copied().filter(|&index| rows[index].source == source).collect();
        let wanted = (of_source.len() + 5) / 10;
        let mut groups = groups(rows, &of_source);
        groups.shuffle(&mut random);
        let mut kept = 0;
        for group in groups {
            // A video that is longer than what is wanted would leave nothing to learn from.
            if kept + group.len() <= wanted {
                kept += group.len();
                kept_out.extend(group);
            } else {
                train.extend(group);
            }
        }
    }
    train.sort_unstable();
    kept_out.sort_unstable();
    (train, kept_out)
}

/// Rows that must not be parted, in the order of the list: frames of one video, and each photo by itself.
fn groups(rows: &[Row], indices: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut videos: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for &index in indices {
        let Some(video) = rows[index].video.as_deref() else {
            groups.push(vec![index]);
            continue;
        };
        match videos.get(video) {
            Some(&group) => groups[group].push(index),
            None => {
                videos.insert(video, groups.len());
                groups.push(vec![index]);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::data::list::{Label, Split};

    fn row(source: &str, video: Option<&str>) -> Row {
        Row {
            line: 1,
            path: PathBuf::new(),
            label: Label::Authentic,
            split: Split::Train,
            source: source.to_owned(),
            video: video.map(str::to_owned),
            map: None,
            face: None,
        }
    }

    #[test]
    fn a_tenth_of_each_source_is_kept_out() {
        let mut rows = vec![row("large", None); 100];
        rows.extend(vec![row("small", None); 14]);
        let all: Vec<usize> = (0..rows.len()).collect();
        let (train, kept_out) = keep_out(&rows, &all, 3);
        assert_eq!((train.len(), kept_out.len()), (103, 11));
        assert_eq!(kept_out.iter().filter(|&&index| index >= 100).count(), 1);
        assert_eq!(keep_out(&rows, &all, 3), (train, kept_out.clone()));
        assert_ne!(keep_out(&rows, &all, 4).1, kept_out);
    }

    #[test]
    fn frames_of_a_video_stay_together() {
        let videos: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
        let rows: Vec<Row> = videos.iter().flat_map(|video| vec![row("clips", Some(video)); 5]).collect();
        let all: Vec<usize> = (0..rows.len()).collect();
        let (train, kept_out) = keep_out(&rows, &all, 1);
        assert_eq!(kept_out.len(), 10);
        assert!(kept_out.iter().all(|out| train.iter().all(|index| rows[*index].video != rows[*out].video)));
    }
}
