//! The end of the pipeline, on the thread that began it: verdicts are made and go to the sinks, in the order of the frames.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::opinion::{OpinionJudge, Seen};
use super::order::InOrder;
use super::parcel::{Failure, Parcel};
use super::summary::Summary;
use crate::sink::{FrameView, Sink};
use crate::verdict::Judge;

/// A judge a model, and who is told.
pub(super) struct Delivery<'a> {
    first: OpinionJudge<'a>,
    others: Vec<OpinionJudge<'a>>,
    sinks: &'a mut [Box<dyn Sink>],
}

impl<'a> Delivery<'a> {
    pub(super) fn new(judge: &'a Judge, others: Vec<&'a Judge>, sinks: &'a mut [Box<dyn Sink>]) -> Self {
        let others = others.into_iter().map(OpinionJudge::new).collect();
        Self { first: OpinionJudge::new(judge), others, sinks }
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
                summary.count(&parcel);
                // The source may have ended already; then nobody needs the buffer.
                let _ = free.send(parcel);
            }
        }
        Ok(())
    }

    /// Writes down what is said of the tracks at the end.
    pub(super) fn finish(self, summary: &mut Summary) {
        summary.tracks = self.first.tracks.finish();
        for (sum, judge) in summary.others.iter_mut().zip(self.others) {
            sum.tracks = judge.tracks.finish();
        }
    }

    fn judge(&mut self, parcel: &mut Parcel) {
        let Parcel { frame, faces, tracks, qualities, scores, judgements, tracked, others, .. } = parcel;
        let seen = Seen { frame, faces, tracks, qualities };
        self.first.judge(&seen, scores, judgements, tracked);
        for (judge, opinion) in self.others.iter_mut().zip(others) {
            judge.judge(&seen, &opinion.scores, &mut opinion.judgements, &mut opinion.tracked);
        }
    }

    fn tell(&mut self, parcel: &mut Parcel, summary: &Summary) -> anyhow::Result<()> {
        let view = FrameView {
            source: &summary.source.name,
            frame: &parcel.frame,
            faces: &parcel.faces,
            scores: &parcel.scores,
            judgements: &parcel.judgements,
            tracks: &parcel.tracked,
            maps: &parcel.maps,
            others: &parcel.others,
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
