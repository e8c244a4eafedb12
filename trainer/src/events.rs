//! Event files, which TensorBoard shows: the course of a run as curves.
//!
//! An event file is a row of TFRecords. A record is the length of its data (u64, little endian), a checksum of these 8
//! bytes, the data, and a checksum of the data; a checksum is a masked CRC-32C. The data is a protocol buffer of the type
//! `tensorflow.Event`, of which only the fields that we write are here.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use cyborg_models::name;
use prost::Message;

/// Writes the event file of a run.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

/// An event file that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write the event file {}: {source}; is the disk full?", name::of(path))]
pub struct EventError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Files of one second that are told apart by a number.
const MOST_FILES_A_SECOND: usize = 1000;

impl EventWriter {
    /// Starts a new file in `folder`, which is made if need be: `events.out.tfevents.<second>.cyborg`, where `wall_time`
    /// is seconds since 1970.
    ///
    /// A run that is gone on with gets another file beside the first; TensorBoard reads them as one. Two files of the
    /// same second are told apart by a number at the end.
    ///
    /// # Errors
    ///
    /// When the folder or the file can't be made or written.
    pub fn create(folder: &Path, wall_time: f64) -> Result<Self, EventError> {
        std::fs::create_dir_all(folder).map_err(|source| EventError { path: folder.to_owned(), source })?;
        // Readers go through the files by name, so the second has a fixed number of digits. The cast saturates.
        let first = folder.join(format!("events.out.tfevents.{:010}.cyborg", wall_time as u64));
        let mut path = first.clone();
        let mut number = 1;
        let file = loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_FILES_A_SECOND => {
                    path.clone_from(&first);
                    path.as_mut_os_string().push(format!(".{number:03}"));
                    number += 1;
                }
                Err(source) => return Err(EventError { path, source }),
            }
        };
        let mut writer = Self { path, file: BufWriter::new(file) };
        let version = Some("brain.Event:2".to_owned());
        writer.write(&Event { wall_time, step: 0, file_version: version, summary: None })?;
        writer.flush()?;
        Ok(writer)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a number: `tag` names its curve, and slashes in it make groups ("loss/train"). `step` counts epochs or
    /// steps, `wall_time` is seconds since 1970.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn scalar(&mut self, tag: &str, step: i64, value: f32, wall_time: f64) -> Result<(), EventError> {
        let value = Value { tag: tag.to_owned(), simple_value: Some(value) };
        self.write(&Event { wall_time, step, file_version: None, summary: Some(Summary { value: vec![value] }) })
    }

    /// Hands all that was written to the system, so that TensorBoard sees it.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn flush(&mut self) -> Result<(), EventError> {
        self.file.flush().map_err(|source| EventError { path: self.path.clone(), source })
    }

    fn write(&mut self, event: &Event) -> Result<(), EventError> {
        let record = framed(&event.encode_to_vec());
        self.file.write_all(&record).map_err(|source| EventError { path: self.path.clone(), source })
    }
}

/// The fields of `tensorflow.Event` that we write.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    // In a oneof there, so a 0 must be written; without `optional` it would be left out.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// A TFRecord that holds `data`.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked(data).to_le_bytes());
    record
}

/// The checksum of a TFRecord: CRC-32C, turned and shifted so that a checksum of checksums is not weak.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of each record of a file, its framing checked.
    fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
            let sum = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
            let end = 12 + usize::try_from(length).expect("a short record");
            assert_eq!(sum(8), masked(&bytes[..8]));
            assert_eq!(sum(end), masked(&bytes[12..end]));
            found.push(bytes[12..end].to_vec());
            bytes = &bytes[end + 4..];
        }
        found
    }

    #[test]
    fn a_checksum_is_masked_as_the_format_says() {
        // The check value of CRC-32C, and an all-zero block of RFC 3720, appendix B.4.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        // By hand: 0xe3069283 turned right by 15 is 0x2507c60d, and adding 0xa282ead8 gives 0xc78ab0e5.
        assert_eq!(masked(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let value = Value { tag: "a".to_owned(), simple_value: Some(0.0) };
        let summary = Some(Summary { value: vec![value] });
        let event = Event { wall_time: 1.0, step: 3, file_version: None, summary };
        // Field 1 as 64 bits, field 2 as varint, field 5 with a message in a message, and the 0 of simple_value.
        let wire = b"\x09\0\0\0\0\0\0\xf0\x3f\x10\x03\x2a\x0a\x0a\x08\x0a\x01a\x15\0\0\0\0";
        assert_eq!(event.encode_to_vec(), wire);
        // The same record as TensorBoard's own writer makes it.
        let record = [b"\x17\0\0\0\0\0\0\0\xe7\xce\xf8\x1e".as_slice(), wire, b"\x04\x8e\x03\x42"].concat();
        assert_eq!(framed(wire), record);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let place = folder.path().join("new").join("run");
        let mut writer = EventWriter::create(&place, 1_700_000_000.5).expect("the folder can be written");
        let name = writer.path().file_name().expect("a file");
        assert_eq!(name, "events.out.tfevents.1700000000.cyborg");
        writer.scalar("loss/train", 7, 0.25, 1_700_000_001.0).expect("the file can be written");
        writer.scalar("auc", -1, f32::NAN, 1_700_000_002.0).expect("the file can be written");
        writer.flush().expect("the file can be written");
        let bytes = std::fs::read(writer.path()).expect("the file is there");
        let read = |data: &Vec<u8>| Event::decode(data.as_slice()).expect("an event");
        let events: Vec<Event> = records(&bytes).iter().map(read).collect();
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        let value = &events[1].summary.as_ref().expect("a summary").value[0];
        assert_eq!((events[1].step, events[1].wall_time), (7, 1_700_000_001.0));
        assert_eq!((value.tag.as_str(), value.simple_value), ("loss/train", Some(0.25)));
        assert_eq!(events[2].step, -1);
    }

    #[test]
    fn going_on_in_the_same_second_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let paths: Vec<_> = (0..3)
            .map(|_| EventWriter::create(folder.path(), 5.0).expect("the folder can be written").path().to_owned())
            .collect();
        let names: Vec<_> = paths.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        let first = "events.out.tfevents.0000000005.cyborg";
        assert_eq!(names, [first, &format!("{first}.001"), &format!("{first}.002")]);
        assert!(paths.iter().all(|path| std::fs::metadata(path).expect("the file is there").len() > 0));
    }

    #[test]
    fn a_folder_that_can_not_be_made_is_told() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("file");
        std::fs::write(&file, b"").expect("the folder can be written");
        let error = EventWriter::create(&file, 0.0).expect_err("a file is no folder");
        assert!(error.to_string().contains("file"), "{error}");
    }
}
