//! A worker: a detector and a classifier on a thread of its own, which does what there is to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, select_biased};
use smallvec::SmallVec;

use super::parcel::{Failure, Parcel};
use crate::BoxError;
use crate::classify::classifier::{Classify, MOST_FRAMES, Seen};
use crate::face::Locate;
use crate::face::quality::Quality;
use crate::findings::Opinion;

/// A detector and the models, which one thread uses in turn.
pub struct Worker<'a> {
    /// Finds faces.
    pub locate: &'a mut dyn Locate,
    /// Score the same faces, the model that decides first: as many as [`super::Stages::judges`] has judges.
    pub models: Vec<&'a mut dyn Classify>,
}

/// Where a worker's parcels come from and go to.
pub(super) struct Lanes {
    pub(super) decoded: Receiver<Parcel>,
    pub(super) located_in: Sender<Parcel>,
    pub(super) followed: Receiver<Parcel>,
    pub(super) scored_in: Sender<Parcel>,
}

impl Worker<'_> {
    /// Works until nothing comes any more, or nobody takes it.
    pub(super) fn work(mut self, lanes: Lanes) {
        let Lanes { decoded, located_in, followed, scored_in } = lanes;
        loop {
            // What was begun is finished first: it brings buffers back.
            select_biased! {
                recv(followed) -> parcel => match parcel {
                    Ok(parcel) => if !self.classify(parcel, &followed, &scored_in) { return },
                    Err(_) => return,
                },
                recv(decoded) -> parcel => match parcel {
                    Ok(parcel) => if located_in.send(self.locate(parcel)).is_err() { return },
                    Err(_) => break,
                },
            }
        }
        // No worker locates any more once all are here. That ends the followers' channel, and then this one.
        drop(located_in);
        while let Ok(parcel) = followed.recv() {
            if !self.classify(parcel, &followed, &scored_in) {
                return;
            }
        }
    }

    fn locate(&mut self, mut parcel: Parcel) -> Parcel {
        let Self { locate, .. } = self;
        let start = Instant::now();
        attempt(&mut [&mut parcel], |parcels| {
            parcels.iter_mut().try_for_each(|Parcel { frame, faces, .. }| locate.locate(frame, faces))
        });
        parcel.times.locate = start.elapsed();
        parcel
    }

    /// Scores a parcel, and further ones that wait already where many cost the model less than each alone. Says
    /// whether somebody takes them.
    fn classify(&mut self, first: Parcel, followed: &Receiver<Parcel>, scored_in: &Sender<Parcel>) -> bool {
        let Self { models, .. } = self;
        let mut parcels = SmallVec::<[Parcel; MOST_FRAMES]>::new();
        let mut faces = first.faces.len();
        parcels.push(first);
        let most_faces = models.first().map_or(1, |first| first.faces_at_once());
        while faces < most_faces && parcels.len() < MOST_FRAMES {
            let Ok(parcel) = followed.try_recv() else {
                break;
            };
            faces += parcel.faces.len();
            parcels.push(parcel);
        }
        let start = Instant::now();
        {
            let mut sound: SmallVec<[&mut Parcel; MOST_FRAMES]> =
                parcels.iter_mut().filter(|parcel| parcel.failure.is_none() && !parcel.repeats).collect();
            attempt(&mut sound, |parcels| score(models, parcels));
        }
        let each = start.elapsed() / parcels.len() as u32;
        parcels.into_iter().all(|mut parcel| {
            parcel.times.classify = each;
            scored_in.send(parcel).is_ok()
        })
    }
}

/// Measures and scores the faces of parcels.
fn score(models: &mut [&mut dyn Classify], parcels: &mut [&mut Parcel]) -> Result<(), BoxError> {
    for parcel in parcels.iter_mut() {
        let Parcel { frame, faces, qualities, .. } = &mut **parcel;
        qualities.clear();
        qualities.extend(faces.iter().map(|face| Quality::of(frame, face)));
    }
    for (index, model) in models.iter_mut().enumerate() {
        let mut seen = SmallVec::<[Seen<'_>; MOST_FRAMES]>::new();
        for parcel in parcels.iter_mut() {
            let Parcel { frame, faces, opinions, .. } = &mut **parcel;
            let Some(Opinion { scores, maps, .. }) = opinions.get_mut(index) else {
                // A model that nobody judges by.
                continue;
            };
            seen.push(Seen { frame, faces, scores, maps });
        }
        model.classify(&mut seen)?;
    }
    Ok(())
}

/// Does `work` on parcels of which none has failed. When it fails, the first of them says so and the others are left
/// as they are: nothing behind a failure is delivered.
fn attempt(parcels: &mut [&mut Parcel], work: impl FnOnce(&mut [&mut Parcel]) -> Result<(), BoxError>) {
    let sound = parcels.iter().all(|parcel| parcel.failure.is_none());
    if !sound || parcels.is_empty() {
        return;
    }
    // A lost parcel would leave the others waiting for its turn for ever.
    let outcome = catch_unwind(AssertUnwindSafe(|| work(parcels)));
    parcels[0].failure = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Failure::Error(error)),
        Err(panic) => Some(Failure::Panic(panic)),
    };
}
