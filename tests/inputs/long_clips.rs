//! Cost grows with the clip, memory doesn't: a long clip ends with the peak of a short one, with all outputs on.
//!
//! Plain runs hold a minute against ten seconds; `CYBORG_LONG_TESTS=1` holds ten minutes.

#![allow(clippy::print_stderr, reason = "the figures are for the reader of the test's output")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::child::{Watched, long_run, watch};
use crate::support::{cyborg, face_clip, make_clip, model, probe};

/// Frames a second of the clips.
const RATE: u64 = 30;
/// How much more memory a long clip may take than a short one, and one that is read from its end than from its beginning.
const MORE: f64 = 1.10;

/// The face clip again and again, with a tone.
fn clip(folder: &Path, seconds: u64) -> PathBuf {
    let path = folder.join(format!("{seconds}.mp4"));
    make_clip(
        &path,
        &format!(
            "-stream_loop -1 -i {} -f lavfi -i sine=r=16000 -t {seconds} -r {RATE} -c:v libx264 -preset ultrafast \
             -pix_fmt yuv420p -c:a aac -b:a 32k",
            face_clip().display()
        ),
    );
    path
}

/// Judges a clip with all outputs on, and says what it took.
fn judge(folder: &Path, seconds: u64) -> Watched {
    let clip = clip(folder, seconds);
    let model = model::write(folder, "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("video").arg(&clip).arg("--model").arg(model).args(["--detect-size", "96"]);
    for (flag, name) in
        [("--csv", "a.csv"), ("--jsonl", "a.jsonl"), ("--annotate", "annotated.mp4"), ("--report", "a.html")]
    {
        command.arg(flag).arg(folder.join(name));
    }
    let watched = watch(&mut command, Duration::from_secs(60 + 2 * seconds));
    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    let through = probe(&folder.join("annotated.mp4"), "stream=nb_read_frames");
    assert_eq!(through, probe(&clip, "stream=nb_read_frames"), "every frame went through");
    // Its own figure: in that of a short clip the start of the program would be the larger part.
    let rate = watched.stdout.split_whitespace().rev().nth(1).and_then(|rate| rate.parse::<f64>().ok());
    let per_frame = 1e3 / rate.expect("the last line of a clip ends with its rate");
    let (whole, peak) = (watched.wall.as_secs_f64(), watched.peak as f64 / 1024.0);
    eprintln!("{seconds} s of video: {per_frame:.2} ms a frame, {whole:.1} s in all, {peak:.1} MiB at most");
    watched
}

#[test]
fn memory_does_not_grow_with_the_clip() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let seconds = if long_run() { 600 } else { 60 };
    check(&judge(folder.path(), 10), &judge(folder.path(), seconds));
}

/// What comes before the first wanted frame is read for the number of that frame, and not kept.
#[test]
fn memory_does_not_grow_with_what_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    // Noise can't be made small: this clip has 20 MB.
    let clip = folder.path().join("noise.mkv");
    make_clip(
        &clip,
        &format!(
            "-stream_loop -1 -i {} -t 20 -r {RATE} -vf noise=alls=80:allf=t -c:v libx264 -preset ultrafast -qp 4",
            face_clip().display()
        ),
    );
    let size = clip.metadata().expect("it was made").len();
    assert!(size > 20 << 20, "{size} bytes would not be seen in the memory");
    let judge = |stretch: [&str; 2]| {
        let mut command = cyborg();
        command.arg("video").arg(&clip).arg("--model").arg(&model).args(["--detect-size", "96"]).args(stretch);
        let watched = watch(&mut command, Duration::from_secs(120));
        assert_eq!(watched.code, Some(0), "{}", watched.stderr);
        eprintln!("{stretch:?}: {:.1} MiB at most", watched.peak as f64 / 1024.0);
        watched
    };
    check(&judge(["--end", "1"]), &judge(["--start", "19"]));
}

/// The second run took no more memory than the first, within [`MORE`].
fn check(little: &Watched, much: &Watched) {
    if little.peak == 0 {
        eprintln!("not checked: this system doesn't say how much memory a process held");
        return;
    }
    let more = much.peak as f64 / little.peak as f64;
    assert!(more <= MORE, "{more:.3} times the memory: {} KiB after {} KiB", much.peak, little.peak);
}
