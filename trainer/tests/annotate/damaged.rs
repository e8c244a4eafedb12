//! The server under requests that are damaged at random, from a fixed seed: it goes on, and only whole answers are kept.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::served::{Faces, Served, lines, reply};

/// Requests that are sent.
const REQUESTS: usize = 1500;
/// An answer begins by then, also on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes that tend to matter: ends of lines, quotes, brackets, signs, no UTF-8.
const TELLING: &[u8] = b"\x00\x7f\x80\xff\r\n\",:{}[]-0e";

/// The request with one to eight changes: a bit, a byte, a piece that is gone or comes twice, the end cut off.
fn damaged(request: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = request.to_vec();
    for _ in 0..random.random_range(1..=8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let end = (at + random.random_range(1..=16)).min(bytes.len());
        match random.random_range(0..5) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = TELLING[random.random_range(0..TELLING.len())],
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            // Seldom: what is cut early says little.
            _ if random.random_range(0..4) == 0 => bytes.truncate(at),
            _ => bytes.insert(at, TELLING[random.random_range(0..TELLING.len())]),
        }
    }
    bytes
}

/// Sends it, and looks at how the answer begins, if one comes.
fn send(served: &Served, bytes: &[u8], round: usize) {
    let mut stream = TcpStream::connect(served.host()).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The server may hang up in the middle, which is its right.
    if stream.write_all(bytes).is_err() || stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let mut begin = [0; 12];
    match stream.read_exact(&mut begin) {
        Ok(()) => {
            let status = String::from_utf8_lossy(&begin[9..]).into_owned();
            let is_fault = status.starts_with('5') && status != "501" && status != "505";
            assert!(!is_fault, "round {round}: {status}, to {}", String::from_utf8_lossy(bytes));
        }
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "round {round} is left hanging"),
    }
}

#[test]
fn damaged_requests_stop_nothing_and_leave_whole_answers() {
    let faces = Faces::new(40);
    let served = faces.serve(&["--annotator", "ann", "--sitting", "0"]);
    let code = format!("Bearer {}\r\n", served.code("ann")).into_bytes();
    let mut random = ChaCha8Rng::seed_from_u64(21);
    for round in 0..REQUESTS {
        let request = match round % 3 {
            // Each fiftieth is right, and the next item has its turn.
            0 | 1 => {
                let body = reply(&served.state("ann")).to_string();
                let head = "Content-Type: application/json\r\n";
                request(&served, "POST /api/answer", head, &body)
            }
            _ => request(&served, "GET /api/state", "Cookie: a=b\r\n", ""),
        };
        let damaged = if round % 50 == 0 { request } else { damaged(&request, &mut random) };
        // Ten wrong codes in a minute shut everybody out at this address, which another test sees to.
        if damaged.windows(code.len()).any(|part| part == code) {
            send(&served, &damaged, round);
        }
    }
    let state = served.state("ann");
    let given = lines(&faces.study(), "ann");
    // Of twenty; one whose connection was shut before the server had read it all may be dropped.
    assert!(given.len() >= 10, "the right ones are taken: {}", given.len());
    assert_eq!(state["progress"]["done"], given.len(), "what is counted is what is kept");
    let items: Vec<u64> = given.iter().map(|answer| answer["item"].as_u64().expect("a number")).collect();
    assert_eq!(items, (0..given.len() as u64).collect::<Vec<_>>(), "none is doubled");
    for answer in given {
        let of = |field: &str| answer[field].as_u64().expect("a number");
        let runs = answer["painted"].as_array().expect("a list").iter().map(|run| run.as_u64().expect("a number"));
        assert_eq!(runs.sum::<u64>(), of("width") * of("height"), "{answer}");
    }
}

fn request(served: &Served, what: &str, head: &str, body: &str) -> Vec<u8> {
    let (host, code, length) = (served.host(), served.code("ann"), body.len());
    format!(
        "{what} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {code}\r\n{head}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
