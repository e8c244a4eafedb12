//! The follower's thread: faces get their tracks, in the order of the frames.

use crossbeam_channel::{Receiver, Sender};

use super::order::InOrder;
use super::parcel::Parcel;
use crate::face::follow::Follower;

/// Gives each face of the `located` parcels, of which at most `room` are under way, its track; where faces weren't
/// looked for, the tracks say where they are.
pub(super) fn follow(located: &Receiver<Parcel>, followed: &Sender<Parcel>, room: usize) {
    let mut order = InOrder::new(room);
    let mut follower = Follower::new();
    for parcel in located {
        for mut parcel in order.push(parcel.order, parcel) {
            if parcel.failure.is_none() {
                let Parcel { frame, plan, faces, tracks, .. } = &mut parcel;
                follower.follow(frame, *plan, faces, tracks);
            }
            if followed.send(parcel).is_err() {
                return;
            }
        }
    }
}
