//! What decoding, finding and classifying cost a frame when nothing else is done: the processor's time, all of it used.

use std::env;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Context;
use cyborg_edge::capture::video::VideoSource;
use cyborg_edge::capture::{Read, Source};
use cyborg_edge::classify::classifier::{ActivationMaps, Classifier, Classify};
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use rustix::time::{ClockId, clock_gettime};

use super::super::ONE;

/// Frames that are found and classified by each processor, again and again.
const KEPT: usize = 24;
/// Times that they are.
const TURNS: usize = 8;

/// Seconds of a processor that a frame costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone {
    pub(crate) decode: f64,
    pub(crate) detect: f64,
    pub(crate) classify: f64,
}

/// The sum.
pub(crate) fn seconds_a_frame(alone: &Alone) -> f64 {
    alone.decode + alone.detect + alone.classify
}

/// The first word of a child that measures.
const CHILD: &str = "measure-alone";

impl Alone {
    /// The mean of two measurements.
    pub(crate) fn mean(&self, other: &Self) -> Self {
        let mean = |figure: fn(&Self) -> f64| (figure(self) + figure(other)) / 2.0;
        Self {
            decode: mean(|alone| alone.decode),
            detect: mean(|alone| alone.detect),
            classify: mean(|alone| alone.classify),
        }
    }

    /// Measures them on `clip` in a process of its own: the memory of a process counts for those that it starts.
    pub(crate) fn in_child(model: &Path, detector: &Path, clip: &Path, detect_size: u16) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(CHILD).args([model, detector, clip]).arg(detect_size.to_string());
        let output = command.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [decode, detect, classify] = numbers[..] else {
            anyhow::bail!("the child that measures the parts ended with {}", output.status);
        };
        Ok(Self { decode, detect, classify })
    }

    /// What a child is to do; none when this process is no child.
    pub(crate) fn of_child() -> anyhow::Result<Option<Self>> {
        let words: Vec<_> = env::args_os().skip(1).collect();
        let [first, model, detector, clip, detect_size] = &words[..] else {
            return Ok(None);
        };
        if first != CHILD {
            return Ok(None);
        }
        let paths = [model, detector, clip].map(Path::new);
        let detect_size = detect_size.to_str().context("a size is a number")?.parse()?;
        Self::measure(paths[0], paths[1], paths[2], detect_size, thread::available_parallelism()?).map(Some)
    }

    fn measure(
        model: &Path,
        detector: &Path,
        clip: &Path,
        detect_size: u16,
        processors: NonZeroUsize,
    ) -> anyhow::Result<Self> {
        let runtime = Runtime::load()?;
        let session = SessionSettings { provider: Asked::Named(Provider::CPU), threads: ONE };
        let detector = DetectorName::File(detector.to_owned());
        let settings = DetectorSettings::of_side(detect_size.into());
        let mut decoded = 0_u32;
        let mut kept = Vec::with_capacity(KEPT);
        let mut source = VideoSource::open(clip, processors)?;
        let mut frame = Frame::empty();
        let start = processor_seconds();
        while let Read::Frame = source.read(&mut frame).map_err(anyhow::Error::from_boxed)? {
            decoded += 1;
        }
        let decode = (processor_seconds() - start) / f64::from(decoded);
        let mut source = VideoSource::open(clip, processors)?;
        while kept.len() < KEPT {
            let mut frame = Frame::empty();
            if !matches!(source.read(&mut frame).map_err(anyhow::Error::from_boxed)?, Read::Frame) {
                break;
            }
            kept.push(frame);
        }
        drop(source);
        let detectors = each(processors, || Ok(Detector::open(&runtime, &detector, settings, session)?))?;
        let (detect, faces) = on_all(detectors, |detector| {
            let mut faces = vec![Vec::new(); kept.len()];
            for (frame, faces) in kept.iter().zip(&mut faces) {
                detector.locate(frame, faces).map_err(anyhow::Error::from_boxed)?;
            }
            Ok(faces)
        })?;
        let classifiers = each(processors, || Ok(Classifier::open(&runtime, Some(model), session)?))?;
        let (classify, ()) = on_all(classifiers, |classifier| {
            let (mut scores, mut maps) = (Vec::new(), ActivationMaps::default());
            for (frame, faces) in kept.iter().zip(&faces) {
                let faces: &[Face] = faces;
                classifier.classify_frame(frame, faces, &mut scores, &mut maps).map_err(anyhow::Error::from_boxed)?;
            }
            Ok(())
        })?;
        let frames = (kept.len() * TURNS * processors.get()) as f64;
        Ok(Self { decode, detect: detect / frames, classify: classify / frames })
    }
}

fn each<T>(count: NonZeroUsize, make: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    (0..count.get()).map(|_| make()).collect()
}

/// Does `work` with each worker on a thread of its own, first once to warm up, then [`TURNS`] times; gives the seconds of
/// processor of the turns, and the last result.
fn on_all<T: Send, R: Send>(
    workers: Vec<T>,
    work: impl Fn(&mut T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<(f64, R)> {
    let mut workers = workers;
    let turns = |workers: &mut Vec<T>, count: usize| {
        let turn = |worker: &mut T| {
            (1..count).try_for_each(|_| work(&mut *worker).map(drop))?;
            work(worker)
        };
        thread::scope(|scope| {
            let turn = &turn;
            let running: Vec<_> = workers.iter_mut().map(|worker| scope.spawn(move || turn(worker))).collect();
            let mut results = running.into_iter().map(|each| each.join().expect("no panic in a measurement"));
            let last = results.next().expect("at least one worker")?;
            results.try_for_each(|each| each.map(drop))?;
            anyhow::Ok(last)
        })
    };
    turns(&mut workers, 1)?;
    let start = processor_seconds();
    let result = turns(&mut workers, TURNS)?;
    Ok((processor_seconds() - start, result))
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
