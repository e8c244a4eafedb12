//! Who decodes: what hardware gives is what the processor gives, and where there is none it is told. On a machine without such
//! hardware only the latter is tried, which the test says.

use std::num::NonZeroU64;
use std::path::Path;

use cyborg_edge::capture::Source as _;
use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::stretch::{Every, Stretch};
use cyborg_edge::capture::video::{Decode, Hardware, OpenSettings, VideoError, VideoSource, hardware};

use crate::support::clips::{MOVING, kinds, read_all, settings};
use crate::support::left_out::not_run_unless;
use crate::support::make_clip;

fn open(path: &Path, decode: Decode, every: Every) -> Result<VideoSource, VideoError> {
    let stretch = Stretch { every, ..Stretch::WHOLE };
    VideoSource::open_with(&Address::File(path.to_owned()), &OpenSettings { decode, stretch, ..settings() })
}

/// The frames are those of the processor, up to a grey level.
fn check(path: &Path, mut source: VideoSource, every: Every) {
    let name = path.display();
    let found = read_all(&mut source).expect("it can be read");
    let mut plain = open(path, Decode::Cpu, every).expect("the processor decodes it");
    let expected = read_all(&mut plain).expect("it can be read");
    assert_eq!((found.places(), &found.damaged), (expected.places(), &expected.damaged), "{name}");
    for (found, expected) in found.frames.iter().zip(&expected.frames) {
        let pairs = found.pixels.iter().zip(&expected.pixels);
        let sum: u64 = pairs.map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        assert!(sum <= expected.pixels.len() as u64, "{name}: frame {}", found.number);
    }
}

#[test]
fn auto_gives_what_the_processor_gives() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (name, arguments) in kinds(MOVING) {
        let path = folder.path().join(name);
        make_clip(&path, &arguments);
        for every in [Every::Nth(NonZeroU64::MIN), Every::Key] {
            let source = open(&path, Decode::Auto, every).expect("the processor takes what hardware doesn't");
            let report = source.decoded_by();
            let tried = report.refusals.len() + usize::from(report.got.is_some());
            assert!(report.got.is_some() || tried == Hardware::all().count(), "{report}");
            check(&path, source, every);
        }
    }
    let test = "auto_gives_what_the_processor_gives";
    if hardware().iter().all(|(_, there)| there.is_err()) {
        not_run_unless("CYBORG_GPU_TESTS", test, "a GPU that decodes: what it gives was not compared");
    }
}

#[test]
fn one_that_is_named_is_used_or_an_error() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mp4");
    make_clip(&path, &format!("{MOVING} -c:v libx264 -pix_fmt yuv420p"));
    for (hardware, there) in hardware() {
        match open(&path, Decode::Named(hardware), Every::Nth(NonZeroU64::MIN)) {
            Ok(source) => {
                assert_eq!((source.decoded_by().got, there), (Some(hardware), Ok(())));
                assert_eq!(source.info().name, path.display().to_string());
            }
            Err(error) => {
                let told = error.to_string();
                assert!(told.starts_with(&format!("can't decode {} by {hardware}: ", path.display())), "{told}");
                assert!(there.is_ok() || told.contains(hardware.needs()), "{told}");
            }
        }
    }
    let missing = open(&folder.path().join("none.mp4"), Decode::Auto, Every::Key).err().expect("there is none");
    assert!(missing.to_string().contains("No such file"), "{missing}");
}
