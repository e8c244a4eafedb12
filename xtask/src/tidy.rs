//! House rules that no other tool looks at, checked by an ordinary test.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::arrows::Arrows;

/// The rooms of the runtime, from the lowest: each uses those below it alone. See ARCHITECTURE.md.
const ROOMS: [&[&str]; 10] = [
    &["clock", "frame", "wall", "web", "whole_file", "explain", "stderr"],
    &["photo_list", "capture", "inference"],
    &["face"],
    &["verdict"],
    &["classify"],
    &["findings"],
    &["draw"],
    &["sink"],
    &["pipeline", "live", "analyzer", "fleet"],
    &["cli"],
];

/// The files of the runtime that start threads: those of `pipeline` and `live` are on the way of a frame, the others wait for
/// something outside, serve it, or measure. See ARCHITECTURE.md.
const THREADS: [&str; 13] = [
    "src/capture/screen/portal/stream.rs",
    "src/capture/video/pipe.rs",
    "src/cli/bench/measure.rs",
    "src/cli/fleet/watch.rs",
    "src/cli/interrupt.rs",
    "src/cli/live/mod.rs",
    "src/cli/sources/video.rs",
    "src/live/alerts/post.rs",
    "src/live/reader.rs",
    "src/live/record/mod.rs",
    "src/live/watch.rs",
    "src/pipeline/mod.rs",
    "src/web/served.rs",
];

/// A file longer than this holds more than one thing.
const LONGEST: usize = 450;

/// What is wrong with a file, in words; nothing when it keeps the rules.
fn faults(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file keeps its own rules.
    let machine_paths = ["tmp", "work", "root", "home"].map(|folder| format!("/{folder}/"));
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.ends_with([' ', '\t']) {
            faults.push(format!("{path}:{number}: white space at the end"));
        }
        if let Some(found) = machine_paths.iter().find(|folder| names_folder(line, folder)) {
            faults.push(format!("{path}:{number}: `{found}` is a path of one machine"));
        }
    }
    if path.starts_with("src/") && !THREADS.contains(&path) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        if ["thread::scope", "thread::spawn", "thread::Builder"].iter().any(|start| code.contains(start)) {
            faults.push(format!("{path}: starts a thread, and isn't on the list of files that may"));
        }
    }
    if path.ends_with(".rs") {
        if !text.starts_with("//!") {
            faults.push(format!("{path}: doesn't open with a `//!` comment that says what it is for"));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            faults.push(format!("{path}: {lines} lines, more than {LONGEST}"));
        }
    }
    faults
}

/// Whether a line names this folder at the root of the file system, and not one of that name inside another.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.' | '/' | '}' | ')'))
    })
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().expect("git runs");
    if !root.join(".git").exists() {
        // Not a checkout, but a copy without its history: there is nothing to tell our files by.
        return;
    }
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("our files have plain names");
    let mut found = Vec::new();
    // Seeds of the fuzz targets are untidy on purpose.
    for path in listed.split_terminator('\0').filter(|path| !path.starts_with("fuzz/seeds/")) {
        // A file that isn't text has no lines to be tidy about; one that was just deleted has none either.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            found.extend(faults(path, &text));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn no_files_go_in_circles_and_no_room_uses_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let runtime = Arrows::below(&root.join("src"));
    let mut found = runtime.upward(&ROOMS);
    for package in ["src", "models/src", "trainer/src"] {
        let arrows = Arrows::below(&root.join(package));
        found.extend(arrows.circles().into_iter().map(|arrow| format!("{package}, in a circle: {arrow}")));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn each_rule_is_kept_or_named() {
    assert!(faults("a.rs", "//! Good.\nlet x = 1;\n").is_empty());
    assert!(faults("a.md", "see target/tmp/x and https://example.org/work/x\n").is_empty());
    let check = |text: &str, part: &str| {
        let found = faults("a.rs", text).join("\n");
        assert!(found.contains(part), "no `{part}` in: {found}");
    };
    check("let x = 1;\n", "doesn't open");
    let threads = faults("src/verdict/a.rs", "//! Good.\nfn f() { std::thread::spawn(g); }\n").join("\n");
    assert!(threads.contains("starts a thread"), "{threads}");
    let tests = "//! Good.\n#[cfg(test)]\nmod tests {\n    fn f() { std::thread::spawn(g); }\n}\n";
    assert_eq!(faults("src/verdict/a.rs", tests), Vec::<String>::new());
    check("//! Good.\nlet x = 1; \n", "a.rs:2: white space");
    check(&format!("//! See /{}/x.\n", "tmp"), "a path of one machine");
    check(&format!("//! Long.\n{}", "\n".repeat(LONGEST)), "more than");
}
