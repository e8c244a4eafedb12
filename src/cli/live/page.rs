//! The flags of the page, and the page that is made from them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::feeds::LiveFeed;
use super::printer::Voice;
use crate::classify::panel::Panel;
use crate::live::limits::{SharedLimits, ThresholdSwitch as _};
use crate::live::page::{Facts, Page, PageSettings, Secret, Served};
use crate::web::WebFlags;

#[derive(Args, Debug)]
pub(super) struct PageArgs {
    /// Address to serve the page on; anything but a loopback address needs --token-file
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Don't serve a page
    #[arg(long, conflicts_with = "listen")]
    no_page: bool,
    /// File with the token that viewers must give, 16 or more letters and digits
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    web: WebFlags,
}

impl PageArgs {
    /// Serves the page, and says where; nothing when none is wanted.
    pub(super) fn serve(
        &self,
        feeds: &mut [LiveFeed],
        classifier: &Panel,
        limits: &Arc<SharedLimits>,
        voice: Voice,
    ) -> anyhow::Result<Option<Served>> {
        if self.no_page {
            return Ok(None);
        }
        let settings = PageSettings {
            listen: self.listen,
            token: self.token_file.as_deref().map(Secret::read).transpose()?,
            tls: self.web.tls(),
            names: self.web.names(),
        };
        let facts = Facts {
            tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
            source: feeds[0].source.name.clone(),
            model: classifier.name().to_owned(),
            provider: classifier.provider(),
            thresholds: limits.now(),
        };
        let page = Arc::new(Page::new());
        let (metrics, limits) = (Arc::clone(&feeds[0].metrics), Arc::clone(limits));
        let served = page.serve(settings, metrics, facts, limits)?;
        let audience: Arc<dyn crate::live::view::Audience> = page;
        feeds[0].tell(audience);
        voice.say(&format!("the page: {}", served.url()))?;
        Ok(Some(served))
    }
}
