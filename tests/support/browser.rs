//! A browser without a window, as tests of pages steer it: over the DevTools protocol, by a client that is as small as will do.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A browser without a window, steered over the DevTools protocol.
pub(crate) struct Browser {
    child: Child,
    stream: BufReader<TcpStream>,
    calls: u64,
    /// What the page complained of.
    pub(crate) complaints: Vec<String>,
    /// Device pixels for one of the page's.
    pub(crate) ratio: f64,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// The first browser that is there, with an empty page.
    pub(crate) fn open() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a folder for the test");
        let start = |name: &str| {
            Command::new(name)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"])
                // The certificate of the tests is signed by nobody.
                .arg("--ignore-certificate-errors")
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        };
        let child = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(start)?;
        let port = wait_for("the browser", || {
            let text = fs::read_to_string(profile.path().join("DevToolsActivePort")).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        });
        let target = wait_for("its page", || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            write!(stream, "GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
            let mut text = String::new();
            stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
            // Some browsers keep the connection: what came until then will do.
            stream.read_to_string(&mut text).ok();
            let list: Value = serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()?;
            let page = list.as_array()?.iter().find(|target| target["type"] == "page")?;
            Some(page["webSocketDebuggerUrl"].as_str()?.split_once("/devtools")?.1.to_owned())
        });
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        write!(
            stream,
            "GET /devtools{target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .expect("it is taken");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).expect("an answer");
        }
        let mut browser = Self { child, stream, calls: 0, complaints: Vec::new(), ratio: 1.0, _profile: profile };
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Calls a method and waits for its result.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        let message = self.answer(method, parameters);
        assert!(message["error"].is_null(), "{method}: {message}");
        message["result"].clone()
    }

    /// What comes of a method: its `result`, or an `error`.
    fn answer(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let text = json!({ "id": self.calls, "method": method, "params": parameters }).to_string();
        // A text frame, masked by zeros: the text itself.
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(short) if short < 126 => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 127);
                frame.extend((text.len() as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.get_mut().write_all(&frame).expect("it is taken");
        loop {
            let message = self.message();
            if message["id"] == self.calls {
                return message;
            }
            if ["Runtime.exceptionThrown", "Log.entryAdded"].iter().any(|method| message["method"] == *method) {
                self.complaints.push(message["params"].to_string());
            }
        }
    }

    fn message(&mut self) -> Value {
        let mut text = Vec::new();
        loop {
            let [first, length] = self.bytes::<2>();
            let length = match length {
                126 => u64::from(u16::from_be_bytes(self.bytes())),
                127 => u64::from_be_bytes(self.bytes()),
                short => u64::from(short),
            };
            let start = text.len();
            text.resize(start + usize::try_from(length).expect("it fits"), 0);
            self.stream.read_exact(&mut text[start..]).expect("the rest of it");
            if first & 0x80 != 0 {
                return serde_json::from_slice(&text).unwrap_or_default();
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).expect("the browser goes on");
        bytes
    }

    /// Opens an address in a window of this size; `scheme` is dark or light.
    pub(crate) fn visit(&mut self, url: &str, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": self.ratio, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", features);
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let result = self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        result["result"]["value"].clone()
    }

    /// The same of a page that may just be going away for another one, or for itself anew: then it has none.
    fn value_now(&mut self, expression: &str) -> Value {
        let asked = self.answer("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        let error = &asked["error"]["message"];
        assert!(error.is_null() || error == "Inspected target navigated or closed", "{expression}: {asked}");
        asked["result"]["result"]["value"].clone()
    }

    /// Waits until an expression in the page is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let end = Instant::now() + Duration::from_secs(40);
        while self.value_now(expression) != true {
            let (body, complaints) = (self.value_now("document.body?.innerText"), &self.complaints);
            assert!(Instant::now() < end, "in vain: {expression}\n{body}\n{complaints:?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Presses the mouse, moves it over points of the page, and lets it go.
    pub(crate) fn drag(&mut self, points: &[(i32, i32)]) {
        let last = points.len() - 1;
        for (at, &(x, y)) in points.iter().enumerate() {
            let mut mouse = |kind: &str, buttons: u8| {
                let button = if kind == "mouseMoved" && buttons == 0 { "none" } else { "left" };
                let event =
                    json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1 });
                self.call("Input.dispatchMouseEvent", event);
            };
            mouse("mouseMoved", u8::from(at > 0));
            if at == 0 {
                mouse("mousePressed", 1);
            }
            if at == last {
                mouse("mouseReleased", 0);
            }
        }
    }

    /// Puts fingers down, moves them, and takes them off: `fingers` has the points of each, as many of one as of another.
    pub(crate) fn touch(&mut self, fingers: &[&[(i32, i32)]]) {
        for at in 0..fingers[0].len() {
            let points: Vec<Value> = (0..)
                .zip(fingers)
                .map(|(id, points)| json!({ "id": id, "x": points[at].0, "y": points[at].1 }))
                .collect();
            let kind = if at == 0 { "touchStart" } else { "touchMove" };
            self.call("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points }));
        }
        self.call("Input.dispatchTouchEvent", json!({ "type": "touchEnd", "touchPoints": [] }));
    }

    /// Presses a key, or lets it go. `modifiers`: 1 for Alt, 2 for Ctrl, 8 for Shift, together their sum.
    pub(crate) fn key(&mut self, kind: &str, key: &str, modifiers: u8) {
        let mut event = json!({ "type": kind, "key": key, "modifiers": modifiers });
        if kind == "keyDown" && key.chars().count() == 1 && modifiers & 3 == 0 {
            event["text"] = key.into();
        }
        if kind == "keyDown" && key == "Enter" {
            event["text"] = "\r".into();
        }
        if key == "Escape" {
            // A dialog is closed by the key's code.
            event["windowsVirtualKeyCode"] = 27.into();
        }
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Presses keys, one after the other.
    pub(crate) fn keys(&mut self, keys: &[&str]) {
        for key in keys {
            self.key("keyDown", key, 0);
            self.key("keyUp", key, 0);
        }
    }

    /// Keeps a picture of the page where `CYBORG_SCREENSHOTS` names a folder, for eyes.
    pub(crate) fn keep(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("CYBORG_SCREENSHOTS") else {
            return;
        };
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true }));
        let file = base64(shot["data"].as_str().expect("a picture"));
        fs::write(Path::new(&folder).join(name), file).expect("the folder is there");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Tries until something is found.
pub(crate) fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(40);
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn base64(text: &str) -> Vec<u8> {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for sign in text.bytes().filter_map(|sign| SIGNS.iter().position(|&at| at == sign)) {
        bits = bits << 6 | sign as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
