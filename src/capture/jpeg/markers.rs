//! A walk over the markers of a JPEG file: whether it is whole, how it is turned, and a copy that is fit for the decoder.

use image::metadata::Orientation;

use crate::capture::orientation;

/// Markers, the byte after 0xff (ITU-T T.81, table B.1).
const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const COMMENT: u8 = 0xfe;
const APPLICATIONS: std::ops::RangeInclusive<u8> = 0xe0..=0xef;
const JFIF: u8 = 0xe0;
const EXIF: u8 = 0xe1;
const ADOBE: u8 = 0xee;
/// What an XMP packet begins with, in a segment as EXIF has it.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Markers without a length: restarts and TEM.
const BARE: [u8; 9] = [0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7];

/// What a walk found.
#[derive(Debug)]
pub(super) struct Outline {
    /// The file for the decoder: stray bytes, comments and application data that say nothing of colours are left out
    /// before the first scan, for the decoder takes any oddity there for an error. It always has an end marker.
    pub(super) stream: Vec<u8>,
    /// How many scans there are; none when the file is no JPEG, or ends before its first one.
    pub(super) scans: usize,
    /// Whether the file has an end marker.
    pub(super) ended: bool,
    /// The orientation's number in the first EXIF block that has one, and in the last XMP packet.
    exif: Option<u32>,
    xmp: Option<u32>,
}

impl Outline {
    pub(super) fn of(coded: &[u8]) -> Self {
        let mut outline = Self { stream: Vec::new(), scans: 0, ended: false, exif: None, xmp: None };
        if !coded.starts_with(&[0xff, START]) {
            return outline;
        }
        outline.stream.reserve(coded.len() + 2);
        outline.stream.extend([0xff, START]);
        let (mut at, mut scan, mut end) = (2, None, coded.len());
        while let Some((marker, place)) = next(coded, at) {
            at = place;
            if marker == END {
                (outline.ended, end) = (true, place);
                break;
            }
            if BARE.contains(&marker) {
                continue;
            }
            let Some(segment) = segment(coded, place) else { break };
            at += segment.len();
            if marker == SCAN {
                outline.scans += 1;
                scan.get_or_insert(place - 2);
            } else if scan.is_none() {
                outline.keep(marker, segment);
            }
        }
        // From the first scan on the decoder sees what is there.
        outline.stream.extend(&coded[scan.unwrap_or(end)..end]);
        if !outline.ended {
            outline.stream.extend([0xff, END]);
        }
        outline
    }

    /// How the picture is to be turned.
    pub(super) fn orientation(&self) -> Orientation {
        orientation::from_number(self.exif.or(self.xmp))
    }

    /// Takes over a segment from before the first scan, with its length, if the decoder has to see it.
    fn keep(&mut self, marker: u8, segment: &[u8]) {
        let payload = &segment[2..];
        if marker == EXIF && payload.starts_with(b"Exif\0\0") {
            self.exif = self.exif.or_else(|| orientation::in_exif(payload));
        } else if marker == EXIF
            && let Some(packet) = payload.strip_prefix(XMP)
        {
            self.xmp = orientation::in_xmp(packet);
        }
        let jfif = marker == JFIF && payload.starts_with(b"JFIF\0");
        let says_nothing = marker == COMMENT || APPLICATIONS.contains(&marker) && marker != ADOBE && !jfif;
        if says_nothing {
            return;
        }
        self.stream.extend([0xff, marker]);
        let begun = self.stream.len();
        self.stream.extend(segment);
        if let (true, Some(version)) = (jfif, self.stream.get_mut(begun + 7)) {
            // The decoder knows no later version and warns of it, yet decodes it alike.
            *version = 1;
        }
    }
}

/// The next marker at or behind a place, and the place behind it. Coded data and stray bytes are passed over.
fn next(coded: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += coded.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        at += coded[at..].iter().position(|&byte| byte != 0xff)?;
        if coded[at] != 0 {
            return Some((coded[at], at + 1));
        }
    }
}

/// The length of two bytes and what it covers; absent when there is no such length, or less than it says.
fn segment(coded: &[u8], at: usize) -> Option<&[u8]> {
    let rest = &coded[at..];
    let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
    rest.get(..length).filter(|segment| segment.len() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_hand() {
        let head = [0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2];
        let table = [0xff, 0xff, 0xdb, 0, 3, 9];
        let scan = [0xff, 0xda, 0, 2, 5, 0xff, 0, 6, 0xff, 0xd3, 7];
        let file = [&head[..], &[8, 8], &table, &scan, &[0xff, 0xda, 0, 2, 1], &[0xff, 0xd9], b"more"].concat();
        let outline = Outline::of(&file);
        assert_eq!((outline.scans, outline.ended), (2, true));
        // Without the comment, the stray bytes, the second 0xff and what follows the end.
        let expected = [&[0xff, 0xd8][..], &table[1..], &scan, &[0xff, 0xda, 0, 2, 1], &[0xff, 0xd9]].concat();
        assert_eq!(outline.stream, expected);
        let cut = Outline::of(&file[..file.len() - 6]);
        assert_eq!((cut.scans, cut.ended, cut.stream == expected), (2, false, true));
    }

    #[test]
    fn what_colours_depend_on_stays() {
        let jfif = [&[0xff, 0xe0, 0, 9][..], b"JFIF\0", &[3, 0]].concat();
        let adobe = [&[0xff, 0xee, 0, 7][..], b"Adobe"].concat();
        let other = [&[0xff, 0xe0, 0, 7][..], b"JFXX\0"].concat();
        let outline = Outline::of(&[&[0xff, 0xd8][..], &jfif, &adobe, &other, &[0xff, 0xda, 0, 2]].concat());
        let same = [&[0xff, 0xd8][..], &jfif[..9], &[1, 0], &adobe, &[0xff, 0xda, 0, 2, 0xff, 0xd9]].concat();
        assert_eq!(outline.stream, same);
    }

    #[test]
    fn no_end_of_a_length_is_read_over() {
        let file = [0xff, 0xd8, 0xff, 0xe1, 0, 2, 0xff, 0xe0, 0, 1, 0xff, 0xdb, 0xff, 0xff];
        for length in 0..=file.len() {
            let outline = Outline::of(&file[..length]);
            assert_eq!((outline.scans, outline.ended), (0, false), "{length}");
        }
    }
}
