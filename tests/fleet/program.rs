//! The real program: what a fleet collects is what one machine writes, and what it must not read it doesn't.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::support::child::ends;
use crate::support::{check_error, cyborg, face_clip, make_clip, model, run};

/// A folder with a model and clips, and a broker.
struct Site {
    folder: TempDir,
    model: PathBuf,
    broker: Broker,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let model = model::write(folder.path(), "corner.onnx", &model::corner());
        Self { folder, model, broker: Broker::start() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clip(&self, name: &str, frames: u32) -> PathBuf {
        let path = self.path(name);
        let from = face_clip();
        make_clip(&path, &format!("-i {} -frames:v {frames} -an -c:v libx264 -movflags +faststart", from.display()));
        path
    }

    fn fleet(&self, command: &str) -> Command {
        let mut program = cyborg();
        program.current_dir(self.folder.path()).args(["fleet", command, "--nats", &self.broker.url()]);
        program
    }

    fn submit(&self, job: &str, clips: &[&str]) {
        let mut command = self.fleet("submit");
        command.args(["--job", job, "--detector", "yunet", "--model"]).arg(&self.model).args(clips);
        let (code, said, stderr) = run(&mut command);
        assert_eq!(code, 0, "{stderr}");
        assert!(said.contains("were put into the queue"), "{said}");
    }

    fn worker(&self, name: &str, more: &[&str]) -> Worker {
        let mut command = self.fleet("work");
        let log = fs::File::create(self.path(&format!("{name}.log"))).expect("a file");
        command
            .args(["--name", name, "--lease", "3", "--rest", "0", "--park", "1", "--root"])
            .arg(self.folder.path())
            .args(more);
        Worker(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it starts"))
    }

    fn collect(&self, job: &str, tables: &[&str]) -> Command {
        let mut command = self.fleet("collect");
        command.args(["--job", job, "--follow"]);
        for table in tables {
            command.arg(if table.ends_with("csv") { "--csv" } else { "--jsonl" }).arg(table);
        }
        command
    }

    /// The first line of a table without the words on why a provider was taken, and the lines of each clip, without what the
    /// clock says.
    fn table(&self, name: &str) -> (Value, BTreeMap<String, Vec<String>>) {
        let text = fs::read_to_string(self.path(name)).expect("it was written");
        let mut lines = text.lines();
        let first = lines.next().expect("it has a first line");
        let mut clips: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if name.ends_with("csv") {
            for row in csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("each row is whole")) {
                let timeless: Vec<&str> = row.iter().take(13).chain(row.iter().skip(14)).collect();
                clips.entry(row[0].to_owned()).or_default().push(timeless.join(","));
            }
            return (first.into(), clips);
        }
        let mut run: Value = serde_json::from_str(first).expect("JSON");
        for words in ["provider", "detector_provider"] {
            run.as_object_mut().expect("an object").remove(words);
        }
        for line in lines {
            let mut line: Value = serde_json::from_str(line).expect("JSON");
            line.as_object_mut().expect("an object").remove("age_ms");
            clips.entry(line["source"].as_str().expect("a name").to_owned()).or_default().push(line.to_string());
        }
        (run, clips)
    }
}

/// Ends with the test.
struct Worker(Child);

impl Worker {
    /// As a service manager tells it to.
    fn end(mut self) -> Option<i32> {
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.0.id())]).status();
        assert!(told.is_ok_and(|status| status.success()), "it runs");
        ends(&mut self.0).code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn two_workers_write_what_one_machine_writes() {
    let site = Site::new();
    fs::create_dir(site.path("more")).expect("a folder");
    for (name, frames) in [("a.mp4", 6), ("b, \"c\".mp4", 9), ("more/d.mp4", 5), ("more/e.mp4", 40), ("more/f.mp4", 7)]
    {
        site.clip(name, frames);
    }
    let clips = ["a.mp4", "b, \"c\".mp4", "more"];
    site.submit("j", &clips);
    // Again: it changes nothing.
    site.submit("j", &clips);
    let one = site.worker("one", &[]);
    let tables = ["got.jsonl", "got.csv"];
    // A collector that is killed on its way.
    let mut killed =
        Worker(site.collect("j", &tables).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    let end = Instant::now() + Duration::from_secs(120);
    while fs::read_to_string(site.path("got.jsonl")).map_or(0, |text| text.matches("\"summary\"").count()) == 0 {
        assert!(
            Instant::now() < end,
            "no result in two minutes: {}",
            fs::read_to_string(site.path("one.log")).unwrap_or_default()
        );
        sleep(Duration::from_millis(5));
    }
    killed.0.kill().expect("it is our child");
    killed.0.wait().expect("it ends");
    let two = site.worker("two", &[]);
    let (code, said, stderr) = run(&mut site.collect("j", &tables));
    assert_eq!(code, 0, "{said}{stderr}");
    assert_eq!((one.end(), two.end()), (Some(0), Some(0)));
    // Once more: all is there.
    let before = fs::read(site.path("got.jsonl")).expect("it was written");
    let (code, said, stderr) = run(&mut site.collect("j", &tables));
    assert!(code == 0 && said.contains("0 of 5 clips collected, 5 were collected before"), "{said}{stderr}");
    assert_eq!(fs::read(site.path("got.jsonl")).expect("it is there"), before);
    let mut video = cyborg();
    video.current_dir(site.folder.path()).arg("video").args(clips).args(["--detector", "yunet", "--model"]);
    video.arg(&site.model).args(["--jsonl", "whole.jsonl", "--csv", "whole.csv"]);
    let (code, _, stderr) = run(&mut video);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(site.table("got.jsonl"), site.table("whole.jsonl"));
    assert_eq!(site.table("got.csv"), site.table("whole.csv"));
    assert_eq!(site.table("got.csv").1.len(), 5);
    // And `status` says so.
    let (code, said, _) = run(&mut site.fleet("status"));
    assert!(code == 0 && said.contains("job j: 5 of 5 clips done, 0 under way, 0 waiting, 0 failed"), "{said}");
    let (_, said, _) = run(site.fleet("status").arg("--json"));
    let status: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&status["jobs"][0]["done"], &status["jobs"][0]["dead"]), (&5.into(), &0.into()));
}

#[test]
fn a_damaged_clip_fails_alone_and_another_model_parks_its_worker() {
    let site = Site::new();
    site.clip("good.mp4", 5);
    fs::write(site.path("bad.mp4"), "no clip").expect("it can be written");
    site.submit("j", &["good.mp4", "bad.mp4"]);
    let worker = site.worker("one", &[]);
    let (code, _, stderr) = run(&mut site.collect("j", &["j.jsonl"]));
    assert_eq!(code, 3, "some failed: {stderr}");
    assert!(stderr.contains("bad.mp4") && stderr.contains("tried 3 times"), "{stderr}");
    let (_, said, _) = run(site.fleet("dead").args(["j", "--json"]));
    let letter: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((letter["cause"].as_str(), letter["attempts"].as_u64()), (Some("clip"), Some(3)), "{letter}");
    site.clip("bad.mp4", 5);
    let (_, said, _) = run(site.fleet("retry").arg("j"));
    assert!(said.contains("1 clips are in the queue again"), "{said}");
    assert_eq!(run(&mut site.collect("j", &["j.jsonl"])).0, 0);
    assert_eq!(worker.end(), Some(0));
    // The file of the model becomes another one.
    site.submit("k", &["good.mp4", "--every", "2"]);
    model::write(site.folder.path(), "corner.onnx", &model::inverted());
    let _worker = site.worker("two", &[]);
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, said, _) = run(&mut site.fleet("status"));
        if said.contains("parked: can't do clips of job k: model_sha256 was") {
            break;
        }
        assert!(Instant::now() < end, "{said}");
        sleep(Duration::from_millis(200));
    }
    // A table of one job is none of another's.
    check_error(&mut site.collect("k", &["j.jsonl"]), 2, "name another file");
}

#[test]
fn a_worker_reads_only_what_it_was_given() {
    let site = Site::new();
    let clip = site.clip("clip.mp4", 5);
    let server = Server::start(&clip);
    let at = |path: &str| format!("http://127.0.0.1:{}{path}", server.port);
    let list = site.path("list");
    let playlist = site.path("list.mp4");
    fs::write(&playlist, format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", clip.display()))
        .expect("it can be written");
    let lines = [at("/clips/good.mp4"), at("/clips/away.mp4"), at("/secret/b.mp4"), playlist.display().to_string()];
    fs::write(&list, lines.join("\n")).expect("it can be written");
    let mut submit = site.fleet("submit");
    // By the model that is part of the program, which workers are told by its form.
    submit.args(["--job", "j", "--list", "list"]);
    let (code, _, stderr) = run(&mut submit);
    assert_eq!(code, 0, "{stderr}");
    let _worker = site.worker("one", &["--allow-url", &at("/clips/"), "--tries", "1"]);
    let (code, said, stderr) = run(&mut site.collect("j", &["j.jsonl"]));
    assert_eq!(code, 3, "{stderr}");
    assert!(said.contains("1 of 4 clips collected"), "{said}{stderr}");
    assert_eq!(site.table("j.jsonl").1.keys().collect::<Vec<_>>(), [&at("/clips/good.mp4")]);
    let asked = server.asked.lock().expect("nobody panicked").clone();
    assert!(asked.iter().any(|path| path == "/clips/away.mp4"), "{asked:?}");
    assert!(!asked.iter().any(|path| path.starts_with("/secret")), "{asked:?}");
}

#[test]
fn wrong_usage_is_told() {
    let site = Site::new();
    check_error(&mut site.fleet("work"), 2, "name the folders of the clips by --root");
    check_error(site.fleet("work").args(["--root", "none"]), 2, "none can't be a folder to read clips from");
    check_error(site.fleet("work").args(["--allow-url", "ftp://host/"]), 2, "only http:// and https:// are read");
    check_error(site.fleet("submit").args(["--job", "a.b", "x.mp4"]), 2, "can't be the name of a job");
    check_error(site.fleet("submit").arg("-"), 2, "standard input can't be judged by a fleet");
    check_error(site.fleet("submit").args(["x.mp4", "--model", "corner.onnx"]), 2, "begins with a slash");
    check_error(&mut site.collect("none", &["x.csv"]), 1, "there is no job none");
    check_error(site.fleet("cancel").arg("none"), 1, "there is no job none");
    let mut away = cyborg();
    let url = format!("nats://me:secret@127.0.0.1:{}", crate::broker::free_port());
    check_error(away.args(["fleet", "status", "--nats", &url]), 1, "start nats-server with JetStream");
    let (_, _, stderr) = run(&mut away);
    assert!(!stderr.contains("secret"), "{stderr}");
}

/// Serves a clip below `/clips/` and `/secret/`; `/clips/away.mp4` sends its reader to the latter.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(clip: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        let (asked, bytes) = (Arc::new(Mutex::new(Vec::new())), fs::read(clip).expect("it was made"));
        let all = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Who hangs up early has seen enough.
                let _ = answer(&stream, &bytes, &all);
            }
        });
        Self { port, asked }
    }
}

fn answer(mut stream: &TcpStream, clip: &[u8], asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split_whitespace().nth(1).unwrap_or_default().to_owned();
    asked.lock().expect("nobody panicked").push(path.clone());
    if path == "/clips/away.mp4" {
        return write!(stream, "HTTP/1.1 302 Found\r\nLocation: /secret/a.mp4\r\nContent-Length: 0\r\n\r\n");
    }
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", clip.len())?;
    stream.write_all(clip)
}
