//! Whom to trust with TLS: the certificates of the system, or those that `SSL_CERT_FILE` names.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The system names nobody to trust.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}: with TLS the system's certificates are needed; install ca-certificates, or name a PEM file in SSL_CERT_FILE"
)]
pub struct TrustError(String);

/// Named, so that it doesn't depend on what else is built into the program.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates of those who are trusted.
pub(super) fn roots() -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let reason = if reasons.is_empty() { "no certificate was found".to_owned() } else { reasons.join(", ") };
        return Err(TrustError(reason));
    }
    Ok(found.certs)
}

/// A client's settings of TLS.
pub(super) fn client() -> Result<ClientConfig, TrustError> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots()?);
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.map_err(|error| TrustError(error.to_string()))?;
    Ok(config.with_root_certificates(store).with_no_client_auth())
}
