//! The annotated video keeps the sound of its source, packet by packet, beside the right pictures.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_edge::BoxError;
use cyborg_edge::capture::stretch::Mark;
use cyborg_edge::capture::{Read, Source, SourceInfo};
use cyborg_edge::findings::Sink;
use cyborg_edge::frame::{Frame, PresentationTime};
use cyborg_edge::sink::video::{Sound, VideoSettings, VideoSink};
use tempfile::TempDir;

use crate::support::stages::{self, CountingSource};
use crate::support::{cyborg, face_clip, make_clip, model, probe, run};

/// A picture in the first stream, a tone in the second.
const PICTURE_AND_TONE: &str = "-f lavfi -i testsrc=s=160x120:r=25:d=3 -f lavfi -i sine=frequency=440:duration=3";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// Judges a clip, and gives the annotated video and what was said.
fn annotate(folder: &TempDir, clip: &Path) -> (PathBuf, String) {
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let annotated = folder.path().join("annotated.mp4");
    let mut command = cyborg();
    command.arg("video").arg(clip).arg("--model").arg(model).arg("--annotate").arg(&annotated);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    (annotated, stderr)
}

/// What `ffprobe` says of the packets or the stream of the sound, a line each.
fn sound(clip: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "a:0", "-of", "csv=p=0"])
        .args(arguments)
        .arg(clip)
        .output()
        .expect("the program `ffprobe` is there after `cargo xtask setup`");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.trim_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
}

fn digests(clip: &Path) -> Vec<String> {
    sound(clip, &["-show_data_hash", "md5", "-show_entries", "packet=data_hash"])
}

/// Presentation times of packets in seconds, from that of the first picture.
fn times(clip: &Path) -> Vec<f64> {
    let first: f64 = probe(clip, "packet=pts_time").lines().next().and_then(number).expect("there is a picture");
    sound(clip, &["-show_entries", "packet=pts_time"])
        .iter()
        .filter_map(|line| number(line))
        .map(|t| t - first)
        .collect()
}

fn number(line: &str) -> Option<f64> {
    line.trim_end_matches(',').parse().ok()
}

/// Codec, packets and times of the sound are those of the source.
fn check(name: &str, arguments: &str, codec: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join(name);
    make_clip(&clip, arguments);
    let (annotated, said) = annotate(&folder, &clip);
    assert!(!said.contains("no sound in the annotated video"), "{said}");
    assert_eq!(sound(&annotated, &["-show_entries", "stream=codec_name"]), [codec]);
    assert_eq!(probe(&annotated, "stream=nb_read_frames"), probe(&clip, "stream=nb_read_frames"));
    let (before, after) = (times(&clip), times(&annotated));
    assert!(before.len() > 20, "{} packets", before.len());
    assert_eq!(before.len(), after.len(), "packets");
    for (index, (before, after)) in before.iter().zip(&after).enumerate() {
        assert!((before - after).abs() < 0.05, "packet {index} was at {before} s, and is at {after} s");
    }
    assert!(digests(&clip) == digests(&annotated), "the packets' bytes");
    // Another program can decode it all.
    make_clip(&folder.path().join("decoded.wav"), &format!("-xerror -i {} -vn", annotated.display()));
}

#[test]
fn aac_in_mp4() {
    check("a.mp4", &format!("{PICTURE_AND_TONE} {H264} -c:a aac"), "aac");
}

#[test]
fn mp3_in_avi() {
    check("a.avi", &format!("{PICTURE_AND_TONE} -c:v mpeg4 -c:a libmp3lame"), "mp3");
}

#[test]
fn opus_in_webm() {
    check("a.mkv", &format!("{PICTURE_AND_TONE} {H264} -c:a libopus"), "opus");
}

#[test]
fn ac3_in_matroska() {
    check("a.mkv", &format!("{PICTURE_AND_TONE} {H264} -c:a ac3"), "ac3");
}

#[test]
fn flac_in_matroska() {
    check("a.mkv", &format!("{PICTURE_AND_TONE} {H264} -c:a flac"), "flac");
}

#[test]
fn sound_that_starts_late_and_outlasts_the_pictures() {
    let inputs = "-f lavfi -i testsrc=s=160x120:r=25:d=2 -itsoffset 0.5 -f lavfi -i sine=frequency=440:duration=4";
    check("a.mkv", &format!("{inputs} {H264} -c:a aac"), "aac");
}

/// The sound can't be kept, and the note says why; the pictures are all there.
fn check_left_out(name: &str, arguments: &str, reason: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join(name);
    make_clip(&clip, arguments);
    let (annotated, said) = annotate(&folder, &clip);
    assert!(said.contains(&format!("no sound in the annotated video: {reason}")), "{said}");
    assert!(sound(&annotated, &["-show_entries", "stream=codec_name"]).is_empty());
    assert_eq!(probe(&annotated, "stream=nb_read_frames"), "75");
}

#[test]
fn a_kind_of_sound_that_mp4_does_not_take_is_told() {
    check_left_out(
        "a.avi",
        &format!("{PICTURE_AND_TONE} -c:v mpeg4 -c:a pcm_s16le"),
        "MP4 doesn't support `pcm_s16le`",
    );
}

#[test]
fn aac_with_the_headers_of_a_transport_stream_is_told() {
    check_left_out("a.ts", &format!("{PICTURE_AND_TONE} {H264} -c:a aac"), "its packets have transport stream headers");
}

#[test]
fn a_silent_clip_stays_silent_without_a_word() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a.mp4");
    make_clip(&clip, &format!("-f lavfi -i testsrc=s=160x120:r=25:d=0.4 {H264}"));
    let (annotated, said) = annotate(&folder, &clip);
    assert!(!said.contains("sound"), "{said}");
    assert!(sound(&annotated, &["-show_entries", "stream=codec_name"]).is_empty());
}

#[test]
fn a_file_that_was_cut_off_plays_with_its_sound() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a.mp4");
    let face = face_clip();
    let inputs = format!("-stream_loop 3 -i {} -f lavfi -i sine=frequency=440:duration=16", face.display());
    make_clip(&clip, &format!("{inputs} {H264} -c:a aac"));
    let (annotated, _) = annotate(&folder, &clip);
    let bytes = fs::read(&annotated).expect("it was written");
    let cut = folder.path().join("cut.mp4");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("it can be written");
    let pictures: u64 = probe(&cut, "stream=nb_read_frames").parse().expect("a number");
    let last = times(&cut).last().copied().expect("there is sound");
    assert!(pictures > 100, "{pictures} pictures of the half");
    // The sound of a fragment lies beside its pictures, not at the end of the file.
    assert!((last - pictures as f64 / 29.97).abs() < 2.5, "sound to {last} s, {pictures} pictures");
}

/// A source that starts at one second.
struct FromOne(CountingSource);

impl Source for FromOne {
    fn info(&self) -> &SourceInfo {
        self.0.info()
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let read = self.0.read(frame);
        frame.time = PresentationTime(frame.time.0 + 1_000_000);
        read
    }
}

#[test]
fn a_part_of_the_pictures_has_its_part_of_the_sound() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a.mp4");
    make_clip(&clip, &format!("{PICTURE_AND_TONE} {H264} -c:a aac"));
    let annotated = folder.path().join("annotated.mp4");
    let mut source = FromOne(CountingSource::new(25, (160, 120)));
    let second = |number: i64| Some(Mark::Running(PresentationTime(number * 1_000_000)));
    let settings = VideoSettings {
        width: None,
        threads: NonZeroUsize::MIN,
        sound: Some(Sound { path: clip, from: second(1), until: second(2) }),
    };
    let sink = VideoSink::create(&annotated, source.info(), &settings).expect("it can be made");
    assert!(sink.silence().is_none());
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(sink)];
    stages::run(&mut source, 1, &mut sinks);
    let times = times(&annotated);
    let (first, last) = (times[0], times[times.len() - 1]);
    assert!((-0.03..0.005).contains(&first), "the sound starts at {first} s of the pictures");
    assert!((0.95..1.0).contains(&last), "its last packet starts at {last} s");
}

#[test]
fn sound_that_starts_very_late_does_not_hold_the_video_back() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a.mkv");
    let inputs = "-f lavfi -i testsrc=s=160x120:r=25:d=8 -itsoffset 5 -f lavfi -i sine=frequency=440:duration=2";
    make_clip(&clip, &format!("{inputs} {H264} -c:a aac"));
    let (annotated, _) = annotate(&folder, &clip);
    let (before, after) = (times(&clip), times(&annotated));
    assert_eq!(before.len(), after.len());
    // The first packet is the price: it stands at the start.
    let far = before.iter().zip(&after).skip(1).find(|(before, after)| (*before - *after).abs() > 0.05);
    assert_eq!(far, None);
    assert_eq!(digests(&clip), digests(&annotated));
}
