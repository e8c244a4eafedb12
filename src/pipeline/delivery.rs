//! The end of the pipeline, on the thread that began it: verdicts are made and go to the sinks, in the order of the frames.

use std::mem;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::order::InOrder;
use super::parcel::{Failure, Parcel};
use crate::BoxError;
use crate::classify::classifier::ActivationMaps;
use crate::face::quality::Quality;
use crate::findings::{FrameView, Sink, Summary};
use crate::verdict::{Followed, Judge, ModelJudge, Score};

/// A judge a model, and who is told.
pub(super) struct Delivery<'a> {
    judges: Vec<ModelJudge<'a>>,
    sinks: &'a mut [Box<dyn Sink>],
    said: Said,
}

/// What was measured in the last frame, for one that repeats it.
#[derive(Default)]
struct Said {
    qualities: Vec<Quality>,
    opinions: Vec<(Vec<Score>, ActivationMaps)>,
}

impl Said {
    /// Takes it from a parcel that is done, and leaves it older vectors: nothing is copied.
    fn take(&mut self, parcel: &mut Parcel) {
        mem::swap(&mut self.qualities, &mut parcel.qualities);
        for (said, opinion) in self.opinions.iter_mut().zip(&mut parcel.opinions) {
            mem::swap(&mut said.0, &mut opinion.scores);
            mem::swap(&mut said.1, &mut opinion.maps);
        }
    }

    fn repeat(&self, parcel: &mut Parcel) {
        parcel.qualities.clone_from(&self.qualities);
        for ((scores, maps), opinion) in self.opinions.iter().zip(&mut parcel.opinions) {
            opinion.scores.clone_from(scores);
            (opinion.maps.height, opinion.maps.width) = (maps.height, maps.width);
            opinion.maps.values.clone_from(&maps.values);
        }
    }
}

impl<'a> Delivery<'a> {
    /// Between two frames of a sparse source many seconds may lie.
    pub(super) fn new(judges: Vec<&'a Judge>, sinks: &'a mut [Box<dyn Sink>], is_sparse: bool) -> Self {
        let judge = if is_sparse { ModelJudge::over_gaps } else { ModelJudge::new };
        let said = Said { opinions: vec![Default::default(); judges.len()], ..Said::default() };
        Self { judges: judges.into_iter().map(judge).collect(), sinks, said }
    }

    /// Takes the `scored` parcels, of which at most `room` are under way, until the last one or the first that failed.
    /// With the ends of its channels gone, everybody upstream gives up.
    pub(super) fn deliver(
        &mut self,
        scored: Receiver<Parcel>,
        free: Sender<Parcel>,
        room: usize,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        let mut order = InOrder::new(room);
        for parcel in &scored {
            for mut parcel in order.push(parcel.order, parcel) {
                if let Some(failure) = parcel.failure.take() {
                    return Err(failure);
                }
                if parcel.repeats {
                    self.said.repeat(&mut parcel);
                }
                self.judge(&mut parcel);
                self.tell(&mut parcel, summary).map_err(Failure::Error)?;
                summary.count(&parcel.frame, parcel.faces.len(), &parcel.opinions, parcel.times);
                match parcel.repeats {
                    true => summary.repeated_frames += 1,
                    false => self.said.take(&mut parcel),
                }
                // The source may have ended already; then nobody needs the buffer.
                let _ = free.send(parcel);
            }
        }
        Ok(())
    }

    /// Writes down what is said of the tracks at the end.
    pub(super) fn finish(self, summary: &mut Summary) {
        for (sum, judge) in summary.opinions.iter_mut().zip(self.judges) {
            sum.tracks = judge.finish();
        }
    }

    fn judge(&mut self, parcel: &mut Parcel) {
        let Parcel { frame, tracks, qualities, opinions, .. } = parcel;
        let followed = Followed { time: frame.time, running: frame.running(), tracks, qualities };
        for (judge, opinion) in self.judges.iter_mut().zip(opinions) {
            judge.judge(&followed, &opinion.scores, &mut opinion.judgements, &mut opinion.tracked);
        }
    }

    fn tell(&mut self, parcel: &mut Parcel, summary: &Summary) -> Result<(), BoxError> {
        let view = FrameView {
            source: &summary.source.name,
            frame: &parcel.frame,
            faces: &parcel.faces,
            opinions: &parcel.opinions,
            age: parcel.frame.captured.elapsed(),
        };
        let start = Instant::now();
        for sink in self.sinks.iter_mut() {
            sink.frame(&view)?;
        }
        parcel.times.write = start.elapsed();
        Ok(())
    }
}
