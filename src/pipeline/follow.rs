//! The follower's thread: faces get their tracks, in the order of the frames.

use crossbeam_channel::{Receiver, Sender};

use super::order::InOrder;
use super::parcel::Parcel;
use crate::face::follow::Follower;

/// Gives each face of the `located` parcels, of which at most `room` are under way, its track; where faces weren't
/// looked for, the tracks say where they are. Between two frames of a sparse source many seconds may lie.
pub(super) fn follow(located: &Receiver<Parcel>, followed: &Sender<Parcel>, room: usize, is_sparse: bool) {
    let mut order = InOrder::new(room);
    let mut follower = if is_sparse { Follower::over_gaps() } else { Follower::new() };
    // Of the frame before.
    let mut known = Vec::new();
    for parcel in located {
        for mut parcel in order.push(parcel.order, parcel) {
            if parcel.failure.is_none() {
                let Parcel { frame, plan, repeats, faces, tracks, .. } = &mut parcel;
                match repeats {
                    true => faces.clone_from(&known),
                    false => known.clone_from(faces),
                }
                follower.follow(frame, *plan, faces, tracks);
            }
            if followed.send(parcel).is_err() {
                return;
            }
        }
    }
}
