//! Whether a picture file holds several pictures, told from its outline without decoding any.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use image::ImageFormat;

/// Whether there is a second picture in a GIF, PNG or WebP. Others hold one. The reader is left where it was found.
pub(super) fn is_animated(format: ImageFormat, file: &mut (impl BufRead + Seek)) -> io::Result<bool> {
    let begin = file.stream_position()?;
    let found = match format {
        ImageFormat::Gif => gif(file),
        ImageFormat::Png => png(file),
        ImageFormat::WebP => webp(file),
        _ => Ok(false),
    };
    file.seek(SeekFrom::Start(begin))?;
    match found {
        // A file that ends within its outline has no further picture; what it lacks the decoder tells.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        found => found,
    }
}

/// A PNG says how many pictures there are before the first one.
fn png(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    take::<8>(file)?;
    loop {
        let [a, b, c, d, kind @ ..] = take::<8>(file)?;
        match &kind {
            b"acTL" => return Ok(u32::from_be_bytes(take::<4>(file)?) > 1),
            b"IDAT" | b"IEND" => return Ok(false),
            // With its checksum.
            _ => skip(file, u64::from(u32::from_be_bytes([a, b, c, d])) + 4)?,
        }
    }
}

/// A WebP has a chunk a picture.
fn webp(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    take::<12>(file)?;
    let mut pictures = 0;
    loop {
        let [kind @ .., a, b, c, d] = take::<8>(file)?;
        pictures += u32::from(&kind == b"ANMF");
        if pictures > 1 {
            return Ok(true);
        }
        skip(file, u64::from(u32::from_le_bytes([a, b, c, d])).next_multiple_of(2))?;
    }
}

/// A GIF is a row of blocks; a picture's data is a row of smaller ones.
fn gif(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let head = take::<13>(file)?;
    skip(file, colours(head[10]))?;
    let mut pictures = 0;
    loop {
        match take::<1>(file)? {
            [b','] => {
                pictures += 1;
                if pictures > 1 {
                    return Ok(true);
                }
                let place = take::<9>(file)?;
                skip(file, colours(place[8]) + 1)?;
            }
            [b'!'] => skip(file, 1)?,
            _ => return Ok(false),
        }
        loop {
            let [length] = take(file)?;
            if length == 0 {
                break;
            }
            skip(file, length.into())?;
        }
    }
}

/// Bytes of the colours that stand behind a byte of flags.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

pub(super) fn take<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn skip(file: &mut impl Seek, bytes: u64) -> io::Result<()> {
    file.seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::gif::GifEncoder;
    use image::{ExtendedColorType, Frame, RgbaImage};

    use super::*;

    fn check(format: ImageFormat, bytes: &[u8], animated: bool) {
        let mut file = Cursor::new(bytes);
        assert_eq!(is_animated(format, &mut file).expect("it is in memory"), animated, "{format:?}");
        assert_eq!(file.position(), 0);
        for length in 0..bytes.len() {
            let cut = is_animated(format, &mut Cursor::new(&bytes[..length])).expect("it is in memory");
            assert!(!cut || animated, "{format:?} of {length} bytes");
        }
    }

    fn gif_of(pictures: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for shade in 0..pictures {
            let picture = RgbaImage::from_pixel(40, 30, image::Rgba([shade * 90, 10, 20, 255]));
            encoder.encode_frame(Frame::new(picture)).expect("it can be coded");
        }
        drop(encoder);
        bytes
    }

    #[test]
    fn gifs() {
        check(ImageFormat::Gif, &gif_of(1), false);
        check(ImageFormat::Gif, &gif_of(2), true);
    }

    #[test]
    fn pngs() {
        let mut plain = Cursor::new(Vec::new());
        image::write_buffer_with_format(&mut plain, &[0; 12], 2, 2, ExtendedColorType::Rgb8, ImageFormat::Png)
            .expect("it can be coded");
        let plain = plain.into_inner();
        check(ImageFormat::Png, &plain, false);
        // Behind the header, whose chunk has 25 bytes.
        let with = |pictures: u8| {
            let control = [&[0, 0, 0, 8][..], b"acTL", &[0, 0, 0, pictures, 0, 0, 0, 0], &[0; 4]].concat();
            [&plain[..33], &control, &plain[33..]].concat()
        };
        check(ImageFormat::Png, &with(1), false);
        check(ImageFormat::Png, &with(3), true);
    }

    #[test]
    fn webps() {
        let chunk =
            |kind: &[u8], length: u8| [kind, &[length, 0, 0, 0], &vec![0; length.next_multiple_of(2).into()]].concat();
        let file = |pictures: usize| {
            [b"RIFF\0\0\0\0WEBP".to_vec(), chunk(b"VP8X", 10), chunk(b"ANIM", 6), chunk(b"ANMF", 17).repeat(pictures)]
                .concat()
        };
        check(ImageFormat::WebP, &file(1), false);
        check(ImageFormat::WebP, &file(2), true);
    }
}
