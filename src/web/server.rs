//! Takes connections and serves each within limits, until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::guard::{self, Guard, Peer};
use super::origin;
use super::patient::Patient;
use super::settings::{PageError, TlsFiles};
use super::site::Site;

/// A request's head must be here by then, and so must the next one on a connection that is kept.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The handshake must be done by then.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A reader that takes nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// After an error of the system, such as no more file handles, the next connection is taken after this time.
const REST: Duration = Duration::from_millis(100);
/// What a request's head may need, in bytes.
const MOST_HEAD: usize = 16 * 1024;
/// More header fields are not read.
const MOST_FIELDS: usize = 64;
/// Pictures are made by so many threads, which live as long as there is work.
const MAKERS: usize = 2;
/// Nobody is waited for longer than this at the end.
const END_WITHIN: Duration = Duration::from_millis(500);

pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().max_blocking_threads(MAKERS).thread_name("page-picture").build()
}

/// Reads certificate and key.
pub(super) fn tls(files: &TlsFiles) -> Result<TlsAcceptor, PageError> {
    let fault = |path: &std::path::Path, reason: String| PageError::Tls { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fault(&files.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| fault(&files.key, error.to_string()))?;
    // Named, so that it doesn't depend on what else is built into the program.
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| fault(&files.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stopped` changes.
pub(super) fn run(
    runtime: Runtime,
    listener: std::net::TcpListener,
    acceptor: Option<TlsAcceptor>,
    guard: Guard,
    site: Site,
    mut stopped: watch::Receiver<()>,
) {
    let Site { router, background, places } = site;
    let bases: Arc<[String]> = guard.bases().into();
    let router = router.layer(middleware::from_fn_with_state(Arc::new(guard), guard::watch));
    let background = async {
        match background {
            Some(background) => background.await,
            None => std::future::pending().await,
        }
    };
    runtime.block_on(async {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return log::error!("the page can't be served: {error}"),
        };
        tokio::select! {
            _ = stopped.changed() => {}
            () = background => {}
            () = accept(&listener, acceptor.as_ref(), (&router, &bases), &places) => {}
        }
    });
    // Whoever still reads is cut off.
    runtime.shutdown_timeout(END_WITHIN);
}

async fn accept(
    listener: &TcpListener,
    acceptor: Option<&TlsAcceptor>,
    (router, bases): (&Router, &Arc<[String]>),
    places: &Arc<Semaphore>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(taken) => taken,
            Err(error) => {
                log::debug!("a connection to the page: {error}");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        // Past the limit a connection is closed at once: a queue of them would keep others waiting.
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            continue;
        };
        let (acceptor, router) = (acceptor.cloned(), (router.clone(), Arc::clone(bases)));
        tokio::spawn(async move {
            connection(stream, peer, acceptor, router).await;
            drop(place);
        });
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    router: (Router, Arc<[String]>),
) {
    // A picture's last piece must not wait for more.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let stream = Patient::new(stream, PATIENCE);
    match acceptor {
        None => speak(stream, peer, router).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                speak(stream, peer, router).await;
            }
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    (router, bases): (Router, Arc<[String]>),
) {
    let inner = TowerToHyperService::new(router.layer(Extension(Peer(peer))));
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        origin::strip(&bases, request.uri_mut());
        inner.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MOST_HEAD)
        .max_headers(MOST_FIELDS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        log::debug!("{peer}: {error}");
    }
}
