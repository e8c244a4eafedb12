//! What can be read frame by frame: one file for each kind of source, and a row of each here.

mod animation;
mod raw;
mod video;
mod wanted;

pub(super) use wanted::Wanted;

use crate::capture::Source;
use crate::capture::address::Address;

/// Opens a source where it is of this kind, `None` where it isn't.
type Open = fn(&Address, &Wanted) -> Option<anyhow::Result<Box<dyn Source>>>;

/// All kinds. The first that takes it has it: the last takes everything.
const KINDS: [Open; 3] = [raw::open, animation::open, video::open];

/// Opens a source of any kind.
pub(super) fn open(address: &Address, wanted: &Wanted) -> anyhow::Result<Box<dyn Source>> {
    let opened = KINDS.iter().find_map(|open| open(address, wanted));
    opened.unwrap_or_else(|| anyhow::bail!("{} is of no kind that can be read", address.name()))
}
