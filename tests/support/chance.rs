//! Numbers that look like chance and are the same each time, and bytes changed by them.

use std::fs;
use std::path::Path;

use super::make_clip;

/// Marsaglia's xorshift (2003) with 64 bits.
pub(crate) struct Chance(u64);

impl Chance {
    /// `seed` makes the numbers; each gives others.
    pub(crate) fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self((0x9e37_79b9_7f4a_7c15 ^ seed).max(1))
    }

    /// A number below `end`, or 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Bytes that tend to matter: ends of varints and lines, quotes, brackets, digits, signs, no UTF-8.
const TELLING: &[u8] = b"\x00\x01\x7f\x80\xff\n\r\",.;=[]{}-09eE# \xef\xbb\xbf";

/// Small files, one change or up to eight: bytes flipped, set, put in, cut out, a piece repeated, the end cut off.
pub(crate) fn mutate(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    // One is half of the time enough: what comes through a reader's first checks gets to the later ones.
    let most = [1, 8][chance.below(2)];
    for _ in 0..=chance.below(most) {
        let at = chance.below(bytes.len());
        let end = (at + 1 + chance.below(16)).min(bytes.len());
        if bytes.is_empty() {
            break;
        }
        match chance.below(6) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = TELLING[chance.below(TELLING.len())],
            2 => bytes.insert(at, TELLING[chance.below(TELLING.len())]),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// The same for pictures and clips. Headers are where it hurts most: half of the changes hit the first or the last
/// kilobyte.
fn mutate_media(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = |chance: &mut Chance, length: usize| match chance.below(4) {
        0 => chance.below(length.min(1024)),
        1 => length - 1 - chance.below(length.min(1024)),
        _ => chance.below(length),
    };
    for _ in 0..=chance.below(8) {
        let length = bytes.len();
        if length < 64 {
            break;
        }
        let at = place(chance, length);
        match chance.below(6) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = [0, 0xff, 0x7f, 0x80][chance.below(4)],
            2 => {
                let end = (at + 8).min(length);
                bytes[at..end].fill([0, 0xff, 0x41][chance.below(3)]);
            }
            3 => bytes.truncate(at.max(32)),
            4 => {
                let end = (at + 1 + chance.below(64)).min(length);
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + 1 + chance.below(200)).min(length);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Makes each of `files` in a folder, by its arguments for ffmpeg, and then `rounds` times a changed one in its place, which
/// `each` is told of: name, round and path.
pub(crate) fn change_files(
    folder: &Path,
    files: &[(&str, String)],
    rounds: usize,
    mut each: impl FnMut(&str, usize, &Path),
) {
    for (name, arguments) in files {
        let path = folder.join(name);
        make_clip(&path, arguments);
        let bytes = fs::read(&path).expect("it was made");
        let mut chance = Chance::new(bytes.len() as u64);
        for round in 0..rounds {
            fs::write(&path, mutate_media(&bytes, &mut chance)).expect("it can be written");
            each(name, round, &path);
        }
    }
}
