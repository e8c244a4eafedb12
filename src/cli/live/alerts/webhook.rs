//! `--webhook`: each event to a web server.

use std::path::PathBuf;

use clap::Args;

use super::output_args::{OutputArgs, place};
use crate::live::alerts::Output;
use crate::live::alerts::webhook::{SCHEMES, Token, Webhook};

#[derive(Args, Debug)]
pub(super) struct WebhookArgs {
    /// POST each event as JSON to this address (http:// or https://); user and password in it are used and never shown
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// A file with a token to send as `Authorization: Bearer`
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_token_file: Option<PathBuf>,
}

impl OutputArgs for WebhookArgs {
    fn open(&self) -> anyhow::Result<Option<Box<dyn Output>>> {
        let Some(url) = &self.webhook else {
            return Ok(None);
        };
        let token = self.webhook_token_file.as_deref().map(Token::read).transpose()?;
        Ok(Some(Box::new(Webhook::new(place(url, "--webhook", &SCHEMES)?, token)?)))
    }
}
