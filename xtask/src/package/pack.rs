//! From a tree to files that can be passed on: a Debian package by dpkg-deb, and an archive by tar.
//!
//! Packed twice, a tree gives the same bytes: owners, modes, order and times are set, and one thread compresses.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};

use super::layout::{PROGRAM, SETTINGS};
use super::tree::{below, settle};
use crate::architecture::Architecture;
use crate::cross::sysroot::Sysroot;
use crate::step::run;

const CURE: &str = "install dpkg-dev and binutils";
/// What Debian runs when the package comes and goes.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// When the commit was made that packages are made of: the time of all in them.
pub(super) struct Moment {
    /// Seconds since 1970.
    pub(super) seconds: u64,
    /// As in mails.
    pub(super) mail: String,
}

impl Moment {
    /// That of the checked-out commit; `SOURCE_DATE_EPOCH` names another.
    pub(super) fn of_commit(root: &Path) -> anyhow::Result<Self> {
        let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(named) => named,
            Err(_) => told(Command::new("git").current_dir(root).args(["log", "-1", "--format=%ct"]), "install git")?,
        };
        let seconds =
            seconds.trim().parse().with_context(|| format!("`{seconds}` is no time: unset SOURCE_DATE_EPOCH"))?;
        let mail =
            told(Command::new("date").env("LC_ALL", "C").args(["-u", "-R", "-d", &format!("@{seconds}")]), CURE)?;
        Ok(Self { seconds, mail: mail.trim().to_owned() })
    }

    pub(super) fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds)
    }
}

/// Takes the names of functions out of the program, which take more room than its code needs.
pub(super) fn strip(program: &Path, to: &Path, architecture: Architecture) -> anyhow::Result<()> {
    let mut strip = Command::new(architecture.tool("strip"));
    run(strip.args(["--remove-section=.comment", "--remove-section=.note", "-o"]).arg(to).arg(program), CURE)
}

/// The packages that the program and the library of ONNX Runtime can't do without, by what they are linked with. The libraries
/// of another kind of machine lie elsewhere than this one's.
pub(super) fn depends(tree: &Path, architecture: Architecture, sysroot: Option<&Sysroot>) -> anyhow::Result<String> {
    let files = below(tree)?;
    let linked = files.iter().filter(|path| **path == tree.join(PROGRAM) || path.to_string_lossy().contains(".so"));
    let folder = tempfile::tempdir().context("can't make a folder")?;
    // It runs in the source of a package alone.
    let source = "Source: cyborg\n\nPackage: cyborg\nArchitecture: any\n";
    let debian = folder.path().join("debian");
    fs::create_dir(&debian).and_then(|()| fs::write(debian.join("control"), source)).context("can't write a file")?;
    let mut command = Command::new("dpkg-shlibdeps");
    command.current_dir(folder.path()).env("DEB_HOST_ARCH", architecture.debian()).arg("-O").args(linked);
    if let Some(sysroot) = sysroot {
        command.env("DPKG_ADMINDIR", sysroot.database()).arg(format!("--admindir={}", sysroot.database().display()));
        command.args(sysroot.libraries().iter().map(|folder| format!("-l{}", folder.display())));
    }
    let text = told(&mut command, CURE)?;
    let depends = text.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    Ok(depends.with_context(|| format!("dpkg-shlibdeps says nothing of what is needed: {text}"))?.to_owned())
}

/// How much the files of a tree take on the disk, in KiB, as Debian counts.
pub(super) fn size(tree: &Path) -> anyhow::Result<u64> {
    let paths = below(tree)?;
    let size =
        |path: &Path| fs::metadata(path).map(|found| if found.is_dir() { 1 } else { found.len().div_ceil(1024) });
    paths.iter().map(|path| size(path).with_context(|| format!("can't read {}", path.display()))).sum()
}

/// Makes the package of a tree, in which it adds what Debian wants to know.
pub(super) fn debian(tree: &Path, control: &str, root: &Path, moment: &Moment, to: &Path) -> anyhow::Result<()> {
    let folder = tree.join("DEBIAN");
    let sums = sums(tree)?;
    fs::create_dir(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (name, text) in [("control", control), ("md5sums", &sums), ("conffiles", &format!("/{SETTINGS}\n"))] {
        write(&folder.join(name), text, 0o644)?;
    }
    for name in SCRIPTS {
        let from = root.join("contrib/debian").join(name);
        let text = fs::read_to_string(&from).with_context(|| format!("can't read {}", from.display()))?;
        write(&folder.join(name), &text, 0o755)?;
    }
    settle(tree, moment.time())?;
    let mut command = Command::new("dpkg-deb");
    command.env("SOURCE_DATE_EPOCH", moment.seconds.to_string());
    command.args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"]).arg(tree).arg(to);
    run(&mut command, CURE)?;
    fs::remove_dir_all(&folder).with_context(|| format!("can't remove {}", folder.display()))
}

/// Makes the archive of a tree: what is below `usr` there, in a folder of its own.
pub(super) fn archive(tree: &Path, name: &str, moment: &Moment, to: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("tar");
    command.args(["--create", "--format=gnu", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    command.arg(format!("--mtime=@{}", moment.seconds)).arg(format!("--transform=s,^[.],{name},"));
    command
        .arg("--use-compress-program=gzip -9n")
        .arg("--file")
        .arg(to)
        .arg("--directory")
        .arg(tree.join("usr"))
        .arg(".");
    run(&mut command, "install GNU tar")
}

/// The digests that Debian keeps of installed files; settings are the administrator's.
fn sums(tree: &Path) -> anyhow::Result<String> {
    let files = below(tree)?.into_iter().filter(|path| path.is_file() && !path.starts_with(tree.join("etc")));
    let names = files.map(|path| path.strip_prefix(tree).map(Path::to_owned)).collect::<Result<Vec<_>, _>>();
    told(Command::new("md5sum").current_dir(tree).args(names.context("a file lies elsewhere")?), CURE)
}

fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let written = fs::write(path, text).and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
    written.with_context(|| format!("can't write {}", path.display()))
}

/// What a program says.
pub(super) fn told(command: &mut Command, cure: &str) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("can't run `{name}`: {cure}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` ended with {}: {}", output.status, said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_the_tree_below_usr_and_the_same_each_time() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let tree = folder.path().join("tree");
        for (name, text) in
            [("usr/bin/cyborg", "program"), ("usr/lib/cyborg/a b", "library"), ("etc/cyborg/live.toml", "x")]
        {
            let path = tree.join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        }
        let moment = Moment { seconds: 1_700_000_000, mail: String::new() };
        let [one, other] = ["one.tar.gz", "other.tar.gz"].map(|name| folder.path().join(name));
        archive(&tree, "cyborg-1", &moment, &one).expect("tar makes it");
        // A tree that was touched since is the same tree.
        settle(&tree, SystemTime::now()).expect("it can be set");
        archive(&tree, "cyborg-1", &moment, &other).expect("tar makes it");
        assert_eq!(fs::read(&one).expect("it is there"), fs::read(&other).expect("it is there"));
        let names = told(Command::new("tar").arg("--list").arg("--file").arg(&one), CURE).expect("it can be read");
        let expected =
            ["", "bin/", "bin/cyborg", "lib/", "lib/cyborg/", "lib/cyborg/a b"].map(|name| format!("cyborg-1/{name}"));
        assert_eq!(names.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn digests_are_of_all_but_settings() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let tree = folder.path();
        for name in ["usr/a", "etc/b"] {
            let path = tree.join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            fs::write(path, "abc").expect("it can be written");
        }
        // MD5 of `abc`, by RFC 1321.
        assert_eq!(sums(tree).expect("they can be read"), "900150983cd24fb0d6963f7d28e17f72  usr/a\n");
        // A folder or less than a KiB counts as one.
        assert_eq!(size(tree).expect("it can be read"), 4);
    }

    #[test]
    fn a_program_that_fails_is_named_with_what_it_said() {
        let error = told(&mut Command::new("no-such-program"), "install it").expect_err("it isn't there");
        assert!(format!("{error:#}").contains("can't run `no-such-program`: install it"), "{error:#}");
        let error = told(Command::new("md5sum").arg("no-such-file"), CURE).expect_err("it isn't there");
        assert!(error.to_string().contains("no-such-file"), "{error:#}");
    }
}
