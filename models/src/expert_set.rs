//! A set of experts: the TOML that has several model files give one verdict. The files lie beside it.
//!
//! `CONTRACT.md` beside this package has an example and says what each key means. An unknown key is an error. What the
//! numbers do is in the runtime's `verdict::experts`.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::contract::{Kind, Thresholds};
use crate::digest;

/// The version of the TOML's keys that this code reads and writes.
pub const FORMAT: u32 = 1;
/// What stands for the model that is part of the program, where a file is named.
pub const SHIPPED: &str = "shipped";
/// Experts at most. Each costs its time at every face.
pub const MOST_EXPERTS: usize = 16;
/// Weights and biases beyond this, in logits, say nothing that a smaller one doesn't.
const LARGEST: f32 = 1000.0;

/// What the TOML says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertSet {
    /// Version of these keys, [`FORMAT`].
    pub version: u32,
    /// What to call the set.
    pub name: String,
    /// From the evidence of each kind to the one that counts.
    #[serde(default)]
    pub fusion: FusionBias,
    /// From a probability to a verdict.
    pub thresholds: Thresholds,
    /// The experts; at least one.
    #[serde(rename = "expert", default)]
    pub experts: Vec<ExpertEntry>,
}

/// An expert of a set.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertEntry {
    /// Its file beside the set file, or `shipped` for the model that is part of the program.
    pub file: String,
    /// SHA-256 of that file.
    pub sha256: String,
    /// The kind of synthetic faces that it looks for, which must be the file's own where the file says one; nothing where it
    /// is for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks_for: Option<Kind>,
    /// What its evidence is multiplied by; above 0, at most 1000.
    pub weight: f32,
}

/// A bias a kind, in logits: it is added to the evidence of that kind's experts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FusionBias {
    /// Of the experts on generated faces.
    pub generated: Option<f32>,
    /// Of the experts on swapped faces.
    pub swapped: Option<f32>,
    /// Of the experts that don't say what they look for.
    pub anything: Option<f32>,
}

/// Why a set can't be used.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpertSetError {
    /// It is no TOML, or of another form. The message names the line and the key.
    #[error("it can't be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// It is of another version.
    #[error(
        "it has version {found}, this program reads version {FORMAT}: update the program, or assemble the set again"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// A key that means nothing here.
    #[error("unknown key `{key}` in {within}; did you mean `{nearest}`?")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        within: &'static str,
        /// What may have been meant.
        nearest: &'static str,
    },
    /// There is nobody to ask.
    #[error("it has no [[expert]]: if it describes a foreign model, give the ONNX file next to it instead")]
    NoExpert,
    /// A key holds something that can't be.
    #[error("`{key}` in it must be {expected}")]
    Invalid {
        /// The key.
        key: String,
        /// What it may be.
        expected: &'static str,
    },
}

/// The keys of the whole, of `[[expert]]`, of `[fusion]`, of `[thresholds]` and of its error rates.
const KEYS: [&str; 5] = ["version", "name", "expert", "fusion", "thresholds"];
const EXPERT_KEYS: [&str; 4] = ["file", "sha256", "looks_for", "weight"];
const FUSION_KEYS: [&str; 3] = ["generated", "swapped", "anything"];
const THRESHOLD_KEYS: [&str; 3] = ["authentic_below", "synthetic_above", "error_rates"];
const RATE_KEYS: [&str; 3] = ["apcer", "bpcer", "measured_on"];

impl ExpertSet {
    /// Reads the text of a set file.
    ///
    /// # Errors
    ///
    /// When it has another form, an unknown key, or something out of its range.
    pub fn parse(text: &str) -> Result<Self, ExpertSetError> {
        let table: Table = text.parse()?;
        // The version first: another one may have other keys.
        if let Some(&Value::Integer(found)) = table.get("version")
            && found != i64::from(FORMAT)
        {
            return Err(ExpertSetError::Version { found: u32::try_from(found).unwrap_or(u32::MAX) });
        }
        check_keys(&table)?;
        if !table.contains_key("expert") {
            return Err(ExpertSetError::NoExpert);
        }
        let set: Self = toml::from_str(text)?;
        set.check()?;
        Ok(set)
    }

    /// The text of the set file that [`ExpertSet::parse`] reads back as this very set.
    ///
    /// # Errors
    ///
    /// When a number in it has no form in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// The bias of the experts of a kind.
    #[must_use]
    pub fn bias(&self, kind: Option<Kind>) -> f32 {
        self.fusion.of(kind).unwrap_or(0.0)
    }

    fn check(&self) -> Result<(), ExpertSetError> {
        if self.experts.is_empty() {
            return Err(ExpertSetError::NoExpert);
        }
        let invalid = |key: String, expected| Err(ExpertSetError::Invalid { key, expected });
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return invalid("name".to_owned(), "a name on one line");
        }
        if self.experts.len() > MOST_EXPERTS {
            return invalid("expert".to_owned(), "there 16 times at most");
        }
        let mut files = BTreeMap::new();
        for (at, expert) in self.experts.iter().enumerate() {
            let key = |name: &str| format!("expert.{name}` of expert `{}", expert.file);
            let is_plain = |path: &str| {
                let mut parts = Path::new(path).components().peekable();
                parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
            };
            if !is_plain(&expert.file) || expert.file.contains('\\') {
                return invalid(key("file"), "a file next to the set file, or `shipped`");
            }
            if files.insert(&expert.file, at).is_some() {
                return invalid(key("file"), "named once");
            }
            if !digest::is_digest(&expert.sha256) {
                return invalid(key("sha256"), "64 lower-case hexadecimal digits");
            }
            if !(expert.weight > 0.0 && expert.weight <= LARGEST) {
                return invalid(key("weight"), "above 0, at most 1000");
            }
        }
        for (name, kind) in [("generated", Some(Kind::Generated)), ("swapped", Some(Kind::Swapped)), ("anything", None)]
        {
            let Some(bias) = self.fusion.of(kind) else {
                continue;
            };
            if bias.is_nan() || bias.abs() > LARGEST {
                return invalid(format!("fusion.{name}"), "in -1000 to 1000");
            }
            if !self.experts.iter().any(|expert| expert.looks_for == kind) {
                return invalid(format!("fusion.{name}"), "absent if no expert is of that kind");
            }
        }
        let unit = |value: f64| (0.0..=1.0).contains(&value);
        let Thresholds { authentic_below, synthetic_above, error_rates } = &self.thresholds;
        for (holds, key, expected) in [
            (unit((*authentic_below).into()), "thresholds.authentic_below", "in 0 to 1"),
            (unit((*synthetic_above).into()), "thresholds.synthetic_above", "in 0 to 1"),
            (authentic_below <= synthetic_above, "thresholds.authentic_below", "at most `thresholds.synthetic_above`"),
            (
                error_rates.as_ref().is_none_or(|rates| unit(rates.apcer) && unit(rates.bpcer)),
                "thresholds.error_rates",
                "shares in 0 to 1",
            ),
        ] {
            if !holds {
                return invalid(key.to_owned(), expected);
            }
        }
        Ok(())
    }
}

impl FusionBias {
    fn of(&self, kind: Option<Kind>) -> Option<f32> {
        match kind {
            Some(Kind::Generated) => self.generated,
            Some(Kind::Swapped) => self.swapped,
            None => self.anything,
        }
    }
}

/// Looks for keys that mean nothing, before anything is read: a wrong one is then named with the right one.
fn check_keys(table: &Table) -> Result<(), ExpertSetError> {
    let within = |name: &str| table.get(name).and_then(Value::as_table);
    known(table, &KEYS, "a set of experts")?;
    for expert in table.get("expert").and_then(Value::as_array).into_iter().flatten() {
        expert.as_table().map_or(Ok(()), |expert| known(expert, &EXPERT_KEYS, "an [[expert]]"))?;
    }
    within("fusion").map_or(Ok(()), |fusion| known(fusion, &FUSION_KEYS, "[fusion]"))?;
    let Some(thresholds) = within("thresholds") else {
        return Ok(());
    };
    known(thresholds, &THRESHOLD_KEYS, "[thresholds]")?;
    let rates = thresholds.get("error_rates").and_then(Value::as_table);
    rates.map_or(Ok(()), |rates| known(rates, &RATE_KEYS, "error_rates"))
}

fn known(table: &Table, keys: &[&'static str], within: &'static str) -> Result<(), ExpertSetError> {
    let Some(key) = table.keys().find(|key| !keys.contains(&key.as_str())) else {
        return Ok(());
    };
    let near = |name: &&&str| (strsim::jaro_winkler(key, name) * 1e6) as u64;
    let nearest = keys.iter().max_by_key(near).copied().unwrap_or_default();
    Err(ExpertSetError::UnknownKey { key: key.clone(), within, nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        version = 1
        name = "both"
        [[expert]]
        file = "made.onnx"
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        looks_for = "generated"
        weight = 0.75
        [[expert]]
        file = "shipped"
        sha256 = "aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        weight = 1
        [fusion]
        generated = -0.5
        [thresholds]
        authentic_below = 0.25
        synthetic_above = 0.75
        error_rates = { apcer = 0.01, bpcer = 0.02, measured_on = "kept out" }
    "#;

    #[test]
    fn says_what_it_says_and_is_written_as_it_was_read() {
        let set = ExpertSet::parse(GOOD).expect("it is good");
        assert_eq!((set.experts.len(), set.experts[0].looks_for), (2, Some(Kind::Generated)));
        assert_eq!((set.bias(Some(Kind::Generated)), set.bias(None)), (-0.5, 0.0));
        let text = set.to_toml().expect("it has a form");
        assert_eq!(ExpertSet::parse(&text), Ok(set), "{text}");
    }

    /// The message that `GOOD` gives with `from` replaced by `to`.
    fn check(from: &str, to: &str, part: &str) {
        assert!(GOOD.contains(from), "`{from}` isn't in the example");
        let error = ExpertSet::parse(&GOOD.replacen(from, to, 1)).expect_err("it is broken").to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    }

    #[test]
    fn a_key_that_means_nothing_is_named_with_the_one_that_was_meant() {
        check("name =", "nmae =", "unknown key `nmae` in a set of experts; did you mean `name`?");
        check("looks_for", "look_for", "unknown key `look_for` in an [[expert]]; did you mean `looks_for`?");
        check("generated = -0.5", "generatd = -0.5", "in [fusion]; did you mean `generated`?");
        check("synthetic_above", "synthetic_over", "in [thresholds]; did you mean `synthetic_above`?");
        check("apcer", "acper", "in error_rates; did you mean `apcer`?");
    }

    #[test]
    fn what_cannot_be_is_told() {
        check("version = 1", "version = 2", "it has version 2, this program reads version 1");
        check("version = 1", "", "missing field `version`");
        check("version = 1", "version = ", "it can't be read");
        check("\"both\"", "\" \"", "`name` in it must be a name");
        check("\"generated\"", "\"painted\"", "unknown variant `painted`");
        check("made.onnx", "../made.onnx", "next to the set file");
        check("made.onnx", "/made.onnx", "next to the set file");
        check("made.onnx", "shipped", "must be named once");
        check("ba7816", "BA7816", "64 lower-case hexadecimal digits");
        check("0.75", "0", "above 0");
        check("0.75", "nan", "above 0");
        check("-0.5", "inf", "in -1000 to 1000");
        check("generated = -0.5", "swapped = -0.5", "absent if no expert is of that kind");
        check("authentic_below = 0.25", "authentic_below = 0.8", "at most");
        check("apcer = 0.01", "apcer = 1.5", "shares in 0 to 1");
        let empty = "version = 1\nname = \"x\"\n[thresholds]\nauthentic_below = 0.3\nsynthetic_above = 0.7\n";
        assert_eq!(ExpertSet::parse(empty), Err(ExpertSetError::NoExpert));
        assert_eq!(ExpertSet::parse(&format!("expert = []\n{empty}")), Err(ExpertSetError::NoExpert));
    }
}
