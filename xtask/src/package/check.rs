//! `cargo xtask package --check`: package and archive in a clean Debian, where the program must find all that it came with.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use cyborg_models::lock::Group;

use super::Made;
use super::check_foreign;
use super::clean_root::{self, CleanRoot};
use super::container;
use super::layout::{DOCUMENTS, PROGRAM, SETTINGS, UNIT, WORKER_UNIT};
use super::pack;
use crate::architecture::Architecture;
use crate::release::{SHELLS, VERSION};
use crate::step::{root, run as run_program, say, step, succeeds};
use crate::system;

/// What a face is called.
const VERDICTS: [&str; 3] = ["authentic", "unsure", "synthetic"];
/// Where the files lie in the clean Debian.
const PACKAGE: &str = "/srv/cyborg.deb";
const PHOTO: &str = "/srv/photo.jpg";
/// The user of the service.
const USER: &str = "cyborg-live";

/// Says why it can't be checked here.
pub(super) fn ensure_possible() -> anyhow::Result<()> {
    clean_root::ensure_possible().context("the packages can't be checked here")?;
    system::prepare(&[Group::PackageCheck])
}

/// Checks all that can be.
pub(super) fn run(made: &Made, architecture: Architecture) -> anyhow::Result<()> {
    let out = made.package.parent().context("the package lies nowhere")?;
    step("packed again", || same_again(made, out))?;
    lint(&made.package)?;
    if !architecture.is_own() {
        return check_foreign::run(made, architecture);
    }
    let clean = step("a clean Debian", || CleanRoot::make(out))?;
    let photo = root().join("docs/astronaut.jpg");
    // Before anything is installed there.
    step("the container", || match container::run(&clean, &made.package, &root(), &photo)? {
        Some(said) => verdict(&said).map(|_| ()),
        None => Ok(()),
    })?;
    fs::copy(&made.package, clean.path(PACKAGE)).context("can't copy the package")?;
    fs::copy(&photo, clean.path(PHOTO)).context("can't copy the photo")?;
    clean.run(&["apt-get", "update", "-qq"])?;
    step("installed", || clean.install(&[PACKAGE]))?;
    let expected = told_here(&made.program, &photo)?;
    step("the program runs", || runs(&clean, "/usr", &expected))?;
    step("what is beside it", || has_beside(&clean))?;
    step("removed", || goes(&clean))?;
    step("the archive", || archive(&clean, &made.archive, &expected))?;
    step("with systemd", || serves(&clean))
}

/// The same tree gives the same bytes.
fn same_again(made: &Made, out: &Path) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("again-").tempdir_in(out).context("can't make a folder")?;
    let again = folder.path().join("again.deb");
    pack::debian(&made.tree, &made.control, &root(), &made.moment, &again)?;
    let read = |path: &Path| fs::read(path).with_context(|| format!("can't read {}", path.display()));
    ensure!(read(&again)? == read(&made.package)?, "the package is another one each time that it is made");
    Ok(())
}

/// Debian's own check of packages, where it is there.
fn lint(package: &Path) -> anyhow::Result<()> {
    let mut lintian = Command::new("lintian");
    if !succeeds(Command::new("lintian").arg("--version")) {
        say("== lintian: not checked, because it is missing (apt-get install lintian)");
        return Ok(());
    }
    lintian.args(["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"]).arg(package);
    step("lintian", || run_program(&mut lintian, "install lintian"))
}

/// What the program says of the photo here, with what set-up fetched.
fn told_here(program: &Path, photo: &Path) -> anyhow::Result<String> {
    verdict(&pack::told(Command::new(program).arg("image").arg(photo), "build it first")?)
}

/// Runs the program below a folder, by a user who has no home and so no cache folder.
fn runs(clean: &CleanRoot, folder: &str, expected: &str) -> anyhow::Result<()> {
    let program = format!("{folder}/bin/cyborg");
    let version = clean.run_by_nobody(&[&program, "--version"])?;
    ensure!(version.trim() == format!("cyborg {VERSION}"), "it is another version: {version}");
    let doctor = clean.run_by_nobody(&[&program, "doctor"])?;
    ensure!(doctor.contains("nothing is missing"), "something is missing:\n{doctor}");
    for part in ["onnxruntime-", "models/accurate/set.toml", "detectors/centerface.onnx"] {
        let path = format!("{folder}/lib/cyborg/{part}");
        ensure!(doctor.contains(&path), "it doesn't use {path}:\n{doctor}");
    }
    let image = clean.run_by_nobody(&[&program, "image", PHOTO])?;
    let found = verdict(&image)?;
    ensure!(found == expected, "it says `{found}` of the photo, and `{expected}` where it was built");
    say(&format!("{program}: {found}"));
    Ok(())
}

/// The line of a text of `cyborg image` that has a verdict, without the name of the photo.
pub(super) fn verdict(text: &str) -> anyhow::Result<String> {
    let found = text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !word.contains(".jpg")).collect();
        words.iter().any(|word| VERDICTS.contains(&word.trim_matches([',', ':']))).then(|| words.join(" "))
    });
    found.with_context(|| format!("no verdict in:\n{text}"))
}

/// Manual pages, completions and licences.
fn has_beside(clean: &CleanRoot) -> anyhow::Result<()> {
    for page in ["cyborg.1.gz", "cyborg-live.1.gz", "cyborg-image.1.gz"] {
        clean.run(&["gzip", "--test", &format!("/usr/share/man/man1/{page}")])?;
    }
    for (shell, _, place) in SHELLS {
        let text = fs::read_to_string(clean.path(&format!("/usr/share/{place}"))).context("no completions")?;
        ensure!(text.contains("doctor"), "the completions for {shell} know no commands");
    }
    clean.run(&["bash", "-n", "/usr/share/bash-completion/completions/cyborg"])?;
    for document in ["copyright", "THIRD-PARTY.md", "crates.txt.gz", "licences/onnxruntime/LICENSE"] {
        let path = clean.path(&format!("/{DOCUMENTS}/{document}"));
        ensure!(path.is_file(), "{} is missing", path.display());
    }
    let broken = clean.run(&["dpkg", "--verify", "cyborg"])?;
    ensure!(broken.is_empty(), "files aren't as they were packed:\n{broken}");
    Ok(())
}

/// Removed, its settings are left, as Debian has it; purged, nothing is.
fn goes(clean: &CleanRoot) -> anyhow::Result<()> {
    clean.run(&["apt-get", "remove", "-y", "-qq", "cyborg"])?;
    let left = remains(clean)?;
    // Besides, dpkg's own record of how to purge it, and who may read the settings.
    let is_kept = |path: &String| {
        path == "/etc/cyborg"
            || path.starts_with("/var/lib/dpkg/info/")
            || path.starts_with(&format!("the user {USER}:"))
    };
    let left: Vec<String> = left.into_iter().filter(|path| !is_kept(path)).collect();
    ensure!(left.is_empty(), "removed, it leaves {left:?}");
    clean.run(&["apt-get", "purge", "-y", "-qq", "cyborg"])?;
    let left = remains(clean)?;
    ensure!(left.is_empty(), "purged, it leaves {left:?}");
    Ok(())
}

fn remains(clean: &CleanRoot) -> anyhow::Result<Vec<String>> {
    let mut left = clean.remains("cyborg")?;
    left.retain(|path| path != PACKAGE);
    let users = fs::read_to_string(clean.path("/etc/passwd")).context("can't read the users")?;
    left.extend(users.lines().filter(|user| user.starts_with(USER)).map(|user| format!("the user {user}")));
    Ok(left)
}

/// The archive, unpacked, and then moved: what it needs of the system is there since the package was installed.
fn archive(clean: &CleanRoot, archive: &Path, expected: &str) -> anyhow::Result<()> {
    for folder in ["/srv/one place", "/opt/another"] {
        let into = clean.path(folder);
        fs::create_dir_all(&into).with_context(|| format!("can't make {}", into.display()))?;
        let mut command = Command::new("tar");
        command.arg("--extract").arg("--file").arg(archive).arg("--directory").arg(&into).arg("--strip-components=1");
        run_program(&mut command, "install GNU tar")?;
        runs(clean, folder, expected)?;
        fs::remove_dir_all(&into).with_context(|| format!("can't remove {}", into.display()))?;
    }
    Ok(())
}

/// With systemd there is the service: off, with a user of its own, who alone reads its settings.
fn serves(clean: &CleanRoot) -> anyhow::Result<()> {
    clean.install(&["systemd"])?;
    clean.install(&[PACKAGE])?;
    for (unit, name) in [(UNIT, "cyborg-live.service"), (WORKER_UNIT, "cyborg-worker@.service")] {
        clean.run(&["systemd-analyze", "verify", &format!("/{unit}")])?;
        let state = clean.run(&["sh", "-c", &format!("systemctl is-enabled {name} || true")])?;
        ensure!(state.trim() == "disabled", "{name} is {}", state.trim());
    }
    let settings = clean.run(&["stat", "--format=%U %G %a", &format!("/{SETTINGS}")])?;
    ensure!(settings.trim() == format!("root {USER} 640"), "the settings are of {settings}");
    let exposure = clean.run(&["sh", "-c", &format!("systemd-analyze security --offline=true /{UNIT} | tail -1")])?;
    say(exposure.trim());
    // Its user reads the settings, and comes to the folder that systemd makes for events; nobody else does.
    let program = format!("timeout 60 /{PROGRAM} live --config /{SETTINGS} 2>&1 || true");
    let started_by = |user: &str, group: &str| {
        let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
        clean.run(&["setpriv", &user, &group, "--clear-groups", "sh", "-c", &program])
    };
    let said = started_by(USER, USER)?;
    ensure!(said.contains("/var/lib/cyborg-live/events.jsonl"), "its user can't start it with its settings: {said}");
    let said = started_by("nobody", "nogroup")?;
    ensure!(said.contains("Permission denied"), "others read its settings: {said}");
    clean.run(&["systemctl", "enable", "cyborg-live.service", "cyborg-worker@1.service", "cyborg-worker@2.service"])?;
    goes(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_told_from_other_words() {
        let text = "/srv/photo.jpg  face 1  p 0.12  authentic\n1 photo, 1 face\n";
        assert_eq!(verdict(text).expect("it has one"), "face 1 p 0.12 authentic");
        assert!(verdict("no face in photo.jpg\n").is_err());
    }
}
