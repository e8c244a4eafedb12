//! A sink of one's own behind the threads of the pipeline: `cargo run --example own_sink CLIP`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is an example")]

use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use cyborg_edge::BoxError;
use cyborg_edge::capture::video::VideoSource;
use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::face::follow::DetectEvery;
use cyborg_edge::findings::{FrameView, Sink, Summary};
use cyborg_edge::inference::provider::Asked;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_edge::pipeline::{self, Stages, Worker};
use cyborg_edge::verdict::{Judge, Verdict};

/// Counts the frames in which somebody is called synthetic.
#[derive(Default)]
struct Alarm(u64);

impl Sink for Alarm {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        let persons = view.first().map_or(&[][..], |first| &first.tracked);
        self.0 += u64::from(persons.iter().any(|person| person.verdict == Verdict::Synthetic));
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), BoxError> {
        println!("{}: {} of {} frames", summary.source.name, self.0, summary.frames);
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let path: PathBuf = env::args_os().nth(1).expect("usage: own_sink CLIP").into();
    let runtime = Runtime::load()?;
    let session = SessionSettings { provider: Asked::Auto, threads: NonZeroUsize::MIN };
    let mut detector = Detector::open(&runtime, &DetectorName::default(), DetectorSettings::of_side(640), session)?;
    let mut classifier = Classifier::open(&runtime, None, session)?;
    let judge = Judge::new(classifier.contract());
    let stages = Stages {
        workers: vec![Worker { locate: &mut detector, models: vec![&mut classifier] }],
        detect: DetectEvery::FRAME,
        judges: vec![&judge],
        sinks: &mut [Box::new(Alarm::default())],
    };
    let mut source = VideoSource::open(&path, NonZeroUsize::MIN)?;
    pipeline::run(&mut source, stages, &AtomicBool::new(false));
    Ok(())
}
