//! An X server without a screen, for one test, and a source that watches it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use cyborg_edge::capture::screen::{Display, ScreenChoice, ScreenOpener};
use cyborg_edge::capture::{Open as _, Opened, Read, Source};
use cyborg_edge::frame::Frame;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use crate::support::browser::wait_for;
use crate::support::left_out::not_run;

/// A server, and what runs on it.
pub(crate) struct Desk {
    /// Its name, as DISPLAY has it.
    pub(crate) name: String,
    children: Vec<Child>,
    _home: tempfile::TempDir,
}

impl Desk {
    /// A server of 1280 x 720 with a window manager; `None` where a program for it is missing, which is then told.
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::of_size(test, "1280x720")
    }

    /// The same of another size.
    pub(crate) fn of_size(test: &str, size: &str) -> Option<Self> {
        let mut desk = Self::bare(test, &["-screen", "0", &format!("{size}x24")])?;
        let manager = Command::new("openbox")
            .args(["--sm-disable", "--config-file", "/dev/null"])
            .envs([("DISPLAY", desk.name.as_str()), ("LC_ALL", "C.UTF-8")])
            .env("HOME", desk._home.path())
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(manager) = manager else {
            not_run(test, "install openbox");
            return None;
        };
        desk.children.push(manager);
        let (connection, screen) = desk.connect();
        let root = connection.setup().roots[screen].root;
        let name = connection.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK").expect("it is sent").reply();
        let name = name.expect("a number").atom;
        wait_for("the window manager", || {
            let told = connection.get_property(false, root, name, AtomEnum::WINDOW, 0, 1).ok()?.reply().ok()?;
            (told.value_len == 1).then_some(())
        });
        Some(desk)
    }

    /// A server with these flags and nothing on it.
    pub(crate) fn bare(test: &str, flags: &[&str]) -> Option<Self> {
        let server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut server) = server else {
            not_run(test, "install xvfb");
            return None;
        };
        let mut number = String::new();
        let told = BufReader::new(server.stdout.take().expect("it is a pipe")).read_line(&mut number);
        assert!(told.is_ok_and(|length| length > 1), "Xvfb didn't start with {flags:?}");
        let home = tempfile::tempdir().expect("a folder for the test");
        Some(Self { name: format!(":{}", number.trim()), children: vec![server], _home: home })
    }

    /// The number of the server's process.
    pub(crate) fn server(&self) -> u32 {
        self.children[0].id()
    }

    pub(crate) fn connect(&self) -> (RustConnection, usize) {
        RustConnection::connect(Some(&self.name)).expect("the server is there")
    }

    pub(crate) fn display(&self) -> Display {
        Display(Some(self.name.clone()))
    }

    /// Opens what is chosen, or says why not.
    pub(crate) fn open(&self, choice: &str, rate: f64) -> Result<Box<dyn Source>, String> {
        let choice: ScreenChoice = choice.parse().expect("a choice");
        let opened = ScreenOpener::new(choice, rate, self.display()).open();
        opened.map(|Opened { source, .. }| source).map_err(|error| error.to_string())
    }

    /// Watches what is chosen, as often as it can be.
    pub(crate) fn watch(&self, choice: &str) -> Watching {
        Watching(self.open(choice, 60.0).expect("it can be watched"))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// A screen that is watched.
pub(crate) struct Watching(pub(crate) Box<dyn Source>);

impl Watching {
    /// The next frame, or why there is none.
    pub(crate) fn next(&mut self) -> Result<Frame, String> {
        let mut frame = Frame::empty();
        // What was in the buffer before must not matter.
        frame.pixels.resize(99, 77);
        match self.0.read(&mut frame) {
            Ok(Read::Frame) => {
                assert_eq!(frame.pixels.len(), frame.width * frame.height * 3);
                Ok(frame)
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The first of the next frames that is such.
    pub(crate) fn until(&mut self, what: &str, is_such: impl Fn(&Frame) -> bool) -> Frame {
        wait_for(what, || self.next().ok().filter(&is_such))
    }

    /// Why it is lost, which it will soon be.
    pub(crate) fn lost(&mut self) -> String {
        wait_for("the loss", || self.next().err())
    }
}
