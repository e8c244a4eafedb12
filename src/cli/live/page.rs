//! The flags of the page, and the page that is made from them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::printer::Printer;
use crate::classify::panel::Panel;
use crate::live::limits::{SharedLimits, ThresholdSwitch as _};
use crate::live::metrics::LiveMetrics;
use crate::live::page::{Facts, Feed, FeedFacts, Page, PageSettings, Secret, Served};
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
    /// Serves the page, and says where; gives the feed of each source, to be told what there is to see. Nothing when no page
    /// is wanted.
    pub(super) fn serve(
        &self,
        sources: Vec<(FeedFacts, Arc<LiveMetrics>)>,
        classifier: &Panel,
        limits: &Arc<SharedLimits>,
        printer: &Printer,
    ) -> anyhow::Result<Option<(Vec<Arc<Feed>>, Served)>> {
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
            model: classifier.name().to_owned(),
            provider: classifier.provider(),
            thresholds: limits.now(),
            record: None,
        };
        let feeds: Vec<_> = sources.into_iter().map(|(facts, metrics)| Arc::new(Feed::new(facts, metrics))).collect();
        let limits = Arc::clone(limits);
        let served = Arc::new(Page::new(feeds.clone())).serve(settings, facts, limits)?;
        printer.voice.say(&format!("the page: {}", served.url()))?;
        Ok(Some((feeds, served)))
    }
}
