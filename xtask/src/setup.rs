//! `cargo xtask setup`: system packages, and what is fetched. `cargo xtask trainer`: the trainer, with its libtorch.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use cyborg_models::cache;
use cyborg_models::lock::{Group, cached};

use crate::step::{cargo, say};
use crate::{fetch, system};

/// What the fetched GPU build of ONNX Runtime is linked with, and we don't fetch.
const GPU_WANTS: &str = "\
the GPU build of ONNX Runtime wants, on the library path (LD_LIBRARY_PATH):
  an NVIDIA driver for CUDA 13 (580 or newer)
  CUDA 13: libcudart.so.13, libcublas.so.13, libcublasLt.so.13, libcufft.so.12, libcurand.so.10, libnvrtc.so.13
  cuDNN 9: libcudnn.so.9
  for `--provider tensorrt` also TensorRT 10: libnvinfer.so.10, libnvonnxparser.so.10
`cyborg doctor` says which of them it can't find; `cyborg bench --provider all` measures what starts";

/// Only x86-64 wheels are published; NVIDIA publishes those for its boards elsewhere.
const NO_GPU_BUILD: &str = "\
no GPU build of ONNX Runtime is locked for this kind of machine; on a Jetson install NVIDIA's wheel of onnxruntime-gpu \
and point ORT_DYLIB_PATH to the libonnxruntime.so in it";

/// What is set up beside the runtime.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Extras {
    /// Also what the trainer needs: libtorch (0.5 GB) and the initial weights
    #[arg(long)]
    trainer: bool,
    /// Also the clips and photos of demo and tests
    #[arg(long)]
    media: bool,
    /// Also ONNX Runtime for NVIDIA cards (0.2 GB); CUDA, cuDNN and TensorRT are the system's
    #[arg(long)]
    gpu: bool,
    /// Also what it takes to build for 64-bit ARM here and run that by qemu (Debian alone)
    #[cfg(target_os = "linux")]
    #[arg(long)]
    aarch64: bool,
}

/// Sets up the runtime, and what is asked for beside it.
pub(crate) fn run(extras: Extras) -> anyhow::Result<()> {
    let Extras { trainer, media, gpu, .. } = extras;
    let mut groups = vec![Group::Runtime];
    groups.extend(trainer.then_some(Group::Trainer));
    groups.extend([Group::Demo, Group::Test].into_iter().filter(|_| media));
    if gpu {
        anyhow::ensure!(cached("onnxruntime-gpu").is_some(), NO_GPU_BUILD);
        groups.push(Group::Gpu);
    }
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    let folder = cache::folder().unwrap_or_default();
    say(&format!("set up: the cache folder is {}", folder.display()));
    if trainer {
        say(&format!("to build the trainer without `cargo xtask trainer`: export LIBTORCH={}", libtorch()?.display()));
    }
    if gpu {
        say(GPU_WANTS);
    }
    #[cfg(target_os = "linux")]
    if extras.aarch64 {
        groups.retain(|group| !matches!(group, Group::Gpu | Group::Trainer));
        crate::cross::setup(&groups)?;
    }
    Ok(())
}

/// The folder that libtorch lies in, as its Rust binding wants it in `LIBTORCH`.
pub(crate) fn libtorch() -> anyhow::Result<PathBuf> {
    let library = cached("libtorch_cpu")
        .context("the lock file has no libtorch for this architecture: the trainer runs on x86-64 only")?;
    let folder = library.parent().and_then(|lib| lib.parent());
    Ok(folder.context("the lock file doesn't say where libtorch goes")?.to_owned())
}

/// Runs `cyborg-train`, built for speed, and hands on its exit code.
pub(crate) fn trainer(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut command = trainer_command()?;
    let status = command.args(arguments).stdin(Stdio::null()).status().context("can't run cargo")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// `cyborg-train`, built for speed when it is run, without arguments yet. What it needs is set up.
pub(crate) fn trainer_command() -> anyhow::Result<Command> {
    let groups = [Group::Runtime, Group::Trainer];
    system::prepare(&groups)?;
    fetch::fetch(&groups)?;
    let mut command = cargo();
    // The user's own folder: paths among the arguments are meant from there.
    command.current_dir(std::env::current_dir().context("the current folder is gone")?);
    command.args(["run", "--quiet", "--release", "--package", "cyborg-trainer", "--features", "video", "--"]);
    command.env("LIBTORCH", libtorch()?);
    Ok(command)
}
