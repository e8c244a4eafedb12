//! Settings of `cyborg live` from a file and the environment, and thresholds that are read anew.
#![cfg(feature = "page")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::events::{Running, live, turning_clip};
use crate::support::{check_error, cyborg, face_clip, model, run};

/// `cyborg live` with a file of settings.
fn configured(folder: &Path, text: &str) -> Command {
    let file = folder.join("live.toml");
    fs::write(&file, text).expect("it can be written");
    let mut command = cyborg();
    command.arg("live").arg("--config").arg(file);
    command
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = face_clip();
    let text = format!("camera = \"test={}\"\ntest-script = \"at 1s end\"\nno-page = true\n", clip.display());
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let with = |command: &mut Command| {
        let (code, stdout, stderr) = run(command.arg("--model").arg(&model));
        assert_eq!(code, 0, "{stderr}");
        (stdout, stderr)
    };
    // The script is the file's, so it ends.
    let (stdout, stderr) = with(&mut configured(folder.path(), &text));
    assert!(stderr.contains("the run has ended") && !stdout.contains("the page"), "{stdout}{stderr}");
    // The environment's patience with a stall goes before the file's, and a flag's before both.
    let stalls = text.replace("at 1s end", "at 1s stall 2s; at 4s end") + "stall = 0.4\n";
    let (_, stderr) = with(&mut configured(folder.path(), &stalls));
    assert!(stderr.contains("no frame for 0.4 s"), "{stderr}");
    let (_, stderr) = with(configured(folder.path(), &stalls).env("CYBORG_LIVE_STALL", "0.5"));
    assert!(stderr.contains("no frame for 0.5 s"), "{stderr}");
    let (_, stderr) = with(configured(folder.path(), &stalls).env("CYBORG_LIVE_STALL", "0.5").args(["--stall", "0.6"]));
    assert!(stderr.contains("no frame for 0.6 s"), "{stderr}");
    // What rules a setting of the file out goes before it too.
    let (stdout, _) =
        with(configured(folder.path(), &text).env("CYBORG_LIVE_NO_PAGE", "no").args(["--listen", "127.0.0.1:0"]));
    assert!(stdout.contains("the page: http://127.0.0.1:"), "{stdout}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let check = |text: &str, words: &str| check_error(&mut configured(folder.path(), text), 2, words);
    check("camra = \"0\"", "live.toml: unknown setting `camra` for `cyborg live`; did you mean `camera`?");
    check("events_size = 3", "did you mean `events-size`?");
    check("config = \"other.toml\"", "unknown setting `config`");
    check("stall = \"soon\"", "live.toml: `stall`: invalid value 'soon' for '--stall <SECONDS>': expected seconds");
    check("no-page = \"maybe\"", "live.toml: `no-page`: expected true or false");
    check("verbose = 99", "expected a number from 0 to 9");
    check("camera = true", "`camera`: expected a text or a number");
    check("model = [\"a\", []]", "`model`: expected texts or numbers");
    check("camera = \"0\"\nstall = 3\nstall = 4\n", "live.toml, line 3: ");
    check("[camera\n", "live.toml, line 1: ");
    check("authentic-below = 0.9\nsynthetic-above = 2", "`synthetic-above`: invalid value '2'");
    // The certificate is named in one layer and its key in none.
    check("tls-cert = \"a.pem\"", "--tls-key <FILE>");
    check_error(cyborg().args(["live", "--config", "/no/such/file.toml"]), 2, "--config needs a TOML file");
    let mut command = cyborg();
    command.arg("live").env("CYBORG_LIVE_STAL", "3");
    check_error(&mut command, 2, "the environment: unknown setting `CYBORG_LIVE_STAL`");
    let mut command = cyborg();
    command.arg("live").env("CYBORG_LIVE_CAMERA_RATE", "fast");
    check_error(&mut command, 2, "the environment: `CYBORG_LIVE_CAMERA_RATE`: invalid value 'fast'");
    // Other commands have nothing to do with it.
    let mut command = cyborg();
    command.args(["models", "list"]).env("CYBORG_LIVE_STAL", "3");
    assert_eq!(run(&mut command).0, 0);
}

#[test]
fn thresholds_are_read_anew_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let clip = turning_clip(folder.path());
    let file = folder.path().join("live.toml");
    let write = |text: &str| fs::write(&file, text).expect("it can be written");
    write("no-page = true\nauthentic-below = 0.2\nevents-keep = 3\n");
    let mut running = Running::start(live(folder.path(), &clip).arg("--config").arg(&file));
    running.wait_for("playing ");
    running.signal("-HUP");
    running.wait_for("settings reloaded: nothing has changed");
    write("no-page = true\nauthentic-below = 0.0\nsynthetic-above = 1.0\nevents-keep = 2\nstall = 2.5\n");
    running.signal("-HUP");
    running.wait_for("settings reloaded: thresholds are now 0 and 1, were 0.2 and 0.7");
    running.wait_for("these changes need a restart: events-keep, stall");
    // A key that is none, and thresholds that are none.
    write("no-page = true\nauthentic-below = 0.5\nevents-kep = 3\n");
    running.signal("-HUP");
    running.wait_for("error: the settings are unchanged: ");
    assert!(
        running.said.last().is_some_and(|line| line.contains("unknown setting `events-kep`")),
        "{:?}",
        running.said
    );
    write("no-page = true\nauthentic-below = 0.9\nsynthetic-above = 0.1\n");
    running.signal("-HUP");
    running.wait_for("invalid thresholds 0.9 and 0.1");
    // With nothing above 1 everybody is unsure: the thresholds are in use, and the broken files changed nothing.
    write("no-page = true\nevents-keep = 3\n");
    running.signal("-HUP");
    running.wait_for("settings reloaded: thresholds are now 0.3 and 0.7, were 0 and 1");
    let stopped = running.stop("-TERM");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
}

/// Without a file there is nothing to read anew: then the signal ends the program, as it always did.
#[test]
fn without_a_file_a_terminal_that_goes_ends_the_program() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut running = Running::start(live(folder.path(), &face_clip()).arg("--no-page"));
    running.wait_for("playing ");
    let stopped = running.stop("-HUP");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
}

/// All that the example names is a setting, also what is commented out there.
#[test]
fn the_example_is_good() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/live.toml");
    let example = fs::read_to_string(example).expect("it is there");
    let mut settings = std::collections::BTreeMap::new();
    for line in example.lines() {
        let Some((key, value)) = line.trim_start_matches("# ").split_once(" = ") else {
            continue;
        };
        if key.bytes().all(|sign| sign.is_ascii_lowercase() || sign == b'-') {
            settings.entry(key).or_insert(value);
        }
    }
    assert!(settings.len() > 12, "{settings:?}");
    let text: String = settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let mut command = configured(folder.path(), &text);
    // The settings are read before this is missed.
    check_error(command.args(["--camera", "test=/no/such/clip.mp4"]), 2, "clip /no/such/clip.mp4 is missing");
}
