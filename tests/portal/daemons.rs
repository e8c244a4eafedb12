//! PipeWire and its session manager, of the test's own.

use std::fs::{File, create_dir_all};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::bus::Bus;
use crate::support::left_out::not_run_unless;

/// Both programs; they end with the test.
pub(crate) struct PipeWire {
    programs: Vec<Child>,
    /// Where programs connect to it.
    pub(crate) socket: PathBuf,
}

impl PipeWire {
    /// Keeps its files in `folder`; `None` where one isn't installed, which is then told. The session manager wants a bus.
    pub(crate) fn start(test: &str, folder: &Path, bus: &Bus) -> Option<Self> {
        let socket = folder.join("pipewire-0");
        let mut started = Self { programs: Vec::new(), socket };
        started.begin(test, folder, bus, "pipewire")?;
        let end = Instant::now() + Duration::from_secs(20);
        while !started.socket.exists() {
            assert!(Instant::now() < end, "pipewire didn't start");
            sleep(Duration::from_millis(20));
        }
        started.begin(test, folder, bus, "wireplumber")?;
        Some(started)
    }

    fn begin(&mut self, test: &str, folder: &Path, bus: &Bus, program: &str) -> Option<()> {
        let home = folder.join("home");
        create_dir_all(&home).expect("a folder");
        let log = File::create(folder.join(format!("{program}.log"))).expect("a file");
        let mut command = Command::new(program);
        command.env_remove("PIPEWIRE_REMOTE").env_remove("DISPLAY").env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
        command.env("HOME", &home).env("XDG_STATE_HOME", &home).env("XDG_RUNTIME_DIR", folder);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("it is open")).stderr(log);
        match command.spawn() {
            Ok(child) => self.programs.push(child),
            Err(_) => {
                not_run_unless("CYBORG_WAYLAND_TESTS", test, &format!("install {program}"));
                return None;
            }
        }
        Some(())
    }

    /// Ends both.
    pub(crate) fn stop(&mut self) {
        for program in self.programs.iter_mut().rev() {
            // It may have ended by itself.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

impl Drop for PipeWire {
    fn drop(&mut self) {
        self.stop();
    }
}
