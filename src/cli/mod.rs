//! The command line: one file a command.
//!
//! Flags become plain settings and these become ready-made workers; nothing behind that sees a flag.

mod bench;
#[cfg(feature = "camera")]
mod cameras;
#[cfg(feature = "video")]
mod clip_outputs;
mod cure;
mod detect_size;
mod doctor;
#[cfg(feature = "fleet")]
mod fleet;
#[cfg(feature = "video")]
mod frames;
mod image;
#[cfg(feature = "video")]
mod inputs;
mod interrupt;
mod joined;
#[cfg(feature = "video")]
mod judging;
#[cfg(all(feature = "video", feature = "camera"))]
mod layers;
#[cfg(all(feature = "video", feature = "camera"))]
mod live;
mod log;
mod machine;
mod memory;
mod models;
mod outcome;
#[cfg(feature = "video")]
mod per_clip;
#[cfg(feature = "video")]
mod persons;
#[cfg(feature = "screen")]
mod screens;
mod shell;
#[cfg(feature = "video")]
mod side_by_side;
#[cfg(feature = "video")]
mod sources;
#[cfg(feature = "video")]
mod tables;
#[cfg(feature = "video")]
mod video;
mod workers;

use std::ffi::OsString;
use std::process::ExitCode;

use ::log::Level;
#[cfg(all(feature = "video", feature = "camera"))]
use clap::FromArgMatches;
use clap::{CommandFactory, Parser, Subcommand};

use crate::stderr;
use outcome::Outcome;

/// Finds generated and swapped faces in videos and images, and shows where it saw the signs.
///
/// For each face it says authentic, unsure or synthetic, how probable that is, and where in the face the signs were.
/// Nothing leaves this machine, and nothing is downloaded.
#[derive(Debug, Parser)]
#[command(name = "cyborg", version, after_help = outcome::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// More messages: -v for progress, -vv for details
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Format of messages on standard error: text for people, or json for programs, one object per line
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true, global = true)]
    log_format: log::LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge every face in every frame of video files
    #[cfg(feature = "video")]
    Video(video::VideoArgs),
    /// Judge every face in photos
    Image(image::ImageArgs),
    /// Judge the faces in front of a camera or in a stream, live
    #[cfg(all(feature = "video", feature = "camera"))]
    Live(Box<live::LiveArgs>),
    /// Show the cameras of this machine, with their formats and rates
    #[cfg(feature = "camera")]
    Cameras(cameras::CamerasArgs),
    /// Show the monitors and windows that `live` can watch
    #[cfg(feature = "screen")]
    Screens(screens::ScreensArgs),
    /// Judge clips and cameras on many machines, by a NATS server
    #[cfg(feature = "fleet")]
    Fleet(Box<fleet::FleetArgs>),
    /// Show what this machine has, and what to do about anything that is missing
    Doctor(doctor::DoctorArgs),
    /// Show and check model files
    Models(models::ModelsArgs),
    /// Measure which provider, batch and threads are fastest on this machine
    Bench(bench::BenchArgs),
    /// Write completions for a shell to standard output
    Completions(shell::CompletionsArgs),
    /// Write the manual pages, cyborg(1) and one per command
    Manual(shell::ManualArgs),
}

/// Runs the program by its command line, and gives its exit code.
#[must_use]
pub fn run() -> ExitCode {
    memory::give_back();
    let words: Vec<OsString> = std::env::args_os().collect();
    let (cli, read) = match read(&words) {
        Ok(read) => read,
        Err(code) => return code,
    };
    #[cfg(not(all(feature = "video", feature = "camera")))]
    let () = read;
    log::start(cli.verbose, cli.log_format);
    let outcome = match cli.command {
        #[cfg(feature = "video")]
        Command::Video(args) => video::run(&args),
        Command::Image(args) => image::run(&args),
        #[cfg(all(feature = "video", feature = "camera"))]
        Command::Live(args) => live::run(&args, read),
        #[cfg(feature = "camera")]
        Command::Cameras(args) => cameras::run(&args),
        #[cfg(feature = "screen")]
        Command::Screens(args) => screens::run(&args),
        #[cfg(feature = "fleet")]
        Command::Fleet(args) => fleet::run(*args, &words, Cli::command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Completions(args) => shell::completions(&args, Cli::command()),
        Command::Manual(args) => shell::manual(&args, Cli::command()),
    };
    outcome.unwrap_or_else(|error| Outcome::from_error(&error)).into()
}

/// What was read besides: where the settings of `live` are from.
#[cfg(all(feature = "video", feature = "camera"))]
type Read = Option<(layers::Layers, clap::ArgMatches)>;
#[cfg(not(all(feature = "video", feature = "camera")))]
type Read = ();

/// Reads the command line; of `live`, environment and file too. Wrong usage ends here, with code 2, and help with 0.
fn read(words: &[OsString]) -> Result<(Cli, Read), ExitCode> {
    #[cfg(all(feature = "video", feature = "camera"))]
    if let Some(layers) = layers::Layers::of(words, Cli::command) {
        let matches = match layers.read() {
            Ok(matches) => matches,
            Err(layers::LayerError::Usage(error)) => return Err(refuse(&error, words)),
            Err(error) => {
                speak_as_asked(words);
                outcome::complain(&error.into());
                return Err(Outcome::Usage.into());
            }
        };
        let cli = Cli::from_arg_matches(&matches).map_err(|error| refuse(&error, words))?;
        return Ok((cli, Some((layers, matches))));
    }
    Cli::try_parse_from(words).map(|cli| (cli, Read::default())).map_err(|error| refuse(&error, words))
}

/// Says what is wrong with the command line, or the help that it asks for.
fn refuse(error: &clap::Error, words: &[OsString]) -> ExitCode {
    speak_as_asked(words);
    if error.use_stderr() && stderr::speaks_json() {
        stderr::say(Level::Error, error.to_string().trim_start_matches("error: ").trim_end());
    } else {
        // Nobody may be listening there.
        let _ = error.print();
    }
    if error.use_stderr() { Outcome::Usage.into() } else { Outcome::Done.into() }
}

/// Errors come as they were asked for, also where the rest of the command line can't be read.
fn speak_as_asked(words: &[OsString]) {
    let pairs = words.iter().zip(words.iter().skip(1));
    let apart = pairs.into_iter().any(|(flag, format)| flag == "--log-format" && format == "json");
    if apart || words.iter().any(|word| word == "--log-format=json") {
        stderr::speak_json();
    }
}
