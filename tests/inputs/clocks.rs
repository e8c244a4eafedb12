//! Sources whose clock jumps, whose size is not known before the first picture, or changes on the way; and their sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{cyborg, face_clip, make_clip, model, packet_times, probe, run};

const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// What came of a clip: the annotated video, the lines of the table, and what was said.
struct Judged {
    video: PathBuf,
    lines: Vec<Value>,
    said: String,
}

fn judge(folder: &Path, clip: &Path, arguments: &[&str]) -> Judged {
    let video = folder.join("o.mp4");
    let table = folder.join("o.jsonl");
    let (code, _, said) = run(command(folder, arguments).arg(clip).arg("--annotate").arg(&video));
    assert_eq!(code, 0, "{said}");
    let lines = fs::read_to_string(table).expect("it was written");
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    Judged { video, lines, said }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let model = model::write(folder, "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("video").arg("--model").arg(model).arg("--jsonl").arg(folder.join("o.jsonl")).args(arguments);
    command
}

impl Judged {
    fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["type"] == kind).collect()
    }

    /// Times of the packets of a kind of stream in the annotated video, in order.
    fn times(&self, stream: &str) -> Vec<f64> {
        packet_times(&self.video, stream)
    }
}

/// Pieces of a transport stream one behind the other, as recorders leave them.
fn joined(folder: &Path, pieces: &[String]) -> PathBuf {
    let mut bytes = Vec::new();
    for (number, arguments) in pieces.iter().enumerate() {
        let piece = folder.join(format!("{number}.ts"));
        make_clip(&piece, arguments);
        bytes.extend(fs::read(&piece).expect("it was made"));
    }
    let path = folder.join("joined.ts");
    fs::write(&path, bytes).expect("it can be written");
    path
}

/// Frames of the talking man from the first of `frames` on, shown from `start` seconds on.
fn piece(start: u32, first: u32, filters: &str) -> String {
    let clip = face_clip();
    let trim = format!("trim=start_frame={first}:end_frame={},setpts=PTS-STARTPTS{filters},setsar=1", first + 30);
    format!("-i {} -vf {trim} {H264} -muxdelay 0 -muxpreload 0 -output_ts_offset {start}", clip.display())
}

#[test]
fn a_person_is_one_person_through_a_jump() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for second in [0, 90_000] {
        let clip = joined(folder.path(), &[piece(100, 0, ""), piece(second, 30, "")]);
        let judged = judge(folder.path(), &clip, &[]);
        let faces = judged.of_type("face");
        assert_eq!(faces.len(), 60);
        assert!(faces.iter().all(|face| face["track"] == 1), "{second}: {:?}", judged.of_type("track"));
        let number = |face: &Value, name: &str| face[name].as_f64().expect("a number");
        let gap = if second > 0 { 1.0 } else { 1001.0 / 30_000.0 };
        let step = number(faces[30], "running_s") - number(faces[29], "running_s");
        assert!((step - gap).abs() < 2e-3, "{second}: {step}");
        let clock = number(faces[30], "time_s");
        assert!((clock - f64::from(second)).abs() < 0.2, "{second}: {clock}");
        assert_eq!(number(faces[0], "running_s"), 0.0);
        assert!(judged.said.contains("its clock jumped once"), "{}", judged.said);
        let times = judged.times("v:0");
        assert!((times[59] - times[0] - 58.0 * 1001.0 / 30_000.0 - gap).abs() < 5e-3, "{second}: {times:?}");
    }
}

#[test]
fn sound_goes_along_with_a_jump() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let piece = |start: u32| {
        format!(
            "-f lavfi -i testsrc=s=160x120:r=25:d=3 -f lavfi -i sine=frequency=440:duration=3 {H264} -c:a libmp3lame \
             -muxdelay 0 -muxpreload 0 -output_ts_offset {start}"
        )
    };
    let clip = joined(folder.path(), &[piece(100), piece(0)]);
    let judged = judge(folder.path(), &clip, &[]);
    assert!(!judged.said.contains("sound"), "{}", judged.said);
    let (pictures, sound) = (judged.times("v:0"), judged.times("a:0"));
    assert_eq!(pictures.len(), 150);
    assert!(sound.len() > 220, "{} packets", sound.len());
    assert!((pictures[149] - 5.96).abs() < 0.01 && (5.8..6.1).contains(&sound[sound.len() - 1]), "{sound:?}");
}

#[test]
fn a_person_is_one_person_when_the_size_changes() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (second, size) in [(",scale=704:576", "352,288"), (",pad=176:200:0:28,scale=352:400", "352,288")] {
        let pieces = [piece(0, 0, ",scale=352:288"), piece(1, 30, second)];
        let clip = joined(folder.path(), &pieces);
        let judged = judge(folder.path(), &clip, &[]);
        let faces = judged.of_type("face");
        assert_eq!(faces.len(), 60, "{second}");
        assert!(faces.iter().all(|face| face["track"] == 1), "{second}: {:?}", judged.of_type("track"));
        assert_eq!(probe(&judged.video, "stream=width,height"), size, "{second}");
    }
    // The second picture is higher: it stands between bars, which are black.
    let picture = folder.path().join("last.png");
    let last = format!("-i {} -vf select=gte(n\\,50) -frames:v 1", folder.path().join("o.mp4").display());
    make_clip(&picture, &last);
    let picture = image::open(&picture).expect("a picture").to_rgb8();
    let (width, height) = picture.dimensions();
    let inner = height * 352 / 400;
    let bar = (width - inner) / 2;
    let grey = |x: u32| (0..height).map(|y| u32::from(picture.get_pixel(x, y).0[0])).sum::<u32>() / height;
    assert!(grey(bar / 2) < 8 && grey(width - bar / 2) < 8 && grey(width / 2) > 40, "{width}x{height}");
}

#[test]
fn sound_of_a_name_with_a_colon_is_kept() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    make_clip(
        &folder.path().join("a.mp4"),
        &format!("-f lavfi -i testsrc=s=160x120:r=25:d=1 -f lavfi -i sine=duration=1 {H264} -c:a aac"),
    );
    fs::rename(folder.path().join("a.mp4"), folder.path().join("16:38:41.mp4")).expect("it can be renamed");
    let mut command = command(folder.path(), &[]);
    command.current_dir(folder.path()).args(["16:38:41.mp4", "--annotate", "16:38:41.annotated.mp4"]);
    let (code, _, said) = run(&mut command);
    assert!(code == 0 && !said.contains("sound"), "{said}");
    let video = folder.path().join("o.mp4");
    fs::rename(folder.path().join("16:38:41.annotated.mp4"), &video).expect("it was written");
    assert!(packet_times(&video, "a:0").len() > 30);
}

#[test]
fn sound_that_comes_once_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a.mkv");
    let silent = folder.path().join("b.mkv");
    make_clip(&clip, &format!("-f lavfi -i testsrc=s=160x120:r=25:d=1 -f lavfi -i sine=duration=1 {H264} -c:a aac"));
    make_clip(&silent, &format!("-f lavfi -i testsrc=s=160x120:r=25:d=1 {H264}"));
    for (clip, told) in [(&clip, true), (&silent, false)] {
        let mut command = command(folder.path(), &["-"]);
        command.arg("--annotate").arg(folder.path().join("o.mp4"));
        let (code, _, said) = run(command.stdin(Stdio::from(fs::File::open(clip).expect("it was made"))));
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.contains("no sound in the annotated video: - can be read only once"), told, "{said}");
    }
}

#[test]
fn a_silent_clip_begins_at_zero() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = folder.path().join("a.mkv");
    make_clip(&clip, &format!("-f lavfi -i testsrc=s=160x120:r=25:d=1 {H264} -output_ts_offset 5"));
    assert!(packet_times(&clip, "v:0")[0] > 4.9);
    let judged = judge(folder.path(), &clip, &[]);
    assert_eq!(judged.times("v:0")[0], 0.0);
}
