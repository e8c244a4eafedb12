//! Settings of `cyborg live` from flags, the environment and a file, in this order of precedence. What none of them sets has the
//! flag's default.
//!
//! Environment and file become flags, which are then read as if they had been written: one place checks them all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

use crate::name;

/// The command that is told so.
const LIVE: &str = "live";
/// The flag that names the file. It stands in no file itself.
const CONFIG: &str = "config";
/// Names in the environment begin so: `CYBORG_LIVE_DETECT_EVERY` stands for `--detect-every`.
const PREFIX: &str = "CYBORG_LIVE_";

/// Where settings come from.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    /// Makes the definition of the command line.
    command: fn() -> Command,
    words: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    file: Option<PathBuf>,
}

/// Settings that can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerError {
    #[error("can't read {}: {reason}; --config needs a TOML file", name::of(path))]
    Read { path: PathBuf, reason: std::io::Error },
    #[error("{}, line {line}: {reason}", name::of(path))]
    Toml { path: PathBuf, line: usize, reason: String },
    #[error("{origin}: unknown setting `{key}` for `cyborg live`; did you mean `{nearest}`?")]
    Unknown { origin: String, key: String, nearest: String },
    #[error("{origin}: `{key}`: {reason}")]
    Value { origin: String, key: String, reason: String },
    /// A fault of all of them together, or of the flags.
    #[error("{}", .0.to_string().trim_start_matches("error: ").trim_end())]
    Usage(clap::Error),
}

/// A layer: its name, and what it says by the long names of the flags. `written` is how the reader wrote that name.
struct Layer {
    origin: String,
    said: Vec<(String, Value)>,
    written: fn(&str) -> String,
}

impl Layers {
    /// The layers of a command line; nothing where it is not that of `cyborg live`.
    pub(super) fn of(words: &[OsString], command: fn() -> Command) -> Option<Self> {
        let found = quick(words, command)?;
        let environment: Vec<(String, OsString)> = env::vars_os()
            .filter_map(|(name, value)| {
                let key = name.to_str()?.strip_prefix(PREFIX)?.to_ascii_lowercase().replace('_', "-");
                Some((key, value))
            })
            .collect();
        let file = found.get_one::<PathBuf>(CONFIG).cloned();
        let named = || environment.iter().find(|(key, _)| key == CONFIG).map(|(_, value)| PathBuf::from(value));
        let file = file.or_else(named);
        Some(Self { command, words: words.to_vec(), environment, file })
    }

    /// Whether there is a file, which may change.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Reads them all. The file is read anew each time.
    pub(super) fn read(&self) -> Result<ArgMatches, LayerError> {
        let mut command = (self.command)();
        command.build();
        let live = command.find_subcommand(LIVE).expect("this command is there");
        let mut layers = vec![self.environment()?];
        if let Some(path) = &self.file {
            layers.push(Layer { origin: name::of(path), said: of_file(path)?, written: str::to_owned });
        }
        let given = quick(&self.words, self.command);
        let is_given = |arg: &&Arg| {
            let source = given.as_ref().and_then(|given| given.value_source(arg.get_id().as_str()));
            source == Some(clap::parser::ValueSource::CommandLine)
        };
        let mut taken: Vec<&Arg> = live.get_arguments().filter(is_given).collect();
        let mut words = self.words.clone();
        for layer in &layers {
            let before = taken.clone();
            for (key, value) in &layer.said {
                let arg = named(live, key).ok_or_else(|| layer.unknown(live, key))?;
                let more = layer.words(arg, key, value)?;
                layer.check(key, &more, self.command)?;
                // What a stronger layer says rules out what can't stand beside it, too.
                let ruled_out = |strong: &&Arg| {
                    strong.get_id() == arg.get_id()
                        || live.get_arg_conflicts_with(strong).contains(&arg)
                        || live.get_arg_conflicts_with(arg).contains(strong)
                };
                if !before.iter().any(ruled_out) {
                    taken.push(arg);
                    words.extend(more);
                }
            }
        }
        (self.command)().try_get_matches_from(words).map_err(LayerError::Usage)
    }

    /// What each setting of `live` came to, in words; those that were never given and have no default are left out.
    pub(super) fn values(&self, matches: &ArgMatches) -> BTreeMap<String, Vec<String>> {
        let mut command = (self.command)();
        command.build();
        let (Some(live), Some(found)) = (command.find_subcommand(LIVE), matches.subcommand_matches(LIVE)) else {
            return BTreeMap::new();
        };
        let value = |arg: &Arg| {
            let raw = found.try_get_raw(arg.get_id().as_str()).ok()??;
            Some((arg.get_long()?.to_owned(), raw.map(name::of).collect()))
        };
        settings(live).filter_map(value).collect()
    }

    fn environment(&self) -> Result<Layer, LayerError> {
        let origin = "the environment".to_owned();
        let written = |key: &str| format!("{PREFIX}{}", key.to_ascii_uppercase().replace('-', "_"));
        let mut said = Vec::new();
        for (key, value) in self.environment.iter().filter(|(key, _)| key != CONFIG) {
            let Some(value) = value.to_str() else {
                return Err(LayerError::Value {
                    origin,
                    key: written(key),
                    reason: "it is not valid UTF-8".to_owned(),
                });
            };
            said.push((key.clone(), Value::String(value.to_owned())));
        }
        said.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Layer { origin, said, written })
    }
}

impl Layer {
    fn unknown(&self, live: &Command, key: &str) -> LayerError {
        let far = |name: &&str| (strsim::jaro_winkler(key, name) * 1e6) as u64;
        let nearest = settings(live).filter_map(Arg::get_long).max_by_key(far).unwrap_or_default();
        let written = self.written;
        LayerError::Unknown { origin: self.origin.clone(), key: written(key), nearest: written(nearest) }
    }

    fn fault(&self, key: &str, reason: impl Into<String>) -> LayerError {
        let written = self.written;
        LayerError::Value { origin: self.origin.clone(), key: written(key), reason: reason.into() }
    }

    /// The flags that say the same.
    fn words(&self, arg: &Arg, key: &str, value: &Value) -> Result<Vec<OsString>, LayerError> {
        let flag = OsString::from(format!("--{key}"));
        let with = |text: String| OsString::from(format!("--{key}={text}"));
        match (arg.get_action(), value) {
            (ArgAction::SetTrue, value) => match truth(value) {
                Some(true) => Ok(vec![flag]),
                Some(false) => Ok(Vec::new()),
                None => Err(self.fault(key, "expected true or false")),
            },
            (ArgAction::Count, value) => {
                let times = plain(value).and_then(|text| text.parse().ok()).filter(|times: &usize| *times <= 9);
                times.map(|times| vec![flag; times]).ok_or_else(|| self.fault(key, "expected a number from 0 to 9"))
            }
            (ArgAction::Append, Value::Array(several)) => {
                let texts = several.iter().map(|value| plain(value).map(with));
                texts.collect::<Option<_>>().ok_or_else(|| self.fault(key, "expected texts or numbers"))
            }
            (_, value) => match plain(value) {
                Some(text) => Ok(vec![with(text)]),
                None => Err(self.fault(key, "expected a text or a number")),
            },
        }
    }

    /// Whether these flags are good by themselves: a fault is then this layer's.
    fn check(&self, key: &str, words: &[OsString], command: fn() -> Command) -> Result<(), LayerError> {
        let alone = [OsString::from("cyborg"), LIVE.into()].into_iter().chain(words.iter().cloned());
        match command().try_get_matches_from(alone) {
            // Another layer may say what it needs.
            Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
                Err(self.fault(key, first))
            }
            _ => Ok(()),
        }
    }
}

/// The command line of `cyborg live`, as far as it can be read.
fn quick(words: &[OsString], command: fn() -> Command) -> Option<ArgMatches> {
    // Help and version are no settings, and end in an error here.
    let mut found = command().ignore_errors(true).try_get_matches_from(words).ok()?;
    match found.remove_subcommand() {
        Some((name, found)) if name == LIVE => Some(found),
        _ => None,
    }
}

/// The flags that may stand in a file.
fn settings(live: &Command) -> impl Iterator<Item = &Arg> {
    live.get_arguments().filter(|arg| !matches!(arg.get_long(), None | Some("help" | "version" | CONFIG)))
}

fn named<'a>(live: &'a Command, key: &str) -> Option<&'a Arg> {
    settings(live).find(|arg| arg.get_long() == Some(key))
}

/// What a file says.
fn of_file(path: &Path) -> Result<Vec<(String, Value)>, LayerError> {
    let text = fs::read_to_string(path).map_err(|reason| LayerError::Read { path: path.to_owned(), reason })?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1;
        LayerError::Toml { path: path.to_owned(), line, reason: error.message().to_owned() }
    })?;
    Ok(table.into_iter().collect())
}

/// A text or a number as it is written after a flag.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "" | "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
