//! The program `cyborg`, built by cargo.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::step::{cargo, run, step};

/// What packages have beside the features that a plain build has, as cargo is told.
pub(crate) const PACKAGED: [&str; 2] = ["--features", "cyborg-edge/fleet"];

/// How the program is built.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    /// Cargo's profile.
    pub(crate) profile: String,
    /// Rust's name of another kind of machine that it is for.
    pub(crate) target: Option<&'static str>,
    /// Whether it has what packages have.
    pub(crate) packaged: bool,
    /// What the tools for that machine are told by the environment.
    pub(crate) environment: Vec<(String, String)>,
}

impl Build {
    /// For speed, and for this machine.
    pub(crate) fn release() -> Self {
        Self::of_profile("release")
    }

    /// By a profile, and for this machine.
    pub(crate) fn of_profile(profile: &str) -> Self {
        Self { profile: profile.to_owned(), target: None, packaged: false, environment: Vec::new() }
    }

    /// With what packages have.
    pub(crate) fn packaged(self) -> Self {
        Self { packaged: true, ..self }
    }

    /// Builds the program and says where it is.
    pub(crate) fn program(&self) -> anyhow::Result<PathBuf> {
        let mut command = cargo();
        command.args(["build", "--locked", "--package", "cyborg-edge", "--bin", "cyborg", "--profile", &self.profile]);
        command.args(PACKAGED.iter().filter(|_| self.packaged));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(self.target.iter().flat_map(|target| ["--target", target]));
        step("building the program", || run(&mut command, "install Rust"))?;
        // Where it lies depends on settings of the user; cargo knows them.
        let output =
            cargo().args(["metadata", "--format-version", "1", "--no-deps"]).output().context("can't run cargo")?;
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).context("can't read what cargo says")?;
        let folder = told["target_directory"].as_str().context("cargo does not say where it builds")?;
        Ok(self.place(Path::new(folder)).join(format!("cyborg{EXE_SUFFIX}")))
    }

    /// The folder for it in the one that cargo builds in.
    fn place(&self, folder: &Path) -> PathBuf {
        let own = match self.profile.as_str() {
            "dev" | "test" => "debug",
            "bench" => "release",
            other => other,
        };
        folder.join(self.target.unwrap_or_default()).join(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_and_machine_say_where_it_lies() {
        let folder = Path::new("target");
        assert_eq!(Build::release().place(folder), Path::new("target/release"));
        assert_eq!(Build::of_profile("dev").place(folder), Path::new("target/debug"));
        let foreign = Build { target: Some("aarch64-unknown-linux-gnu"), ..Build::release() };
        assert_eq!(foreign.place(folder), Path::new("target/aarch64-unknown-linux-gnu/release"));
    }
}
