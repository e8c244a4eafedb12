//! `--notify`: each event on the desktop.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use clap::Args;

use super::output_args::OutputArgs;
use crate::live::alerts::Output;
use crate::live::alerts::notify::{Browser, Notify, NotifySettings, QuietHours};

#[derive(Args, Debug)]
pub(super) struct NotifyArgs {
    /// Show a desktop notification when a person turns synthetic, and when that ends; a click opens the page
    #[arg(long)]
    notify: bool,
    /// Hold notifications back at these times, by the local clock; may be given several times
    #[arg(long, value_name = "FROM-TO", requires = "notify")]
    notify_quiet: Vec<QuietHours>,
    /// Show at most N notifications a minute; what is beyond is summed up in the next one
    #[arg(long, value_name = "N", default_value = "3", value_parser = limit)]
    notify_limit: NonZeroUsize,
    /// Where the page is, once it is served.
    #[arg(skip)]
    page: Arc<OnceLock<String>>,
}

impl NotifyArgs {
    /// A click opens this address from now on.
    pub(super) fn page_is_at(&self, address: String) {
        // A run has one page.
        let _ = self.page.set(address);
    }
}

impl OutputArgs for NotifyArgs {
    fn open(&self) -> anyhow::Result<Option<Box<dyn Output>>> {
        if !self.notify {
            return Ok(None);
        }
        let settings = NotifySettings {
            limit: self.notify_limit,
            quiet: self.notify_quiet.clone(),
            page: Arc::clone(&self.page),
            bus: None,
        };
        Ok(Some(Box::new(Notify::new(settings, Box::new(Browser::default()))?)))
    }
}

fn limit(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 60);
    number.ok_or_else(|| "expected a number from 1 to 60".to_owned())
}
