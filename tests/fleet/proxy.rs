//! A wire to the broker that can be cut: for a while nothing goes through, and nobody is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    cut: AtomicBool,
    /// Cuts so far: what was connected before one is not after it.
    cuts: AtomicU64,
    ends: AtomicBool,
}

impl Proxy {
    pub(crate) fn to(broker: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        let wire = Arc::new(Wire::default());
        let inner = wire.clone();
        spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if inner.ends.load(Ordering::Relaxed) {
                    return;
                }
                if inner.cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", broker)) else {
                    continue;
                };
                let copies = (stream.try_clone().expect("it is open"), server.try_clone().expect("it is open"));
                let (one, other) = (inner.clone(), inner.clone());
                spawn(move || carry(stream, server, &one));
                spawn(move || carry(copies.1, copies.0, &other));
            }
        });
        Self { port, wire }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Lets nothing through for so long. What was connected before is not any more after it.
    pub(crate) fn cut(&self, time: Duration) {
        self.wire.cut.store(true, Ordering::Relaxed);
        sleep(time);
        self.wire.cuts.fetch_add(1, Ordering::Relaxed);
        self.wire.cut.store(false, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.ends.store(true, Ordering::Relaxed);
        self.wire.cuts.fetch_add(1, Ordering::Relaxed);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Carries bytes one way, until the end or a cut.
fn carry(mut from: TcpStream, mut to: TcpStream, wire: &Wire) {
    let born = wire.cuts.load(Ordering::Relaxed);
    let mut piece = [0; 1 << 16];
    // So that a cut is seen while nothing comes.
    let _ = from.set_read_timeout(Some(Duration::from_millis(50)));
    loop {
        if wire.cuts.load(Ordering::Relaxed) != born {
            break;
        }
        if wire.cut.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(10));
            continue;
        }
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) if to.write_all(&piece[..count]).is_err() => break,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
