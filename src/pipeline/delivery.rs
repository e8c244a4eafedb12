//! The end of the pipeline, on the thread that began it: verdicts are made and go to the sinks, in the order of the frames.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::order::InOrder;
use super::parcel::{Failure, Parcel};
use crate::BoxError;
use crate::findings::{FrameView, Sink, Summary};
use crate::verdict::{Followed, Judge, ModelJudge};

/// A judge a model, and who is told.
pub(super) struct Delivery<'a> {
    judges: Vec<ModelJudge<'a>>,
    sinks: &'a mut [Box<dyn Sink>],
}

impl<'a> Delivery<'a> {
    pub(super) fn new(judges: Vec<&'a Judge>, sinks: &'a mut [Box<dyn Sink>]) -> Self {
        Self { judges: judges.into_iter().map(ModelJudge::new).collect(), sinks }
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
                self.judge(&mut parcel);
                self.tell(&mut parcel, summary).map_err(Failure::Error)?;
                summary.count(&parcel.frame, parcel.faces.len(), &parcel.opinions, parcel.times);
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
