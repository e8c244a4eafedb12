//! The libraries and headers of another kind of machine, from Debian, in a folder of the cache.
//!
//! The packages are unpacked and no more: none of their scripts runs, nothing of this system changes, and apt checks their signatures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::architecture::Architecture;
use crate::step::{run, step};

/// What the program is built with and needs to run; what these depend on comes too.
const PACKAGES: [&str; 6] =
    ["libavcodec-dev", "libavformat-dev", "libavutil-dev", "libswscale-dev", "libheif1", "libstdc++6"];

/// Where this system says from where it is installed; sources of others than Debian are left out.
const SOURCES: [&str; 2] = ["/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"];

/// Tells dpkg's tools which package each library is of, at its place in that folder, as if all were installed.
const RECORD: &str = r#"
set -e
root=$1; database=$root/var/lib/dpkg
mkdir -p "$database/info"
echo 1 >"$database/info/format"
for package in "$root"/var/cache/apt/archives/*.deb; do
    name=$(dpkg-deb --show --showformat '${Package}:${Architecture}' "$package")
    again=$(dpkg-deb --field "$package" Multi-Arch)
    [ "$again" = same ] || name=${name%:*}
    { dpkg-deb --field "$package"; echo 'Status: install ok installed'; echo; } >>"$database/status"
    dpkg-deb --fsys-tarfile "$package" | tar --list | sed -n "s,^[.]\(/.*[.]so.*\),$CYBORG_PLACE\1,p" >"$database/info/$name.list"
    for kind in symbols shlibs; do
        dpkg-deb --info "$package" "$kind" >"$database/info/$name.$kind" 2>/dev/null || rm "$database/info/$name.$kind"
    done
    rm "$package"
done
"#;

/// The libraries and headers of a kind of machine.
#[derive(Clone, Debug)]
pub(crate) struct Sysroot {
    folder: PathBuf,
    triple: String,
}

impl Sysroot {
    /// Unpacks them below a folder, unless they are there.
    pub(super) fn prepare(architecture: Architecture, below: &Path) -> anyhow::Result<Self> {
        let release = release()?;
        let folder = below.join(format!("debian-{release}"));
        let found = Self { folder, triple: architecture.triple() };
        let note = found.folder.join("packages");
        let packages = PACKAGES.join(",");
        // What is recorded of them belongs to it: it is made anew where that changes.
        let made = format!("{packages}\n{RECORD}");
        if !fs::read_to_string(&note).is_ok_and(|noted| noted == made) {
            step(&format!("Debian's libraries for {}", architecture.debian()), || {
                found.unpack(architecture, &release, &packages)?;
                fs::write(&note, &made).with_context(|| format!("can't write {}", note.display()))
            })?;
        }
        Ok(found)
    }

    fn unpack(&self, architecture: Architecture, release: &str, packages: &str) -> anyhow::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).with_context(|| format!("can't remove {}", self.folder.display()))?;
        }
        let mut command = Command::new("mmdebstrap");
        // The variant runs nothing of what it unpacks, so this mode changes nothing here, whoever runs it.
        command.args(["--quiet", "--variant=extract", "--mode=chrootless", "--skip=essential/unlink"]);
        command.arg(format!("--architectures={}", architecture.debian())).arg(format!("--include={packages}"));
        command.arg(format!("--extract-hook={}", RECORD.trim())).env("CYBORG_PLACE", &self.folder);
        command.arg(release).arg(&self.folder).args(sources());
        run(&mut command, "install mmdebstrap")
    }

    /// The folder, which stands for the root of such a machine.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its libraries are.
    pub(crate) fn libraries(&self) -> [PathBuf; 2] {
        ["usr/lib", "lib"].map(|place| self.folder.join(place).join(&self.triple))
    }

    /// Where dpkg's tools are told which package each is of.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("var/lib/dpkg")
    }

    /// Where pkg-config finds the modules.
    pub(super) fn modules(&self) -> String {
        let [libraries, _] = self.libraries();
        format!("{}:{}", libraries.join("pkgconfig").display(), self.folder.join("usr/share/pkgconfig").display())
    }
}

/// The files of this system that say from where Debian comes.
pub(crate) fn sources() -> impl Iterator<Item = &'static str> {
    SOURCES.into_iter().filter(|path| fs::metadata(path).is_ok_and(|found| found.len() > 0))
}

/// The name of this Debian's release.
pub(crate) fn release() -> anyhow::Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("can't read /etc/os-release")?;
    let (system, release) = (value(&text, "ID"), value(&text, "VERSION_CODENAME"));
    match (system, release) {
        (Some("debian"), Some(release)) => Ok(release.to_owned()),
        (system, _) => bail!(
            "packages are made and checked with the Debian that they are for, and this system is {}: use a machine \
             with Debian",
            system.unwrap_or("unknown")
        ),
    }
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(|value| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_off() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!((value(text, "ID"), value(text, "VERSION_CODENAME")), (Some("debian"), Some("bookworm")));
        assert_eq!((value(text, "VERSION_ID"), value(text, "NAME")), (Some("12"), None));
    }
}
