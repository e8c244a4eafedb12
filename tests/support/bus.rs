//! A message bus of a test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A bus; it ends with the test, however that ends.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
}

impl Bus {
    /// Keeps its files in `folder`. It starts nobody by itself, whatever is installed on this machine.
    pub(crate) fn start(folder: &Path) -> Self {
        let config = folder.join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:dir={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
            folder.display()
        );
        fs::write(&config, text).expect("it can be written");
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address"]);
        let mut daemon = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("dbus-daemon is there");
        let mut address = String::new();
        let out = daemon.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut address).expect("it says its address");
        Self { daemon, address: address.trim().to_owned() }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
