//! Streams of addresses that strangers gave: no server leads their reader to another one.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::video::{OpenSettings, VideoSource};

use crate::support::clips::settings;

/// A server that says of each request what `answer` makes of its lines; and the requests.
fn server(answer: impl Fn(&[String]) -> String + Send + 'static) -> (u16, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // That somebody came is told, whatever they say.
            let _ = tell.send(Vec::new());
            while let Some(request) = request(&stream) {
                let answer = answer(&request);
                let _ = tell.send(request);
                if (&stream).write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    (port, told)
}

fn request(stream: &TcpStream) -> Option<Vec<String>> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    // One request at a time: a client waits for the answer.
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then_some(lines)
}

fn header<'a>(request: &'a [String], name: &str) -> &'a str {
    request.iter().find(|line| line.starts_with(name)).map_or("", String::as_str)
}

fn open(url: &str, confined: bool) -> String {
    let settings = OpenSettings { confined, patience: Duration::from_secs(5), ..settings() };
    match VideoSource::open_with(&Address::of(OsStr::new(url)), &settings) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// FFmpeg follows such an answer, without asking anybody: that it does is seen, too, for otherwise the test would prove nothing.
#[test]
fn a_server_of_rtsp_leads_nobody_away() {
    for method in ["OPTIONS", "DESCRIBE"] {
        for (confined, follows) in [(true, false), (false, true)] {
            let (inner, came) = server(|_| "RTSP/1.0 404 Not Found\r\n\r\n".to_owned());
            let (port, asked) = server(move |request| {
                let sequence = header(request, "CSeq:");
                if request[0].starts_with(method) {
                    return format!(
                        "RTSP/1.0 302 Found\r\n{sequence}\r\nLocation: rtsp://127.0.0.1:{inner}/secret\r\n\r\n"
                    );
                }
                format!("RTSP/1.0 200 OK\r\n{sequence}\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n")
            });
            let told = open(&format!("rtsp://me:hidden@127.0.0.1:{port}/live"), confined);
            assert!(asked.try_iter().any(|request| request.first().is_some_and(|line| line.starts_with(method))));
            assert_eq!(came.recv_timeout(Duration::from_millis(300)).is_ok(), follows, "{method}, {confined}: {told}");
            assert!(!told.contains("hidden"), "{told}");
            if confined {
                let name = format!("rtsp://***@127.0.0.1:{port}/live");
                assert!(told.starts_with(&format!("{name} sends its reader to another address")), "{told}");
            }
        }
    }
}

/// By TLS, too: what lies below its first connection was opened with it.
#[cfg(feature = "page")]
#[test]
fn nor_does_one_that_speaks_tls() {
    use std::io::Read as _;

    use crate::support::events::Speaks;

    let (inner, came) = server(|_| String::new());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    let serving = thread::spawn(move || {
        let mut stream = Speaks::Tls.with(listener.accept().ok()?.0)?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            request.extend(byte);
        }
        let request = String::from_utf8(request).ok()?;
        let sequence = request.lines().find(|line| line.starts_with("CSeq:"))?;
        let place = format!("Location: rtsps://127.0.0.1:{inner}/secret");
        stream.write_all(format!("RTSP/1.0 301 Moved\r\n{sequence}\r\n{place}\r\n\r\n").as_bytes()).ok()
    });
    let told = open(&format!("rtsps://127.0.0.1:{port}/live"), true);
    assert_eq!(serving.join().expect("nobody panicked"), Some(()), "it was asked: {told}");
    assert!(told.contains("sends its reader to another address"), "{told}");
    assert!(came.recv_timeout(Duration::from_millis(300)).is_err(), "it was followed");
}

/// One that is asked for a login sends it to the same server, over the same connection.
#[test]
fn a_login_is_given_to_who_asks_for_it() {
    let (port, asked) = server(|request| {
        let sequence = header(request, "CSeq:");
        match header(request, "Authorization:") {
            "" => format!("RTSP/1.0 401 Unauthorized\r\n{sequence}\r\nWWW-Authenticate: Basic realm=\"door\"\r\n\r\n"),
            _ => format!("RTSP/1.0 404 Not Found\r\n{sequence}\r\n\r\n"),
        }
    });
    let told = open(&format!("rtsp://me:se%40cret@127.0.0.1:{port}/live"), true);
    let asked: Vec<Vec<String>> = asked.try_iter().collect();
    // me:se@cret
    assert!(
        asked.iter().any(|lines| header(lines, "Authorization:") == "Authorization: Basic bWU6c2VAY3JldA=="),
        "{asked:?}"
    );
    assert!(told.contains("404") && !told.contains("cret"), "{told}");
}

/// What would be sent in packets of their own could be sent to anybody.
#[test]
fn packets_come_within_the_connection() {
    let description = "v=0\r\nm=video 0 RTP/AVP 26\r\na=control:*\r\n";
    let (port, asked) = server(move |request| {
        let sequence = header(request, "CSeq:");
        match request[0].split(' ').next() {
            Some("DESCRIBE") => format!(
                "RTSP/1.0 200 OK\r\n{sequence}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{description}",
                description.len()
            ),
            Some("SETUP") => format!("RTSP/1.0 461 Unsupported Transport\r\n{sequence}\r\n\r\n"),
            _ => format!("RTSP/1.0 200 OK\r\n{sequence}\r\n\r\n"),
        }
    });
    let told = open(&format!("rtsp://127.0.0.1:{port}/live?udp"), true);
    let asked: Vec<Vec<String>> = asked.try_iter().collect();
    let transports: Vec<&str> =
        asked.iter().map(|lines| header(lines, "Transport:")).filter(|line| !line.is_empty()).collect();
    assert!(!transports.is_empty() && transports.iter().all(|line| line.contains("RTP/AVP/TCP")), "{transports:?}");
    assert!(told.starts_with("can't open rtsp://127.0.0.1"), "{told}");
}
