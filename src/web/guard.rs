//! Who may ask: the name a reader calls, the page it comes from, and the token it knows.
//!
//! A page of somebody else, open in the same browser, must not see what is served here. It could ask this server under a foreign
//! name that leads here (DNS rebinding), which is why names are checked; or under our own name, which is why
//! requests that other pages cause are refused.

#![expect(clippy::result_large_err, reason = "a refusal is an answer, made once a request at most")]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::origin::Origin;
use super::secret::Secret;
use super::settings::WebSettings;

/// So many wrong tokens from an address are borne within [`FORGIVEN`].
const MOST_WRONG: u32 = 10;
/// After this time they are forgotten.
const FORGIVEN: Duration = Duration::from_secs(60);
/// More addresses are not remembered at a time.
const MOST_ADDRESSES: usize = 4096;

/// Headers of each answer. The page is made of its own files and nothing else, and is kept nowhere.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// Who asks: the place, among [`WebSettings::secrets`], of the one that the request came by. Requests to `/healthz`, and those to
/// a page without secrets, carry none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor(pub usize);

/// Decides who may ask.
#[derive(Debug)]
pub(super) struct Guard {
    secrets: Vec<Secret>,
    cookie: &'static str,
    /// Names in small letters, without a port.
    names: Vec<String>,
    /// Where proxies serve it.
    origins: Vec<Origin>,
    /// Whether each address of this machine is listened at, so that any address may be called.
    everywhere: bool,
    secure: bool,
    wrong: Mutex<HashMap<IpAddr, Wrong>>,
}

/// Wrong tokens of an address.
#[derive(Debug)]
struct Wrong {
    first: Instant,
    times: u32,
}

impl Guard {
    pub(super) fn new(settings: &WebSettings, address: SocketAddr, secure: bool) -> Self {
        let origins: Vec<Origin> = settings.names.iter().filter_map(|name| Origin::read(name)).collect();
        let mut names: Vec<String> = settings.names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.push(address.ip().to_string());
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        }
        let everywhere = address.ip().is_unspecified();
        Self {
            secrets: settings.secrets.clone(),
            cookie: settings.cookie,
            names,
            origins,
            everywhere,
            secure,
            wrong: Mutex::default(),
        }
    }

    /// The paths below which proxies serve the page.
    pub(super) fn bases(&self) -> Vec<String> {
        let bases = self.origins.iter().map(|origin| &origin.base);
        bases.filter(|base| !base.is_empty()).cloned().collect()
    }

    /// The origin that readers come by; `None` where they call this server itself, or the proxy does so for them.
    fn origin(&self, host: &str) -> Option<&Origin> {
        self.origins.iter().find(|origin| origin.is_called(host))
    }

    fn knows(&self, authority: &str) -> bool {
        if self.origin(authority).is_some() {
            return true;
        }
        let Some(name) = name_of(authority) else {
            return false;
        };
        // A foreign page can lead a name here, but not an address.
        self.names.contains(&name) || (self.everywhere && name.parse::<IpAddr>().is_ok())
    }

    /// Who asks, if their token is known; and the cookie to be set where it came in the address.
    fn admit(&self, request: &Request, peer: IpAddr) -> Result<(Option<Visitor>, Option<HeaderValue>), Response> {
        if self.secrets.is_empty() || request.uri().path() == "/healthz" {
            return Ok((None, None));
        }
        if self.is_barred(peer) {
            let wait = [(header::RETRY_AFTER, FORGIVEN.as_secs().to_string())];
            return Err((StatusCode::TOO_MANY_REQUESTS, wait, "too many wrong tokens; wait a minute\n").into_response());
        }
        let in_address = in_query(request.uri()).filter(|_| request.uri().path() == "/");
        // A link that is opened goes before the cookie of somebody who used this browser earlier, also one that is wrong: nobody
        // may be taken for another.
        let given = bearer(request.headers()).or(in_address).or_else(|| cookie(request.headers(), self.cookie));
        if let Some(visitor) = given.and_then(|given| self.whose(given)) {
            let fresh = in_address.is_some() && given == in_address;
            let host = only(request.headers(), &header::HOST).unwrap_or_default();
            let cookie = fresh.then(|| self.cookie_of(&self.secrets[visitor.0], self.origin(host)));
            return Ok((Some(visitor), cookie.flatten()));
        }
        if given.is_some() {
            self.count_wrong(peer);
        }
        let how = [(header::WWW_AUTHENTICATE, "Bearer")];
        let words = "a token is needed: open /?token=... in a browser, or send it as `Authorization: Bearer ...`\n";
        Err((StatusCode::UNAUTHORIZED, how, words).into_response())
    }

    /// Whose token it is. Each is compared, so that the time tells nothing of which.
    fn whose(&self, given: &str) -> Option<Visitor> {
        let places = self.secrets.iter().enumerate();
        places.fold(None, |found, (place, secret)| if secret.is(given) { Some(Visitor(place)) } else { found })
    }

    fn cookie_of(&self, token: &Secret, origin: Option<&Origin>) -> Option<HeaderValue> {
        let secure = if origin.map_or(self.secure, |origin| origin.secure) { "; Secure" } else { "" };
        // Other pages of the proxy don't get it.
        let path = origin.map_or("", |origin| &origin.base);
        let text = format!("{}={}; Path={path}/; HttpOnly; SameSite=Strict{secure}", self.cookie, token.text());
        HeaderValue::from_str(&text).ok()
    }

    fn is_barred(&self, peer: IpAddr) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(&network(peer)).is_some_and(|wrong| wrong.times >= MOST_WRONG && wrong.first.elapsed() < FORGIVEN)
    }

    fn count_wrong(&self, peer: IpAddr) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, wrong| wrong.first.elapsed() < FORGIVEN);
        if wrong.len() < MOST_ADDRESSES {
            wrong.entry(network(peer)).or_insert_with(|| Wrong { first: Instant::now(), times: 0 }).times += 1;
        }
    }
}

/// Lets a request through, or answers in place of the page. Each answer gets the headers that keep browsers in bounds.
pub(super) async fn watch(State(guard): State<std::sync::Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0.ip());
    let allowed = check_place(&guard, &request).and_then(|()| guard.admit(&request, peer));
    let mut response = match allowed {
        Ok((visitor, cookie)) => {
            if let Some(visitor) = visitor {
                request.extensions_mut().insert(visitor);
            }
            let mut response = next.run(request).await;
            if let Some(cookie) = cookie {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(refusal) => refusal,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The name that is called must be ours, and the request must not be caused by a page of somebody else.
fn check_place(guard: &Guard, request: &Request) -> Result<(), Response> {
    let headers = request.headers();
    let refuse = |words: &'static str| Err((StatusCode::FORBIDDEN, words).into_response());
    let host = only(headers, &header::HOST);
    let Some(host) = host.filter(|host| guard.knows(host)) else {
        return refuse(
            "this server is not known by that name; add it with --name, or with --origin where a proxy serves it\n",
        );
    };
    if request.uri().authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
        return refuse("the request names two servers\n");
    }
    if headers.contains_key(header::ORIGIN) {
        let origin = only(headers, &header::ORIGIN);
        let named = origin.is_some_and(|origin| guard.origins.iter().any(|known| known.is(origin)));
        let scheme = if guard.secure { "https" } else { "http" };
        // Whoever comes by a named origin has its scheme too.
        let own = origin.filter(|_| guard.origin(host).is_none()).and_then(|origin| origin.split_once("://"));
        if !named && !own.is_some_and(|(got, place)| got == scheme && place.eq_ignore_ascii_case(host)) {
            return refuse(
                "cross-origin request refused; behind a proxy, give the address that viewers open as --origin\n",
            );
        }
    }
    // Links to the page itself are no danger; it can't be framed.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let foreign = !matches!(site, None | Some(b"same-origin" | b"none"));
    let opened = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if foreign && !(opened && request.uri().path() == "/") {
        return refuse("cross-origin request refused\n");
    }
    Ok(())
}

/// A header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The name in `name`, `name:port`, `[address]` or `[address]:port`, in small letters.
fn name_of(authority: &str) -> Option<String> {
    let (name, rest) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = rest.strip_prefix(':').map_or(rest.is_empty(), |port| port.parse::<u16>().is_ok());
    (port && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie<'a>(headers: &'a HeaderMap, called: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == called).then_some(value))
}

fn in_query(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// An address of the newer kind belongs to somebody who has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => long
            .to_ipv4_mapped()
            .map_or_else(|| IpAddr::V6(Ipv6Addr::from_bits(long.to_bits() & !u128::from(u64::MAX))), IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, names: &[&str]) -> Guard {
        let listen = listen.parse().expect("an address");
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let secrets = ["0123456789abcdef", "fedcba9876543210"].map(|text| Secret::new(text).expect("a token")).to_vec();
        let settings = WebSettings { listen, secrets, cookie: "token", tls: None, names };
        Guard::new(&settings, listen, false)
    }

    fn check(listen: &str, host: &str, known: bool) {
        assert_eq!(guard(listen, &["Studio.lan"]).knows(host), known, "{listen}: {host}");
    }

    #[test]
    fn only_our_own_names_are_known() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "studio.lan:8080"] {
            check("127.0.0.1:8080", host, true);
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "localhost:", "localhost:x", "[::1", "10.0.0.5", ":80"]
        {
            check("127.0.0.1:8080", host, false);
        }
        check("0.0.0.0:8080", "10.0.0.5:8080", true);
        check("0.0.0.0:8080", "[2001:db8::1]:8080", true);
        check("0.0.0.0:8080", "evil.example:8080", false);
        check("10.0.0.5:8080", "10.0.0.5:8080", true);
        check("10.0.0.5:8080", "localhost:8080", false);
    }

    /// A request to a server that a proxy serves at https://cam.example/door/.
    fn check_proxied(host: &str, origin: Option<&str>, allowed: bool) {
        let guard = guard("127.0.0.1:8080", &["https://cam.example/door/"]);
        let mut request = Request::builder().uri("/api/state").header(header::HOST, host);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.body(axum::body::Body::empty()).expect("a request");
        assert_eq!(check_place(&guard, &request).is_ok(), allowed, "{host} {origin:?}");
    }

    #[test]
    fn a_named_origin_is_ours_and_no_other() {
        check_proxied("cam.example", Some("https://cam.example"), true);
        check_proxied("cam.example:443", None, true);
        // A proxy that tells our own name.
        check_proxied("127.0.0.1:8080", Some("https://cam.example"), true);
        check_proxied("127.0.0.1:8080", Some("http://127.0.0.1:8080"), true);
        check_proxied("cam.example", Some("http://cam.example"), false);
        check_proxied("cam.example", Some("https://evil.example"), false);
        check_proxied("evil.example", Some("https://cam.example"), false);
        check_proxied("cam.example:8443", None, false);
        check_proxied("cam.example", Some("null"), false);
    }

    #[test]
    fn a_cookie_stays_where_the_page_is() {
        let guard = guard("127.0.0.1:8080", &["https://cam.example/door"]);
        let token = Secret::new("0123456789abcdef").expect("a token");
        let cookie = |host| guard.cookie_of(&token, guard.origin(host)).expect("a cookie");
        let text = |value: HeaderValue| value.to_str().expect("text").to_owned();
        assert!(text(cookie("cam.example")).ends_with("; Path=/door/; HttpOnly; SameSite=Strict; Secure"));
        assert!(text(cookie("localhost:8080")).ends_with("; Path=/; HttpOnly; SameSite=Strict"));
    }

    #[test]
    fn an_address_is_barred_after_ten_wrong_tokens_and_others_are_not() {
        let guard = guard("127.0.0.1:8080", &[]);
        let [one, beside, other] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|ip| ip.parse().expect("an address"));
        for _ in 0..10 {
            assert!(!guard.is_barred(one));
            guard.count_wrong(one);
        }
        assert!(guard.is_barred(one) && guard.is_barred(beside) && !guard.is_barred(other));
    }

    /// Whose request it is, and whether a cookie is set; `None` where it is refused.
    fn check_visitor(path: &str, headers: &[(HeaderName, &str)], expected: Option<(usize, bool)>) {
        let guard = guard("127.0.0.1:8080", &[]);
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let found = guard.admit(&request, IpAddr::V6(Ipv6Addr::LOCALHOST)).ok();
        let found = found.map(|(visitor, cookie)| (visitor.expect("there are secrets").0, cookie.is_some()));
        assert_eq!(found, expected, "{path} {headers:?}");
    }

    #[test]
    fn each_secret_is_a_visitor_of_its_own() {
        let bearer = |text| (header::AUTHORIZATION, text);
        let cookie = |text| (header::COOKIE, text);
        check_visitor("/x", &[bearer("Bearer 0123456789abcdef")], Some((0, false)));
        check_visitor("/x", &[bearer("Bearer fedcba9876543210")], Some((1, false)));
        check_visitor("/x", &[cookie("a=b; token=fedcba9876543210")], Some((1, false)));
        check_visitor("/?token=0123456789abcdef", &[], Some((0, true)));
        check_visitor("/?token=0123456789abcdef", &[cookie("token=fedcba9876543210")], Some((0, true)));
        check_visitor("/?token=0123456789abcdee", &[cookie("token=fedcba9876543210")], None);
        check_visitor("/x?token=0123456789abcdef", &[], None);
        check_visitor("/x", &[cookie("cyborg_token=0123456789abcdef")], None);
        check_visitor("/x", &[bearer("Bearer 0123456789abcdee")], None);
        check_visitor("/x", &[], None);
    }
}
