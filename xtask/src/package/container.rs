//! The image of contrib/Containerfile, built on the clean Debian of the check, and run.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::clean_root::CleanRoot;
use super::pack::told;
use crate::step::{run as run_program, say, succeeds};

const CURE: &str = "install buildah";

/// Builds it, and gives what the program in it says of a photo; nothing where buildah is missing. It is kept nowhere.
pub(super) fn run(base: &CleanRoot, package: &Path, root: &Path, photo: &Path) -> anyhow::Result<Option<String>> {
    if !succeeds(Command::new("buildah").arg("--version")) {
        say("== container: not checked, because buildah is missing (apt-get install buildah)");
        return Ok(None);
    }
    let out = package.parent().unwrap_or(root);
    let folder = tempfile::Builder::new().prefix("image-").tempdir_in(out).context("can't make a folder")?;
    // Its own store, which needs neither a daemon nor rights that a container lacks, and goes with the folder.
    let buildah = || {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(folder.path().join("store")).arg("--runroot").arg(folder.path().join("run"));
        command.args(["--storage-driver", "vfs"]).env("BUILDAH_ISOLATION", "chroot");
        command
    };
    let context = folder.path().join("context");
    std::fs::create_dir(&context).context("can't make a folder")?;
    std::fs::copy(package, context.join(package.file_name().unwrap_or_default())).context("can't copy the package")?;
    let from = told(buildah().args(["from", "scratch"]), CURE)?;
    run_program(buildah().args(["add", "--quiet", from.trim()]).arg(base.path("/")).arg("/"), CURE)?;
    run_program(buildah().args(["commit", "--quiet", "--rm", from.trim(), "localhost/clean-debian"]), CURE)?;
    let mut build = buildah();
    build.args([
        "bud",
        "--quiet",
        "--pull-never",
        "--build-arg",
        "BASE=localhost/clean-debian",
        "--tag",
        "localhost/cyborg",
    ]);
    run_program(build.arg("--file").arg(root.join("contrib/Containerfile")).arg(&context), CURE)?;
    let container = told(buildah().args(["from", "--pull-never", "localhost/cyborg"]), CURE)?;
    run_program(buildah().args(["copy", "--quiet", container.trim()]).arg(photo).arg("/data/photo.jpg"), CURE)?;
    told(buildah().args(["run", container.trim(), "--", "cyborg", "image", "/data/photo.jpg"]), CURE).map(Some)
}
