//! Who decodes: the processor, or a decoder in hardware; what was asked for, what was got, and why.
//!
//! A decoder in hardware gives nothing of a file away until its first picture has matched the processor's.

use std::fmt;
use std::str::FromStr;

use ffmpeg_next::ffi::AVHWDeviceType;

/// A kind of decoder in hardware.
#[derive(Clone, Copy)]
pub struct Hardware(&'static Row);

/// What is known of a kind.
struct Row {
    name: &'static str,
    kind: AVHWDeviceType,
    /// What it needs.
    needs: &'static str,
}

/// All of them, the one to be preferred first.
static ROWS: [Row; 2] = [
    Row { name: "cuda", kind: AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA, needs: "an NVIDIA GPU and its driver" },
    Row {
        name: "vaapi",
        kind: AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI,
        needs: "a GPU of Intel or AMD, its VA-API driver, and this user in the group `render`",
    },
];

impl Hardware {
    /// All of them, the one to be preferred first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        ROWS.iter().map(Self)
    }

    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it needs, in words.
    #[must_use]
    pub fn needs(self) -> &'static str {
        self.0.needs
    }

    pub(super) fn kind(self) -> AVHWDeviceType {
        self.0.kind
    }
}

impl PartialEq for Hardware {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Hardware {}

impl fmt::Debug for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which decoder a user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decode {
    /// The processor. It decodes everything.
    #[default]
    Cpu,
    /// The first one in hardware that takes the video, otherwise the processor.
    Auto,
    /// This one or an error.
    Named(Hardware),
}

impl FromStr for Decode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "auto" => Ok(Self::Auto),
            name => Hardware::all().find(|hardware| hardware.name() == name).map(Self::Named).ok_or_else(|| {
                let names: Vec<&str> = Hardware::all().map(Hardware::name).collect();
                format!("expected auto, cpu, {}", names.join(", "))
            }),
        }
    }
}

impl fmt::Display for Decode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Auto => "auto",
            Self::Named(hardware) => hardware.name(),
        })
    }
}

/// How far the first picture was from the processor's: the mean difference of a sample, in grey levels. `None` where a source
/// can be read but once, so that nothing could be compared.
pub(super) type Difference = Option<f64>;

/// What was asked for, what was got, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeReport {
    /// The user's wish.
    pub asked: Decode,
    /// The decoder in hardware that is used; `None` is the processor.
    pub got: Option<Hardware>,
    /// Those that were tried and not taken, with what they said.
    pub refusals: Vec<(Hardware, String)>,
    /// The mean difference of a sample of the first picture from the processor's, in grey levels; `None` on the processor and
    /// where a source can be read but once.
    pub difference: Option<f64>,
}

impl DecodeReport {
    /// The processor decodes, and nothing else was tried.
    pub(super) fn cpu(asked: Decode) -> Self {
        Self { asked, got: None, refusals: Vec::new(), difference: None }
    }
}

impl fmt::Display for DecodeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let got = self.got.map_or("cpu", Hardware::name);
        write!(f, "asked {}, got {got}", self.asked)?;
        let compared = match (self.got, self.difference) {
            (None, _) => None,
            (Some(_), Some(levels)) => {
                Some(format!("first picture: within {levels:.2} grey levels of the processor's"))
            }
            (Some(_), None) => Some("not compared with the processor, as it can be read but once".to_owned()),
        };
        let refused = self.refusals.iter().map(|(hardware, reason)| format!("{hardware}: {reason}"));
        let reasons: Vec<String> = compared.into_iter().chain(refused).collect();
        if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join("; ")) }
    }
}

/// Takes the first decoder that passes `test`, or the processor where that is allowed.
///
/// # Errors
///
/// A decoder that was named, with what it said; `test` itself may give up on the source, by its outer error.
pub(super) fn choose<E>(
    asked: Decode,
    mut test: impl FnMut(Hardware) -> Result<Result<Difference, String>, E>,
) -> Result<Result<DecodeReport, (Hardware, String)>, E> {
    let candidates: Vec<Hardware> = match asked {
        Decode::Cpu => Vec::new(),
        Decode::Auto => Hardware::all().collect(),
        Decode::Named(hardware) => vec![hardware],
    };
    let mut refusals = Vec::new();
    for hardware in candidates {
        match test(hardware)? {
            Ok(difference) => return Ok(Ok(DecodeReport { asked, got: Some(hardware), refusals, difference })),
            Err(reason) => refusals.push((hardware, reason)),
        }
    }
    Ok(match (asked, refusals.pop()) {
        (Decode::Named(_), Some(refusal)) => Err(refusal),
        (_, last) => {
            refusals.extend(last);
            Ok(DecodeReport { refusals, ..DecodeReport::cpu(asked) })
        }
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// The outcome of asking on a machine where `working` pass.
    fn ask(asked: &str, working: &[&str]) -> String {
        let asked = asked.parse().expect("a name");
        let test = |hardware: Hardware| -> Result<_, Infallible> {
            Ok(if working.contains(&hardware.name()) { Ok(Some(0.25)) } else { Err("no device".to_owned()) })
        };
        match choose(asked, test) {
            Ok(Ok(report)) => report.to_string(),
            Ok(Err((hardware, reason))) => format!("error {hardware}: {reason}"),
            Err(never) => match never {},
        }
    }

    #[test]
    fn what_is_named_is_got_or_an_error() {
        assert_eq!(ask("cpu", &["cuda", "vaapi"]), "asked cpu, got cpu");
        assert_eq!(ask("vaapi", &["cuda"]), "error vaapi: no device");
        let compared = "first picture: within 0.25 grey levels of the processor's";
        assert_eq!(ask("vaapi", &["vaapi"]), format!("asked vaapi, got vaapi ({compared})"));
    }

    #[test]
    fn auto_goes_on_to_the_next_and_says_why() {
        let compared = "first picture: within 0.25 grey levels of the processor's";
        assert_eq!(ask("auto", &["cuda", "vaapi"]), format!("asked auto, got cuda ({compared})"));
        assert_eq!(ask("auto", &["vaapi"]), format!("asked auto, got vaapi ({compared}; cuda: no device)"));
        assert_eq!(ask("auto", &[]), "asked auto, got cpu (cuda: no device; vaapi: no device)");
    }

    #[test]
    fn a_source_that_fails_is_no_refusal() {
        assert_eq!(choose(Decode::Auto, |_| Err("no such file")), Err("no such file"));
    }

    #[test]
    fn what_can_be_asked_is_told() {
        assert_eq!("dxva".parse::<Decode>(), Err("expected auto, cpu, cuda, vaapi".to_owned()));
    }
}
