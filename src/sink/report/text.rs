//! Text for a page: nothing that comes from outside may be read as markup, or hide what it is.

use std::fmt::{self, Display, Write};

/// A text that is escaped for HTML when it is written, in element content and in quoted attributes.
///
/// Control characters are shown by their picture (U+2400 onwards) and marks that turn the direction of writing by the
/// replacement character: a file's name could else look like another one.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\0'..='\u{1f}' => f.write_char(char::from_u32(0x2400 + letter as u32).unwrap_or('\u{fffd}'))?,
                '\u{7f}' => f.write_char('\u{2421}')?,
                '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    f.write_char('\u{fffd}')?;
                }
                // Not characters, which no page may hold.
                '\u{fdd0}'..='\u{fdef}' => f.write_char('\u{fffd}')?,
                _ if letter as u32 & 0xfffe == 0xfffe => f.write_char('\u{fffd}')?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// Seconds as a person reads them: `1:02.3`, from an hour on `1:02:03.4`.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub f64);

impl Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0.abs() * 10.0).round() as u64;
        let sign = if self.0 < 0.0 && tenths > 0 { "\u{2212}" } else { "" };
        let (seconds, tenth) = (tenths / 10, tenths % 10);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{sign}{hours}:{minutes:02}:{seconds:02}.{tenth}")
        } else {
            write!(f, "{sign}{minutes}:{seconds:02}.{tenth}")
        }
    }
}

/// Adds `bytes` to `out` in Base64 (RFC 4648, with padding).
pub fn base64(bytes: &[u8], out: &mut String) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place > three.len() { '=' } else { letter.into() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Escaped(text).to_string(), expected);
    }

    #[test]
    fn markup_and_invisible_letters_are_harmless() {
        check("<b>\"a\" & 'b'</b>", "&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/b&gt;");
        check("a\nb\0c\x1b[31m\x7f", "a\u{240a}b\u{2400}c\u{241b}[31m\u{2421}");
        check("gpj.\u{202e}mp4", "gpj.\u{fffd}mp4");
        check("Ünïcödé 顔.mp4", "Ünïcödé 顔.mp4");
    }

    #[test]
    fn times_read_as_on_a_player() {
        let clock = |seconds: f64| Clock(seconds).to_string();
        assert_eq!([clock(0.0), clock(59.96), clock(62.34)], ["0:00.0", "1:00.0", "1:02.3"]);
        assert_eq!([clock(3723.4), clock(-1.5), clock(-0.01)], ["1:02:03.4", "\u{2212}0:01.5", "0:00.0"]);
        assert!(!clock(f64::NAN).is_empty() && !clock(f64::INFINITY).is_empty());
    }

    #[test]
    fn base64_has_the_standards_own_examples() {
        for (plain, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            let mut out = String::new();
            base64(plain.as_bytes(), &mut out);
            assert_eq!(out, expected);
        }
    }
}
