//! Key frames alone: the same frames, numbers, times and pixels as when all is read, in many kinds of clips, and what is said
//! of those that have none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_edge::capture::stretch::{Every, Mark, Stretch};
use cyborg_edge::frame::Frame;

use crate::support::clips::{MOVING, Seen, has_encoder, read_file, settings};
use crate::support::{make_clip, probe};

fn read(path: &Path, stretch: Stretch) -> Seen {
    let mut settings = settings();
    settings.stretch = stretch;
    read_file(path, &settings).expect("it can be read")
}

const KEYS: Stretch = Stretch { every: Every::Key, ..Stretch::WHOLE };

/// Which frames, in the order in which they are shown, are key frames by ffprobe.
fn flags(path: &Path) -> Vec<bool> {
    let text = probe(path, "frame=key_frame");
    let lines = text.lines().map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty());
    lines.map(|line| line == "1").collect()
}

/// Key frames are those of ffprobe, and are as they are when all is read; so many of them at least.
fn check(path: &Path, least: usize) {
    let whole = read(path, Stretch::WHOLE);
    let flags = flags(path);
    assert_eq!(whole.frames.len(), flags.len(), "{}", path.display());
    let expected: Vec<Frame> =
        whole.frames.into_iter().zip(flags).filter(|(_, is_key)| *is_key).map(|(frame, _)| frame).collect();
    assert!(expected.len() >= least, "{}: {} key frames", path.display(), expected.len());
    check_same(path, KEYS, &expected);
    // Between the second one and the last one.
    if let [_, second, .., last] = &*expected {
        let (start, end) = (Some(Mark::Running(second.running())), Some(Mark::Running(last.running())));
        check_same(path, Stretch { start, end, ..KEYS }, &expected[1..expected.len() - 1]);
        let (start, end) = (Some(Mark::Clock(second.time)), None);
        check_same(path, Stretch { start, end, ..KEYS }, &expected[1..]);
    }
}

fn check_same(path: &Path, stretch: Stretch, expected: &[Frame]) {
    let name = path.display();
    let found = read(path, stretch);
    assert_eq!(found.damaged, Vec::<String>::new(), "{name}");
    let places =
        |frames: &[Frame]| -> Vec<_> { frames.iter().map(|frame| (frame.number, frame.time, frame.running)).collect() };
    assert_eq!(places(&found.frames), places(expected), "{name}: {stretch:?}");
    for (found, expected) in found.frames.iter().zip(expected) {
        assert!(found.pixels == expected.pixels, "{name}: frame {} has other pixels", found.number);
    }
}

fn check_made(name: &str, arguments: &str, least: usize) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join(name);
    make_clip(&path, arguments);
    check(&path, least);
}

fn check_moving(name: &str, arguments: &str, least: usize) {
    check_made(name, &format!("{MOVING} {arguments}"), least);
}

#[test]
fn h264_in_its_containers() {
    for name in ["clip.mp4", "clip.mov", "clip.mkv", "clip.flv", "clip.ts"] {
        check_moving(name, "-c:v libx264 -preset ultrafast -g 20 -pix_fmt yuv420p", 6);
    }
}

#[test]
fn reordered_frames() {
    let x264 = "-c:v libx264 -preset veryfast -bf 4 -b_strategy 0 -pix_fmt yuv420p";
    for name in ["clip.mp4", "clip.mkv", "clip.ts", "clip.flv", "clip.avi"] {
        check_moving(name, &format!("{x264} -g 25"), 5);
        check_moving(name, &format!("{x264} -g 25 -x264-params open-gop=1"), 5);
    }
    for name in ["clip.mkv", "clip.ts", "clip.avi", "clip.mp4"] {
        check_moving(name, "-c:v mpeg4 -bf 2 -g 30", 4);
    }
    for name in ["clip.mpg", "clip.ts", "clip.mkv"] {
        check_moving(name, "-c:v mpeg2video -bf 2 -g 15", 8);
    }
}

#[test]
fn codecs_of_the_web() {
    let alternates = "-deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 -g 40";
    check_moving("vp8.webm", &format!("-c:v libvpx {alternates}"), 3);
    check_moving("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40", 3);
    check_moving("clip.ogv", "-c:v libtheora -g 16", 7);
}

#[test]
fn codecs_that_not_every_build_has() {
    let test = "codecs_that_not_every_build_has";
    if has_encoder(test, "libx265") {
        for open in [0, 1] {
            let x265 = format!("-x265-params log-level=none:keyint=25:bframes=4:open-gop={open} -pix_fmt yuv420p");
            for name in ["clip.mp4", "clip.ts"] {
                check_moving(name, &format!("-c:v libx265 -preset ultrafast {x265}"), 5);
            }
        }
    }
    if has_encoder(test, "libaom-av1") {
        let source = "-f lavfi -i testsrc2=s=64x64:r=10:d=3";
        check_made(
            "clip.mkv",
            &format!("{source} -c:v libaom-av1 -cpu-used 8 -usage realtime -g 10 -pix_fmt yuv420p"),
            3,
        );
    }
}

#[test]
fn of_codecs_without_others_all_frames_are_key_frames() {
    check_moving("motion.avi", "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p", 125);
    check_moving("clip.mov", "-c:v prores_ks", 125);
    check_moving("intra.mp4", "-c:v libx264 -preset ultrafast -g 1 -pix_fmt yuv420p", 125);
    check_moving("lossless.mkv", "-c:v ffv1 -g 12", 10);
}

#[test]
fn streams_without_a_clock() {
    check_moving("clip.h264", "-c:v libx264 -preset ultrafast -bf 2 -g 20", 6);
}

#[test]
fn interlaced_pictures() {
    for name in ["clip.ts", "clip.mp4"] {
        check_moving(name, "-c:v libx264 -preset ultrafast -x264-params interlaced=1 -flags +ildct -g 20", 6);
    }
    check_moving("clip.mpg", "-c:v mpeg2video -flags +ilme+ildct -g 12", 10);
}

#[test]
fn odd_clocks() {
    check_moving("vfr.mp4", "-vf select='lt(mod(n,5),2)' -vsync vfr -c:v libx264 -preset ultrafast -g 9", 5);
    check_moving("vfr.mkv", "-vf select='not(mod(n,7))+gt(n,90)' -vsync vfr -c:v libx264 -preset ultrafast -g 9", 5);
    check_moving("late.mkv", "-vf setpts=PTS+3/TB -c:v libx264 -preset ultrafast -g 20", 6);
    check_moving("late.mp4", "-output_ts_offset 7.5 -c:v libx264 -preset ultrafast -g 20", 6);
    check_moving("early.mkv", "-output_ts_offset -1 -avoid_negative_ts disabled -c:v mpeg4 -g 20", 6);
}

#[test]
fn many_seconds_between_two_are_no_jump_of_the_clock() {
    let forced = "-c:v libx264 -preset ultrafast -g 9999 -sc_threshold 0 -force_key_frames expr:gte(t,n_forced*14)";
    let folder = tempfile::tempdir().expect("a folder for the test");
    for name in ["clip.mp4", "clip.ts"] {
        let path = folder.path().join(name);
        make_clip(&path, &format!("-f lavfi -i testsrc2=s=96x64:r=5:d=45 {forced}"));
        check(&path, 4);
        let last = read(&path, KEYS).frames.pop().expect("there are frames");
        assert_eq!((last.running().0, last.jumps()), (42_000_000, 0), "{name}");
    }
}

/// A transport stream, and where its packets begin: of which it is known whether a key frame begins there.
fn stream(folder: &Path, arguments: &str) -> (Vec<u8>, Vec<(usize, bool)>) {
    let path = folder.join("whole.ts");
    make_clip(&path, &format!("{MOVING} {arguments}"));
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pos,flags", "-of", "csv=p=0"])
        .arg(&path)
        .output()
        .expect("the program `ffprobe` is there after `cargo xtask setup`");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = text.lines().filter_map(|line| line.split_once(','));
    let packets = rows.map(|(at, flags)| (at.parse().expect("a position"), flags.starts_with('K'))).collect();
    (fs::read(&path).expect("it was made"), packets)
}

/// The stream without what lies between its tables and this packet.
fn cut_before(folder: &Path, bytes: &[u8], at: usize) -> PathBuf {
    let path = folder.join("cut.ts");
    // The description of the service, the list of programs, and that of the streams.
    fs::write(&path, [&bytes[..3 * 188], &bytes[at..]].concat()).expect("it can be written");
    path
}

#[test]
fn a_stream_that_does_not_begin_with_a_key_frame() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for arguments in [
        "-c:v libx264 -preset veryfast -bf 3 -g 20",
        "-c:v libx264 -preset veryfast -bf 3 -g 20 -x264-params open-gop=1",
        "-c:v mpeg2video -bf 2 -g 15",
    ] {
        let (bytes, packets) = stream(folder.path(), arguments);
        for before in [3, 4, 5, 6] {
            check(&cut_before(folder.path(), &bytes, packets[before].0), 5);
        }
    }
}

#[test]
fn a_clip_with_one_key_frame_gives_that_one() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mp4");
    make_clip(&path, &format!("{MOVING} -c:v libx264 -preset ultrafast -g 9999 -sc_threshold 0"));
    assert_eq!(read(&path, KEYS).places(), [(0, 0)]);
    // One with an edit list begins behind it.
    let cut = folder.path().join("cut.mp4");
    make_clip(&cut, &format!("-ss 0.5 -i {} -c copy", path.display()));
    let mut settings = settings();
    settings.stretch = KEYS;
    let error = read_file(&cut, &settings).err().expect("the key frame is not shown");
    assert!(error.to_string().contains("has no key frame"), "{error}");
}

#[test]
fn an_edit_list_cuts_frames_away() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (whole, cut) = (folder.path().join("whole.mp4"), folder.path().join("cut.mp4"));
    make_clip(&whole, &format!("{MOVING} -c:v libx264 -preset ultrafast -bf 2 -g 30"));
    make_clip(&cut, &format!("-ss 1.5 -i {} -c copy", whole.display()));
    check(&cut, 2);
}

#[test]
fn what_is_no_picture_by_itself_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.ts");
    // Each picture has a column that builds on no other: after twenty of them all of it was renewed.
    let refresh = "-c:v libx264 -preset veryfast -bf 0 -x264-params intra-refresh=1:keyint=20";
    make_clip(&path, &format!("{MOVING} {refresh}"));
    let (whole, keys) = (read(&path, Stretch::WHOLE), read(&path, KEYS));
    assert_eq!(keys.places(), [whole.places()[0]], "the others need those before them");
    assert!(keys.damaged.len() > 3, "{:?}", keys.damaged);
    assert!(keys.damaged.iter().all(|reason| reason.contains("alone")), "{:?}", keys.damaged);
}

/// Noise in place of every frame between key frames, behind the first second: only who decodes none of them sees none.
#[test]
fn what_lies_between_key_frames_is_not_decoded() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for codec in ["libx264 -preset veryfast -bf 3 -g 25", "mpeg4 -bf 2 -g 25", "mpeg2video -bf 2 -g 15"] {
        let path = folder.path().join("clip.mp4");
        make_clip(&path, &format!("{MOVING} -c:v {codec}"));
        let (whole, expected) = (read(&path, Stretch::WHOLE), read(&path, KEYS));
        let mut bytes = fs::read(&path).expect("it was made");
        let packets = probe(&path, "packet=pos,size,flags");
        for packet in packets.lines().skip(25) {
            let fields: Vec<&str> = packet.split(',').collect();
            let [size, at] = [fields[0], fields[1]].map(|number| number.parse::<usize>().expect("a number"));
            if !fields[2].starts_with('K') {
                bytes[at..at + size].iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 37 % 251) as u8);
            }
        }
        fs::write(&path, bytes).expect("it can be written");
        let spoilt = read(&path, Stretch::WHOLE);
        assert!(!spoilt.damaged.is_empty() || spoilt.frames.len() < whole.frames.len(), "{codec}: nothing is spoilt");
        let found = read(&path, KEYS);
        assert_eq!((found.damaged.len(), found.places()), (0, expected.places()), "{codec}");
        assert!(found.frames.iter().zip(&expected.frames).all(|(a, b)| a.pixels == b.pixels && !a.patched), "{codec}");
    }
}

#[test]
fn a_damaged_key_frame_leaves_the_others_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (mut bytes, packets) = stream(folder.path(), "-c:v libx264 -preset veryfast -bf 2 -g 20");
    let whole = read(&folder.path().join("whole.ts"), KEYS);
    let keys: Vec<usize> = packets.iter().filter(|(_, is_key)| *is_key).map(|&(at, _)| at).collect();
    // Of the third one all but the head is noise; packets of the container stay whole.
    for packet in bytes[keys[2] + 2 * 188..keys[2] + 5 * 188].chunks_exact_mut(188) {
        (4..188).for_each(|at| packet[at] = (at * 37 % 251) as u8);
    }
    let path = folder.path().join("damaged.ts");
    fs::write(&path, bytes).expect("it can be written");
    let found = read(&path, KEYS);
    let third = whole.frames[2].number;
    let told = !found.damaged.is_empty() || found.frames.iter().any(|frame| frame.number == third && frame.patched);
    assert!(told, "{:?}", found.places());
    for expected in whole.frames.iter().filter(|frame| frame.number != third) {
        let same = found.frames.iter().find(|frame| frame.number == expected.number);
        let same = same.is_some_and(|found| found.time == expected.time && found.pixels == expected.pixels);
        assert!(same, "frame {}", expected.number);
    }
}

#[test]
fn a_clock_that_begins_anew_gives_the_times_of_all_frames() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut bytes = Vec::new();
    for second in [100, 3, 90_000] {
        let piece = folder.path().join("piece.ts");
        let x264 = "-c:v libx264 -preset veryfast -bf 2 -g 20";
        make_clip(&piece, &format!("{MOVING} {x264} -muxdelay 0 -muxpreload 0 -output_ts_offset {second}"));
        bytes.extend(fs::read(&piece).expect("it was made"));
    }
    let path = folder.path().join("joined.ts");
    fs::write(&path, bytes).expect("it can be written");
    check(&path, 15);
    assert_eq!(read(&path, KEYS).frames.last().map(Frame::jumps), Some(2));
}
