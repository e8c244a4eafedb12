//! A study that the real program serves, and a client of its server.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

/// Width and height of the photos, which are no squares so that a mix-up shows.
pub(crate) const SIZE: (u32, u32) = (120, 160);

/// Photos and their list in a folder that goes away.
pub(crate) struct Faces {
    pub(crate) folder: tempfile::TempDir,
}

impl Faces {
    /// So many photos of two classes and four sources; most of them are links to the same few files.
    pub(crate) fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut list = "file,label,split,source\n".to_owned();
        for number in 0..count {
            let synthetic = number % 2 == 1;
            let (label, source) =
                if synthetic { ("synthetic", ["gan", "swap"]) } else { ("real", ["camera", "phone"]) };
            let name = format!("{}/{number:05}.png", source[number / 2 % 2]);
            let path = folder.path().join("photos").join(&name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
            let model = folder.path().join(format!("photos/model-{}.png", number % 8));
            if !model.exists() {
                let shade = |x: u32, y: u32| Rgb([(x * 2) as u8, y as u8, (number % 8 * 30) as u8]);
                RgbImage::from_fn(SIZE.0, SIZE.1, shade).save(&model).expect("it can be written");
            }
            fs::hard_link(&model, &path).expect("it can be linked");
            list += &format!("{name},{label},test,{source}\n", source = source[number / 2 % 2]);
        }
        fs::write(folder.path().join("faces.csv"), list).expect("it can be written");
        Self { folder }
    }

    pub(crate) fn study(&self) -> PathBuf {
        self.folder.path().join("maps")
    }

    /// The command that serves them.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = crate::support::cyborg_train(&["annotate", "--data"]);
        command.arg(self.folder.path().join("faces.csv")).arg("--root").arg(self.folder.path().join("photos"));
        command.arg("--out").arg(self.study()).args(arguments);
        command
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Served {
        Served::start(self.command(arguments).args(["--listen", "127.0.0.1:0"]))
    }
}

/// The program while it serves.
pub(crate) struct Served {
    pub(crate) child: Child,
    /// Name, address with the code in it.
    pub(crate) links: Vec<(String, String)>,
    _stdout: BufReader<ChildStdout>,
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Served {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (mut links, mut line) = (Vec::new(), String::new());
        while !line.starts_with("Ctrl-C") {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("it is text") > 0, "it ended before it served");
            if let Some((name, link)) = line.trim_end().split_once("): ") {
                let name = name.split(' ').next().expect("a name").to_owned();
                links.push((name, link.to_owned()));
            }
        }
        Self { child, links, _stdout: stdout }
    }

    pub(crate) fn link(&self, name: &str) -> &str {
        &self.links.iter().find(|(of, _)| of == name).expect("it has one").1
    }

    pub(crate) fn code(&self, name: &str) -> &str {
        self.link(name).split_once("token=").expect("a code").1
    }

    pub(crate) fn host(&self) -> &str {
        let link = &self.links[0].1;
        link.trim_start_matches("http://").split('/').next().expect("a host")
    }

    /// Sends a request, with further lines in its head, and reads the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, head: &str, body: &str) -> Got {
        self.try_ask(method, path, head, body).expect("an answer")
    }

    /// The same of a server that may be gone.
    fn try_ask(&self, method: &str, path: &str, head: &str, body: &str) -> Option<Got> {
        let mut stream = TcpStream::connect(self.host()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let host = if head.contains("Host: ") { String::new() } else { format!("Host: {}\r\n", self.host()) };
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{host}{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .ok();
        let mut all = Vec::new();
        // Whoever is refused in the middle may see a connection that is cut.
        stream.read_to_end(&mut all).ok();
        let end = all.windows(4).position(|at| at == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        let body = all[end + 4..].to_vec();
        // A body that was cut is no answer.
        (length.is_none_or(|length: usize| length == body.len())).then_some(Got { status, head, body })
    }

    fn bearer(&self, name: &str) -> String {
        format!("Authorization: Bearer {}\r\n", self.code(name))
    }

    pub(crate) fn get(&self, name: &str, path: &str) -> Got {
        self.ask("GET", path, &self.bearer(name), "")
    }

    pub(crate) fn state(&self, name: &str) -> Value {
        self.get(name, "/api/state").json()
    }

    pub(crate) fn answer(&self, name: &str, body: &str) -> Got {
        self.try_answer(name, body).expect("an answer")
    }

    /// The same of a server that may be gone.
    pub(crate) fn try_answer(&self, name: &str, body: &str) -> Option<Got> {
        let head = self.bearer(name) + "Content-Type: application/json\r\n";
        self.try_ask("POST", "/api/answer", &head, body)
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An answer to the item of a state.
pub(crate) fn reply(state: &Value) -> Value {
    let (width, height) = SIZE;
    json!({
        "item": state["item"]["item"], "answer": "real", "confidence": 0.7, "seconds": 1.25, "width": width,
        "height": height, "painted": [5, 3, width * height - 8], "words": ["teeth"], "text": "odd",
    })
}

/// The lines of an annotator's journal.
pub(crate) fn lines(study: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(study.join("answers").join(format!("{name}.jsonl"))).expect("it is there");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is whole")).collect()
}
