//! Damaged input never panics: thousands of mutations of good files go through the readers of models, lists, TOMLs and JPEGs.
//!
//! The mutations come from a fixed seed, so that a failure comes again.

mod support;

use std::path::Path;

use cyborg_edge::capture::{jpeg, list};
use cyborg_models::foreign::{Foreign, ForeignModel};
use cyborg_models::model_file::ModelFile;
use prost::Message;
use support::{foreign, model};

/// Mutations a reader.
const ROUNDS: usize = 3000;

/// Numbers that look random: xorshift of Marsaglia (2003), 64 bits.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Bytes that tend to matter: ends of varints and lines, quotes, brackets, digits, signs, no UTF-8.
const TELLING: &[u8] = b"\x00\x01\x7f\x80\xff\n\r\",.;=[]{}-09eE# \xef\xbb\xbf";

/// One to eight changes: bytes flipped, set, put in, cut out, a piece repeated, the end cut off.
fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(16)).min(bytes.len());
        if bytes.is_empty() {
            break;
        }
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = TELLING[random.below(TELLING.len())],
            2 => bytes.insert(at, TELLING[random.below(TELLING.len())]),
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

/// Hands mutations of `seed` to `read`, which says whether it took them. Both answers must come up: a reader that takes
/// all or none is not being tested.
fn replay(seed: &[u8], mut read: impl FnMut(&[u8]) -> bool) {
    assert!(read(seed), "the seed itself is good");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let taken = (0..ROUNDS).filter(|_| read(&mutate(seed, &mut random))).count();
    assert!((1..ROUNDS).contains(&taken), "{taken} of {ROUNDS} were taken");
}

#[test]
fn the_model_reader() {
    replay(&model::corner().encode_to_vec(), |bytes| ModelFile::parse(bytes).is_ok());
}

#[test]
fn the_foreign_model_reader() {
    replay(&foreign::network(2, None).encode_to_vec(), |bytes| ForeignModel::parse(foreign::TOML, bytes).is_ok());
}

#[test]
fn the_toml_reader() {
    let more = "[calibration]\ntemperature = 2.0\nbias = 0.5\n[cam]\nname = \"map\"\ntap = \"x\"\n\
                [thresholds.error_rates]\napcer = 0.1\nbpcer = 0.2\nmeasured_on = \"y\"\n";
    replay(format!("{}{more}", foreign::TOML).as_bytes(), |bytes| {
        Foreign::parse(&String::from_utf8_lossy(bytes)).is_ok()
    });
}

#[test]
fn the_list_reader() {
    let whole = |bytes: &[u8]| {
        let photos = list::parse(bytes, Path::new("list.csv"), Path::new("root"));
        photos.is_ok_and(|photos| photos.iter().all(Result::is_ok))
    };
    replay(b"train,Real,ffhq/1.png\ntest,Synthetic,\"gan/2,b.jpg\"\r\n\ntest,Real,/3.png\n", whole);
    replay(
        b"\xef\xbb\xbffile,label,split,source,face_x,face_y,face_w,face_h,left_eye_x\n\
          a.png,real,test,s,1,2,3.5,4e1,\nb.png,Synthetic,,,,,,,\n",
        whole,
    );
}

#[test]
fn the_jpeg_reader() {
    let mut pixels = Vec::new();
    for name in ["jpeg_noise_420", "jpeg_waves_420", "jpeg_face_cmyk"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).with_extension("jpg");
        replay(&std::fs::read(path).expect("it is in the repository"), |bytes| {
            let decoded = jpeg::decode(bytes, &mut pixels);
            decoded.is_ok_and(|decoded| pixels.len() == decoded.width * decoded.height * 3)
        });
    }
}
