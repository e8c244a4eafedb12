//! Clips of many kinds: the frames in the container are the frames that come out, at ffprobe's times, and they keep
//! their numbers when reading starts later.

use std::fs;
use std::num::NonZeroU64;
use std::path::Path;

use cyborg_edge::capture::stretch::{Every, Mark, Stretch};
use cyborg_edge::frame::PresentationTime;

use crate::support::clips::{MOVING, Seen, has_encoder, read_file, settings};
use crate::support::{make_clip, probe};

/// Frame times by ffprobe, in seconds, where it has one.
fn probed(path: &Path) -> Vec<Option<f64>> {
    let text = probe(path, "frame=best_effort_timestamp_time");
    // Frames with side data have an empty line after them.
    let lines = text.lines().map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().ok()).collect()
}

fn read(path: &Path, stretch: Stretch) -> Seen {
    let mut settings = settings();
    settings.stretch = stretch;
    read_file(path, &settings).expect("it can be read")
}

/// Count and times are ffprobe's, who has no time for so many of them; frames from a later start are the same ones.
fn check(path: &Path, unknown: usize) -> Seen {
    let times = probed(path);
    let count = times.len();
    let whole = read(path, Stretch::WHOLE);
    let name = path.display();
    assert_eq!(whole.frames.len(), count, "{name}: frames");
    let known = whole.frames.iter().zip(times).filter_map(|(frame, time)| Some((frame, time?)));
    assert_eq!(known.clone().count(), count - unknown.min(count), "{name}: times that ffprobe has");
    for (frame, expected) in known {
        let found = frame.time.seconds();
        assert!((found - expected).abs() < 1e-3, "{name}: {} is at {found} s, not {expected} s", frame.number);
    }
    assert!(whole.frames.iter().map(|frame| frame.number).eq(0..count as u64), "{name}: numbers count from 0");
    for share in [0.1, 0.65, 0.95] {
        let at = (count as f64 * share) as usize;
        let start = whole.frames[at].time;
        let running = whole.frames[at].running();
        let by_running = read(path, Stretch { start: Some(Mark::Running(running)), ..Stretch::WHOLE });
        assert_eq!(by_running.places(), whole.places()[at..], "{name}: from {} s of running on", running.seconds());
        assert!(by_running.frames.iter().zip(&whole.frames[at..]).all(|(a, b)| a.running == b.running), "{name}");
        let rest = read(path, Stretch { start: Some(Mark::Clock(start)), ..Stretch::WHOLE });
        assert_eq!(rest.places(), whole.places()[at..], "{name}: from {} s on", start.seconds());
        let same = rest.frames.iter().zip(&whole.frames[at..]).all(|(a, b)| a.pixels == b.pixels);
        assert!(same, "{name}: from {} s on the pictures are the same", start.seconds());
    }
    whole
}

/// Makes a clip with these arguments and checks it.
fn check_made(name: &str, arguments: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join(name);
    make_clip(&path, arguments);
    check(&path, 0);
}

fn check_moving(name: &str, arguments: &str) {
    check_made(name, &format!("{MOVING} {arguments}"));
}

#[test]
fn h264_in_its_containers() {
    for name in ["clip.mp4", "clip.mov", "clip.mkv", "clip.flv", "clip.ts"] {
        check_moving(name, "-c:v libx264 -preset ultrafast -g 20 -pix_fmt yuv420p");
    }
}

#[test]
fn reordered_frames() {
    check_moving("clip.mp4", "-c:v libx264 -preset veryfast -bf 4 -b_strategy 0 -g 25 -pix_fmt yuv420p");
    check_moving("open.mkv", "-c:v libx264 -preset veryfast -bf 4 -g 25 -x264-params open-gop=1 -pix_fmt yuv420p");
    check_moving("clip.mkv", "-c:v mpeg4 -bf 2 -g 30");
}

#[test]
fn a_program_stream_lacks_the_last_time() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mpg");
    make_clip(&path, &format!("{MOVING} -c:v mpeg2video -bf 2 -g 15"));
    let seen = check(&path, 1);
    let steps: Vec<i64> = seen.frames.windows(2).map(|pair| pair[1].time.0 - pair[0].time.0).collect();
    assert!(steps.iter().all(|&step| step == 40_000), "{steps:?}");
}

#[test]
fn older_codecs() {
    check_moving("clip.avi", "-c:v mpeg4 -g 30");
    check_moving("motion.avi", "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p");
    check_moving("motion.mov", "-c:v mjpeg -q:v 5 -pix_fmt yuvj422p");
    check_moving("lossless.mkv", "-c:v ffv1");
}

#[test]
fn codecs_of_the_web() {
    check_moving("vp8.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 -g 40");
    check_moving("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40");
}

#[test]
fn codecs_that_not_every_build_has() {
    let test = "codecs_that_not_every_build_has";
    if has_encoder(test, "libx265") {
        check_moving(
            "clip.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 -pix_fmt yuv420p",
        );
    }
    if has_encoder(test, "libaom-av1") {
        check_made(
            "clip.mkv",
            "-f lavfi -i testsrc2=s=64x64:r=10:d=3 -c:v libaom-av1 -cpu-used 8 -usage realtime -g 10 -pix_fmt yuv420p",
        );
    }
}

#[test]
fn frame_rates() {
    for rate in ["24000/1001", "30000/1001", "60", "7"] {
        let source = format!("-f lavfi -i testsrc2=s=64x48:r={rate}:d=4");
        check_made("clip.mp4", &format!("{source} -c:v libx264 -preset ultrafast -g 24 -pix_fmt yuv420p"));
    }
    check_moving("vfr.mp4", "-vf select='lt(mod(n,5),2)' -vsync vfr -c:v libx264 -preset ultrafast -g 9");
    check_moving("vfr.mkv", "-vf select='not(mod(n,7))+gt(n,90)' -vsync vfr -c:v libx264 -preset ultrafast -g 9");
}

#[test]
fn clocks_that_do_not_begin_at_zero() {
    check_moving("late.mkv", "-vf setpts=PTS+3/TB -c:v libx264 -preset ultrafast -g 20");
    check_moving("late.mp4", "-output_ts_offset 7.5 -c:v libx264 -preset ultrafast -g 20");
    check_moving("early.mkv", "-output_ts_offset -1 -avoid_negative_ts disabled -c:v mpeg4 -g 20");
}

#[test]
fn an_edit_list_cuts_frames_away() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (whole, cut) = (folder.path().join("whole.mp4"), folder.path().join("cut.mp4"));
    make_clip(&whole, &format!("{MOVING} -c:v libx264 -preset ultrafast -bf 2 -g 50"));
    make_clip(&cut, &format!("-ss 0.5 -i {} -c copy", whole.display()));
    let seen = check(&cut, 0);
    assert!(seen.frames.len() < 125, "the cut is there: {}", seen.frames.len());
}

#[test]
fn shapes_and_depths() {
    check_moving("odd.mkv", "-vf scale=97:63,setsar=1 -c:v ffv1 -pix_fmt yuv420p");
    check_moving("odd444.mp4", "-vf scale=97:63,setsar=1 -c:v libx264 -preset ultrafast -pix_fmt yuv444p");
    check_moving("deep.mkv", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le");
    check_moving("grey.mkv", "-c:v libx264 -preset ultrafast -pix_fmt gray");
    check_moving("rgb.mkv", "-c:v libx264rgb -preset ultrafast -pix_fmt rgb24");
}

#[test]
fn a_stream_without_a_clock_has_its_rate() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.h264");
    make_clip(&path, &format!("{MOVING} -c:v libx264 -preset ultrafast -bf 0 -g 20"));
    let seen = check(&path, usize::MAX);
    for pair in seen.frames.windows(2) {
        assert!(pair[0].time < pair[1].time, "time goes on");
    }
}

#[test]
fn truncated_files_give_what_ffprobe_finds() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (name, arguments) in [
        ("clip.mp4", "-c:v libx264 -preset ultrafast -g 20 -movflags faststart"),
        ("clip.mkv", "-c:v libx264 -preset ultrafast -g 20 -bf 2"),
        ("clip.avi", "-c:v mpeg4"),
        ("clip.ts", "-c:v libx264 -preset ultrafast -g 20"),
        ("clip.webm", "-c:v libvpx -deadline realtime -cpu-used 8"),
    ] {
        let path = folder.path().join(name);
        make_clip(&path, &format!("{MOVING} {arguments}"));
        let bytes = fs::read(&path).expect("it was made");
        for tenths in [4, 7] {
            fs::write(&path, &bytes[..bytes.len() * tenths / 10]).expect("it can be written");
            let count = probed(&path).len();
            let seen = read(&path, Stretch::WHOLE);
            assert_eq!(seen.frames.len(), count, "{name} cut to {tenths} tenths, damage: {:?}", seen.damaged);
            assert!((1..125).contains(&count), "{count}");
        }
    }
}

#[test]
fn a_stretch_of_each_nth() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("clip.mp4");
    make_clip(&path, &format!("{MOVING} -c:v libx264 -preset ultrafast -g 20"));
    let second = |seconds: f64| Some(Mark::Running(PresentationTime((seconds * 1e6) as i64)));
    let every = Every::Nth(NonZeroU64::new(10).expect("not zero"));
    let seen = read(&path, Stretch { start: second(3.0), end: second(4.0), every });
    assert_eq!(seen.places(), [(75, 3_000_000), (85, 3_400_000), (95, 3_800_000)]);
    let mut late = settings();
    late.stretch.start = second(100.0);
    let error = read_file(&path, &late).err().expect("there is no such frame");
    assert!(error.to_string().contains("no frame in the stretch"), "{error}");
    late.stretch = Stretch { start: second(3.01), end: second(3.02), every };
    let error = read_file(&path, &late).err().expect("there is no such frame");
    assert!(error.to_string().contains("no frame in the stretch"), "{error}");
}
