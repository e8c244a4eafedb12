//! Readers of a live run's page, as there may be many.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Asks for `path`; reads of the answer give up after a second each.
pub(crate) fn ask(address: SocketAddr, path: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
    Ok(stream)
}

/// One who reads whatever comes, until the test is over, and counts the pieces.
pub(crate) fn read(address: SocketAddr, path: &str, got: &AtomicU64, over: &AtomicBool) {
    let mut piece = [0; 16 * 1024];
    let ended = || over.load(Ordering::Relaxed);
    while !ended() {
        let Ok(mut stream) = ask(address, path) else {
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        while !ended() {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(_) => {
                    got.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
            if path.starts_with("/api") {
                thread::sleep(Duration::from_millis(200));
                break;
            }
        }
    }
}
