//! `cyborg models verify`: whether files hold the contract, are the ones that were meant, and run.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cyborg_models::digest;
use serde::Serialize;

use crate::classify::classifier::Classifier;
use crate::classify::classifier_file::ClassifierFile;
use crate::classify::named::{ModelName, is_set};
use crate::classify::panel::{Panel, PanelFile};
use crate::classify::shipped::Form;
use crate::cli::outcome::{Outcome, complain, say};
use crate::cli::{cure, machine};
use crate::inference::provider::{Asked, Provider};
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::name;

/// What `verify` says of a file: of its digest, or what is wrong.
#[derive(Serialize)]
struct Verified<'a> {
    file: &'a str,
    whole: bool,
    digest: Option<&'static str>,
    error: Option<String>,
}

/// What is said of the digest of the shipped model.
const PART_OF_THE_PROGRAM: &str = "part of the program";

type Verdict<'a> = Result<&'static str, &'a anyhow::Error>;

fn verdict_for_person(name: &str, verdict: Verdict<'_>) -> anyhow::Result<()> {
    match verdict {
        Ok(PART_OF_THE_PROGRAM) => say(&format!("{name}: whole"))?,
        Ok(digest) => say(&format!("{name}: valid, {digest}"))?,
        Err(error) => complain(error),
    }
    Ok(())
}

fn verdict_for_program(name: &str, verdict: Verdict<'_>) -> anyhow::Result<()> {
    let (digest, error) = (verdict.ok(), verdict.err().map(cure::in_words));
    machine::print(&Verified { file: name, whole: error.is_none(), digest, error })
}

/// Checks all of them; none stands for both forms of the shipped model.
pub(super) fn verify_all(files: &[ModelName], json: bool) -> anyhow::Result<Outcome> {
    let tell = if json { verdict_for_program } else { verdict_for_person };
    let runtime = Runtime::load()?;
    if files.is_empty() {
        let mut failed = 0;
        for form in Form::ALL {
            let verified = verify_shipped(&runtime, form);
            tell(form.title(), verified.as_ref().copied())?;
            failed += usize::from(verified.is_err());
        }
        return Ok(Outcome::of(failed, Form::ALL.len()));
    }
    let mut failed = 0;
    for file in files {
        let verified = match file.path() {
            Ok(Some(path)) if is_set(&path) => verify_set(&runtime, &path),
            Ok(Some(path)) => verify(&runtime, &path),
            Ok(None) => verify_shipped(&runtime, file.form()),
            Err(error) => Err(error.into()),
        };
        tell(&file.to_string(), verified.as_ref().copied())?;
        failed += usize::from(verified.is_err());
    }
    Ok(Outcome::of(failed, files.len()))
}

/// How files are run to check them.
const BY_HAND: SessionSettings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };

/// Checks a model file; says what was found of its digest.
fn verify(runtime: &Runtime, path: &Path) -> anyhow::Result<&'static str> {
    let digest = digest_beside(path)?;
    run_by_hand(&mut Classifier::open(runtime, Some(path), BY_HAND)?)?;
    Ok(digest)
}

/// Checks a form of the shipped model.
fn verify_shipped(runtime: &Runtime, form: Form) -> anyhow::Result<&'static str> {
    run_by_hand(&mut Classifier::of(runtime, &ClassifierFile::shipped_as(form)?, BY_HAND)?)?;
    Ok(PART_OF_THE_PROGRAM)
}

/// Checks a set and each of its experts, whose digests it holds.
fn verify_set(runtime: &Runtime, path: &Path) -> anyhow::Result<&'static str> {
    let file = PanelFile::read_set(path, name::of(path))?;
    let mut panel = Panel::of(runtime, &file, BY_HAND)?;
    panel.classifiers_mut().iter_mut().try_for_each(run_by_hand)?;
    Ok("its experts as it says")
}

/// Has a network judge a grey picture, alone and beside another.
fn run_by_hand(classifier: &mut Classifier) -> anyhow::Result<()> {
    let crop = vec![128; classifier.file().input_side.pow(2) * 3];
    let (height, width) = classifier.file().cam_size;
    let mut first = None;
    for count in [1, 2] {
        let (mut logits, mut maps) = (Vec::new(), Vec::new());
        let name = classifier.name().to_owned();
        let failed = || format!("model {name} can't judge {count} faces at once");
        classifier.run(&crop.repeat(count), &mut logits, &mut maps).with_context(failed)?;
        ensure!(
            logits.len() == count && maps.len() == count * height * width,
            "model {name} gave {} answers and {} values of maps for {count} faces",
            logits.len(),
            maps.len()
        );
        let numbers = logits.iter().flat_map(|each| [each.authentic, each.synthetic]);
        ensure!(
            numbers.chain(maps).all(f32::is_finite),
            "model {name} gives numbers that are not finite on a grey picture"
        );
        let expected = *first.get_or_insert(logits[0]);
        // Kernels for other batch sizes add up in another order; more than that is another answer.
        let near = |a: f32, b: f32| (a - b).abs() <= 1e-3 * a.abs().max(1.0);
        let same = |each: &crate::verdict::Logits| {
            near(each.authentic, expected.authentic) && near(each.synthetic, expected.synthetic)
        };
        ensure!(logits.iter().all(same), "model {name} gives a face another result when it shares a batch with others");
    }
    Ok(())
}

/// Holds a file against the digest that lies beside it, `NAME.onnx.sha256` as `sha256sum` writes it, when there is one.
fn digest_beside(path: &Path) -> anyhow::Result<&'static str> {
    let mut name = path.as_os_str().to_owned();
    name.push(".sha256");
    let beside = PathBuf::from(name);
    let text = match fs::read_to_string(&beside) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok("no digest file next to it"),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", name::of(beside))),
    };
    let expected = text.split_whitespace().next().unwrap_or_default();
    let got = digest::of_file(path).with_context(|| format!("can't read model {}", name::of(path)))?;
    ensure!(
        expected.eq_ignore_ascii_case(&got),
        "model {} doesn't match the digest in {}: expected SHA-256 {expected}, got {got}; fetch or export it again",
        name::of(path),
        name::of(beside)
    );
    Ok("matches the digest file next to it")
}
