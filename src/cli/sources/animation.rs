//! An animated WebP, which FFmpeg doesn't read.

use super::wanted::Wanted;
use crate::capture::Source;
use crate::capture::address::Address;
use crate::capture::animation::{Animation, is_webp};

pub(super) fn open(address: &Address, wanted: &Wanted) -> Option<anyhow::Result<Box<dyn Source>>> {
    let path = address.path().filter(|path| is_webp(path))?;
    let opened = Animation::open(path, wanted.stretch, wanted.most_pixels);
    Some(opened.map(|source| Box::new(source) as Box<dyn Source>).map_err(anyhow::Error::new))
}
