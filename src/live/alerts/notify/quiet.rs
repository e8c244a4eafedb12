//! Quiet hours: spans of the day, by the local clock, in which nothing is shown.

use std::str::FromStr;

/// Minutes of an hour, and hours of a day.
const HOUR: u16 = 60;
const DAY: u16 = 24 * HOUR;

/// A span of each day. One that ends before it begins goes on past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes from midnight.
    from: u16,
    /// The first minute that isn't quiet any more.
    until: u16,
}

/// Words that are no span of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuietError {
    /// They have another form.
    #[error("expected two times of the day, like 22:00-07:00")]
    Form,
    /// Both ends are the same, which could be all of the day or nothing of it.
    #[error("it begins and ends at the same time: for the whole day, use 00:00-24:00")]
    Empty,
}

impl QuietHours {
    /// Whether a minute, from midnight by the local clock, lies in it.
    #[must_use]
    pub fn covers(self, minute: u16) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// The minutes from midnight now, by the local clock.
#[must_use]
pub(super) fn minute_of_day() -> u16 {
    let now = jiff::Zoned::now();
    // Both are small and not negative.
    u16::try_from(now.hour()).unwrap_or_default() * HOUR + u16::try_from(now.minute()).unwrap_or_default()
}

impl FromStr for QuietHours {
    type Err = QuietError;

    fn from_str(text: &str) -> Result<Self, QuietError> {
        let (from, until) = text.split_once('-').ok_or(QuietError::Form)?;
        let (from, until) = (minute(from.trim())?, minute(until.trim())?);
        // 24:00 is an end, and as a beginning the same as 00:00.
        let from = from % DAY;
        if from == until { Err(QuietError::Empty) } else { Ok(Self { from, until }) }
    }
}

/// The minutes from midnight of `7:05` or `07:05`, up to `24:00`.
fn minute(text: &str) -> Result<u16, QuietError> {
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| -> Option<u16> {
        let plain = digits.contains(&text.len()) && text.bytes().all(|sign| sign.is_ascii_digit());
        text.parse().ok().filter(|_| plain)
    };
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let minutes = number(minutes, 2..=2).filter(|&minutes| minutes < HOUR)?;
        Some(number(hours, 1..=2)? * HOUR + minutes)
    };
    read().filter(|&minute| minute <= DAY).ok_or(QuietError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, quiet: &[&str], loud: &[&str]) {
        let hours: QuietHours = text.parse().expect("a span");
        let covers = |time: &&str| hours.covers(minute(time).expect("a time"));
        assert!(quiet.iter().all(covers), "{text}: all of {quiet:?}");
        assert!(!loud.iter().any(covers), "{text}: none of {loud:?}");
    }

    #[test]
    fn a_span_may_go_past_midnight() {
        check("12:30-13:00", &["12:30", "12:59"], &["00:00", "12:29", "13:00", "23:59"]);
        check("22:00-07:00", &["22:00", "23:59", "00:00", "6:59"], &["07:00", "12:00", "21:59"]);
        check("0:00-24:00", &["00:00", "12:00", "23:59"], &[]);
        check("24:00 - 06:00", &["00:00", "05:59"], &["06:00", "23:59"]);
        check("18:00-00:00", &["18:00", "23:59"], &["00:00", "17:59"]);
    }

    #[test]
    fn other_words_are_refused() {
        for wrong in ["", "-", "22-7", "22:00", "22:00-7:5", "22:60-07:00", "24:01-07:00", "+1:00-2:00", "a:00-7:00"] {
            assert_eq!(wrong.parse::<QuietHours>(), Err(QuietError::Form), "{wrong}");
        }
        assert_eq!("07:00-7:00".parse::<QuietHours>(), Err(QuietError::Empty));
        assert_eq!("24:00-00:00".parse::<QuietHours>(), Err(QuietError::Empty));
    }
}
