//! The kinds of machine that packages are made for, and what it takes to build for another than this one.

use std::env::consts::ARCH;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::build::Build;
use crate::step::succeeds;

/// A kind of machine, as Debian names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

use Architecture::{Amd64, Arm64};

/// FFmpeg's libraries that the program is linked with, as pkg-config calls them.
const LINKED: [&str; 4] = ["libavcodec", "libavformat", "libavutil", "libswscale"];

impl Architecture {
    /// That of this machine.
    pub(super) fn own() -> anyhow::Result<Self> {
        let own = [Amd64, Arm64].into_iter().find(|architecture| architecture.machine() == ARCH);
        own.with_context(|| format!("packages are made for amd64 and arm64, and this machine is {ARCH}: use --arch"))
    }

    /// Debian's name.
    pub(super) fn debian(self) -> &'static str {
        match self {
            Amd64 => "amd64",
            Arm64 => "arm64",
        }
    }

    /// Rust's name of the processor, which the lock file uses.
    pub(super) fn machine(self) -> &'static str {
        match self {
            Amd64 => "x86_64",
            Arm64 => "aarch64",
        }
    }

    /// Rust's name of the whole.
    pub(super) fn target(self) -> &'static str {
        match self {
            Amd64 => "x86_64-unknown-linux-gnu",
            Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// The GNU tools' name of the whole.
    fn triple(self) -> String {
        format!("{}-linux-gnu", self.machine())
    }

    /// Whether it is that of this machine.
    pub(super) fn is_own(self) -> bool {
        self.machine() == ARCH
    }

    /// What a tool of binutils or GCC for it is called.
    pub(super) fn tool(self, name: &str) -> String {
        if self.is_own() { name.to_owned() } else { format!("{}-{name}", self.triple()) }
    }

    /// How the program is built for it.
    pub(super) fn build(self, profile: &str) -> Build {
        if self.is_own() {
            return Build::of_profile(profile);
        }
        let target = self.target();
        let (lower, upper) = (target.replace('-', "_"), target.replace('-', "_").to_uppercase());
        let environment = [
            (format!("CARGO_TARGET_{upper}_LINKER"), self.tool("gcc")),
            (format!("CC_{lower}"), self.tool("gcc")),
            (format!("CXX_{lower}"), self.tool("g++")),
            (format!("AR_{lower}"), self.tool("ar")),
            ("PKG_CONFIG_ALLOW_CROSS".to_owned(), "1".to_owned()),
            (format!("PKG_CONFIG_LIBDIR_{lower}"), self.modules()),
            // The headers of that machine, for the bindings to FFmpeg and to cameras.
            (
                format!("BINDGEN_EXTRA_CLANG_ARGS_{lower}"),
                format!("--target={target} -I/usr/include/{}", self.triple()),
            ),
        ];
        Build { target: Some(target), environment: environment.into(), ..Build::of_profile(profile) }
    }

    /// Where pkg-config finds the libraries for it.
    fn modules(self) -> String {
        format!("/usr/lib/{}/pkgconfig:/usr/share/pkgconfig", self.triple())
    }

    /// Says all that is missing to build for it; nothing is where it is that of this machine, which set-up provides for.
    pub(super) fn ensure_buildable(self) -> anyhow::Result<()> {
        let missing = if self.is_own() { Vec::new() } else { self.missing() };
        if missing.is_empty() {
            return Ok(());
        }
        let (name, machine) = (self.debian(), ARCH);
        bail!("can't build for {name} on this {machine} machine. What is missing:\n  {}", missing.join("\n  "));
    }

    fn missing(self) -> Vec<String> {
        let mut missing = Vec::new();
        if !has_standard_library(self.target()) {
            missing.push(format!("Rust's standard library for it: rustup target add {0}", self.target()));
        }
        for compiler in ["gcc", "g++"] {
            let name = self.tool(compiler);
            if !succeeds(Command::new(&name).arg("--version")) {
                missing.push(format!("{name}: apt-get install {compiler}-{}", self.triple().replace('_', "-")));
            }
        }
        for module in LINKED {
            let mut known = Command::new("pkg-config");
            if !succeeds(known.env("PKG_CONFIG_LIBDIR", self.modules()).args(["--exists", module])) {
                let (name, package) = (self.debian(), format!("{module}-dev"));
                missing
                    .push(format!("{module} for it: dpkg --add-architecture {name}, apt-get install {package}:{name}"));
            }
        }
        missing
    }
}

fn has_standard_library(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_names() {
        assert_eq!((Amd64.debian(), Amd64.machine(), Amd64.triple()), ("amd64", "x86_64", "x86_64-linux-gnu".into()));
        assert_eq!((Arm64.debian(), Arm64.machine(), Arm64.triple()), ("arm64", "aarch64", "aarch64-linux-gnu".into()));
        for architecture in [Amd64, Arm64] {
            assert!(cyborg_models::lock::lock().packages_for(architecture.machine()).any(|it| it.machine.is_some()));
        }
    }

    #[test]
    fn another_machine_has_its_own_tools() {
        for architecture in [Amd64, Arm64] {
            let Build { target, environment, profile } = architecture.build("release");
            assert_eq!(profile, "release");
            assert_eq!(target.is_none(), architecture.is_own());
            assert_eq!(environment.is_empty(), architecture.is_own());
            let strip = architecture.tool("strip");
            assert_eq!(strip == "strip", architecture.is_own());
            assert!(target.is_none_or(|target| {
                let linker = format!("CARGO_TARGET_{}_LINKER", target.replace('-', "_").to_uppercase());
                environment.iter().any(|(name, value)| *name == linker && *value == architecture.tool("gcc"))
            }));
        }
    }
}
