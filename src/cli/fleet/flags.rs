//! The flags of `video` that say how a clip is judged, as they travel with a job: as words.
//!
//! Who submits settles what depends on the machine (which model `auto` is, which detector and provider come with it), so that
//! all workers do the same or say that they can't.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::classify::named::{ModelName, SMALL, SMALL_FLOAT32, SMALL_INT8};
use crate::classify::shipped::Form;
use crate::cli::frames::FrameArgs;
use crate::cli::judging;
use crate::cli::outcome::UsageError;
use crate::cli::workers::{WorkerArgs, Workers};
use crate::face::detector::DetectorName;
use crate::fleet::places::Allowed;
use crate::inference::provider::Asked;
use crate::name;
use crate::sink::jsonl::RunRecord;

/// Words of a job at most.
const MOST_WORDS: usize = 64;

#[derive(Args, Debug)]
pub(super) struct JudgeArgs {
    #[command(flatten)]
    pub(super) frames: FrameArgs,
    /// Look for faces only in every Nth frame and where scenes begin, and follow their motion in between: faster
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) detect_every: NonZeroU32,
    #[command(flatten)]
    pub(super) workers: WorkerArgs,
}

impl JudgeArgs {
    /// What a job says, as a worker reads it: foreign words. Files that they name must be allowed.
    pub(super) fn of_job(words: &[String], allowed: &Allowed) -> Result<Self, String> {
        if words.len() > MOST_WORDS {
            return Err(format!("its job has {} flags, more than {MOST_WORDS}", words.len()));
        }
        let named = command().no_binary_name(true).disable_help_flag(true);
        let matches = named.try_get_matches_from(words).map_err(|error| told(&error))?;
        let args = Self::from_arg_matches(&matches).map_err(|error| told(&error))?;
        args.check().map_err(|error| error.to_string())?;
        for file in args.files() {
            allowed.file(&file).map_err(|error| error.to_string())?;
        }
        Ok(args)
    }

    /// Looks at the flags before anything is opened.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        self.frames.check()?;
        judging::check(&self.frames, self.detect_every)
    }

    /// Looks at them where a job is submitted: files must be called as workers find them.
    pub(super) fn check_shared(&self) -> Result<(), UsageError> {
        match self.files().into_iter().find(|file| !file.is_absolute()) {
            Some(file) => Err(UsageError(format!(
                "{} must be named by a path that begins with a slash: workers have it under the same path",
                name::of(file)
            ))),
            None => self.check(),
        }
    }

    /// The files that the flags name.
    fn files(&self) -> Vec<PathBuf> {
        let of_model = |model: &ModelName| match model {
            ModelName::File(path) => Some(path.clone()),
            _ => None,
        };
        let of_detector = |detector: &DetectorName| match detector {
            DetectorName::File(path) => Some(path.clone()),
            DetectorName::Known(_) => None,
        };
        let WorkerArgs { model, model_toml, detector, .. } = &self.workers;
        let models = model.iter().filter_map(of_model).chain(model_toml.clone());
        models.chain(detector.as_ref().and_then(of_detector)).collect()
    }

    /// What clips are judged with, by teams that were opened.
    pub(super) fn record(&self, workers: &Workers) -> RunRecord {
        let mut run = workers.record();
        judging::add_settings(&mut run, &self.frames, self.detect_every);
        run
    }

    /// The flags of a command line that was read as words, with what they came to here in place of what depends on the machine.
    pub(super) fn words(&self, given: &ArgMatches, run: &RunRecord) -> anyhow::Result<Vec<String>> {
        let below = |matches: &ArgMatches| matches.subcommand().map(|(_, below)| below.clone());
        // `fleet`, then `submit`.
        let found = below(given).as_ref().and_then(below);
        let matches = found.ok_or_else(|| anyhow::anyhow!("the command line can't be read again"))?;
        let mut words = Vec::new();
        for arg in command().get_arguments() {
            let (id, Some(long)) = (arg.get_id().as_str(), arg.get_long()) else {
                continue;
            };
            // Those that are settled below, or are each worker's own.
            if matches!(long, "model" | "detector" | "provider" | "threads")
                || matches.value_source(id) != Some(ValueSource::CommandLine)
            {
                continue;
            }
            for value in matches.get_raw(id).into_iter().flatten() {
                words.push(format!("--{long}={}", text(value.as_ref())?));
            }
        }
        let titles = run.models();
        for (number, model) in self.workers.models().iter().enumerate() {
            words.push(format!("--model={}", settled(model, titles.get(number))?));
        }
        let detector = match self.workers.detector() {
            DetectorName::Known(kind) => kind.name.to_owned(),
            DetectorName::File(path) => text(&path)?,
        };
        words.push(format!("--detector={detector}"));
        words.extend(provider(self.workers.provider, run).map(|name| format!("--provider={name}")));
        Ok(words)
    }
}

/// The model by a name that means the same everywhere: of the shipped one, its form, which `title` tells.
fn settled(model: &ModelName, title: Option<&String>) -> anyhow::Result<String> {
    let form = match model {
        ModelName::File(path) => return text(path),
        ModelName::Auto | ModelName::Accurate => return Ok(model.to_string()),
        ModelName::SmallAs(form) => Some(*form),
        ModelName::Small => Form::ALL.into_iter().find(|form| title.is_some_and(|title| title == form.title())),
    };
    Ok(match form {
        Some(Form::Float32) => SMALL_FLOAT32,
        Some(Form::Int8) => SMALL_INT8,
        None => SMALL,
    }
    .to_owned())
}

/// The provider that was got, where all networks got the same one.
fn provider(asked: Asked, run: &RunRecord) -> Option<String> {
    if let Asked::Named(provider) = asked {
        return Some(provider.to_string());
    }
    let got: Vec<&str> = run.settings.get("provider")?.as_array()?.iter().filter_map(|name| name.as_str()).collect();
    let (first, rest) = got.split_first()?;
    rest.iter().all(|name| name == first).then(|| (*first).to_owned())
}

fn text(value: &Path) -> anyhow::Result<String> {
    let text = value.to_str().map(str::to_owned);
    text.ok_or_else(|| UsageError(format!("{} is not UTF-8: rename it, a job can't say it", name::of(value))).into())
}

/// The flags as a command of their own.
fn command() -> Command {
    JudgeArgs::augment_args(Command::new("job"))
}

/// What clap says, in a line.
fn told(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    format!("its job has flags that this worker doesn't know: {first}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<JudgeArgs, String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        JudgeArgs::of_job(&words, &Allowed::default())
    }

    #[test]
    fn the_shipped_model_is_named_by_its_form() {
        for form in Form::ALL {
            for model in [ModelName::Small, ModelName::SmallAs(form)] {
                let word = settled(&model, Some(&form.title().to_owned())).expect("it has a name");
                assert_eq!(ModelName::of(word.into()), ModelName::SmallAs(form));
            }
        }
        assert_eq!(settled(&ModelName::Accurate, None).ok().as_deref(), Some("accurate"));
    }

    #[test]
    fn words_of_a_job() {
        let args =
            read(&["--model=small-int8", "--every=5", "--detector=yunet", "--provider=cpu"]).expect("they are good");
        assert!(!args.frames.only_keys() && args.check().is_ok());
        let check = |words: &[&str], part: &str| {
            let told = read(words).expect_err("they are not");
            assert!(told.contains(part) && !told.contains('\n'), "no `{part}` in: {told}");
        };
        check(&["--nats=nats://evil"], "doesn't know");
        check(&["a.mp4"], "doesn't know");
        check(&["--help"], "doesn't know");
        check(&["--every=0"], "doesn't know");
        check(&["--every=key", "--detect-every=2"], "drop one of the two");
        check(&["--model=/etc/passwd"], "not below a folder");
        check(&["--model=a.onnx"], "not below a folder");
        check(&["--model=small", "--detector=/x.onnx"], "not below a folder");
        check(&vec!["--every=1"; MOST_WORDS + 1], "more than 64");
    }
}
