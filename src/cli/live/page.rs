//! The flags of the page, and the page that is made from them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::printer::Printer;
use crate::classify::panel::Panel;
use crate::live::limits::{SharedLimits, ThresholdSwitch as _};
use crate::live::metrics::LiveMetrics;
use crate::live::page::{Facts, Page, PageSettings, Secret, Served, TlsFiles, read_origin};

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
    /// Certificate to serve the page over TLS, a PEM file with its chain
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Another host name by which viewers reach this machine
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Address that readers open when a proxy serves the page, https://host/path: TLS may end there, and it may strip the path
    #[arg(long, value_name = "URL", value_parser = read_origin)]
    origin: Vec<String>,
}

impl PageArgs {
    /// Serves the page, and says where; nothing when none is wanted.
    pub(super) fn serve(
        &self,
        source: String,
        classifier: &Panel,
        limits: &Arc<SharedLimits>,
        metrics: &Arc<LiveMetrics>,
        printer: &Printer,
    ) -> anyhow::Result<Option<(Arc<Page>, Served)>> {
        if self.no_page {
            return Ok(None);
        }
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        let settings = PageSettings {
            listen: self.listen,
            token: self.token_file.as_deref().map(Secret::read).transpose()?,
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            names: self.name.iter().chain(&self.origin).cloned().collect(),
        };
        let facts = Facts {
            tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
            source,
            model: classifier.name().to_owned(),
            provider: classifier.provider(),
            thresholds: limits.now(),
        };
        let page = Arc::new(Page::new());
        let (metrics, limits) = (Arc::clone(metrics), Arc::clone(limits));
        let served = page.serve(settings, metrics, facts, limits)?;
        printer.voice.say(&format!("the page: {}", served.url()))?;
        Ok(Some((page, served)))
    }
}
