//! Which photo of a list a file means by a name of its own.

use std::collections::HashMap;

use anyhow::bail;

use crate::study::faces::Face;

/// Letters that Label Studio puts before the name of an uploaded file, with a hyphen behind them.
const UPLOAD_LETTERS: usize = 8;

/// The photos of a list by their names.
#[derive(Debug)]
pub(super) struct Names<'a> {
    whole: HashMap<&'a str, usize>,
    /// By the last part, without its ending too.
    short: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Names<'a> {
    /// Of these faces.
    pub(super) fn new(faces: &'a [Face]) -> Self {
        let mut short: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, face) in faces.iter().enumerate() {
            let last = last(&face.photo);
            short.entry(last).or_default().push(index);
            if stem(last) != last {
                short.entry(stem(last)).or_default().push(index);
            }
        }
        Self { whole: faces.iter().enumerate().map(|(index, face)| (face.photo.as_str(), index)).collect(), short }
    }

    /// The photo: that of the whole name; else the only one whose name ends so, with its ending or without. Nothing of a name
    /// that no photo has.
    ///
    /// # Errors
    ///
    /// When several photos have it.
    pub(super) fn find(&self, name: &str) -> anyhow::Result<Option<usize>> {
        let name = decoded(name);
        // `local-files/?d=` comes before the path in some addresses.
        let name = name.rsplit_once("?d=").map_or(name.as_str(), |(_, path)| path).replace('\\', "/");
        if let Some(&index) = self.whole.get(name.trim_start_matches("./")) {
            return Ok(Some(index));
        }
        let last = last(&name);
        let uploaded = last.split_once('-').filter(|(letters, _)| {
            letters.len() == UPLOAD_LETTERS && letters.bytes().all(|letter| letter.is_ascii_hexdigit())
        });
        let candidates = [Some(last), Some(stem(last)), uploaded.map(|(_, rest)| rest)];
        for short in candidates.into_iter().flatten() {
            match self.short.get(short).map(Vec::as_slice) {
                Some([index]) => return Ok(Some(*index)),
                Some(several) => {
                    // The one whose folder goes with the name, if there is one.
                    let mut ending = several.iter().filter(|index| self.ends(**index, &name));
                    if let (Some(&index), None) = (ending.next(), ending.next()) {
                        return Ok(Some(index));
                    }
                    bail!("{} photos of the list are called {short}: write more of the path", several.len());
                }
                None => {}
            }
        }
        Ok(None)
    }

    fn ends(&self, index: usize, name: &str) -> bool {
        let photo = self.whole.iter().find(|(_, other)| **other == index).map(|(photo, _)| *photo);
        photo.is_some_and(|photo| {
            let rest = name.strip_suffix(photo);
            let rest = rest.or_else(|| photo.strip_suffix(name));
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        })
    }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A name with `%20` and its like as letters.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        rest = behind;
        if let (b'%', [high, low, after @ ..]) = (first, behind)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes.push((high * 16 + low) as u8);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::list::{Label, Row};

    #[test]
    fn photos_are_found_by_whatever_part_of_their_name_is_theirs_alone() {
        let faces = ["gan/1.jpg", "real/1.jpg", "real/a b.png", "/elsewhere/c.d.png"].map(|photo| Face {
            photo: photo.to_owned(),
            row: Row::bare(photo, Label::Synthetic, "gan"),
            annotators: 0,
        });
        let names = Names::new(&faces);
        let check = |name: &str, expected: Option<usize>| {
            assert_eq!(names.find(name).expect("it is one photo's"), expected, "{name}");
        };
        check("gan/1.jpg", Some(0));
        check("./gan/1.jpg", Some(0));
        check("images\\real\\1.jpg", Some(1));
        check("a b.png", Some(2));
        check("a%20b.png", Some(2));
        check("/data/upload/3/0a1b2c3d-a%20b.png", Some(2));
        check("/data/local-files/?d=real/a b.png", Some(2));
        check("a b", Some(2));
        check("c.d.jpg", Some(3));
        check("e.png", None);
        check("%zz", None);
        assert!(names.find("1.jpg").expect_err("two").to_string().contains("2 photos of the list are called 1.jpg"));
    }
}
