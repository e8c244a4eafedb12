//! Flags that every program has in common that serves a page: certificate, names, and addresses of proxies.

use std::path::PathBuf;

use clap::Args;

use super::settings::{TlsFiles, read_origin};

/// How a page is reached.
#[derive(Args, Clone, Debug, Default)]
pub struct WebFlags {
    /// Certificate to serve the page over TLS, a PEM file with its chain
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Another host name by which readers reach this machine
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Address that readers open when a proxy serves the page, https://host/path: TLS may end there, and it may strip the path
    #[arg(long, value_name = "URL", value_parser = read_origin)]
    origin: Vec<String>,
}

impl WebFlags {
    /// Certificate and key, where they are given.
    #[must_use]
    pub fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(TlsFiles { certificate, key })
    }

    /// Names and addresses of proxies, as [`WebSettings::names`](super::WebSettings::names) has them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.name.iter().chain(&self.origin).cloned().collect()
    }

    /// The first address at which a proxy serves the page.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.first().map(String::as_str)
    }
}
