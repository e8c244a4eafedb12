//! The command line: one file a command.
//!
//! Flags become plain settings and these become ready-made workers; nothing behind that sees a flag.

mod bench;
#[cfg(feature = "camera")]
mod cameras;
mod doctor;
mod image;
#[cfg(feature = "video")]
mod inputs;
mod interrupt;
#[cfg(all(feature = "video", feature = "camera"))]
mod live;
mod machine;
mod memory;
mod models;
mod outcome;
#[cfg(feature = "video")]
mod per_clip;
#[cfg(feature = "video")]
mod persons;
#[cfg(feature = "video")]
mod side_by_side;
#[cfg(feature = "video")]
mod tables;
#[cfg(feature = "video")]
mod video;
mod workers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use outcome::Outcome;

/// Finds generated and swapped faces in videos and images, and shows where it saw it.
///
/// For each face it says authentic, unsure or synthetic, how probable that is, and where in the face the signs were.
/// Nothing leaves this machine, and nothing is downloaded.
#[derive(Debug, Parser)]
#[command(name = "cyborg", version, after_help = outcome::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more: -v what is done, -vv details
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge every face in every frame of video files
    #[cfg(feature = "video")]
    Video(video::VideoArgs),
    /// Judge every face in photos
    Image(image::ImageArgs),
    /// Judge the faces in front of a camera or in a stream, while it happens
    #[cfg(all(feature = "video", feature = "camera"))]
    Live(live::LiveArgs),
    /// Show the cameras of this machine, with their formats and rates
    #[cfg(feature = "camera")]
    Cameras(cameras::CamerasArgs),
    /// Show what this machine has, and what to do about each thing that is missing
    Doctor(doctor::DoctorArgs),
    /// Show and check model files
    Models(models::ModelsArgs),
    /// Measure which provider, batch and threads are fastest on this machine
    Bench(bench::BenchArgs),
}

/// Runs the program by its command line, and gives its exit code.
#[must_use]
pub fn run() -> ExitCode {
    memory::give_back();
    // Wrong usage ends here, with code 2.
    let cli = Cli::parse();
    start_log(cli.verbose);
    let outcome = match cli.command {
        #[cfg(feature = "video")]
        Command::Video(args) => video::run(&args),
        Command::Image(args) => image::run(&args),
        #[cfg(all(feature = "video", feature = "camera"))]
        Command::Live(args) => live::run(&args),
        #[cfg(feature = "camera")]
        Command::Cameras(args) => cameras::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    outcome.unwrap_or_else(|error| Outcome::from_error(&error)).into()
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => log::LevelFilter::Warn,
        1 => log::LevelFilter::Info,
        _ => log::LevelFilter::Debug,
    };
    let mut builder = env_logger::Builder::new();
    // ONNX Runtime speaks of its own inner matters at every level; they are for -vv.
    let native = if verbose >= 2 { level } else { log::LevelFilter::Off };
    builder.filter_level(level).filter_module("ort", native);
    // These write addresses and headers into their logs, where a secret may be in them.
    for module in ["ureq", "ureq_proto", "rumqttc", "rustls"] {
        builder.filter_module(module, log::LevelFilter::Off);
    }
    builder.format_target(false).init();
}
