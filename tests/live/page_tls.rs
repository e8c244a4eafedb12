//! The page of a live run over TLS, with a certificate that is good for this test and nothing else.
#![cfg(feature = "page")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cyborg_edge::live::page::{Facts, Limits, Page, PageError, PageSettings, Served, SharedLimits, TlsFiles};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

fn serve(certificate: &str, key: &str) -> Result<Served, PageError> {
    let limits = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
    let [tool, model, provider] = [(); 3].map(|()| String::new());
    let facts = Facts { tool, model, provider, thresholds: limits, record: None };
    let tls = Some(TlsFiles { certificate: fixture(certificate), key: fixture(key) });
    let settings = PageSettings { listen: SocketAddr::from(([127, 0, 0, 1], 0)), token: None, tls, names: Vec::new() };
    Arc::new(Page::new(Vec::new())).serve(settings, facts, Arc::new(SharedLimits::new(limits)))
}

#[test]
fn it_is_served_over_tls_and_not_in_the_clear() {
    let served = serve("certificate.pem", "key.pem").expect("certificate and key are good");
    assert!(served.url().starts_with("https://127.0.0.1:"), "{}", served.url());
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(fixture("certificate.pem")).expect("a certificate");
    roots.add(certificate).expect("it can be trusted");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut tcp = TcpStream::connect(served.address()).expect("it listens");
    tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let mut stream = Stream::new(&mut session, &mut tcp);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it is taken");
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    let mut clear = TcpStream::connect(served.address()).expect("it listens");
    clear.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    clear.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is taken");
    let mut answer = Vec::new();
    clear.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"HTTP"), "nothing is said in the clear");
}

#[test]
fn files_that_are_no_certificate_are_named() {
    for (certificate, key, named) in
        [("missing.pem", "key.pem", "missing.pem"), ("certificate.pem", "certificate.pem", "certificate.pem")]
    {
        let error = serve(certificate, key).expect_err("it can't be used").to_string();
        assert!(error.contains(named), "{error}");
    }
}
