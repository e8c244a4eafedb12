//! What Debian is told of a package: its control file, its changelog, its names.

use crate::architecture::Architecture;

/// Whoever wants to write to us does so where the source is; there is no address.
const MAINTAINER: &str = "The cyborg-edge developers";
/// The first and only package of each version.
const REVISION: u32 = 1;

const SUMMARY: &str = "finds generated and swapped faces in videos, photos and cameras";
// Not begun on a line of its own, which would take the space away that each line begins with.
const DESCRIPTION: &str = " cyborg judges every face in every frame, and every person over time:
 authentic, unsure or synthetic, with a probability and a heat map over the
 face. It is often wrong about faces from generators that it never saw: see
 CARD.md in its documentation before you act on what it says.
 .
 Nothing leaves the machine unless it is asked to, and nothing is downloaded:
 the models, the face detector and ONNX Runtime are part of this package. The
 service cyborg-live watches a camera; it is off until it is enabled.
";

/// What the control file says.
pub(super) struct Control<'a> {
    /// The version of the program.
    pub(super) version: &'a str,
    /// The machine it is for.
    pub(super) architecture: Architecture,
    /// How much it takes on the disk, in KiB.
    pub(super) size: u64,
    /// The packages it can't do without, by the libraries that it is linked with.
    pub(super) depends: &'a str,
}

impl Control<'_> {
    /// The control file.
    pub(super) fn text(&self) -> String {
        let Control { version, architecture, size, depends } = self;
        let (version, architecture) = (debian_version(version), architecture.debian());
        // HEIC photos; whom to trust where events go by TLS. Both are looked for while the program runs.
        let recommends = "libheif1, ca-certificates";
        format!(
            "Package: cyborg\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: {MAINTAINER}\n\
             Installed-Size: {size}\nDepends: {depends}\nRecommends: {recommends}\nSection: video\nPriority: optional\n\
             Description: {SUMMARY}\n{DESCRIPTION}"
        )
    }
}

/// The version as Debian orders them: what comes before a version has `~` there.
pub(super) fn debian_version(version: &str) -> String {
    format!("{}-{REVISION}", version.replacen('-', "~", 1))
}

/// The changelog of the package, whose program has one of its own. `date` is as in mails.
pub(super) fn changelog(version: &str, date: &str) -> String {
    let version = debian_version(version);
    format!(
        "cyborg ({version}) unstable; urgency=medium\n\n  * Made by cargo xtask package; what changed is in changelog.gz.\n\n \
         -- {MAINTAINER} <>  {date}\n"
    )
}

/// The name of the package's file.
pub(super) fn package_name(version: &str, architecture: Architecture) -> String {
    format!("cyborg_{}_{}.deb", debian_version(version), architecture.debian())
}

/// The name of the archive, and of the folder in it with another ending.
pub(super) fn archive_name(version: &str, architecture: Architecture) -> String {
    format!("cyborg-{version}-linux-{}", architecture.debian())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_file_has_a_line_for_each_field() {
        let depends = "libc6 (>= 2.36), libavcodec59 (>= 7:5.0)";
        let control = Control { version: "0.2.0-rc.1", architecture: Architecture::Arm64, size: 7, depends };
        let text = control.text();
        for line in ["Version: 0.2.0~rc.1-1", "Architecture: arm64", "Installed-Size: 7"] {
            assert!(text.lines().any(|found| found == line), "no `{line}` in:\n{text}");
        }
        assert!(text.contains(&format!("Depends: {depends}\n")) && text.ends_with('\n'), "{text}");
        // What goes on is set in; no line is empty, which would end the entry.
        let (_, description) = text.split_once("Description: ").expect("it has one");
        assert!(description.lines().skip(1).all(|line| line.starts_with(' ') && line.len() > 1), "{description}");
        assert!(description.lines().all(|line| line.len() <= 80), "{description}");
    }

    #[test]
    fn names_say_version_and_machine() {
        assert_eq!(package_name("0.1.0", Architecture::Amd64), "cyborg_0.1.0-1_amd64.deb");
        assert_eq!(archive_name("0.1.0", Architecture::Amd64), "cyborg-0.1.0-linux-amd64");
        let text = changelog("0.1.0", "Mon, 30 Nov 2026 20:00:00 +0000");
        assert!(text.starts_with("cyborg (0.1.0-1) ") && text.ends_with("2026 20:00:00 +0000\n"), "{text}");
    }
}
