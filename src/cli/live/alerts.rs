//! The flags of the outputs of events, and the outputs that are made from them.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::cure;
use crate::cli::outcome::{UsageError, note};
use crate::live::alerts::event::Origin;
use crate::live::alerts::lines::{Lines, Rotation};
use crate::live::alerts::mqtt::{self, Mqtt};
use crate::live::alerts::snapshots::Snapshots;
use crate::live::alerts::webhook::{self, Token, Webhook};
use crate::live::alerts::{Alerts, Output, Place};
use crate::live::metrics::LiveMetrics;

/// Bytes in a MiB.
const MEBI: u64 = 1 << 20;

#[derive(Args, Debug)]
#[command(next_help_heading = "When a person turns synthetic, turns back, or goes")]
pub(super) struct AlertArgs {
    /// Write one JSON line per event to this file; `-` is standard output, which then holds nothing else
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Rotate the events file before it grows larger than this many MiB
    #[arg(long, value_name = "MIB", default_value = "16", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    events_size: u64,
    /// Keep this many older events files, ending in .1 (the newest), .2 and so on
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u32).range(0..=1000))]
    events_keep: u32,
    /// POST each event as JSON to this address (http:// or https://); user and password in it are used and never shown
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// A file with a token to send as `Authorization: Bearer`
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_token_file: Option<PathBuf>,
    /// Publish each event to this MQTT broker: mqtt://USER:PASSWORD@HOST:PORT, or mqtts:// with TLS
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,
    /// Publish to the topic PREFIX/events
    #[arg(long, value_name = "PREFIX", default_value = "cyborg")]
    mqtt_topic: String,
    /// Keep a picture of each event as a JPEG file in this folder; without it no pictures are kept
    #[arg(long, value_name = "FOLDER")]
    snapshots: Option<PathBuf>,
    /// Keep the newest N of these pictures
    #[arg(long, value_name = "N", default_value = "100")]
    snapshots_keep: NonZeroUsize,
}

impl AlertArgs {
    /// Whether standard output is for events alone.
    pub(super) fn takes_stdout(&self) -> bool {
        self.events.as_deref() == Some(Path::new("-"))
    }

    /// Begins to tell events by these outputs, where there are any.
    pub(super) fn begin(
        outputs: Vec<Box<dyn Output>>,
        source: String,
        model: String,
        metrics: &Arc<LiveMetrics>,
    ) -> anyhow::Result<Option<Arc<Alerts>>> {
        if outputs.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = outputs.iter().map(|output| output.name()).collect();
        note(&format!("events go to: {}", names.join(", ")));
        Ok(Some(Arc::new(Alerts::begin(Origin { source, model }, outputs, metrics)?)))
    }

    /// The outputs that are asked for, opened.
    pub(super) fn outputs(&self) -> anyhow::Result<Vec<Box<dyn Output>>> {
        let mut outputs: Vec<Box<dyn Output>> = Vec::new();
        if let Some(path) = &self.events {
            let size = NonZeroU64::new(self.events_size * MEBI).unwrap_or(NonZeroU64::MIN);
            outputs.push(Box::new(if self.takes_stdout() {
                Lines::stream(Box::new(std::io::stdout()))
            } else {
                Lines::file(path, Rotation { size, keep: self.events_keep })?
            }));
        }
        if let Some(url) = &self.webhook {
            let token = self.webhook_token_file.as_deref().map(Token::read).transpose()?;
            outputs.push(Box::new(Webhook::new(place(url, "--webhook", &webhook::SCHEMES)?, token)?));
        }
        if let Some(url) = &self.mqtt {
            let mqtt = Mqtt::new(place(url, "--mqtt", &mqtt::SCHEMES)?, &self.mqtt_topic);
            outputs.push(Box::new(mqtt.map_err(|error| UsageError(cure::in_words(&anyhow::Error::new(error))))?));
        }
        if let Some(folder) = &self.snapshots {
            outputs.push(Box::new(Snapshots::new(folder, self.snapshots_keep)?));
        }
        Ok(outputs)
    }
}

fn place(url: &str, flag: &'static str, schemes: &[&str]) -> Result<Place, UsageError> {
    Place::read(url, flag, schemes).map_err(|error| UsageError(error.to_string()))
}
