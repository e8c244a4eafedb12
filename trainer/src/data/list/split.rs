//! Keeping faces out of training where a list has none to validate on.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Row;

/// Splits some rows into those to train on and those kept out: of each source a random tenth, rounded, is kept out. Faces of
/// one group, one video or one photo (by `contents`, a digest for each row) stay together, in whatever source they are.
///
/// The two parts share their sources, so what is measured on the kept-out part is a sanity check and says nothing of
/// generators that were never seen. The same seed gives the same split, whatever the order of the rows.
#[must_use]
pub fn keep_out(rows: &[Row], contents: &[String], indices: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut groups: BTreeMap<(Kind, &str), Vec<usize>> = BTreeMap::new();
    for &index in indices {
        groups.entry(group_of(&rows[index], &contents[index])).or_default().push(index);
    }
    let mut by_source: BTreeMap<&str, Vec<Vec<usize>>> = BTreeMap::new();
    for group in groups.into_values() {
        let source = group.iter().map(|&index| rows[index].source.as_str()).min().unwrap_or_default();
        by_source.entry(source).or_default().push(group);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut train, mut kept_out) = (Vec::new(), Vec::new());
    for mut groups in by_source.into_values() {
        let faces: usize = groups.iter().map(Vec::len).sum();
        let wanted = (faces + 5) / 10;
        groups.shuffle(&mut random);
        // Where every video is longer than what is wanted, the shortest is kept out, if another is left to learn from.
        let shortest = groups.iter().map(Vec::len).min().unwrap_or(0);
        let wanted = if groups.len() > 1 && wanted > 0 { wanted.max(shortest) } else { wanted };
        let mut kept = 0;
        for group in groups {
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

/// What a group is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Named,
    Video,
    Photo,
}

fn group_of<'a>(row: &'a Row, content: &'a str) -> (Kind, &'a str) {
    match (&row.group, &row.video) {
        // A name may stand for a photo or a video, as that of what was made from it does.
        (Some(group), _) => match (group.strip_prefix(PHOTO), group.strip_prefix(VIDEO)) {
            (Some(photo), _) => (Kind::Photo, photo),
            (_, Some(video)) => (Kind::Video, video),
            _ => (Kind::Named, group),
        },
        (None, Some(video)) => (Kind::Video, video),
        (None, None) => (Kind::Photo, content),
    }
}

/// What a group's name begins with that stands for the photo of this digest.
const PHOTO: &str = "photo:";
/// What one begins with that stands for a video.
const VIDEO: &str = "video:";

/// The group that a row belongs to, as another row can name it.
#[must_use]
pub fn group_name(row: &Row, content: &str) -> String {
    match group_of(row, content) {
        (Kind::Photo, content) => format!("{PHOTO}{content}"),
        (Kind::Video, video) => format!("{VIDEO}{video}"),
        (Kind::Named, name) => name.to_owned(),
    }
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
            group: None,
            pair: None,
            map: None,
            face: None,
        }
    }

    fn split(rows: &[Row], contents: &[String], seed: u64) -> (Vec<usize>, Vec<usize>) {
        keep_out(rows, contents, &(0..rows.len()).collect::<Vec<_>>(), seed)
    }

    /// Digests of photos that all differ.
    fn contents(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number:064x}")).collect()
    }

    #[test]
    fn a_tenth_of_each_source_is_kept_out() {
        let mut rows = vec![row("large", None); 100];
        rows.extend(vec![row("small", None); 14]);
        let contents = contents(rows.len());
        let (train, kept_out) = split(&rows, &contents, 3);
        assert_eq!((train.len(), kept_out.len()), (103, 11));
        assert_eq!(kept_out.iter().filter(|&&index| index >= 100).count(), 1);
        assert_eq!(split(&rows, &contents, 3), (train, kept_out.clone()));
        assert_ne!(split(&rows, &contents, 4).1, kept_out);
        // The order of the list changes nothing.
        let turned: Vec<Row> = rows.iter().rev().cloned().collect();
        let turned_contents: Vec<String> = contents.iter().rev().cloned().collect();
        let mut out: Vec<usize> = split(&turned, &turned_contents, 3).1.iter().map(|&at| rows.len() - 1 - at).collect();
        out.sort_unstable();
        assert_eq!(out, kept_out);
    }

    #[test]
    fn what_belongs_together_is_not_parted() {
        let videos: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
        let mut rows: Vec<Row> = videos.iter().flat_map(|video| vec![row("clips", Some(video)); 5]).collect();
        let frames = rows.len();
        // The same photo three times, and a fake made from it.
        let photos = 40;
        rows.extend((0..photos).flat_map(|_| vec![row("photos", None); 3]));
        let mut contents = contents(frames);
        contents.extend((0..photos * 3).map(|number| format!("photo {}", number / 3)));
        rows.push(Row { group: Some(group_name(&rows[0], &contents[0])), ..row("forged", None) });
        contents.push("fake of a frame".to_owned());
        for number in 0..photos {
            let of_photo = frames + number * 3;
            rows.push(Row { group: Some(group_name(&rows[of_photo], &contents[of_photo])), ..row("forged", None) });
            contents.push(format!("fake {number}"));
        }
        let (train, kept_out) = split(&rows, &contents, 1);
        let key = |index: &usize| group_of(&rows[*index], &contents[*index]);
        assert!(kept_out.len() >= 20, "{kept_out:?}");
        assert!(kept_out.iter().all(|out| train.iter().all(|index| key(index) != key(out))));
        let whole = frames..frames + photos * 3;
        assert_eq!(kept_out.iter().filter(|index| whole.contains(index)).count() % 3, 0);
    }

    #[test]
    fn of_a_few_long_videos_the_shortest_is_kept_out() {
        let mut rows = vec![row("clips", Some("a")); 100];
        rows.extend(vec![row("clips", Some("b")); 80]);
        let contents = contents(rows.len());
        let (train, kept_out) = split(&rows, &contents, 1);
        assert_eq!((train.len(), kept_out.len()), (100, 80));
        assert!(split(&rows[..100], &contents[..100], 1).1.is_empty(), "nothing would be left to learn from");
    }
}
