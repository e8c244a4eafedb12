//! Bytes that may be no text, as hexadecimal digits in JSON.

/// Two digits a byte.
pub(super) fn of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes again; `None` where it isn't such a text.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::{of, read};

    #[test]
    fn bytes_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(read(&of(&bytes)), Some(bytes));
        assert_eq!(read(""), Some(Vec::new()));
        for wrong in ["0", "0g", "é0", "+1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
