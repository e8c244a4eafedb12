//! The flags that say which frames of a clip are judged, and within which limits it is opened.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::outcome::UsageError;
use super::sources::Wanted;
use crate::capture::stretch::{Every, Mark, Stretch};
use crate::capture::video::{self, Decode};
use crate::face::choice::Choice;
use crate::frame::PresentationTime;

/// Key frames, as the value of `--every`.
const KEY: &str = "key";

#[derive(Args, Debug)]
pub(super) struct FrameArgs {
    /// Skip everything before this time, counted from the clip's first frame: seconds, m:ss or h:mm:ss; with @ in front, by
    /// the clip's own clock
    #[arg(long, value_name = "T", value_parser = mark)]
    pub(super) start: Option<Mark>,
    /// Stop at this time (exclusive)
    #[arg(long, value_name = "T", value_parser = mark)]
    pub(super) end: Option<Mark>,
    /// Judge only every Nth frame, starting with the first; with `key`, key frames alone, which is much faster: no other is
    /// decoded
    #[arg(long, value_name = "N|key", default_value = "1", value_parser = every)]
    every: Every,
    /// Judge only the N largest faces in a frame
    #[arg(long, value_name = "N")]
    max_faces: Option<NonZeroUsize>,
    /// Refuse pictures with more pixels than this (usually damaged or malicious files)
    #[arg(long, value_name = "N", default_value_t = video::MOST_PIXELS, value_parser = clap::value_parser!(u64).range(1..=1 << 31))]
    max_pixels: u64,
    /// Decoder: cpu, cuda or vaapi (in hardware; naming one that isn't available is an error), or auto, the first of these that
    /// takes the video
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    decode: Decode,
    /// Give up on an address that sends nothing for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = video::PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
}

impl FrameArgs {
    /// Looks at the flags before anything is opened.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        let empty = match self.start.zip(self.end) {
            Some((Mark::Running(start), Mark::Running(end)) | (Mark::Clock(start), Mark::Clock(end))) => start >= end,
            // Of two clocks nobody knows yet how far they are apart.
            _ => false,
        };
        if empty {
            return Err(UsageError("--end is not after --start: there is no frame between them".to_owned()));
        }
        Ok(())
    }

    /// What is asked for of a source; of `threads`, half may decode. `stop` ends a wait for the network.
    pub(super) fn wanted(&self, threads: NonZeroUsize, stop: &'static AtomicBool) -> Wanted {
        Wanted {
            raw: None,
            stretch: Stretch { start: self.start, end: self.end, every: self.every },
            most_pixels: self.max_pixels,
            patience: Duration::from_secs(self.patience),
            threads,
            decode: self.decode,
            stop,
            confined: false,
        }
    }

    /// The flags that change rows, by their names.
    pub(super) fn settings(&self) -> impl Iterator<Item = (String, Value)> {
        let seconds = |mark: Option<Mark>| match mark {
            Some(Mark::Running(time)) => time.seconds().into(),
            Some(Mark::Clock(time)) => format!("@{}", time.seconds()).into(),
            None => Value::Null,
        };
        let every = match self.every {
            Every::Nth(nth) => nth.get().into(),
            Every::Key => KEY.into(),
        };
        let settings: [(&str, Value); 4] = [
            ("start", seconds(self.start)),
            ("end", seconds(self.end)),
            ("every", every),
            ("max-faces", self.max_faces.map(NonZeroUsize::get).into()),
        ];
        // Tables of the processor are as they were before there was a choice.
        let decode = (self.decode != Decode::Cpu).then(|| ("decode", self.decode.to_string().into()));
        settings.into_iter().chain(decode).map(|(name, value)| (name.to_owned(), value))
    }

    /// Whether key frames alone are judged.
    pub(super) fn only_keys(&self) -> bool {
        self.every == Every::Key
    }

    /// Which of the found faces are judged.
    pub(super) fn choice(&self) -> Choice {
        Choice { most: self.max_faces.map(NonZeroUsize::get) }
    }
}

fn every(text: &str) -> Result<Every, String> {
    match text {
        KEY => Ok(Every::Key),
        _ => text.parse().map(Every::Nth).map_err(|_| format!("expected a whole number from 1 on, or `{KEY}`")),
    }
}

/// A time from the first frame, or after `@` one of the clip's own clock.
fn mark(text: &str) -> Result<Mark, String> {
    match text.strip_prefix('@') {
        Some(clock) => time(clock).map(Mark::Clock),
        None => time(text).map(Mark::Running),
    }
}

fn time(text: &str) -> Result<PresentationTime, String> {
    let seconds = || -> Option<f64> {
        let parts: Vec<&str> = text.split(':').collect();
        let (last, whole) = parts.split_last()?;
        if whole.len() > 2 || !text.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.')) {
            return None;
        }
        let last: f64 = last.parse().ok()?;
        let mut sum = 0.0;
        for (place, part) in whole.iter().enumerate() {
            let part: u32 = part.parse().ok()?;
            if place > 0 && part >= 60 {
                return None;
            }
            sum = (sum + f64::from(part)) * 60.0;
        }
        (whole.is_empty() || last < 60.0).then_some(sum + last)
    };
    // Clocks that count from 1970 are well below.
    let seconds = seconds().filter(|seconds| *seconds < 1e12);
    let found = seconds.map(|seconds| PresentationTime((seconds * 1e6).round() as i64));
    found.ok_or_else(|| "expected seconds (75.5), m:ss (1:15.5) or h:mm:ss (0:01:15.5)".to_owned())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    fn check_time(text: &str, micros: Option<i64>) {
        assert_eq!(time(text).ok().map(|time| time.0), micros, "{text}");
    }

    #[test]
    fn times_of_people() {
        check_time("0", Some(0));
        check_time("75.5", Some(75_500_000));
        check_time("1:15.5", Some(75_500_000));
        check_time("1:02:03.25", Some(3_723_250_000));
        check_time("100:00", Some(6_000_000_000));
        check_time("1764310001.5", Some(1_764_310_001_500_000));
        assert_eq!(mark("@1764310001"), Ok(Mark::Clock(PresentationTime(1_764_310_001_000_000))));
        assert_eq!(mark("1:15.5"), Ok(Mark::Running(PresentationTime(75_500_000))));
        assert!(mark("@").is_err() && mark("@@1").is_err());
        for wrong in ["", "-1", "1e3", "inf", "1:60", "1:60:00", "1:2:3:4", "1.5:00", ":10", "1:"] {
            check_time(wrong, None);
        }
    }

    #[test]
    fn frames_of_people() {
        assert_eq!(every("key"), Ok(Every::Key));
        assert_eq!(every("5"), Ok(Every::Nth(NonZeroU64::new(5).expect("not zero"))));
        for wrong in ["", "0", "-1", "1.5", "keys", "KEY"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
    }
}
