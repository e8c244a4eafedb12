//! `cyborg bench`: which provider, batch and threads are fastest on this machine.

mod measure;
mod table;
mod timing;

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::outcome::{Outcome, UsageError, note, say};
use super::{interrupt, machine};
use crate::classify::named::{ModelName, is_set};
use crate::cli::cure;
use crate::face::detector::{DetectorName, DetectorSettings};
use crate::inference::provider::{Asked, Provider};
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::name;
use measure::Subject;
use table::{Part, Results, Row};

#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    /// Model to measure: a model file, or small, small-float32 or small-int8 for the one that comes with the program [default:
    /// small]
    #[arg(long, value_name = "NAME|FILE", value_parser = OsStringValueParser::new().map(ModelName::of))]
    model: Option<ModelName>,
    /// Face detector: yunet (part of the program, several times as fast), centerface (which set-up fetches), or an ONNX file of
    /// one of them [default: yunet for the small model; centerface for others, where it is installed]
    #[arg(long, value_name = "NAME|FILE", value_parser = OsStringValueParser::new().map(DetectorName::of))]
    detector: Option<DetectorName>,
    /// Execution provider to measure: auto, all (those that start), or one by name
    #[arg(long, value_name = "NAME", default_value = "auto")]
    provider: Which,
    /// Faces in one run of the classifier
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1,2,4,8", value_parser = clap::value_parser!(u16).range(1..=64))]
    batch: Vec<u16>,
    /// Processor threads within one operation [default: 1, and all]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Vec<u16>,
    /// How long to measure each setting, 0.05 to 60 seconds
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds)]
    seconds: Duration,
    /// Longer side in pixels of the picture in which faces are looked for
    #[arg(long, value_name = "PIXELS", default_value_t = 320, value_parser = clap::value_parser!(u16).range(32..=8192))]
    detect_size: u16,
    /// Also write the figures as JSON to a file; without a name, or with -, to standard output instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// Which providers are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    One(Asked),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::One).map_err(|error: String| format!("{error}, or all"))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok().filter(|number| (0.05..=60.0).contains(number));
    number.map(Duration::from_secs_f64).ok_or_else(|| "expected a number in 0.05 to 60".to_owned())
}

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    let model = args.model.as_ref().unwrap_or(&ModelName::Small);
    if model.path()?.as_deref().is_some_and(is_set) {
        let message = "bench measures one network: name the model files of the set, one after the other, by --model";
        return Err(UsageError(message.to_owned()).into());
    }
    let (asked, providers) = match args.provider {
        Which::All => (Asked::Auto, Provider::all().map(Asked::Named).collect()),
        Which::One(asked) => (asked, vec![asked]),
    };
    let runtime = Runtime::load_for(asked)?;
    let subject = Subject {
        runtime: &runtime,
        model,
        detector: &args.detector.clone().unwrap_or_else(|| model.detector()),
        detector_settings: DetectorSettings::of_side(args.detect_size.into()),
        time: args.seconds,
        stop,
    };
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut results = Results {
        version: 1,
        tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processors: processors.get(),
        onnx_runtime: runtime.version().unwrap_or_default(),
        model_sha256: String::new(),
        rows: Vec::new(),
        refused: Vec::new(),
        best: Vec::new(),
    };
    let threads = threads(args, processors);
    for provider in providers {
        match measure(&subject, args, provider, &threads, &mut results) {
            Ok(()) => {}
            // Of all providers most are not there on any machine.
            Err(error) if args.provider == Which::All => {
                let reason = cure::in_words(&error);
                note(&reason);
                results.refused.push(reason);
            }
            Err(error) => return Err(error),
        }
    }
    results.best = table::best(&results.rows);
    match &args.json {
        Some(path) if path.as_os_str() == "-" => machine::print(&results)?,
        json => {
            say(&table::table(&results.rows))?;
            for line in &results.best {
                say(line)?;
            }
            if let Some(path) = json {
                let text = serde_json::to_string_pretty(&results).context("the figures can't be written as JSON")?;
                fs::write(path, text + "\n").with_context(|| format!("can't write {}", name::of(path)))?;
            }
        }
    }
    Ok(match results.rows.is_empty() {
        _ if stop.load(Ordering::Relaxed) => Outcome::Interrupted,
        true => Outcome::Failed,
        false => Outcome::Done,
    })
}

/// Measures all settings of one provider.
fn measure(
    subject: &Subject<'_>,
    args: &BenchArgs,
    provider: Asked,
    threads: &[NonZeroUsize],
    results: &mut Results,
) -> anyhow::Result<()> {
    for &threads in threads {
        let settings = SessionSettings { provider, threads };
        let mut classifier = subject.classifier(settings)?;
        let got = classifier.provider().got;
        note(&format!("measuring with {threads} threads: {}", classifier.provider()));
        results.model_sha256.clone_from(&classifier.file().digest);
        let model = classifier.name().to_owned();
        // As many teams as the processors have room for when each uses that many threads.
        let teams = NonZeroUsize::new(results.processors / threads.get()).unwrap_or(NonZeroUsize::MIN);
        let mut keep = |part, batch, figures: Option<_>| {
            let row = |figures| Row {
                part,
                model: model.clone(),
                provider: got.to_string(),
                batch,
                threads: threads.get(),
                figures,
            };
            results.rows.extend(figures.map(row));
        };
        for batch in args.batch.iter().filter_map(|&batch| NonZeroUsize::new(batch.into())) {
            keep(Part::Classifier, batch.get(), subject.classify(&mut classifier, batch)?);
        }
        drop(classifier);
        keep(Part::Detector, 1, subject.locate(settings)?);
        for part in [Part::InTurn, Part::Teams] {
            // One team is what `InTurn` is.
            if part != Part::Teams || teams.get() > 1 {
                keep(part, 1, subject.together(part, settings, teams)?);
            }
        }
    }
    Ok(())
}

/// The numbers of threads that are measured, each once.
fn threads(args: &BenchArgs, processors: NonZeroUsize) -> Vec<NonZeroUsize> {
    let named = args.threads.iter().filter_map(|&count| NonZeroUsize::new(count.into()));
    let mut threads: Vec<NonZeroUsize> = named.collect();
    if threads.is_empty() {
        threads = vec![NonZeroUsize::MIN, processors];
    }
    threads.sort_unstable();
    threads.dedup();
    threads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_a_name_here_alone() {
        assert_eq!("all".parse(), Ok(Which::All));
        assert_eq!("cuda".parse(), Ok(Which::One("cuda".parse().expect("a name"))));
        assert!("some".parse::<Which>().is_err_and(|message| message.ends_with("or all")));
        assert!(seconds("0").is_err() && seconds("nan").is_err() && seconds("61").is_err());
    }
}
