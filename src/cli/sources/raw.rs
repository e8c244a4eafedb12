//! Raw frames without a container, on standard input.

use super::wanted::Wanted;
use crate::capture::address::Address;
use crate::capture::raw::RawSource;
use crate::capture::{Source, patient};

pub(super) fn open(address: &Address, wanted: &Wanted) -> Option<anyhow::Result<Box<dyn Source>>> {
    let shape = wanted.raw?;
    let stop = Some(wanted.stop);
    let open = || -> anyhow::Result<Box<dyn Source>> {
        let reader = patient::stdin(stop)?;
        let source = RawSource::new(reader, address.name(), shape, wanted.stretch, wanted.most_pixels)?;
        Ok(Box::new(source.until(stop)))
    };
    Some(open())
}
