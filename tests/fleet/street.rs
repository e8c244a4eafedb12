//! A street with cameras: a server that plays a clip as motion JPEG over HTTP, over and over, in real time, and notes who asked for what.
//!
//! `/cams/NAME` is a camera, `/cams/away` sends its reader to `/secret/x`, which plays too, and `/locked/NAME` asks for a login.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use crate::support::events::turning_clip;
use crate::support::make_clip;

/// Pictures a second.
const RATE: u64 = 8;
/// `me:secret`, as a browser sends it.
const LOGIN: &str = "Basic bWU6c2VjcmV0";

pub(crate) struct Street {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Street {
    /// Its clip is made in this folder.
    pub(crate) fn open(folder: &Path) -> Self {
        let (clip, pictures) = (turning_clip(folder), folder.join("pictures.mjpeg"));
        make_clip(&pictures, &format!("-i {} -an -r {RATE} -c:v mjpeg -q:v 3 -f mjpeg", clip.display()));
        let pictures = Arc::new(apart(&fs::read(pictures).expect("it was made")));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (pictures, all) = (pictures.clone(), all.clone());
                // A reader that goes away ends it.
                thread::spawn(move || answer(&stream, &pictures, &all));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same with a login.
    pub(crate) fn with_login(&self, path: &str) -> String {
        format!("http://me:secret@127.0.0.1:{}{path}", self.port)
    }

    /// How often this was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked.lock().expect("nobody panicked").iter().filter(|asked| asked.starts_with(path)).count()
    }
}

/// The pictures of a stream of them: each begins and ends with a marker of its own.
fn apart(stream: &[u8]) -> Vec<Vec<u8>> {
    let begins: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, at)| *at == [0xff, 0xd8, 0xff]).map(|(at, _)| at).collect();
    let ends = begins.iter().skip(1).copied().chain([stream.len()]);
    begins.iter().zip(ends).map(|(&begin, end)| stream[begin..end].to_vec()).collect()
}

fn answer(mut stream: &TcpStream, pictures: &[Vec<u8>], asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let mut login = String::new();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        if let Some(found) = line.strip_prefix("Authorization: ") {
            found.clone_into(&mut login);
        }
    }
    let path = first.split_whitespace().nth(1).unwrap_or_default().to_owned();
    asked.lock().expect("nobody panicked").push(path.clone());
    if path == "/cams/away" {
        return write!(stream, "HTTP/1.1 302 Found\r\nLocation: /secret/x\r\nContent-Length: 0\r\n\r\n");
    }
    if path.starts_with("/locked/") && login != LOGIN {
        let asks = "WWW-Authenticate: Basic realm=\"street\"";
        return write!(stream, "HTTP/1.1 401 Unauthorized\r\n{asks}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let kind = "Content-Type: multipart/x-mixed-replace;boundary=street";
    write!(stream, "HTTP/1.1 200 OK\r\n{kind}\r\nConnection: close\r\n\r\n")?;
    for picture in pictures.iter().cycle() {
        write!(stream, "--street\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.len())?;
        stream.write_all(picture)?;
        stream.write_all(b"\r\n")?;
        sleep(Duration::from_millis(1000 / RATE));
    }
    Ok(())
}
