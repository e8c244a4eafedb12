//! `cyborg models`: which model files there are, what they contain, and whether they are valid.

mod assemble;
mod set;
mod verify;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use cyborg_models::cache;
use cyborg_models::contract::{Contract, ContractError, Expertise, Unfamiliar};
use cyborg_models::foreign::ForeignModel;
use cyborg_models::model_file::{ModelFile, ModelFileError};
use cyborg_models::onnx::ModelProto;
use prost::Message;
use serde::Serialize;

use self::assemble::AssembleArgs;
use self::set::SetTold;
use super::machine;
use super::outcome::{Outcome, note, say};
use crate::classify::named::{ModelName, is_set};
use crate::classify::panel::SetError;
use crate::classify::shipped::Form;
use crate::cli::cure;
use crate::face::detector::KINDS;
use crate::name;

#[derive(Args, Debug)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Show the shipped model, and the models and sets in the cache folder or in another one
    List {
        /// Folder to look in, with the folders below it [default: the cache folder]
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Write one JSON object per file
        #[arg(long)]
        json: bool,
    },
    /// Show everything that a model file or a set of experts says about itself
    Inspect {
        /// Model file, TOML of a set of experts, or a name as for --model [default: small, which comes with the program]
        #[arg(value_name = "NAME|FILE", value_parser = OsStringValueParser::new().map(ModelName::of))]
        file: Option<ModelName>,
        /// Write one JSON object
        #[arg(long)]
        json: bool,
        /// The TOML that describes a foreign model [default: the one beside it]
        #[arg(long, value_name = "FILE", requires = "file")]
        model_toml: Option<PathBuf>,
    },
    /// Build the accurate set from the package that ships its tower, as set-up does; nothing is fetched
    Assemble(AssembleArgs),
    /// Check model files and sets: contract, digest beside them or in the set, and a run on the processor
    Verify {
        /// Model files, TOMLs of sets, or names as for --model [default: both forms of small, which comes with the program]
        #[arg(value_name = "NAME|FILE", value_parser = OsStringValueParser::new().map(ModelName::of))]
        files: Vec<ModelName>,
        /// Write one JSON object per file
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: &ModelsArgs) -> anyhow::Result<Outcome> {
    match &args.command {
        ModelsCommand::List { folder, json } => list(folder.as_deref(), if *json { tell_program } else { tell_person }),
        ModelsCommand::Inspect { file, json, model_toml } => {
            let path = file.as_ref().map_or(Ok(None), ModelName::path)?;
            if let Some(path) = path.as_deref().filter(|path| is_set(path)) {
                let told = SetTold::read(path)?;
                say(&if *json { serde_json::to_string_pretty(&told)? } else { told.to_text() })?;
                return Ok(Outcome::Done);
            }
            let told = match &path {
                Some(path) => Told::read(path, model_toml.as_deref())?,
                None => Told::shipped(file.as_ref().map_or(Form::Float32, ModelName::form))?,
            };
            say(&if *json { serde_json::to_string_pretty(&told)? } else { told.to_text() })?;
            Ok(Outcome::Done)
        }
        ModelsCommand::Assemble(args) => assemble::run(args),
        ModelsCommand::Verify { files, json } => verify::verify_all(files, *json),
    }
}

/// What a model file says of itself.
#[derive(Debug, Serialize)]
struct Told {
    file: String,
    kind: Kind,
    bytes: usize,
    sha256: String,
    producer: String,
    opset: Option<i64>,
    input_side: usize,
    /// Height and width; none when the network gives no map.
    cam_size: Option<(usize, usize)>,
    contract: Contract,
    expertise: Expertise,
    /// Metadata that are not the contract's.
    further: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// It holds the contract.
    Contract,
    /// A TOML says what it is.
    Foreign,
}

impl Told {
    fn shipped(form: Form) -> anyhow::Result<Self> {
        Self::of(form.title().to_owned(), form.bytes(), None)
    }

    fn read(path: &Path, toml: Option<&Path>) -> anyhow::Result<Self> {
        let name = name::of(path);
        let bytes = fs::read(path).with_context(|| format!("can't read model {name}"))?;
        let beside = path.with_extension("toml");
        let toml = match toml {
            Some(toml) => Some(toml),
            None => is_foreign(&bytes).then_some(beside.as_path()).filter(|toml| toml.is_file()),
        };
        let text = |toml: &Path| fs::read_to_string(toml).with_context(|| format!("can't read {}", name::of(toml)));
        Self::of(name, &bytes, toml.map(text).transpose()?.as_deref())
    }

    fn of(name: String, bytes: &[u8], toml: Option<&str>) -> anyhow::Result<Self> {
        let unusable = || format!("model {name} can't be used");
        let (file, kind) = match toml {
            None => (ModelFile::parse(bytes).with_context(unusable)?, Kind::Contract),
            Some(text) => (ForeignModel::parse(text, bytes).with_context(unusable)?.file, Kind::Foreign),
        };
        let model = ModelProto::decode(bytes).with_context(unusable)?;
        let further = model.metadata_props.into_iter().filter(|pair| !pair.key.starts_with("cyborg."));
        Ok(Self {
            kind,
            bytes: bytes.len(),
            sha256: file.digest,
            producer: format!("{} {}", model.producer_name, model.producer_version).trim().to_owned(),
            opset: model.opset_import.iter().find(|set| set.domain.is_empty()).map(|set| set.version),
            input_side: file.input_side,
            cam_size: Some(file.cam_size).filter(|&(height, width)| height * width > 0),
            contract: file.contract,
            expertise: file.expertise,
            further: further.map(|pair| (pair.key, pair.value)).collect(),
            file: name,
        })
    }

    /// A line a fact, for people.
    fn to_text(&self) -> String {
        let Contract { network, crop, resize, saliency, calibration, thresholds, training, auc } = &self.contract;
        let map = self.cam_size.map_or_else(|| "none".to_owned(), |(height, width)| format!("{height}x{width}"));
        let calibrated = calibration.temperature != 1.0 || calibration.bias != 0.0;
        let rates = thresholds.error_rates.as_ref().map_or_else(
            || "not measured".to_owned(),
            |rates| format!("APCER {}, BPCER {}, on {}", rates.apcer, rates.bpcer, rates.measured_on),
        );
        let kind = match self.kind {
            Kind::Contract => "of the contract",
            Kind::Foreign => "foreign, described by its TOML",
        };
        let opset = self.opset.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
        let mut lines = vec![
            ("file", self.file.clone()),
            ("kind", kind.to_owned()),
            ("sha256", self.sha256.clone()),
            ("size", format!("{:.1} MB", self.bytes as f64 / 1e6)),
            ("producer", format!("{} (operator set {opset})", self.producer)),
            ("network", network.clone()),
            ("input", format!("{0}x{0}, resized by {resize}", self.input_side)),
            ("crop", format!("margin {}, alignment {}, border {}", crop.margin, crop.alignment, crop.border)),
            ("map", format!("{map}, tap {}, class rule {}", saliency.tap, saliency.cam_class)),
            ("saliency", format!("{}, alpha {}", saliency.source, saliency.alpha)),
            (
                "calibration",
                match calibrated {
                    true => format!("temperature {}, bias {}", calibration.temperature, calibration.bias),
                    false => "none".to_owned(),
                },
            ),
            (
                "thresholds",
                format!(
                    "authentic below {}, synthetic above {}",
                    thresholds.authentic_below, thresholds.synthetic_above
                ),
            ),
            ("error rates", rates),
            ("trained on", format!("data {}, seed {}, by {}", training.data_digest, training.seed, training.tool)),
        ];
        let Expertise { looks_for, tells_apart, unfamiliar, video_gates } = &self.expertise;
        lines.extend(looks_for.map(|kind| ("looks for", format!("{kind} faces"))));
        if !tells_apart.is_empty() {
            let kinds: Vec<String> = tells_apart.iter().map(|kind| format!("{kind} faces")).collect();
            lines.push(("tells apart", kinds.join(", ")));
        }
        if let Some(Unfamiliar { distance_above, rate }) = unfamiliar {
            let rate = rate.as_ref().map(|rate| format!(", {} of the faces of {}", rate.share, rate.measured_on));
            lines.push(("unfamiliar", format!("distance above {distance_above}{}", rate.unwrap_or_default())));
        }
        if video_gates.is_some() {
            lines.push(("video", "judged by a layer of its own".to_owned()));
        }
        lines.extend(auc.iter().map(|(name, value)| ("auc", format!("{name} {value}"))));
        lines.extend(self.further.iter().map(|(key, value)| ("further", format!("{key} = {value}"))));
        lines.iter().map(|(name, value)| format!("{name:<12} {value}")).collect::<Vec<_>>().join("\n")
    }
}

/// Whether a model file has no contract, and so may have a TOML.
fn is_foreign(bytes: &[u8]) -> bool {
    matches!(ModelFile::parse(bytes), Err(ModelFileError::Contract(ContractError::NotAContract)))
}

/// A file that was found.
enum Found {
    Model(anyhow::Result<Box<Told>>),
    Set(Result<Box<SetTold>, SetError>),
    /// The face detector that set-up fetched.
    Detector,
}

/// A file that is no model, or the detector.
#[derive(Serialize)]
struct NoModel<'a> {
    file: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn tell_person(name: &str, found: Found) -> anyhow::Result<()> {
    match found {
        Found::Model(told) => say(&line(name, told))?,
        Found::Set(Ok(told)) => say(&told.line())?,
        Found::Set(Err(error)) => say(&format!("{name}: not usable: {error}"))?,
        Found::Detector => say(&format!("{name}: the face detector that set-up fetched"))?,
    }
    Ok(())
}

fn tell_program(name: &str, found: Found) -> anyhow::Result<()> {
    let error = match found {
        Found::Model(Ok(told)) => return machine::print(&told),
        Found::Set(Ok(told)) => return machine::print(&told),
        Found::Detector => return machine::print(&NoModel { file: name, kind: "detector", error: None }),
        Found::Model(Err(error)) => error,
        Found::Set(Err(error)) => error.into(),
    };
    machine::print(&NoModel { file: name, kind: "unusable", error: Some(cure::in_words(&error)) })
}

fn list(folder: Option<&Path>, tell: fn(&str, Found) -> anyhow::Result<()>) -> anyhow::Result<Outcome> {
    for form in Form::ALL {
        tell(form.title(), Found::Model(Told::shipped(form).map(Box::new)))?;
    }
    let Some(folder) = folder.map(Path::to_owned).or_else(cache::folder) else {
        note("no cache folder is known: set CYBORG_CACHE, or name a folder with `--folder`");
        return Ok(Outcome::Done);
    };
    let mut found = Vec::new();
    match gather(&folder, &mut found) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && Some(&folder) == cache::folder().as_ref() => {}
        gathered => gathered.with_context(|| format!("can't read folder {}", name::of(folder)))?,
    }
    found.sort();
    for path in found {
        let name = name::of(&path);
        if KINDS.iter().any(|kind| kind.fetched().as_ref() == Some(&path)) {
            tell(&name, Found::Detector)?;
        } else if is_set(&path) {
            tell(&name, Found::Set(SetTold::read(&path).map(Box::new)))?;
        } else {
            tell(&name, Found::Model(Told::read(&path, None).map(Box::new)))?;
        }
    }
    Ok(Outcome::Done)
}

/// The ONNX files and the sets in a folder and below. A link to a folder is not followed: it may lead back up.
fn gather(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            gather(&path, found)?;
        } else if set::is_one(&path) || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
            found.push(path);
        }
    }
    Ok(())
}

fn line(name: &str, told: anyhow::Result<Box<Told>>) -> String {
    match told {
        Ok(told) => {
            let foreign = if told.kind == Kind::Foreign { ", foreign" } else { "" };
            let network = &told.contract.network;
            format!("{name}: {network}{foreign}, input {0}x{0}, sha256 {1}", told.input_side, &told.sha256[..12])
        }
        Err(error) => format!("{name}: not usable: {}", error.root_cause()),
    }
}
