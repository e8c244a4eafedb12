//! The follower's thread: faces get their tracks, in the order of the frames.

use crossbeam_channel::{Receiver, Sender};

use super::order::InOrder;
use super::parcel::Parcel;
use crate::face::tracker::Tracker;

/// Gives each face of the `located` parcels, of which at most `room` are under way, its track; where faces weren't
/// looked for, the tracks say where they are.
pub(super) fn follow(located: &Receiver<Parcel>, followed: &Sender<Parcel>, room: usize) {
    let mut order = InOrder::new(room);
    let (mut tracker, mut size) = (Tracker::new(), None);
    for parcel in located {
        for mut parcel in order.push(parcel.order, parcel) {
            step(&mut tracker, &mut size, &mut parcel);
            if followed.send(parcel).is_err() {
                return;
            }
        }
    }
}

fn step(tracker: &mut Tracker, size: &mut Option<(usize, usize)>, parcel: &mut Parcel) {
    let Parcel { frame, faces, tracks, .. } = parcel;
    if parcel.failure.is_some() {
        return;
    }
    if parcel.cut {
        tracker.end_all();
    }
    let new = (frame.width, frame.height);
    if let Some(old) = size.replace(new).filter(|&old| old != new) {
        tracker.resize(old, new);
    }
    if parcel.looked {
        tracker.follow(frame.running(), faces, tracks);
    } else {
        tracker.predict(frame.running(), faces, tracks);
    }
}
