//! The program at work on a clip whose person turns, and who listens to its events: a web server and an MQTT broker.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{cyborg, face_clip, make_clip, model};

/// On a machine with much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A clip whose face grows brighter and darker, slowly enough that no scene ends: the small model `corner` calls it
/// synthetic and authentic by turns.
pub(crate) fn turning_clip(folder: &Path) -> PathBuf {
    let clip = folder.join("turning.mp4");
    let face = face_clip();
    make_clip(&clip, &format!("-i {} -vf eq=brightness='0.35*sin(2*PI*t/6)':eval=frame -t 12", face.display()));
    clip
}

/// `cyborg live` with the small model on a clip.
pub(crate) fn live(folder: &Path, clip: &Path) -> Command {
    let model = model::write(folder, "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("live").arg("--camera").arg(format!("test={}", clip.display())).arg("--model").arg(model);
    // A proxy of this machine is no business of a test on loopback.
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command
}

/// The program at work; it ends with the test, however that ends.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    out: Receiver<String>,
    /// What it said on standard error, as far as it was waited for.
    pub(crate) said: Vec<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let lines = listen(child.stderr.take().expect("it is piped"));
        let out = listen(child.stdout.take().expect("it is piped"));
        Self { child, lines, out, said: Vec::new() }
    }

    /// Waits for a line of standard error that has `part` in it.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            assert!(line.is_ok(), "waited in vain for `{part}` in {:#?}", self.said);
            let line = line.unwrap_or_default();
            self.said.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The next line of standard output.
    pub(crate) fn next_out(&mut self) -> String {
        self.out.recv_timeout(PATIENCE).expect("it says more on standard output")
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success());
    }

    /// Sends a signal and waits for the end; gives the exit code, how long it took, and all that was said.
    pub(crate) fn stop(mut self, signal: &str) -> Stopped {
        self.signal(signal);
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it doesn't end");
            thread::sleep(Duration::from_millis(2));
        };
        let took = begun.elapsed();
        self.said.extend(self.lines.iter());
        Stopped { code: status.code(), took, stderr: self.said.join("\n"), stdout: self.out.iter().collect() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended.
pub(crate) struct Stopped {
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) stderr: String,
    /// The lines of standard output that nobody had taken.
    pub(crate) stdout: Vec<String>,
}

fn listen(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// The events in a file, once there are so many.
pub(crate) fn events_in(path: &Path, least: usize) -> Vec<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let events: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        if events.len() >= least {
            return events;
        }
        assert!(Instant::now() < end, "{} of {least} events in {}", events.len(), path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

/// A request as a server got it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A web server that answers by a list, and the last of it for ever after.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Receiver<Request>,
}

/// A connection, in the clear or by TLS.
pub(crate) trait Duplex: Read + Write + Send {}

impl<T: Read + Write + Send> Duplex for T {}

/// Whether a server speaks TLS, with the certificate of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Clear,
    Tls,
}

impl Speaks {
    pub(crate) fn with(self, stream: TcpStream) -> Option<Box<dyn Duplex>> {
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        if self == Self::Clear {
            return Some(Box::new(stream));
        }
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(
            vec![CertificateDer::from_pem_file(certificate("certificate.pem")).ok()?],
            PrivateKeyDer::from_pem_file(certificate("key.pem")).ok()?,
        );
        Some(Box::new(StreamOwned::new(ServerConnection::new(Arc::new(config.ok()?)).ok()?, stream)))
    }
}

/// A PEM file of the tests. They are good for nothing else.
pub(crate) fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

impl Server {
    /// Each answer is a status line's rest; an empty one hangs up without a word.
    pub(crate) fn start(answers: &'static [&'static str]) -> Self {
        Self::speaking(Speaks::Clear, answers)
    }

    pub(crate) fn speaking(speaks: Speaks, answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let (tell, requests) = mpsc::channel();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let answer = answers[number.min(answers.len() - 1)];
                let request = speaks.with(stream).and_then(|stream| answer_one(stream, answer));
                if request.is_some_and(|request| tell.send(request).is_err()) {
                    return;
                }
            }
        });
        Self { address, requests }
    }

    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request comes")
    }
}

fn answer_one(stream: Box<dyn Duplex>, answer: &str) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if !answer.is_empty() {
        let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        reader.get_mut().write_all(text.as_bytes()).ok()?;
    }
    Some(Request { head, body: String::from_utf8(body).ok()? })
}

/// What a broker got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// A client came; the rest of its first packet.
    Connect(Vec<u8>),
    /// Quality of service, topic and payload.
    Publish(u8, String, String),
}

/// As much of an MQTT 3.1.1 broker as a publisher needs. It hangs up in place of a word for the publishes that are named.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    got: Receiver<Got>,
}

impl Broker {
    /// `hangs_up_at` counts the publishes from 0.
    pub(crate) fn start(hangs_up_at: &'static [usize]) -> Self {
        Self::speaking(Speaks::Clear, hangs_up_at)
    }

    pub(crate) fn speaking(speaks: Speaks, hangs_up_at: &'static [usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let (tell, got) = mpsc::channel();
        let published = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, published) = (tell.clone(), Arc::clone(&published));
                thread::spawn(move || serve(speaks.with(stream)?, &tell, &published, hangs_up_at));
            }
        });
        Self { address, got }
    }

    pub(crate) fn next(&self) -> Got {
        self.got.recv_timeout(PATIENCE).expect("a packet comes")
    }
}

fn serve(
    mut stream: Box<dyn Duplex>,
    tell: &mpsc::Sender<Got>,
    published: &Mutex<usize>,
    hangs_up_at: &[usize],
) -> Option<()> {
    loop {
        let mut kind = [0];
        stream.read_exact(&mut kind).ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut rest = vec![0; length];
        stream.read_exact(&mut rest).ok()?;
        match kind[0] >> 4 {
            1 => {
                tell.send(Got::Connect(rest)).ok()?;
                stream.write_all(&[0x20, 2, 0, 0]).ok()?;
            }
            3 => {
                let qos = kind[0] >> 1 & 3;
                let end = 2 + usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
                let topic = String::from_utf8(rest.get(2..end)?.to_vec()).ok()?;
                let (id, payload) = rest.get(end..)?.split_at_checked(if qos > 0 { 2 } else { 0 })?;
                let number = {
                    let mut published = published.lock().ok()?;
                    *published += 1;
                    *published - 1
                };
                tell.send(Got::Publish(qos, topic, String::from_utf8(payload.to_vec()).ok()?)).ok()?;
                if hangs_up_at.contains(&number) {
                    return None;
                }
                if let [high, low] = id {
                    stream.write_all(&[0x40, 2, *high, *low]).ok()?;
                }
            }
            12 => stream.write_all(&[0xd0, 0]).ok()?,
            _ => return None,
        }
    }
}
