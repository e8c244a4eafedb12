//! `cyborg doctor` names what is there and what is missing; and no run leaves traces in the user's folders.

use std::fs;

use crate::support::{cyborg, fetched, model, run};

#[test]
fn a_whole_set_up_has_nothing_missing() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let (code, stdout, stderr) = run(cyborg().arg("doctor").arg("--model").arg(model));
    assert_eq!(code, 0, "{stdout}{stderr}");
    for part in [
        "onnx runtime",
        "in the cache folder",
        "version 1.27.0",
        "tensorrt",
        "asked auto, got cpu",
        "sha256",
        "as locked",
        "libavcodec",
    ] {
        assert!(stdout.contains(part), "`{part}` is not in {stdout}");
    }
    assert!(stdout.contains("nothing is missing"), "{stdout}");
}

#[test]
fn what_is_missing_has_a_cure() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut command = cyborg();
    command.arg("doctor").env("CYBORG_CACHE", folder.path()).env_remove("ORT_DYLIB_PATH");
    let (code, stdout, _) = run(&mut command);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("! onnx runtime") && stdout.contains("cargo xtask setup"), "{stdout}");
    // Without the fetched detector the one that is built in finds the faces.
    assert!(stdout.contains("centerface: not installed") && stdout.contains("1 thing is missing"), "{stdout}");
    assert!(stdout.contains("face detector  yunet, part of the program"), "{stdout}");

    let (code, stdout, _) = run(cyborg().args(["doctor", "--model", "no/model.onnx"]));
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("! model") && stdout.contains("no/model.onnx"), "{stdout}");
}

#[test]
fn a_detector_that_was_changed_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    fs::create_dir(folder.path().join("detectors")).expect("it can be made");
    let mut bytes = fs::read(fetched("centerface")).expect("set-up fetched it");
    // A file that still is a CenterFace model, but not the locked one: a text field more at its end.
    bytes.extend([0x32, 0x01, b'x']);
    fs::write(folder.path().join("detectors/centerface.onnx"), bytes).expect("it can be written");
    let mut command = cyborg();
    command.arg("doctor").env("CYBORG_CACHE", folder.path()).env("ORT_DYLIB_PATH", fetched("onnxruntime"));
    let (code, stdout, _) = run(&mut command);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("isn't the locked file") && stdout.contains("delete it"), "{stdout}");
}

#[test]
fn nothing_is_left_in_the_users_folders() {
    let home = tempfile::tempdir().expect("a folder for the test");
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("image").arg(fetched("astronaut")).arg("--model").arg(model);
    command.arg("--detector").arg(fetched("centerface")).env("ORT_DYLIB_PATH", fetched("onnxruntime"));
    command.env("HOME", home.path()).env_remove("XDG_CACHE_HOME").env_remove("CI").current_dir(folder.path());
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    let left: Vec<_> = fs::read_dir(home.path()).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}
