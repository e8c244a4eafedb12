//! The kinds of machine that packages are made for, and what others call them.

use std::env::consts::ARCH;

use anyhow::Context;
use clap::ValueEnum;

/// A kind of machine, as Debian names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

use Architecture::{Amd64, Arm64};

impl Architecture {
    /// That of this machine.
    pub(crate) fn own() -> anyhow::Result<Self> {
        let own = [Amd64, Arm64].into_iter().find(|architecture| architecture.machine() == ARCH);
        own.with_context(|| format!("packages are made for amd64 and arm64, and this machine is {ARCH}: use --arch"))
    }

    /// Debian's name.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Amd64 => "amd64",
            Arm64 => "arm64",
        }
    }

    /// Rust's name of the processor, which the lock file uses.
    pub(crate) fn machine(self) -> &'static str {
        match self {
            Amd64 => "x86_64",
            Arm64 => "aarch64",
        }
    }

    /// Rust's name of the whole.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Amd64 => "x86_64-unknown-linux-gnu",
            Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// The GNU tools' name of the whole.
    pub(crate) fn triple(self) -> String {
        format!("{}-linux-gnu", self.machine())
    }

    /// Whether it is that of this machine.
    pub(crate) fn is_own(self) -> bool {
        self.machine() == ARCH
    }

    /// What a tool of binutils or GCC for it is called.
    pub(crate) fn tool(self, name: &str) -> String {
        if self.is_own() { name.to_owned() } else { format!("{}-{name}", self.triple()) }
    }
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
            let strip = architecture.tool("strip");
            assert_eq!(strip == "strip", architecture.is_own());
            assert!(strip.ends_with("strip"), "{strip}");
        }
    }
}
