//! The flags of the page, and the page that is made from them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::feeds::LiveFeed;
use super::printer::Voice;
use super::watched::Watched;
use crate::classify::panel::Panel;
use crate::live::limits::{SharedLimits, ThresholdSwitch as _};
use crate::live::page::{Facts, Feed, FeedFacts, FeedKind, Page, PageSettings, Secret, Served};
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
    /// Where it is served and to whom; nothing when none is wanted.
    pub(super) fn settings(&self) -> anyhow::Result<Option<PageSettings>> {
        if self.no_page {
            return Ok(None);
        }
        Ok(Some(PageSettings {
            listen: self.listen,
            token: self.token_file.as_deref().map(Secret::read).transpose()?,
            tls: self.web.tls(),
            names: self.web.names(),
        }))
    }

    /// Serves the page, which shows all feeds, and says where; `record` is what is said of a record while it is made. `at` is the
    /// address where there has been a page for this run already. Nothing when none is wanted.
    pub(super) fn serve(
        &self,
        feeds: &mut [LiveFeed],
        at: Option<SocketAddr>,
        classifier: &Panel,
        limits: &Arc<SharedLimits>,
        voice: Voice,
        record: Option<String>,
    ) -> anyhow::Result<Option<Served>> {
        let Some(mut settings) = self.settings()? else {
            return Ok(None);
        };
        settings.listen = at.unwrap_or(settings.listen);
        let facts = Facts {
            tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: classifier.name().to_owned(),
            provider: classifier.provider(),
            thresholds: limits.now(),
            record,
        };
        let shown: Vec<Arc<Feed>> = feeds.iter().map(shown).collect();
        let limits = Arc::clone(limits);
        let served = Arc::new(Page::new(shown.clone())).serve(settings, facts, limits)?;
        for (feed, shown) in feeds.iter_mut().zip(shown) {
            feed.tell(shown);
        }
        voice.say(&format!("the page: {}", served.url()))?;
        Ok(Some(served))
    }
}

/// What the page keeps of a feed.
fn shown(feed: &LiveFeed) -> Arc<Feed> {
    let kind = match feed.source.watched {
        Watched::Camera(_) => FeedKind::Camera,
        Watched::Stream(_) => FeedKind::Stream,
        Watched::Test(_) => FeedKind::Test,
        #[cfg(feature = "screen")]
        Watched::Screen(_) | Watched::Portal => FeedKind::Screen,
    };
    let facts = FeedFacts { name: feed.source.name.clone(), kind, whole: feed.source.whole };
    Arc::new(Feed::new(facts, Arc::clone(&feed.metrics)))
}
