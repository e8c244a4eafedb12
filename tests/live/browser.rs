//! The page of a live run in a real browser: it shows the picture, says the verdict, and fits a phone.
#![cfg(feature = "page")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::alone::alone;
use crate::support::broadcast::Broadcast;
use crate::support::left_out::not_run;

/// A browser without a window, steered over the DevTools protocol.
struct Browser {
    child: Child,
    stream: BufReader<TcpStream>,
    calls: u64,
    /// What the page complained of.
    complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// The first browser that is there, with an empty page.
    fn open() -> Option<Self> {
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
        let mut browser = Self { child, stream, calls: 0, complaints: Vec::new(), _profile: profile };
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Calls a method and waits for its result.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let text = json!({ "id": self.calls, "method": method, "params": parameters }).to_string();
        // A text frame, masked by zeros: the text itself.
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(short) if short < 126 => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(text.len()).expect("calls are short").to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.get_mut().write_all(&frame).expect("it is taken");
        loop {
            let message = self.message();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
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
    fn visit(&mut self, url: &str, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", features);
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// The value of an expression in the page.
    fn value(&mut self, expression: &str) -> Value {
        let result = self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        result["result"]["value"].clone()
    }

    /// Waits until an expression in the page is true.
    fn until(&mut self, expression: &str) {
        let end = Instant::now() + Duration::from_secs(40);
        while self.value(expression) != true {
            let (body, complaints) = (self.value("document.body?.innerText"), &self.complaints);
            assert!(Instant::now() < end, "in vain: {expression}\n{body}\n{complaints:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Keeps a picture of the page where `CYBORG_SCREENSHOTS` names a folder, for eyes.
    fn keep(&mut self, name: &str) {
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

fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
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

/// Whether the middle of the picture has something else than one colour.
const HAS_PICTURE: &str = "(() => { const c = document.getElementById('picture'); if (!c.dataset.view) return false; \
    const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set(); \
    for (let i = 0; i < p.length; i += 4 * 997) seen.add(p[i] + ',' + p[i + 1] + ',' + p[i + 2]); return seen.size > 20 })()";

#[test]
fn a_real_browser_shows_the_run() {
    let _alone = alone();
    let token = "a-token-of-enough-signs";
    let live = Broadcast::start("127.0.0.1", Some(token));
    let Some(mut browser) = Browser::open() else {
        return not_run("a_real_browser_shows_the_run", "install chromium");
    };
    let url = format!("{}?token={token}", live.served.url());
    browser.visit(&url, (1280, 900), "light");
    browser.until(HAS_PICTURE);
    browser.until(
        "[...document.querySelectorAll('.person .verdict')].some(p => ['Unsure', 'Synthetic'].includes(p.textContent))",
    );
    browser.until("document.querySelector('#source-words').textContent.startsWith('Live: 640 × 360')");
    browser.until("document.querySelectorAll('#turns li').length >= 3");
    assert_eq!(browser.value("location.search"), "", "the token is out of the address");
    assert_eq!(browser.value("document.cookie"), "", "no script can read it");
    assert_eq!(browser.value("document.querySelector('#name').textContent"), "a <generated> source");
    assert!(browser.value("document.getElementById('picture').width").as_u64() >= Some(640));
    // The words for a reader of screens come a moment after the picture.
    browser.until("document.getElementById('picture').getAttribute('aria-label').includes('person 1 ')");
    // Three seconds of points, so that there is a line to see.
    browser.until("document.getElementById('timeline').getAttribute('aria-label').includes('person 1')");
    browser.keep("wide.png");

    let before = browser.value("document.getElementById('picture').dataset.view");
    browser.until(&format!(
        "document.getElementById('picture').dataset.view !== '{}'",
        before.as_str().unwrap_or_default()
    ));
    browser.call("Runtime.evaluate", json!({ "expression": "document.getElementById('heat').click()" }));
    browser.value("document.getElementById('below').value = '0.2', document.getElementById('limits').requestSubmit()");
    browser.until("document.getElementById('limits-words').textContent === 'These are used now'");

    browser.visit(&live.served.url(), (360, 740), "dark");
    browser.until(HAS_PICTURE);
    browser.until("document.querySelectorAll('.person').length === 2");
    assert_eq!(browser.value("document.documentElement.scrollWidth <= 360"), true, "it fits the width of a phone");
    let paper = browser.value("getComputedStyle(document.body).backgroundColor");
    assert_eq!(paper, "rgb(20, 23, 26)", "dark where dark is asked for");
    browser.keep("phone.png");

    live.lost.store(true, std::sync::atomic::Ordering::Relaxed);
    browser.until("document.getElementById('veil').textContent.startsWith('Source lost: the cable is <out>') && !document.getElementById('veil').hidden");
    browser.keep("lost.png");
    live.lost.store(false, std::sync::atomic::Ordering::Relaxed);
    browser.until("document.getElementById('veil').hidden");
    assert!(browser.complaints.is_empty(), "the browser complains: {:?}", browser.complaints);
}

/// An nginx that serves a page below two paths: it takes the path away below the one, and leaves it below the other. It
/// speaks in the clear at one port, and by TLS at another.
struct Proxy {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// `None` where there is no nginx.
    fn start([clear, tls]: [u16; 2], upstream: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let place = folder.path().display();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/{kind};\n"))
            .concat();
        let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
        let (certificate, key) = (pem.join("certificate.pem"), pem.join("key.pem"));
        let settings = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/errors;\nevents {{}}\nhttp {{\n{temp}\
             access_log off;\nproxy_buffering off;\nserver {{\nlisten 127.0.0.1:{clear};\n\
             listen 127.0.0.1:{tls} ssl;\nssl_certificate {};\nssl_certificate_key {};\n\
             location /door/ {{ proxy_pass http://{upstream}/; }}\n\
             location /kept/ {{ proxy_pass http://{upstream}; proxy_set_header Host $http_host; }}\n}}\n}}\n",
            certificate.display(),
            key.display()
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, settings).expect("it can be written");
        let start = |name: &str| {
            let mut command = Command::new(name);
            command.arg("-e").arg(folder.path().join("errors")).arg("-p").arg(folder.path()).arg("-c").arg(&file);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        };
        // Not everybody has the folder of system programs in the path.
        let child = ["nginx", "/usr/sbin/nginx"].into_iter().find_map(start)?;
        let proxy = Self { child, _folder: folder };
        wait_for("the proxy", || TcpStream::connect(("127.0.0.1", clear)).ok());
        Some(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn behind_a_proxy_the_page_works_below_a_path() {
    let _alone = alone();
    let free = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free"));
    let [port, tls] = [0, 1].map(|at| free[at].local_addr().expect("it has one").port());
    let places = [
        ("http", port, "door", "0.2"),
        ("http", port, "kept", "0.1"),
        ("https", tls, "door", "0.25"),
        ("https", tls, "kept", "0.15"),
    ];
    let origins = places.map(|(scheme, port, path, _)| format!("{scheme}://127.0.0.1:{port}/{path}"));
    let token = "a-token-of-enough-signs";
    let live = Broadcast::start_named("127.0.0.1", Some(token), origins.to_vec());
    drop(free);
    let (Some(_proxy), Some(mut browser)) = (Proxy::start([port, tls], &live.host()), Browser::open()) else {
        return not_run("behind_a_proxy_the_page_works_below_a_path", "install nginx and chromium");
    };
    for (origin, (_, _, path, below)) in origins.iter().zip(places) {
        browser.visit(&format!("{origin}/?token={token}"), (1280, 900), "light");
        browser.until(HAS_PICTURE);
        browser.until("document.querySelector('#source-words').textContent.startsWith('Live: 640 × 360')");
        browser.until(&format!("location.pathname === '/{path}/' && location.search === ''"));
        // A change is asked for by a page: its origin is looked at.
        browser.value(&format!(
            "document.getElementById('below').value = '{below}', document.getElementById('limits').requestSubmit()"
        ));
        browser.until("document.getElementById('limits-words').textContent === 'These are used now'");
        assert_eq!(browser.value("document.getElementById('snapshot').pathname"), format!("/{path}/api/snapshot.jpg"));
    }
    assert!(browser.complaints.is_empty(), "the browser complains: {:?}", browser.complaints);
    let origin = |origin: &str| {
        live.ask("GET", "/api/state", &format!("Origin: {origin}\r\nAuthorization: Bearer {token}\r\n"), "")
    };
    assert_eq!(origin(&format!("http://127.0.0.1:{port}")).status, 200);
    assert_eq!(origin(&format!("https://127.0.0.1:{tls}")).status, 200);
    for foreign in [
        &format!("https://127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{tls}"),
        "http://127.0.0.1:1",
        "http://evil.example",
        "null",
    ] {
        assert_eq!(origin(foreign).status, 403, "{foreign}");
    }
}

#[test]
fn each_control_has_a_name_and_an_order() {
    let live = Broadcast::start("127.0.0.1", None);
    let page = live.get("/").text();
    for part in
        ["<html lang=\"en\">", "name=\"viewport\"", "role=\"log\" aria-live=\"polite\"", "role=\"status\"", "<main>"]
    {
        assert!(page.contains(part), "`{part}` is missing");
    }
    for control in page.split("<input ").skip(1) {
        let before = &page[..page.find(control).expect("it is part of it")];
        assert!(before.rfind("<label>") > before.rfind("</label>"), "no label: {control:.60}");
    }
    assert!(!page.contains("tabindex"), "the order is that of the page");
}
