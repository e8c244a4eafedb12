//! RTSP, from a small server in the test that sends what the `ffmpeg` program makes of a clip.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use cyborg_edge::capture::address::Address;
use cyborg_edge::capture::video::{OpenSettings, VideoSource};

use crate::support::clips::{read_all, settings};
use crate::support::make_clip;

/// Runs `ffmpeg` so that it sends a clip as RTP to this machine's `port`, and writes the description of the stream.
fn send_rtp(clip: &Path, description: &Path, port: u16) {
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-re", "-i"]).arg(clip);
    command.args(["-c", "copy", "-f", "rtp", "-sdp_file"]).arg(description);
    let status = command.arg(format!("rtp://127.0.0.1:{port}")).status();
    assert!(status.expect("the program `ffmpeg` is there after `cargo xtask setup`").success());
}

/// Answers one client: the four requests of RFC 2326 that a player needs, then the packets within the connection.
fn answer(mut stream: &TcpStream, description: &str, play: impl Fn(&mut dyn FnMut(&[u8]))) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let mut request = Vec::new();
        while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
            request.push(line);
        }
        let Some(first) = request.first() else {
            return Ok(());
        };
        let header = |name: &str| request.iter().find(|line| line.starts_with(name)).map_or("", String::as_str);
        let head = format!("RTSP/1.0 200 OK\r\n{}\r\nSession: 1\r\n", header("CSeq:"));
        match first.split(' ').next() {
            Some("OPTIONS") => write!(stream, "{head}Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n")?,
            Some("DESCRIBE") => {
                let length = description.len();
                let kind = "Content-Type: application/sdp";
                write!(stream, "{head}{kind}\r\nContent-Length: {length}\r\n\r\n{description}")?;
            }
            Some("SETUP") => {
                assert!(header("Transport:").contains("RTP/AVP/TCP"), "TCP is asked for first: {request:?}");
                write!(stream, "{head}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n")?;
            }
            Some("PLAY") => {
                write!(stream, "{head}\r\n")?;
                play(&mut |packet| {
                    let length = (packet.len() as u16).to_be_bytes();
                    let framed = [b"$\0", &length[..], packet].concat();
                    // The client may have enough.
                    let _ = stream.write_all(&framed);
                });
                return Ok(());
            }
            _ => return Ok(()),
        }
    }
}

#[test]
fn rtsp() {
    plays(false);
}

/// What keeps a stream from being led away keeps nothing from it.
#[test]
fn rtsp_that_may_lead_nowhere() {
    plays(true);
}

fn plays(confined: bool) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (clip, description) = (folder.path().join("clip.mkv"), folder.path().join("clip.sdp"));
    make_clip(&clip, "-f lavfi -i testsrc2=s=96x64:r=25:d=1 -c:v mpeg4 -g 10");
    let packets = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = packets.local_addr().expect("it has one").port();
    send_rtp(&clip, &description, port);
    let text = fs::read_to_string(&description).expect("it was written").replace("m=video", "a=control:*\r\nm=video");
    // What the first run sent is thrown away.
    packets.set_read_timeout(Some(Duration::from_millis(300))).expect("it can be set");
    let mut buffer = [0; 2048];
    while packets.recv(&mut buffer).is_ok() {}

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("rtsp://127.0.0.1:{}/live", listener.local_addr().expect("it has one").port());
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the client comes");
        packets.set_read_timeout(Some(Duration::from_secs(2))).expect("it can be set");
        let play = |send: &mut dyn FnMut(&[u8])| {
            let (clip, description) = (clip.clone(), description.clone());
            let sender = thread::spawn(move || send_rtp(&clip, &description, port));
            let mut buffer = [0; 2048];
            while let Ok(length) = packets.recv(&mut buffer) {
                send(&buffer[..length]);
            }
            sender.join().expect("it was sent");
        };
        answer(&stream, &text, play).expect("the connection holds");
    });
    let settings = OpenSettings { confined, ..settings() };
    let mut source = VideoSource::open_with(&Address::of(OsStr::new(&address)), &settings).expect("the server answers");
    let seen = read_all(&mut source).expect("all of it comes");
    assert_eq!(seen.frames.len(), 25, "{:?}", seen.damaged);
    let steps: Vec<i64> = seen.frames.windows(2).map(|pair| pair[1].time.0 - pair[0].time.0).collect();
    assert!(steps.iter().all(|step| (39_000..=41_000).contains(step)), "{steps:?}");
}
