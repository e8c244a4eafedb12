//! The lines of one clip, packed in memory: those of the JSONL table without its first one, for who sends them elsewhere.

use std::io::{self, Read, Write};

use crossbeam_channel::Sender;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::jsonl::{Extent, write_end, write_frame};
use crate::BoxError;
use crate::findings::{FrameView, Sink, Summary};

/// Lines, packed by gzip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The packed bytes.
    pub gzip: Vec<u8>,
    /// Bytes of the lines before they were packed.
    pub bytes: u64,
    /// How many lines there are.
    pub lines: u64,
}

impl Packed {
    /// Packs lines that are there already.
    ///
    /// # Errors
    ///
    /// None that memory has.
    pub fn of_text(lines: &[u8]) -> io::Result<Self> {
        let mut packer = Packer::new();
        packer.write_all(lines)?;
        packer.finish()
    }
}

/// Unpacks lines; `bytes` are expected, and no more are taken.
///
/// # Errors
///
/// When they are damaged, or more or fewer.
pub fn unpacked(gzip: &[u8], bytes: u64) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    GzDecoder::new(gzip).take(bytes.saturating_add(1)).read_to_end(&mut lines)?;
    if lines.len() as u64 != bytes {
        let order = if lines.len() as u64 > bytes { "more" } else { "fewer" };
        return Err(io::Error::other(format!("there are {order} than the {bytes} bytes that were said")));
    }
    Ok(lines)
}

/// Packs a source's lines and hands them over when it ends.
#[derive(Debug)]
pub struct PackedSink {
    models: Vec<String>,
    packer: Packer,
    done: Sender<Packed>,
}

impl PackedSink {
    /// For one source, by the names of all models, the first one first. What it made goes to `done`.
    #[must_use]
    pub fn new(models: Vec<String>, done: Sender<Packed>) -> Self {
        Self { models, packer: Packer::new(), done }
    }
}

impl Sink for PackedSink {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        Ok(write_frame(&mut self.packer, view, &self.models)?)
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), BoxError> {
        write_end(&mut self.packer, summary, &self.models, Extent::All)?;
        let packed = std::mem::replace(&mut self.packer, Packer::new()).finish()?;
        // Whoever asked for it may have left.
        let _ = self.done.send(packed);
        Ok(())
    }
}

/// Lines come in small pieces, and are packed when there are so many bytes of them.
const PIECE: usize = 32 << 10;

/// Packs, and counts what it packs.
#[derive(Debug)]
struct Packer {
    gzip: GzEncoder<Vec<u8>>,
    waiting: Vec<u8>,
    bytes: u64,
    lines: u64,
}

impl Packer {
    fn new() -> Self {
        let gzip = GzEncoder::new(Vec::new(), Compression::default());
        Self { gzip, waiting: Vec::with_capacity(PIECE), bytes: 0, lines: 0 }
    }

    fn pack(&mut self) -> io::Result<()> {
        self.gzip.write_all(&self.waiting)?;
        self.bytes += self.waiting.len() as u64;
        self.lines += self.waiting.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.waiting.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Packed> {
        self.pack()?;
        Ok(Packed { gzip: self.gzip.finish()?, bytes: self.bytes, lines: self.lines })
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.len() + bytes.len() > PIECE {
            self.pack()?;
        }
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_within_its_size() {
        let text = b"a\nb\n".repeat(1000);
        let packed = Packed::of_text(&text).expect("to memory");
        assert_eq!((packed.bytes, packed.lines), (4000, 2000));
        assert_eq!(unpacked(&packed.gzip, 4000).expect("whole"), text);
        for wrong in [0, 3999, 4001] {
            assert!(unpacked(&packed.gzip, wrong).is_err(), "{wrong}");
        }
        assert!(unpacked(&packed.gzip[..packed.gzip.len() / 2], 4000).is_err(), "it is cut");
    }
}
