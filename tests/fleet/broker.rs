//! A NATS server of the test's own: on a free port of the loopback, with its files in a folder that goes with the test.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cyborg_edge::fleet::broker::BrokerSettings;
use cyborg_edge::fleet::desk::Desk;
use cyborg_edge::fleet::store::StoreSettings;
use tempfile::TempDir;

/// How long a worker of the tests may be silent.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

pub(crate) struct Broker {
    server: Child,
    pub(crate) port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With further options of the server.
    pub(crate) fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        // Somebody else may take the port between the two.
        for _ in 0..5 {
            let port = free_port();
            let mut server = spawn(port, &folder, &options);
            if answers(&mut server, port) {
                return Self { server, port, folder, options };
            }
        }
        unreachable!("nats-server doesn't start; its log is in {}", folder.path().display());
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.server.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// A desk, with the short lease of the tests where nobody was there before.
    pub(crate) fn desk(&self) -> Desk {
        desk(&self.url())
    }

    /// Ends the server as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.server.kill().expect("it runs");
        self.server.wait().expect("it ends");
    }

    /// Starts it again, with what is on its disk.
    pub(crate) fn again(&mut self) {
        for _ in 0..20 {
            self.server = spawn(self.port, &self.folder, &self.options);
            if answers(&mut self.server, self.port) {
                return;
            }
            sleep(Duration::from_millis(200));
        }
        unreachable!("nats-server doesn't start again");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have been killed.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

pub(crate) fn desk(url: &str) -> Desk {
    let settings = StoreSettings { lease: LEASE, replicas: 1 };
    Desk::open(&BrokerSettings::at(url), settings).expect("the broker answers")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it has one").port()
}

fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Child {
    let log = folder.path().join("log");
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(folder.path()).arg("-l").arg(log);
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        unreachable!(
            "nats-server doesn't start ({error}): `apt-get install nats-server`, or run `cargo xtask setup --media`"
        )
    })
}

/// Whether this server, and no other, greets there.
fn answers(server: &mut Child, port: u16) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end && server.try_wait().expect("it is our child").is_none() {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            let mut line = String::new();
            let greeted = BufReader::new(stream).read_line(&mut line);
            if greeted.is_ok() && line.contains("\"jetstream\":true") {
                return true;
            }
        }
        sleep(Duration::from_millis(20));
    }
    let _ = server.kill();
    let _ = server.wait();
    false
}
