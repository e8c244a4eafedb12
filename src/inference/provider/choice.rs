//! Which provider is taken: what was asked for, what was got, and why.

use std::fmt;
use std::str::FromStr;

use super::Provider;

/// Which provider a user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The best that starts.
    Auto,
    /// This one or an error.
    Named(Provider),
}

impl Asked {
    /// The providers to try, in this order.
    #[must_use]
    pub fn candidates(self) -> Vec<Provider> {
        match self {
            Self::Auto => Provider::all().filter(|provider| provider.is_in_auto()).collect(),
            Self::Named(provider) => vec![provider],
        }
    }
}

impl Asked {
    /// Whether nothing but the processor can be got: it alone is asked for, or no accelerator is part of the program and of ONNX
    /// Runtime, which must be loaded.
    #[must_use]
    pub fn is_processor(self) -> bool {
        match self {
            Self::Auto => {
                self.candidates().into_iter().all(|provider| provider == Provider::CPU || provider.built_in().is_err())
            }
            Self::Named(provider) => provider == Provider::CPU,
        }
    }
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let named = Provider::named(text).map(Self::Named);
        named.ok_or_else(|| {
            let names: Vec<&str> = Provider::all().rev().map(Provider::name).collect();
            format!("expected auto, {}", names.join(", "))
        })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(provider) => provider.fmt(f),
        }
    }
}

/// A provider that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which one.
    pub provider: Provider,
    /// What it said, or what its self-test found.
    pub reason: String,
}

/// What was asked for, what was got, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderReport {
    /// The user's wish.
    pub asked: Asked,
    /// What the session runs on.
    pub got: Provider,
    /// The preferred ones that were not taken.
    pub refusals: Vec<Refusal>,
    /// The largest difference from the processor that the self-test found, as a share of the output's spread; `None` on
    /// the processor.
    pub difference: Option<f32>,
}

impl fmt::Display for ProviderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked {}, got {}", self.asked, self.got)?;
        let tested = self.difference.map(|share| format!("self-test: within {share:.1e} of the processor"));
        let refused = self.refusals.iter().map(|refusal| format!("{}: {}", refusal.provider, refusal.reason));
        let reasons: Vec<String> = tested.into_iter().chain(refused).collect();
        if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join("; ")) }
    }
}

/// No provider was taken; the last refusal is the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Those before it.
    pub before: Vec<Refusal>,
    /// The last one.
    pub last: Refusal,
}

/// Takes the first provider that `open` opens. `open` gives what it opened, and the difference that a self-test found.
///
/// # Errors
///
/// When `open` refuses all of them; a provider that is named is the only one that is tried.
///
/// # Panics
///
/// Never: there is always a provider to try.
pub fn choose<T>(
    asked: Asked,
    mut open: impl FnMut(Provider) -> Result<(T, Option<f32>), String>,
) -> Result<(T, ProviderReport), Refused> {
    let mut refusals = Vec::new();
    for provider in asked.candidates() {
        match open(provider) {
            Ok((opened, difference)) => {
                return Ok((opened, ProviderReport { asked, got: provider, refusals, difference }));
            }
            Err(reason) => refusals.push(Refusal { provider, reason }),
        }
    }
    let last = refusals.pop().expect("the candidates are never none: `auto` ends with the processor");
    Err(Refused { before: refusals, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of asking on a machine where `working` start, and of those `wrong` compute wrongly.
    fn ask(asked: &str, working: &[Provider], wrong: &[Provider]) -> String {
        let asked = asked.parse().expect("a name");
        let open = |provider| match provider {
            provider if !working.contains(&provider) => Err("no device".to_owned()),
            provider if wrong.contains(&provider) => Err("it differs by 0.3".to_owned()),
            provider => Ok(((), (provider != Provider::CPU).then_some(0.0001))),
        };
        match choose(asked, open) {
            Ok(((), report)) => report.to_string(),
            Err(refused) => format!("error {}: {}", refused.last.provider, refused.last.reason),
        }
    }

    #[test]
    fn auto_goes_on_to_the_next_one_and_says_why() {
        let all: Vec<Provider> = Provider::all().collect();
        let [tensorrt, cuda] = ["tensorrt", "cuda"].map(|name| Provider::named(name).expect("a name"));
        assert_eq!(ask("auto", &all, &[]), "asked auto, got tensorrt (self-test: within 1.0e-4 of the processor)");
        assert_eq!(
            ask("auto", &all, &[tensorrt]),
            "asked auto, got cuda (self-test: within 1.0e-4 of the processor; tensorrt: it differs by 0.3)"
        );
        let got = ask("auto", &[cuda, Provider::CPU], &[cuda]);
        assert!(got.starts_with("asked auto, got cpu (tensorrt: no device; cuda: it differs by 0.3"), "{got}");
        assert!(ask("auto", &[], &[]).starts_with("error cpu"));
    }

    #[test]
    fn a_named_one_is_had_or_an_error() {
        let all: Vec<Provider> = Provider::all().collect();
        assert_eq!(ask("cuda", &[Provider::CPU], &[]), "error cuda: no device");
        assert_eq!(ask("cuda", &all, &all), "error cuda: it differs by 0.3");
        assert_eq!(ask("cpu", &all, &[]), "asked cpu, got cpu");
    }

    #[test]
    fn names_are_taken_strictly() {
        for provider in Provider::all() {
            assert_eq!(provider.name().parse(), Ok(Asked::Named(provider)));
        }
        for wrong in ["gpu", "CUDA", "cuda ", "", "TensorRT"] {
            let message = wrong.parse::<Asked>().expect_err("no such name");
            assert!(message.starts_with("expected auto, cpu, xnnpack") && message.ends_with("tensorrt"), "{message}");
        }
    }
}
