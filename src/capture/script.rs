//! A script of faults for the test camera: `at 2s stall 1s; at 5s unplug 2s; at 8s rate 15; at 12s end`.

use std::str::FromStr;
use std::time::Duration;

/// The language, for messages.
const EXPECTED: &str = "expected `at 2s stall 1s; at 5s unplug 2s; at 8s rate 15; at 12s end`";
/// Times in a script are no longer than a day.
const LONGEST: f64 = 86_400.0;
/// Frames a second at most.
const FASTEST: f64 = 1000.0;

/// What happens to the camera, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    events: Vec<(Duration, Event)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// No frame comes for so long.
    Stall(Duration),
    /// The camera is gone for so long.
    Unplug(Duration),
    /// Frames a second from here on.
    Rate(f64),
    /// It gives no more frames.
    End,
}

/// How the camera is at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// What it does.
    pub doing: Doing,
    /// Frames a second, where the script has changed it.
    pub rate: Option<f64>,
}

/// What the camera does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It gives frames.
    Play,
    /// It is silent until this time.
    Stall(Duration),
    /// It is not there.
    Gone,
    /// It will give no more frames.
    End,
}

impl Script {
    /// How the camera is `time` after the script began. What happens at once counts by its weight: an end before an absence,
    /// an absence before a silence.
    #[must_use]
    pub fn at(&self, time: Duration) -> Condition {
        let mut condition = Condition { doing: Doing::Play, rate: None };
        for &(begin, event) in self.events.iter().filter(|(begin, _)| *begin <= time) {
            match event {
                Event::Rate(rate) => condition.rate = Some(rate),
                Event::End => condition.doing = Doing::End,
                Event::Unplug(length) if time < begin + length && condition.doing != Doing::End => {
                    condition.doing = Doing::Gone;
                }
                Event::Stall(length) if time < begin + length => match condition.doing {
                    Doing::Play => condition.doing = Doing::Stall(begin + length),
                    Doing::Stall(until) => condition.doing = Doing::Stall(until.max(begin + length)),
                    Doing::Gone | Doing::End => {}
                },
                Event::Stall(_) | Event::Unplug(_) => {}
            }
        }
        condition
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut events = Vec::new();
        for line in text.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            let wrong = || format!("`{line}` is not understood; {EXPECTED}");
            let words: Vec<&str> = line.split_whitespace().collect();
            let (begin, event) = match *words {
                ["at", begin, "stall", length] => (begin, duration(length).map(Event::Stall)),
                ["at", begin, "unplug", length] => (begin, duration(length).map(Event::Unplug)),
                ["at", begin, "rate", rate] => {
                    (begin, number(rate, FASTEST).filter(|&rate| rate > 0.0).map(Event::Rate))
                }
                ["at", begin, "end"] => (begin, Some(Event::End)),
                _ => return Err(wrong()),
            };
            events.push((duration(begin).ok_or_else(wrong)?, event.ok_or_else(wrong)?));
        }
        events.sort_by_key(|(begin, _)| *begin);
        Ok(Self { events })
    }
}

fn duration(text: &str) -> Option<Duration> {
    let seconds = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(millis), _) => number(millis, LONGEST * 1e3)? / 1e3,
        (None, Some(seconds)) => number(seconds, LONGEST)?,
        (None, None) => return None,
    };
    Some(Duration::from_secs_f64(seconds))
}

/// A number in 0 to `most`.
fn number(text: &str, most: f64) -> Option<f64> {
    text.parse().ok().filter(|number| (0.0..=most).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, millis: u64, doing: Doing, rate: Option<f64>) {
        let script: Script = script.parse().expect("it is a script");
        assert_eq!(script.at(Duration::from_millis(millis)), Condition { doing, rate }, "{script:?} at {millis} ms");
    }

    #[test]
    fn mishaps_begin_and_pass() {
        let script = "at 5s unplug 2s; at 2s stall 1s;at 8s rate 15; at 12s end;";
        check(script, 1999, Doing::Play, None);
        check(script, 2000, Doing::Stall(Duration::from_secs(3)), None);
        check(script, 3000, Doing::Play, None);
        check(script, 5000, Doing::Gone, None);
        check(script, 6999, Doing::Gone, None);
        check(script, 7000, Doing::Play, None);
        check(script, 8000, Doing::Play, Some(15.0));
        check(script, 99_000, Doing::End, Some(15.0));
        check("", 0, Doing::Play, None);
    }

    #[test]
    fn the_weightier_of_two_mishaps_counts() {
        check("at 1s unplug 5s; at 2s stall 1s", 2500, Doing::Gone, None);
        check("at 1s stall 5s; at 2s unplug 500ms", 2400, Doing::Gone, None);
        check("at 1s stall 5s; at 2s unplug 500ms", 2500, Doing::Stall(Duration::from_secs(6)), None);
        check("at 1s end; at 2s unplug 5s", 2500, Doing::End, None);
        check("at 1s stall 1s; at 1500ms stall 2s", 1600, Doing::Stall(Duration::from_millis(3500)), None);
    }

    #[test]
    fn what_is_no_script_is_refused() {
        for wrong in
            ["stall", "at 2 stall 1s", "at 2s stall", "at 2s rate 0", "at 2s rate nan", "at -1s end", "at 2s end 3s"]
        {
            let error = wrong.parse::<Script>().expect_err("it is none");
            assert!(error.contains(wrong) && error.contains("expected"), "{error}");
        }
    }
}
