//! How a photo is to be turned: by the orientation in its EXIF block or, where that has none, in its XMP packet. As Pillow
//! does it.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use image::metadata::Orientation;

/// What some programs put before an EXIF block, in files that don't ask for it.
const PREFIX: &[u8] = b"Exif\0\0";
/// The tag's number, and the types that its value may have.
const ORIENTATION: u16 = 0x112;
const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
/// What stands before the value in an XMP packet: of an attribute, or of an element.
const IN_XMP: [&[u8]; 2] = [b"tiff:Orientation=\"", b"tiff:Orientation>"];

/// The orientation by these blocks, each where there is one.
pub(super) fn of(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Orientation {
    from(exif.and_then(in_exif), xmp)
}

/// The orientation by the number of the tag, else by the XMP packet.
pub(super) fn from(tag: Option<u32>, xmp: Option<&[u8]>) -> Orientation {
    from_number(tag.or_else(|| xmp.and_then(in_xmp)))
}

/// The orientation of a number. One that is none turns nothing.
pub(super) fn from_number(number: Option<u32>) -> Orientation {
    number.and_then(|number| Orientation::from_exif(u8::try_from(number).ok()?)).unwrap_or(Orientation::NoTransforms)
}

/// The number in an EXIF block.
pub(super) fn in_exif(mut block: &[u8]) -> Option<u32> {
    while let Some(rest) = block.strip_prefix(PREFIX) {
        block = rest;
    }
    in_tiff(&mut Cursor::new(block)).unwrap_or(None)
}

/// The number in an XMP packet.
pub(super) fn in_xmp(packet: &[u8]) -> Option<u32> {
    let behind = |mark: &[u8]| {
        let found = |window: &[u8]| window.strip_prefix(mark).is_some_and(|behind| behind[0].is_ascii_digit());
        let at = packet.windows(mark.len() + 1).position(found)?;
        Some((at, u32::from(packet[at + mark.len()] - b'0')))
    };
    // The one that comes first.
    IN_XMP.into_iter().filter_map(behind).min().map(|(_, number)| number)
}

/// The number in a TIFF file, which is laid out as an EXIF block is.
pub(super) fn in_tiff(file: &mut (impl Read + Seek)) -> io::Result<Option<u32>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let is_big = match &head[..4] {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return Ok(None),
    };
    let short = |bytes: [u8; 2]| if is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    let long = |bytes: [u8; 4]| if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    let [_, _, _, _, a, b, c, d] = head;
    file.seek(SeekFrom::Start(long([a, b, c, d]).into()))?;
    let mut count = [0; 2];
    file.read_exact(&mut count)?;
    for _ in 0..short(count) {
        let mut entry = [0; 12];
        file.read_exact(&mut entry)?;
        let [tag, tag2, kind, kind2, n, n2, n3, n4, v, v2, v3, v4] = entry;
        if short([tag, tag2]) != ORIENTATION {
            continue;
        }
        return Ok(match (short([kind, kind2]), long([n, n2, n3, n4])) {
            (BYTE, 1) => Some(v.into()),
            (SHORT, 1) => Some(short([v, v2]).into()),
            (LONG, 1) => Some(long([v, v2, v3, v4])),
            _ => None,
        });
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An EXIF block with this orientation, little endian.
    fn block(orientation: u8) -> Vec<u8> {
        [&b"II*\0\x08\0\0\0\x01\0"[..], &[0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0], &[0; 4]].concat()
    }

    #[test]
    fn with_and_without_the_prefix() {
        assert_eq!(of(Some(&block(6)), None), Orientation::Rotate90);
        assert_eq!(of(Some(&[PREFIX, &block(6)].concat()), None), Orientation::Rotate90);
        assert_eq!(of(Some(&[PREFIX, PREFIX, &block(3)].concat()), None), Orientation::Rotate180);
        let big = [&b"MM\0*\0\0\0\x08\0\x01"[..], &[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0]].concat();
        assert_eq!(of(Some(&big), None), Orientation::Rotate270);
    }

    #[test]
    fn xmp_speaks_where_exif_is_silent() {
        let attribute = br#"<x tiff:Orientation="6" />"#;
        let element = b"<tiff:Orientation>3</tiff:Orientation>";
        assert_eq!(of(None, Some(attribute)), Orientation::Rotate90);
        assert_eq!(of(None, Some(element)), Orientation::Rotate180);
        assert_eq!(of(None, Some(&[&element[..], attribute].concat())), Orientation::Rotate180);
        assert_eq!(of(Some(b"II*\0\x08\0\0\0\0\0"), Some(attribute)), Orientation::Rotate90);
        // Upright by EXIF is upright, and so is a number that is none.
        assert_eq!(of(Some(&block(1)), Some(attribute)), Orientation::NoTransforms);
        assert_eq!(of(Some(&block(9)), Some(attribute)), Orientation::NoTransforms);
        assert_eq!(of(None, Some(br#"tiff:Orientation="x""#)), Orientation::NoTransforms);
        let later = br#"tiff:Orientation="" tiff:Orientation="8""#;
        assert_eq!(of(None, Some(later)), Orientation::Rotate270);
    }

    #[test]
    fn what_is_cut_short_turns_nothing() {
        let whole = [PREFIX, &block(6)].concat();
        for length in 0..whole.len() - 4 {
            assert!(matches!(of(Some(&whole[..length]), None), Orientation::NoTransforms | Orientation::Rotate90));
        }
        assert_eq!(of(Some(b""), Some(b"")), Orientation::NoTransforms);
    }
}
