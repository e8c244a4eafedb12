//! Secrets in the paths of addresses: cameras take user and password there, services their keys. Pure: a path in, what of it
//! may be shown out.
//!
//! What is a secret can't be known; whatever looks like one is hidden, and a name that is hidden for nothing costs little.

/// What stands in a name for what must not be told.
pub const HIDDEN: &str = "***";

/// Words that a secret goes with, before it or around it.
const WORDS: [&str; 19] = [
    "passw",
    "passwd",
    "pwd",
    "passphrase",
    "token",
    "secret",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "streamkey",
    "stream_key",
    "stream-key",
    "credential",
    "signature",
    "bearer",
    "jwt",
];
/// The same, where they are all of a part, or one of several words of it.
const STRICT: [&str; 7] = ["auth", "key", "pass", "pw", "sharekey", "sig", "sid"];
/// The same, where they are all of a part; behind names of users comes a secret, too.
const WHOLE: [&str; 10] = ["access", "admin", "code", "login", "oauth", "oauth2", "pin", "root", "session", "user"];
/// What keys of services begin with, as a word.
const OF_KEYS: [&str; 3] = ["pk", "rk", "sk"];
/// Parts of a webhook's path that are no secret.
const PLAIN: [&str; 14] = [
    "hook", "hooks", "webhook", "webhooks", "api", "services", "event", "events", "alert", "alerts", "notify",
    "cyborg", "v1", "v2",
];
/// Shorter parts are no keys.
const SHORTEST_KEY: usize = 16;
/// A key changes between small letters, capitals and digits at least so often; a name of people does it less.
const TURNS: usize = 6;

/// A path, from its slash on, without what looks like a secret.
#[must_use]
pub fn shown_path(path: &str) -> String {
    let mut hides_next = false;
    let parts = path.split('/').map(|part| {
        // Two slashes are as good as one.
        if part.is_empty() {
            return String::new();
        }
        let hides = std::mem::replace(&mut hides_next, is_word(part));
        match part.split_once(';') {
            _ if hides || is_secret(part) => HIDDEN.to_owned(),
            Some((before, _)) => format!("{before};{HIDDEN}"),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The path of an address whose path is the secret: nothing of it but words that all have.
#[must_use]
pub fn shown_hook(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| part.is_empty() || PLAIN.contains(part);
    let shown: Vec<&str> = parts.iter().copied().take_while(plain).collect();
    if shown.len() == parts.len() { path.to_owned() } else { format!("{}/{HIDDEN}", shown.join("/")) }
}

/// In small letters, with `%3D` as the sign that it stands for.
fn decoded(part: &str) -> String {
    let mut signs = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((&sign, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| sign == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(sign) => {
                signs.push(sign);
                rest = &after[2..];
            }
            None => {
                signs.push(sign);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&signs).to_ascii_lowercase()
}

/// Whether what comes after this part is a secret.
fn is_word(part: &str) -> bool {
    let part = decoded(part);
    STRICT.contains(&&*part) || WHOLE.contains(&&*part) || WORDS.iter().any(|word| part.contains(word))
}

fn is_secret(part: &str) -> bool {
    let small = decoded(part);
    // `user=admin`, `admin:12345`, but no time of the day.
    let pair = small.contains(['=', '&', '?', '#']) || small.contains(':') && !is_time(&small);
    pair || WORDS.iter().any(|word| small.contains(word)) || has_word(&small) || is_key(part)
}

/// Whether a word is followed by another, which is the secret: `pass_abc`, but no `keys.mp4` and no `access.mp4`.
fn has_word(part: &str) -> bool {
    let stem = part.rsplit_once('.').map_or(part, |(stem, _)| stem);
    let words: Vec<&str> = stem.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_known = |word: &&str| STRICT.contains(word) || OF_KEYS.contains(word);
    words.split_last().is_some_and(|(_, before)| before.iter().any(is_known))
}

/// `16:38:41.mp4`
fn is_time(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.starts_with(|first: char| first.is_ascii_digit())
        && stem.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '-' | '_' | ' ' | 't' | 'z'))
}

/// Whether it looks made by chance.
fn is_key(part: &str) -> bool {
    let signs: Vec<u8> = part.bytes().filter(u8::is_ascii_alphanumeric).collect();
    if signs.len() < SHORTEST_KEY {
        return false;
    }
    let hex = signs.iter().all(u8::is_ascii_hexdigit) && signs.iter().any(u8::is_ascii_alphabetic);
    let kind = |sign: u8| (sign.is_ascii_digit(), sign.is_ascii_uppercase());
    let turns = signs.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    hex || turns >= TURNS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(shown_path(path), expected);
    }

    #[test]
    fn what_looks_like_a_secret_is_hidden() {
        check("/user=admin_password=X_channel=1_stream=0.sdp", "/***");
        check("/user%3Dadmin/live", "/***/live");
        check("/admin:12345/live", "/***/live");
        check("/me:se@host/live", "/***/live");
        check("/token/abc/live.m3u8", "/***/***/live.m3u8");
        check("/live/key/abc", "/live/key/***");
        check("/live/stream-key-abc", "/live/***");
        check("/live2/a1b2-c3d4-e5f6-g7h8-i9j0", "/live2/***");
        check("/hls/0123456789abcdef0123456789abcdef/index.m3u8", "/hls/***/index.m3u8");
        check("/hls/eyJhbGciOiJIUzI1NiJ9/index.m3u8", "/hls/***/index.m3u8");
        check("/sig-abc/clip.mp4", "/***/clip.mp4");
        check("/live/ch00_0_user_me_pass_abc", "/live/***");
        check("/app/sk_live_abc", "/app/***");
        check("/login/me/ch1", "/login/***/ch1");
        check("/admin/abc/ch1", "/admin/***/ch1");
        check("/login/admin/abc/live", "/login/***/***/live");
        check("//token//abc/a", "//***//***/a");
        check("/pin/1234", "/pin/***");
        check("/cam/realmonitor;auth=abc", "/cam/***");
        check("/cam/realmonitor;channel=1", "/cam/***");
        check("/cam/live;1", "/cam/live;***");
    }

    #[test]
    fn what_does_not_is_shown() {
        for path in ["", "/", "/live", "/Streaming/Channels/101", "/@user/clip.mp4", "/2026-11-28/16:38:41.mp4"] {
            check(path, path);
        }
        for path in ["/access.mp4", "/tour-of-the-garden.mp4", "/monkey_1.mp4", "/hotel-key.mp4", "/session_2.mp4"] {
            check(path, path);
        }
        for path in ["/holiday-2024-06-15-part2.mp4", "/onvif1", "/h264Preview_01_main", "/keys.mp4", "//a/"] {
            check(path, path);
        }
    }

    #[test]
    fn the_path_of_a_hook_is_the_secret() {
        for (path, expected) in [
            ("", ""),
            ("/", "/"),
            ("/hook", "/hook"),
            ("/services/T00000000/B00000000/XXXXXXXX", "/services/***"),
            ("/bot12345:abc/sendMessage", "/***"),
            ("/api/webhooks/1/abc", "/api/webhooks/***"),
            ("/geheim", "/***"),
        ] {
            assert_eq!(shown_hook(path), expected);
        }
    }
}
