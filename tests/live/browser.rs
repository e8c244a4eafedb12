//! The page of a live run in a real browser: it shows the picture, says the verdict, and fits a phone.
#![cfg(feature = "page")]

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::support::alone::alone;
use crate::support::broadcast::Broadcast;
use crate::support::browser::{Browser, wait_for};
use crate::support::left_out::not_run;

/// Whether the middle of the picture has something else than one colour.
const HAS_PICTURE: &str = "(() => { const c = document.querySelector('.feed canvas'); if (!c?.dataset.view) return false; \
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
    browser.until("document.querySelector('.feed .state').textContent.startsWith('Live: 640 × 360')");
    browser.until("document.querySelectorAll('#happened li').length >= 3");
    assert_eq!(browser.value("location.search"), "", "the token is out of the address");
    assert_eq!(browser.value("document.cookie"), "", "no script can read it");
    assert_eq!(browser.value("document.querySelector('#sources li b').textContent"), "a <generated> source");
    assert!(browser.value("document.querySelector('.feed canvas').width").as_u64() >= Some(640));
    // The words for a reader of screens come a moment after the picture.
    browser.until("document.querySelector('.feed canvas').getAttribute('aria-label').includes('person 1 ')");
    // Three seconds of points, so that there is a line to see.
    browser.until("document.getElementById('timeline').getAttribute('aria-label').includes('person 1')");
    browser.keep("wide.png");

    let before = browser.value("document.querySelector('.feed canvas').dataset.view");
    browser.until(&format!(
        "document.querySelector('.feed canvas').dataset.view !== '{}'",
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
    browser.until("document.querySelector('.veil').textContent.startsWith('Source lost: the cable is <out>') && !document.querySelector('.veil').hidden");
    browser.keep("lost.png");
    live.lost.store(false, std::sync::atomic::Ordering::Relaxed);
    browser.until("document.querySelector('.veil').hidden");
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
        browser.until("document.querySelector('.feed .state').textContent.startsWith('Live: 640 × 360')");
        browser.until(&format!("location.pathname === '/{path}/' && location.search === ''"));
        // A change is asked for by a page: its origin is looked at.
        browser.value(&format!(
            "document.getElementById('below').value = '{below}', document.getElementById('limits').requestSubmit()"
        ));
        browser.until("document.getElementById('limits-words').textContent === 'These are used now'");
        assert_eq!(browser.value("document.querySelector('.save').pathname"), format!("/{path}/api/snapshot.jpg"));
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
        ["<html lang=\"en\">", "name=\"viewport\"", "role=\"status\" aria-live=\"polite\"", "role=\"status\"", "<main>"]
    {
        assert!(page.contains(part), "`{part}` is missing");
    }
    for control in page.split("<input ").skip(1) {
        let before = &page[..page.find(control).expect("it is part of it")];
        assert!(before.rfind("<label>") > before.rfind("</label>"), "no label: {control:.60}");
    }
    assert!(!page.replace("tabindex=\"0\"", "").contains("tabindex"), "the order is that of the page");
}
