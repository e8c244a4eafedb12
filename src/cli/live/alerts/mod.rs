//! The outputs of events: one file each, with its flags and how it is opened, and a row of each here.

mod events;
mod mqtt;
#[cfg(all(feature = "notify", target_os = "linux"))]
mod notify;
mod output_args;
mod snapshots;
mod webhook;

use std::sync::Arc;

use clap::Args;
use output_args::OutputArgs;

use super::feeds::LiveFeed;
use crate::cli::outcome::note;
use crate::live::alerts::event::Origin;
use crate::live::alerts::{Alerts, Output};

/// The flags of all of them.
#[derive(Args, Debug)]
#[command(next_help_heading = "When a person turns synthetic, turns back, or goes")]
pub(super) struct AlertArgs {
    #[command(flatten)]
    events: events::EventsArgs,
    #[command(flatten)]
    webhook: webhook::WebhookArgs,
    #[command(flatten)]
    mqtt: mqtt::MqttArgs,
    #[command(flatten)]
    snapshots: snapshots::SnapshotArgs,
    #[cfg(all(feature = "notify", target_os = "linux"))]
    #[command(flatten)]
    notify: notify::NotifyArgs,
}

impl AlertArgs {
    fn all(&self) -> Vec<&dyn OutputArgs> {
        let all: &[&dyn OutputArgs] = &[
            &self.events,
            &self.webhook,
            &self.mqtt,
            &self.snapshots,
            #[cfg(all(feature = "notify", target_os = "linux"))]
            &self.notify,
        ];
        all.to_vec()
    }

    /// Where the page is that a click on a notification opens.
    pub(super) fn page_is_at(&self, address: String) {
        #[cfg(all(feature = "notify", target_os = "linux"))]
        self.notify.page_is_at(address);
        #[cfg(not(all(feature = "notify", target_os = "linux")))]
        drop(address);
    }

    /// Whether standard output is for events alone.
    pub(super) fn takes_stdout(&self) -> bool {
        self.events.takes_stdout()
    }

    /// The outputs that are asked for, opened.
    pub(super) fn outputs(&self) -> anyhow::Result<Vec<Box<dyn Output>>> {
        self.all().into_iter().filter_map(|args| args.open().transpose()).collect()
    }

    /// Begins to tell the events of all feeds by these outputs, where there are any; `model` is the name of the one that decides.
    pub(super) fn begin(
        outputs: Vec<Box<dyn Output>>,
        feeds: &mut [LiveFeed],
        model: &str,
    ) -> anyhow::Result<Option<Arc<Alerts>>> {
        if outputs.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = outputs.iter().map(|output| output.name()).collect();
        note(&format!("events go to: {}", names.join(", ")));
        let (alerts, several) = (Arc::new(Alerts::begin(outputs)?), feeds.len() > 1);
        for (number, feed) in feeds.iter_mut().enumerate() {
            let (source, whole) = (feed.source.name.clone(), feed.source.whole);
            let origin = Origin { source, model: model.to_owned(), whole };
            let audience = alerts.audience(origin, several.then_some(number), &feed.metrics);
            feed.tell(audience);
        }
        Ok(Some(alerts))
    }
}
