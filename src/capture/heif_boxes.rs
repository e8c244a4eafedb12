//! The orientation of a HEIC or AVIF photo, from its boxes (ISO/IEC 14496-12 and 23008-12): libheif turns a picture by these
//! properties, and doesn't tell whether it has.

/// The box that says which of the file's items is the photo.
const PRIMARY: &[u8; 4] = b"pitm";

/// Whether a file says that it is AVIF, as its first brand or as another one.
pub(super) fn is_avif(file: &[u8]) -> bool {
    let Some((b"ftyp", brands)) = Boxes(file).next() else {
        return false;
    };
    let (first, others) = (brands.get(..4), brands.get(8..).unwrap_or_default());
    first.into_iter().chain(others.chunks_exact(4)).any(|brand| brand == b"avif" || brand == b"avis")
}

/// Whether the photo's own properties turn or mirror it. Boxes that are cut short say nothing.
pub(super) fn is_turned(file: &[u8]) -> bool {
    turned(file).unwrap_or(false)
}

fn turned(file: &[u8]) -> Option<bool> {
    let (_, meta) = full(find(file, b"meta")?)?;
    let (version, mut id) = full(find(meta, PRIMARY)?)?;
    let primary = if version[0] == 0 { u16_of(&mut id)?.into() } else { u32_of(&mut id)? };
    let properties = find(meta, b"iprp")?;
    let known = find(properties, b"ipco")?;
    let is_turn = |number: usize| match Boxes(known).nth(number.checked_sub(1)?)? {
        (b"irot", angle) => Some(angle.first()? & 3 != 0),
        (b"imir", _) => Some(true),
        _ => Some(false),
    };
    let lists = Boxes(properties).filter(|(kind, _)| *kind == b"ipma");
    Some(lists.filter_map(|(_, list)| of_item(list, primary)).flatten().any(|number| is_turn(number) == Some(true)))
}

/// The numbers of an item's properties in a list of all items.
fn of_item(list: &[u8], wanted: u32) -> Option<Vec<usize>> {
    let ([version, .., flags], mut rest) = full(list)?;
    for _ in 0..u32_of(&mut rest)? {
        let item = if version == 0 { u16_of(&mut rest)?.into() } else { u32_of(&mut rest)? };
        let count = u8_of(&mut rest)?;
        // The upper bit of each says whether a reader has to know it.
        let mut number = || match flags & 1 {
            0 => u8_of(&mut rest).map(|number| usize::from(number & 0x7f)),
            _ => u16_of(&mut rest).map(|number| usize::from(number & 0x7fff)),
        };
        let numbers: Option<Vec<usize>> = (0..count).map(|_| number()).collect();
        if item == wanted {
            return numbers;
        }
        numbers?;
    }
    None
}

fn find<'a>(boxes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes(boxes).find(|(kind, _)| *kind == wanted).map(|(_, inner)| inner)
}

/// Version and flags of a box that has them, and what stands behind.
fn full(inner: &[u8]) -> Option<([u8; 4], &[u8])> {
    inner.split_first_chunk().map(|(head, rest)| (*head, rest))
}

fn u8_of(bytes: &mut &[u8]) -> Option<u8> {
    bytes.split_off_first().copied()
}

fn u16_of(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*number))
}

fn u32_of(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*number))
}

/// Boxes one behind the other, each with its kind.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (size, rest) = self.0.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = match u32::from_be_bytes(*size) {
            // To the end of the file.
            0 => (rest.len(), rest),
            1 => {
                let (long, rest) = rest.split_first_chunk()?;
                (usize::try_from(u64::from_be_bytes(*long)).ok()?.checked_sub(16)?, rest)
            }
            size => (usize::try_from(size).ok()?.checked_sub(8)?, rest),
        };
        let (inner, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], inner: &[u8]) -> Vec<u8> {
        [&(inner.len() as u32 + 8).to_be_bytes()[..], kind, inner].concat()
    }

    /// A file whose second item is the photo: the first one is turned, it itself has the second property, which this is.
    fn photo(property: &[u8]) -> Vec<u8> {
        let known = boxed(b"ipco", &[boxed(b"irot", &[1]), property.to_vec()].concat());
        let list = boxed(b"ipma", &[0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 1, 0x81, 0, 2, 1, 0x82]);
        let primary = boxed(PRIMARY, &[0, 0, 0, 0, 0, 2]);
        let meta = [&[0; 4], &primary[..], &boxed(b"iprp", &[known, list].concat())].concat();
        [boxed(b"ftyp", b"mif1\0\0\0\0mif1avif"), boxed(b"meta", &meta)].concat()
    }

    #[test]
    fn the_photos_own_properties_turn_it() {
        assert!(is_turned(&photo(&boxed(b"irot", &[3]))));
        assert!(is_turned(&photo(&boxed(b"imir", &[0]))));
        assert!(!is_turned(&photo(&boxed(b"irot", &[0]))));
        assert!(!is_turned(&photo(&boxed(b"pixi", &[0; 8]))));
    }

    #[test]
    fn what_is_cut_short_says_nothing() {
        let whole = photo(&boxed(b"irot", &[1]));
        for length in 0..whole.len() {
            let _ = (is_turned(&whole[..length]), is_avif(&whole[..length]));
        }
        assert!(!is_turned(&whole[..whole.len() - 1]) && !is_avif(b""));
        assert!(!is_turned(&[0, 0, 0, 1, b'm', b'e', b't', b'a', 0, 0, 0, 0, 0, 0, 0, 3]));
    }

    #[test]
    fn any_brand_tells_avif() {
        assert!(is_avif(&photo(b"")));
        assert!(is_avif(&boxed(b"ftyp", b"avif\0\0\0\0")));
        assert!(!is_avif(&boxed(b"ftyp", b"heic\0\0\0\0mif1heic")));
    }
}
