//! A PNG's metadata: the EXIF block and the XMP packet, wherever they are in the file.
//!
//! The decoder knows what stands before the picture, and no block in the form that older programs write (`Raw profile type
//! exif`). Many put both behind the picture, and Pillow takes them from there.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::ZlibDecoder;

use super::animated::{skip, take};

/// Notes are no longer, nor do they become longer when they are unpacked.
const LONGEST: u64 = 16 << 20;
/// Bytes of the mark that each PNG begins with.
const MARK: u64 = 8;

/// The notes of a file; of two of a kind the last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// The EXIF block.
    pub(super) exif: Option<Vec<u8>>,
    /// The XMP packet.
    pub(super) xmp: Option<Vec<u8>>,
}

/// Reads the notes of a PNG. One that is cut short has said what it could.
pub(super) fn read(file: &mut (impl Read + Seek)) -> Notes {
    let mut notes = Notes::default();
    let mut profile = None;
    if let Err(error) = walk(file, &mut notes, &mut profile) {
        log::debug!("a PNG has no more notes: {error}");
    }
    // A block of its own kind speaks first.
    notes.exif = notes.exif.or(profile);
    notes
}

fn walk(file: &mut (impl Read + Seek), notes: &mut Notes, profile: &mut Option<Vec<u8>>) -> io::Result<()> {
    file.seek(SeekFrom::Start(MARK))?;
    loop {
        let [a, b, c, d, kind @ ..] = take::<8>(file)?;
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        let read = match &kind {
            b"IEND" => return Ok(()),
            b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" if length <= LONGEST => length,
            _ => 0,
        };
        let mut bytes = Vec::new();
        if (file.take(read).read_to_end(&mut bytes)? as u64) < read {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // What is left of it, and its checksum.
        skip(file, length - read + 4)?;
        if &kind == b"eXIf" {
            notes.exif = Some(bytes);
            continue;
        }
        let Some((key, text)) = text(&kind, &bytes) else { continue };
        match key {
            b"exif" => notes.exif = Some(text),
            b"Raw profile type exif" => *profile = in_profile(&text),
            b"XML:com.adobe.xmp" => notes.xmp = Some(text),
            _ => {}
        }
    }
}

/// The key of a text, and the text itself, unpacked.
fn text<'a>(kind: &[u8; 4], bytes: &'a [u8]) -> Option<(&'a [u8], Vec<u8>)> {
    let (key, rest) = split(bytes)?;
    let text = match (kind, rest) {
        (b"tEXt", text) => text.to_owned(),
        (b"zTXt", [0, packed @ ..]) => unpacked(packed)?,
        (b"iTXt", [is_packed, _, rest @ ..]) => {
            let (_language, rest) = split(rest)?;
            let (_translated, text) = split(rest)?;
            if *is_packed == 0 { text.to_owned() } else { unpacked(text)? }
        }
        _ => return None,
    };
    Some((key, text))
}

/// What comes before the first zero, and what behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(packed).take(LONGEST).read_to_end(&mut text).ok()?;
    Some(text)
}

/// The block in a profile: a line with its kind, one with its length, and then its bytes as two digits each.
fn in_profile(profile: &[u8]) -> Option<Vec<u8>> {
    let lines = profile.splitn(4, |&sign| sign == b'\n').nth(3)?;
    let digits: Vec<u8> = lines.iter().copied().filter(|sign| !sign.is_ascii_whitespace()).collect();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    digits.chunks(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(*pair.get(1)?)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    const PROFILE: &[u8] = b"\nexif\n       4\n4d4d\n002a\n";
    const PACKET: &[u8] = b"<x tiff:Orientation=\"6\" />";

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("it is memory");
        encoder.finish().expect("it is memory")
    }

    fn chunk(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let bytes = parts.concat();
        let length = u32::try_from(bytes.len()).expect("it is short").to_be_bytes();
        [&length[..], kind, &bytes, &[0; 4]].concat()
    }

    fn check(chunk: &[u8], exif: Option<&[u8]>, xmp: Option<&[u8]>) {
        let expected = Notes { exif: exif.map(<[u8]>::to_vec), xmp: xmp.map(<[u8]>::to_vec) };
        let picture = super::tests::chunk(b"IDAT", &[&[7; 100]]);
        let end = super::tests::chunk(b"IEND", &[]);
        for parts in [[chunk, &picture, &end], [&picture, chunk, &end]] {
            let file = [&[0; 8][..], &parts.concat()].concat();
            assert_eq!(read(&mut Cursor::new(&file)), expected);
            for length in 0..file.len() - end.len() {
                let cut = read(&mut Cursor::new(&file[..length]));
                assert!(cut == expected || cut == Notes::default(), "{length}: {cut:?}");
            }
        }
    }

    #[test]
    fn notes_are_found_before_and_behind_the_picture() {
        check(&chunk(b"eXIf", &[b"MM\0*"]), Some(b"MM\0*"), None);
        check(&chunk(b"tEXt", &[b"Raw profile type exif\0", PROFILE]), Some(b"MM\0*"), None);
        check(&chunk(b"zTXt", &[b"Raw profile type exif\0\0", &packed(PROFILE)]), Some(b"MM\0*"), None);
        check(&chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", PACKET]), None, Some(PACKET));
        check(&chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\x01\0en\0\0", &packed(PACKET)]), None, Some(PACKET));
        let both = [chunk(b"eXIf", &[b"II*\0"]), chunk(b"tEXt", &[b"Raw profile type exif\0", PROFILE])].concat();
        let found = read(&mut Cursor::new([&[0; 8][..], &both, &chunk(b"IEND", &[])].concat()));
        assert_eq!(found.exif.as_deref(), Some(&b"II*\0"[..]));
    }

    #[test]
    fn other_notes_say_nothing() {
        for other in [
            chunk(b"tEXt", &[b"Comment\0", PACKET]),
            chunk(b"tEXt", &[b"Raw profile type exif\0", b"\nexif\n 4\n4d4"]),
            chunk(b"zTXt", &[b"Raw profile type exif\0\x01", &packed(PROFILE)]),
            chunk(b"zTXt", &[b"Raw profile type exif\0\0no zlib"]),
            chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0"]),
            chunk(b"tEXt", &[b"XML:com.adobe.xmp"]),
        ] {
            check(&other, None, None);
        }
    }
}
