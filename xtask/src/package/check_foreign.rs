//! `cargo xtask package --arch OTHER --check`: what can be seen of a package for another kind of machine, by qemu.
//!
//! apt finds all that the package depends on and unpacks it for that machine, and the program runs with that as its root. No script of any
//! package runs: there is nothing that could run its shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::Made;
use super::check::verdict;
use super::pack::told;
use crate::architecture::Architecture;
use crate::cross::emulator;
use crate::cross::sysroot::{release, sources};
use crate::release::VERSION;
use crate::step::{root, run as run_program, say, step};

const CURE: &str = "install mmdebstrap, qemu-user-static and util-linux";
/// What `check` sees of a package for this kind of machine alone. The files are the same for all.
const NOT_CHECKED: &str = "\
NOT RUN: the package's scripts, its service under systemd, removing it, and the container: they take a machine of that kind";

/// Runs the words after the folder there, by somebody without rights and without a home. The mounts go with the process.
const INSIDE: &str = r#"
root=$1; shift
mkdir -p "$root/proc" && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 125
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 chroot --userspec=65534:65534 "$root" "$@"
"#;

/// Checks package and archive.
pub(super) fn run(made: &Made, architecture: Architecture) -> anyhow::Result<()> {
    let out = made.package.parent().context("the package lies nowhere")?;
    let there = step("what it depends on", || unpacked(made, architecture, out))?;
    let photo = there.path().join("srv/photo.jpg");
    let written = fs::create_dir_all(there.path().join("srv"))
        .and_then(|()| fs::copy(root().join("docs/astronaut.jpg"), &photo))
        // It may have been made for its owner alone, and the program is run by somebody else.
        .and_then(|_| fs::set_permissions(there.path(), fs::Permissions::from_mode(0o755)));
    written.context("can't copy the photo")?;
    let found = step("the program runs", || runs(there.path(), architecture, "/usr"))?;
    step("the archive", || {
        let into = there.path().join("srv/one place");
        fs::create_dir_all(&into).with_context(|| format!("can't make {}", into.display()))?;
        let mut tar = Command::new("tar");
        tar.arg("--extract").arg("--file").arg(&made.archive).arg("--directory").arg(&into);
        run_program(tar.arg("--strip-components=1"), "install GNU tar")?;
        let again = runs(there.path(), architecture, "/srv/one place")?;
        ensure!(again == found, "it says `{again}` from the archive, and `{found}` from the package");
        Ok(())
    })?;
    say(NOT_CHECKED);
    Ok(())
}

/// A folder that has the package, and all that apt finds that it depends on.
fn unpacked(made: &Made, architecture: Architecture, out: &Path) -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("debian-").tempdir_in(out).context("can't make a folder")?;
    let package = fs::canonicalize(&made.package).context("the package is gone")?;
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=extract", "--mode=root"]);
    command.arg(format!("--architectures={}", architecture.debian())).arg(format!("--include={}", package.display()));
    // apt wants to find it by the same path there.
    command.arg(r#"--setup-hook=mkdir -p "$1${CYBORG_PACKAGE%/*}" && cp "$CYBORG_PACKAGE" "$1$CYBORG_PACKAGE""#);
    command.env("CYBORG_PACKAGE", &package).arg(release()?).arg(folder.path()).args(sources());
    run_program(&mut command, CURE)?;
    let emulator = emulator::program(architecture);
    let from = Path::new("/usr/bin").join(&emulator);
    fs::copy(&from, folder.path().join(&emulator)).with_context(|| format!("can't copy {}: {CURE}", from.display()))?;
    Ok(folder)
}

/// Runs the program below a folder there; what it says of the photo.
fn runs(there: &Path, architecture: Architecture, folder: &str) -> anyhow::Result<String> {
    let by_nobody = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSIDE, "sh"]).arg(there);
        let emulator = emulator::words(architecture, Path::new("/"));
        command.arg(format!("/{}", emulator[0])).args(&emulator[1..]).arg(format!("{folder}/bin/cyborg"));
        told(command.args(words), CURE).with_context(|| format!("cyborg {}", words.join(" ")))
    };
    let version = by_nobody(&["--version"])?;
    ensure!(version.trim() == format!("cyborg {VERSION}"), "it is another version: {version}");
    let doctor = by_nobody(&["doctor"])?;
    ensure!(doctor.contains("nothing is missing"), "something is missing:\n{doctor}");
    for part in ["onnxruntime-", "models/accurate/set.toml", "detectors/centerface.onnx"] {
        let path = format!("{folder}/lib/cyborg/{part}");
        ensure!(doctor.contains(&path), "it doesn't use {path}:\n{doctor}");
    }
    let found = verdict(&by_nobody(&["image", "/srv/photo.jpg"])?)?;
    say(&format!("{folder}/bin/cyborg: {found}"));
    Ok(found)
}
