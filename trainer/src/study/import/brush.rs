//! Label Studio's brush strokes: the bytes of an RGBA picture, packed bit by bit (the format of thi.ng's `rle-pack`).
//!
//! After 32 bits for the number of bytes, 5 for the bits of a value less one and four times 4 for the bits of a length less one
//! come blocks: a bit that says whether one value is repeated, 2 bits that pick the length's width, the length less one, then
//! one value or as many as the length.

use anyhow::Context;

/// Reads bits, the highest of a byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

/// Which of the picture's pixels have any alpha.
///
/// # Errors
///
/// When the bytes end early, or are those of another number of pixels.
pub(super) fn alpha(packed: &[u8], pixels: usize) -> anyhow::Result<Vec<bool>> {
    let mut bits = Bits { bytes: packed, at: 0 };
    unpack(&mut bits, pixels).context("its brush stroke ends early")?
}

fn unpack(bits: &mut Bits<'_>, pixels: usize) -> Option<anyhow::Result<Vec<bool>>> {
    let count = bits.read(32)? as usize;
    if pixels.checked_mul(4) != Some(count) {
        return Some(Err(anyhow::anyhow!("its brush stroke has {count} bytes, and {pixels} pixels need four each")));
    }
    let width = bits.read(5)? + 1;
    let mut lengths = [0; 4];
    for length in &mut lengths {
        *length = bits.read(4)? + 1;
    }
    let mut alpha = vec![false; pixels];
    let mut at = 0;
    while at < count {
        let is_repeated = bits.read(1)? == 1;
        let length = lengths[bits.read(2)? as usize];
        let end = at + 1 + bits.read(length)? as usize;
        if end > count {
            return Some(Err(anyhow::anyhow!("its brush stroke has more than the {count} bytes that it speaks of")));
        }
        let mut value = if is_repeated { bits.read(width)? } else { 0 };
        for byte in at..end {
            if !is_repeated {
                value = bits.read(width)?;
            }
            if byte % 4 == 3 {
                alpha[byte / 4] = value > 0;
            }
        }
        at = end;
    }
    Some(Ok(alpha))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits as text, to bytes.
    fn bytes(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        bits.chunks(8).map(|eight| eight.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at))).collect()
    }

    /// Three pixels: 12 bytes, values of 8 bits, lengths of 1, 2, 3 and 4 bits.
    const HEAD: &str = "00000000000000000000000000001100 00111 0000 0001 0010 0011";

    #[test]
    fn strokes_are_unpacked() {
        // Seven zeros, one 255, then four bytes one by one.
        let text = format!("{HEAD} 1 10 110 00000000 1 00 0 11111111 0 01 11 00000001 00000001 00000001 00000000");
        assert_eq!(alpha(&bytes(&text), 3).expect("it is whole"), [false, true, false]);
    }

    #[test]
    fn what_is_cut_or_too_long_is_told() {
        let check = |text: &str, pixels: usize, part: &str| {
            let error = alpha(&bytes(text), pixels).expect_err("it is wrong").to_string();
            assert!(error.contains(part), "{error}");
        };
        check(HEAD, 3, "ends early");
        check("", 3, "ends early");
        check(HEAD, 4, "12 bytes, and 4 pixels");
        check(&format!("{HEAD} 1 11 1111 00000000"), 3, "more than the 12 bytes");
    }
}
