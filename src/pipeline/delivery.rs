//! The end of the pipeline, on the thread that began it: verdicts are made and go to the sinks, in the order of the frames.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::order::InOrder;
use super::parcel::{Failure, Parcel};
use super::summary::Summary;
use crate::sink::{FrameView, Sink};
use crate::verdict::Judge;
use crate::verdict::track::{Look, TrackJudge, TrackSummary};

/// Judges of single faces and of the source's tracks, and who is told.
pub(super) struct Delivery<'a> {
    faces: &'a Judge,
    tracks: TrackJudge,
    sinks: &'a mut [Box<dyn Sink>],
}

impl<'a> Delivery<'a> {
    pub(super) fn new(judge: &'a Judge, sinks: &'a mut [Box<dyn Sink>]) -> Self {
        Self { faces: judge, tracks: judge.tracks(), sinks }
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

    /// What is said of the tracks at the end.
    pub(super) fn finish(self) -> Vec<TrackSummary> {
        self.tracks.finish()
    }

    fn judge(&mut self, parcel: &mut Parcel) {
        self.faces.judge(&parcel.scores, &mut parcel.judgements);
        let look = Look {
            frame: parcel.frame.number,
            time: parcel.frame.time,
            faces: &parcel.faces,
            tracks: &parcel.tracks,
            qualities: &parcel.qualities,
            scores: &parcel.scores,
            judgements: &parcel.judgements,
        };
        self.tracks.judge(&look, &mut parcel.tracked);
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
