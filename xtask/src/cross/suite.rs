//! `cargo xtask test --aarch64`: the runtime for 64-bit ARM, built here and run by qemu.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use cyborg_models::lock::Group;

use super::{Cross, compare, emulator};
use crate::architecture::Architecture;
use crate::build::Build;
use crate::demo;
use crate::release::VERSION;
use crate::step::{cargo, root, run, say, step};

/// The tests that are run, as cargo picks them.
const TARGETS: [&str; 11] =
    ["--lib", "--test", "allocation", "--test", "verdicts", "--test", "inputs", "--test", "program", "--test", "live"];

/// Test binaries that aren't run, and why.
const BINARIES: [(&str, &str); 3] = [
    ("live_load", "it measures how many viewers and faces a machine bears, and the emulator is tens of times slower"),
    ("screens", "it films windows by the clock, and nobody runs an X server of that machine here"),
    ("portal", "it needs a PipeWire of that machine"),
];

/// Tests that aren't run, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    ("corrupted::damaged_", "the memory that it bounds is the emulator's here"),
    ("pixels::bombs", "the memory that it bounds is the emulator's here"),
];

/// Builds the program, compares it with this machine's, and runs the tests.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let architecture = Architecture::Arm64;
    let cross = Cross::prepare(architecture, &[Group::Runtime, Group::Demo, Group::Test])?;
    let own = Build::of_profile("dev").program()?;
    let program = cross.build("dev").program()?;
    let starter = emulator::starter(&emulator::words(architecture, cross.sysroot().folder()), &program)?;
    let out = root().join("out/aarch64");
    fs::create_dir_all(&out).with_context(|| format!("can't make {}", out.display()))?;
    let by_qemu = || {
        let mut command = Command::new(&starter);
        command.env("CYBORG_CACHE", cross.cache());
        command
    };
    step("the program runs", || starts(&by_qemu))?;
    step("demo", || demo::judge(&by_qemu, &["--model", "small", "--detector", "yunet"], &out))?;
    let mut missed = Vec::new();
    step("this machine and that one", || {
        missed = compare::run_all(&own, &starter, &cross, &out)?;
        Ok(())
    })?;
    for (name, reason) in BINARIES.iter().chain(&LEFT_OUT) {
        say(&format!("NOT RUN: {name}: {reason}"));
    }
    step("tests", || tests(&cross, &starter))?;
    // Behind the tests: whoever waited so long wants to know what else there is.
    ensure!(
        missed.is_empty(),
        "the tests passed, but this machine and that one are too far apart: {}",
        missed.join("; ")
    );
    say("all that qemu can run passed");
    Ok(())
}

/// It says its version, and finds all that it needs.
fn starts(by_qemu: &dyn Fn() -> Command) -> anyhow::Result<()> {
    let told = |word: &str| {
        let output = by_qemu().arg(word).output().context("can't start the program by qemu")?;
        ensure!(output.status.success(), "`cyborg {word}`: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (version, doctor) = (told("--version")?, told("doctor")?);
    ensure!(version.trim() == format!("cyborg {VERSION}"), "it is another version: {version}");
    ensure!(
        doctor.contains("linux aarch64") && doctor.contains("nothing is missing"),
        "something is missing:\n{doctor}"
    );
    Ok(())
}

fn tests(cross: &Cross, starter: &Path) -> anyhow::Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--locked", "--package", "cyborg-edge", "--target", Architecture::Arm64.target()])
        .args(TARGETS);
    // It takes so long that whoever runs it wants to know all that is wrong.
    command.arg("--no-fail-fast");
    // Programs of another machine are slow here, and tests wait for them only so long: few at a time.
    command.args(["--", "--test-threads", "2"]);
    command.args(LEFT_OUT.iter().flat_map(|(name, _)| ["--skip", name]));
    command.envs(cross.environment()).env("CYBORG_CACHE", cross.cache()).env("CYBORG_PROGRAM", starter);
    run(&mut command, "install Rust")
}
