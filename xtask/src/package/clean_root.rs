//! A clean Debian in a folder, the same as this one, and what is run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::pack::told;
use crate::cross::sysroot::{release, sources};
use crate::step::run;

const CURE: &str = "install mmdebstrap and util-linux";

/// Runs the words after root and user there. The mounts go with the process that made them.
const INSIDE: &str = r#"
root=$1; user=$2; shift 2
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 125
exec chroot --userspec="$user" "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
"#;

/// A Debian with nothing in it but what every one has. It goes when this does.
pub(super) struct CleanRoot {
    folder: TempDir,
}

impl CleanRoot {
    /// Installs one in a new folder in `out`.
    pub(super) fn make(out: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("debian-").tempdir_in(out).context("can't make a folder")?;
        let mut command = Command::new("mmdebstrap");
        command.args(["--quiet", "--variant=minbase", "--mode=root", &release()?]).arg(folder.path()).args(sources());
        run(&mut command, CURE)?;
        let root = Self { folder };
        // No service is started there.
        fs::write(root.path("/usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n").context("can't write a file")?;
        root.run(&["chmod", "755", "/usr/sbin/policy-rc.d"])?;
        Ok(root)
    }

    /// A path in it, from here.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    /// What a command there says, run by root.
    pub(super) fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        self.run_by("root", words)
    }

    /// The same, run by somebody without rights and without a home.
    pub(super) fn run_by_nobody(&self, words: &[&str]) -> anyhow::Result<String> {
        self.run_by("nobody", words)
    }

    fn run_by(&self, user: &str, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSIDE, "sh"]);
        command.arg(self.folder.path()).arg(user).args(words);
        told(&mut command, CURE).with_context(|| format!("in the clean Debian, as {user}: `{}`", words.join(" ")))
    }

    /// Installs packages from Debian, or from a file there.
    pub(super) fn install(&self, packages: &[&str]) -> anyhow::Result<()> {
        let words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"];
        self.run(&[&words, packages].concat()).map(|_| ())
    }

    /// Says what of a package's name is left there, but for what apt keeps of all packages.
    pub(super) fn remains(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let text = self.run(&[
            "find",
            "/",
            "-xdev",
            "(",
            "-path",
            "/proc",
            "-o",
            "-path",
            "/dev",
            "-o",
            "-path",
            "/var/cache/apt",
            "-o",
            "-path",
            "/var/log",
            ")",
            "-prune",
            "-o",
            "-name",
            &format!("*{name}*"),
            "-print",
        ])?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// Says why no clean Debian can be made here.
pub(super) fn ensure_possible() -> anyhow::Result<()> {
    let user = told(Command::new("id").arg("-u"), "install coreutils")?;
    ensure!(user.trim() == "0", "it installs a Debian in a folder and changes its root to it: run it as root");
    release()?;
    for tool in ["unshare", "chroot"] {
        told(Command::new(tool).arg("--version"), CURE)?;
    }
    Ok(())
}
