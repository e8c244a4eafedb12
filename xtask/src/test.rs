//! `cargo xtask test`: all that continuous integration checks.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use cyborg_models::lock::Group;

use crate::setup::libtorch;
use crate::step::{cargo, root, run, say, step, succeeds};
use crate::{fetch, system};

const CARGO_CURE: &str = "install Rust";

/// Sets up, then checks format, lints, documentation, tests and licences. With `long` the long runs too.
pub(crate) fn run_all(long: bool) -> anyhow::Result<()> {
    let groups = [Group::Runtime, Group::Demo, Group::Test, Group::Trainer];
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    let libtorch = libtorch()?;
    let check = |name: &str, arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).env("LIBTORCH", &libtorch).env("RUSTDOCFLAGS", "-D warnings");
        // All that tests want is installed by now: one that isn't run for want of a browser is a failure.
        command.env("CYBORG_ALL_TESTS", "1");
        // Several trainings run at once here. Threads that wait by spinning take the processors from each other: half of the time.
        command.env("OMP_WAIT_POLICY", "passive");
        // The runtime's tests build it. Built by the trainer's it would get other features, and its libraries with it.
        command.env("CYBORG_PROGRAM", program()?);
        if long {
            command.env("CYBORG_LONG_TESTS", "1");
        }
        step(name, || run(&mut command, CARGO_CURE))
    };
    check("format", &["fmt", "--all", "--check"])?;
    let both = "cyborg-trainer/video,cyborg-edge/fleet";
    check("lints", &["clippy", "--workspace", "--all-targets", "--features", both, "--", "-D", "warnings"])?;
    check("lints without features", &["clippy", "--no-default-features", "--lib", "--bins", "--", "-D", "warnings"])?;
    for feature in features()? {
        if feature == "wayland" && !has_pipewire() {
            // Nobody else needs PipeWire's headers, so set-up leaves them to who builds that feature.
            say(
                "== lints with wayland alone: not checked, because libpipewire-0.3-dev is missing (apt-get install it)",
            );
            continue;
        }
        let alone =
            ["clippy", "--no-default-features", "--features", &feature, "--lib", "--bins", "--", "-D", "warnings"];
        check(&format!("lints with {feature} alone"), &alone)?;
    }
    check("documentation", &["doc", "--workspace", "--no-deps", "--features", "cyborg-edge/fleet"])?;
    // Together: the runtime is then built once, with the features that both want.
    let mut tests = vec!["test", "--workspace", "--features", both];
    if long {
        // Those that measure, on a machine with nothing else to do.
        tests.extend(["--", "--include-ignored"]);
    }
    check("tests", &tests)?;
    licences()?;
    say("all checks passed");
    Ok(())
}

/// The features of the runtime.
fn features() -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(root().join("Cargo.toml")).context("can't read Cargo.toml")?;
    let manifest: toml::Table = text.parse().context("can't read Cargo.toml")?;
    let features = manifest.get("features").and_then(toml::Value::as_table).context("Cargo.toml has no features")?;
    Ok(features.keys().filter(|name| *name != "default").cloned().collect())
}

/// Whether the feature `wayland` can be built here.
fn has_pipewire() -> bool {
    succeeds(Command::new("pkg-config").args(["--exists", "libpipewire-0.3"]))
}

/// The program `cyborg` in the folder that this one was built into.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("the system doesn't tell where this program is")?;
    Ok(own.with_file_name(format!("cyborg{}", std::env::consts::EXE_SUFFIX)))
}

/// Licences and sources of all dependencies, where the tool for it is installed; continuous integration installs it.
fn licences() -> anyhow::Result<()> {
    if !succeeds(cargo().args(["deny", "--version"])) {
        say("== licences: not checked, because cargo-deny is missing (cargo install --locked cargo-deny)");
        return Ok(());
    }
    let mut command = cargo();
    // The list of known faults is not looked at: it would have to be fetched at each run.
    command.args(["deny", "--workspace", "check", "bans", "licenses", "sources"]);
    step("licences", || run(&mut command, CARGO_CURE))
}
