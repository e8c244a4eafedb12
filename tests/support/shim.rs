//! A camera that is none (`tests/v4l2-shim`), and `cyborg live` that watches it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use image::RgbImage;
use tempfile::TempDir;

use super::broadcast::Answer;
use super::{cyborg, model};

/// Where the shim's camera is.
pub(crate) const PATH: &str = "/dev/video97";
/// Whatever is waited for comes within this time, also on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// The colours of a picture's quarters: left to right, then down.
pub(crate) const QUARTERS: [[u8; 3]; 4] = [[220, 40, 40], [40, 200, 60], [50, 60, 220], [235, 235, 235]];

/// A camera that does what it is told.
pub(crate) struct Camera {
    folder: TempDir,
}

/// `cyborg live` at work, which is ended when this goes.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
    page: String,
    _model: TempDir,
}

impl Camera {
    pub(crate) fn new(orders: &[&str]) -> Self {
        let camera = Self { folder: tempfile::tempdir().expect("a folder for the test") };
        camera.order(orders);
        camera
    }

    /// Tells the camera what it has and does from now on, a line an order. `{}` in a line is the folder of its pictures.
    pub(crate) fn order(&self, orders: &[&str]) {
        let folder = self.folder.path().display().to_string();
        let text: String = orders.iter().map(|line| line.replace("{}", &folder) + "\n").collect();
        let new = self.folder.path().join("new");
        fs::write(&new, text).expect("orders are written");
        // In one step: half of the orders would be obeyed otherwise.
        fs::rename(new, self.orders()).expect("orders are given");
    }

    /// Makes the picture of a coding and a size, and gives the order that names it.
    pub(crate) fn format(&self, coding: &str, (width, height): (u32, u32), rates: &str) -> String {
        let bytes = encode(coding, &quarters(width, height));
        let path = self.folder.path().join(format!("{width}x{height}.{coding}"));
        fs::write(&path, bytes).expect("a picture is written");
        format!("format {coding} {width}x{height} {rates} {}", path.display())
    }

    fn orders(&self) -> PathBuf {
        self.folder.path().join("orders")
    }

    /// The program with this camera plugged in.
    pub(crate) fn cyborg(&self) -> Command {
        let library = std::env::current_exe().expect("the test has a file").with_file_name("libcyborg_v4l2_shim.so");
        assert!(library.is_file(), "{} is missing: it is built with the tests", library.display());
        let mut command = cyborg();
        command.env("LD_PRELOAD", library).env("CYBORG_V4L2_SHIM", self.orders());
        command
    }

    /// Watches it live.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Watching {
        let model = tempfile::tempdir().expect("a folder for the test");
        let mut command = self.cyborg();
        command.args(["live", "--camera", PATH, "--listen", "127.0.0.1:0", "--model"]);
        command.arg(model::write(model.path(), "corner.onnx", &model::corner())).args(arguments);
        Watching::of(command, model)
    }
}

impl Watching {
    /// Starts a program that serves a page at an address of its own choice; its model lies in a folder.
    pub(crate) fn of(mut command: Command, model: tempfile::TempDir) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let (tell, lines) = channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<_>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<_>),
        ];
        for stream in streams.into_iter().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                BufReader::new(stream).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
            });
        }
        let mut watching = Self { child, lines, heard: Vec::new(), page: String::new(), _model: model };
        let line = watching.hears("the page: http://");
        watching.page = line.rsplit("http://").next().unwrap_or_default().trim_end_matches('/').to_owned();
        watching
    }

    /// Waits for the next line that has these words.
    pub(crate) fn hears(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()));
            let heard = &mut self.heard;
            let line = line.unwrap_or_else(|_| String::from("(no more lines)"));
            heard.push(line.clone());
            if line.contains(words) {
                return line;
            }
            assert!(
                Instant::now() < end && line != "(no more lines)",
                "`{words}` is missing in:\n{}",
                heard.join("\n")
            );
        }
    }

    /// Where the page is, without the scheme.
    pub(crate) fn host(&self) -> &str {
        &self.page
    }

    /// Asks the page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.page).expect("the page is served");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.page).expect("it is taken");
        Answer::read(stream)
    }

    /// Waits for a picture that is newer than the one of now and this large; it must have its quarters' colours.
    pub(crate) fn sees(&self, size: (u32, u32)) {
        let number = |answer: &Answer| answer.head.split("x-view: ").nth(1)?.lines().next().map(str::to_owned);
        let (end, first) = (Instant::now() + PATIENCE, number(&self.get("/api/snapshot.jpg")));
        let picture = loop {
            let answer = self.get("/api/snapshot.jpg");
            if answer.status == 200 && number(&answer) != first {
                let picture = image::load_from_memory(&answer.body).expect("a JPEG file").to_rgb8();
                if picture.dimensions() == size {
                    break picture;
                }
            }
            assert!(Instant::now() < end, "no new picture of {size:?}: {}", answer.head);
            std::thread::sleep(Duration::from_millis(20));
        };
        for (index, expected) in QUARTERS.iter().enumerate() {
            let (right, down) = (index as u32 % 2, index as u32 / 2);
            let found = picture.get_pixel(size.0 * (1 + 2 * right) / 4, size.1 * (1 + 2 * down) / 4).0;
            // Two codings with losses lie between.
            let near = found.iter().zip(expected).all(|(&found, &expected)| found.abs_diff(expected) <= 8);
            assert!(near, "quarter {index} is {found:?}, not {expected:?}");
        }
    }

    /// Stops it as Ctrl-C does; gives how it ended and how long it took.
    pub(crate) fn stop(mut self) -> (ExitStatus, Duration) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("`kill` is there");
        assert!(sent.success());
        let begun = Instant::now();
        let status = self.child.wait().expect("it ends");
        (status, begun.elapsed())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(QUARTERS[usize::from(2 * x >= width) + 2 * usize::from(2 * y >= height)])
    })
}

/// The bytes that a camera gives for a picture.
fn encode(coding: &str, picture: &RgbImage) -> Vec<u8> {
    let pixels: Vec<[f32; 3]> = picture.pixels().map(|pixel| to_bt601(pixel.0)).collect();
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    match coding {
        "MJPG" => {
            let mut bytes = Vec::new();
            let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
            picture.write_with_encoder(encoder).expect("it can be coded");
            bytes
        }
        "YUYV" => {
            pixels.chunks_exact(2).flat_map(|pair| [pair[0][0], pair[0][1], pair[1][0], pair[0][2]].map(byte)).collect()
        }
        "NV12" => {
            let (width, height) = (picture.width() as usize, picture.height() as usize);
            let lights = pixels.iter().map(|pixel| byte(pixel[0]));
            let squares = (0..height / 2).flat_map(|row| (0..width / 2).map(move |column| 2 * (row * width + column)));
            lights.chain(squares.flat_map(|at| [pixels[at][1], pixels[at][2]].map(byte))).collect()
        }
        other => unreachable!("{other} is not coded here"),
    }
}

/// Light, blue and red of ITU-R BT.601 with black at 16 and white at 235.
fn to_bt601(pixel: [u8; 3]) -> [f32; 3] {
    let [red, green, blue] = pixel.map(|value| f32::from(value) / 255.0);
    let light = 0.299 * red + 0.587 * green + 0.114 * blue;
    [16.0 + 219.0 * light, 128.0 + 112.0 * (blue - light) / 0.886, 128.0 + 112.0 * (red - light) / 0.701]
}
