//! The program's log, as lines for people or as JSON objects.

use std::io::Write;
use std::panic;

use clap::ValueEnum;
use log::{Level, LevelFilter};

use crate::stderr;

/// What standard error speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object a line: time, level, message, and of the log the part of the program.
    Json,
}

/// Parts that write addresses and headers into their logs, where a secret may be in them.
const TALKATIVE: [&str; 5] = ["ureq", "ureq_proto", "rumqttc", "rustls", "async_nats"];

/// Begins the log.
pub(super) fn start(verbose: u8, format: LogFormat) {
    let level = match verbose {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    let mut builder = env_logger::Builder::new();
    // ONNX Runtime speaks of its own inner matters at every level; they are for -vv.
    let native = if verbose >= 2 { level } else { LevelFilter::Off };
    builder.filter_level(level).filter_module("ort", native);
    for module in TALKATIVE {
        builder.filter_module(module, LevelFilter::Off);
    }
    builder.format_target(false);
    if format == LogFormat::Json {
        stderr::speak_json();
        builder.format(|out, record| {
            writeln!(out, "{}", stderr::json(record.level(), Some(record.target()), &record.args().to_string()))
        });
        // A panic is a fault of ours, and the last thing that should be said in another form.
        panic::set_hook(Box::new(|info| stderr::say(Level::Error, &info.to_string())));
    }
    builder.init();
}
