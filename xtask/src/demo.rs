//! `cargo xtask demo`: from a fresh clone to verdicts on a real clip and a real photo.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use cyborg_models::lock::{Group, cached};

use crate::build::Build;
use crate::step::{root, run, say, step};
use crate::{fetch, system};

/// Sets up, builds, runs, and says where the results are.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let groups = [Group::Runtime, Group::Demo];
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    let program = Build::release().program()?;
    judge(&|| Command::new(&program), &[], &root().join("out").join("demo"))
}

/// Judges a clip and a photo with a program and its flags, and says where the results are.
pub(crate) fn judge(program: &dyn Fn() -> Command, flags: &[&str], out: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| format!("can't make {}", out.display()))?;
    let clip = cached("selfie").context("no demo clip is locked for this system")?;
    let (video, csv, jsonl) = (out.join("annotated.mp4"), out.join("faces.csv"), out.join("faces.jsonl"));
    let mut judge_clip = program();
    judge_clip
        .arg("video")
        .args(flags)
        .arg(&clip)
        .arg("--annotate")
        .arg(&video)
        .arg("--csv")
        .arg(&csv)
        .arg("--jsonl")
        .arg(&jsonl);
    step("judging a clip", || run(&mut judge_clip, "build it first"))?;
    let mut written = vec![("annotated video", video), ("table", csv), ("table as JSON lines", jsonl)];
    if let Some(photo) = cached("astronaut").filter(|photo| photo.is_file()) {
        let mut judge_photo = program();
        judge_photo.arg("image").args(flags).arg(photo).arg("--annotate").arg(out);
        step("judging a photo", || run(&mut judge_photo, "build it first"))?;
        written.push(("annotated photo", out.join("astronaut.annotated.png")));
    }
    say("");
    for (name, path) in written {
        say(&format!("{name:<20} {}", path.display()));
    }
    Ok(())
}
