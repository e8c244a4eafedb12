//! `--mqtt`: each event to a broker.

use clap::Args;

use super::output_args::{OutputArgs, place};
use crate::cli::cure;
use crate::cli::outcome::UsageError;
use crate::live::alerts::Output;
use crate::live::alerts::mqtt::{Mqtt, SCHEMES};

#[derive(Args, Debug)]
pub(super) struct MqttArgs {
    /// Publish each event to this MQTT broker: mqtt://USER:PASSWORD@HOST:PORT, or mqtts:// with TLS
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,
    /// Publish to the topic PREFIX/events
    #[arg(long, value_name = "PREFIX", default_value = "cyborg")]
    mqtt_topic: String,
}

impl OutputArgs for MqttArgs {
    fn open(&self) -> anyhow::Result<Option<Box<dyn Output>>> {
        let Some(url) = &self.mqtt else {
            return Ok(None);
        };
        let mqtt = Mqtt::new(place(url, "--mqtt", &SCHEMES)?, &self.mqtt_topic);
        Ok(Some(Box::new(mqtt.map_err(|error| UsageError(cure::in_words(&anyhow::Error::new(error))))?)))
    }
}
