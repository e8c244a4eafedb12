//! Which values the layers of a float network have on faces: what a step of 8 bits must be worth.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::ensure;
use cyborg_edge::inference::network_file::NetworkFile;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::{Network, SessionSettings, Values};
use cyborg_models::contract::PIXELS;
use cyborg_models::onnx::{Dimension, ModelProto, ValueInfoProto, element};
use prost::Message;

/// Faces in a run: all values between all layers are kept of them.
const BATCH: usize = 4;

/// What a value between two layers was on the faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Range {
    /// The least.
    pub(super) low: f32,
    /// The largest.
    pub(super) high: f32,
    /// The mean of each channel.
    pub(super) means: Vec<f64>,
    /// Numbers of one face.
    pub(super) numbers: usize,
}

/// The ranges of values by their names, `[N, C, h, w]` each, on `crops`, N * S * S * 3 bytes of RGB.
///
/// # Errors
///
/// When ONNX Runtime doesn't run the network, or a value is no picture of numbers.
pub(super) fn ranges(
    runtime: &Runtime,
    model: &ModelProto,
    names: &[&str],
    crops: &[u8],
    side: usize,
) -> anyhow::Result<BTreeMap<String, Range>> {
    let mut tapped = model.clone();
    if let Some(graph) = &mut tapped.graph {
        let free = ["n", "c", "h", "w"].map(|size| Dimension::Param(format!("inner.{size}")));
        graph.output.extend(names.iter().enumerate().map(|(at, name)| {
            let own = free.clone().map(|size| match size {
                Dimension::Param(name) => Dimension::Param(format!("{name}{at}")),
                fixed @ Dimension::Value(_) => fixed,
            });
            ValueInfoProto::tensor(name, element::FLOAT, &own)
        }));
    }
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads };
    let mut network = Network::open(runtime, &NetworkFile::new(tapped.encode_to_vec()), settings)?;
    let mut found = BTreeMap::new();
    let crop = side * side * 3;
    for batch in crops.chunks(BATCH * crop) {
        let count = batch.len() / crop;
        let outputs = network.run(PIXELS, [count, side, side, 3], Values::Bytes(batch))?;
        for name in names {
            let (shape, values) = outputs.shaped(name)?;
            let &[faces, channels, ..] = shape else {
                anyhow::bail!("`{name}` came out as {shape:?}, which has no channels")
            };
            ensure!(faces as usize == count && channels > 0 && !values.is_empty(), "`{name}` came out as {shape:?}");
            let range: &mut Range = found.entry((*name).to_owned()).or_default();
            range.add(values, channels as usize, count);
        }
    }
    let faces = (crops.len() / crop) as f64;
    for (name, range) in &mut found {
        range.means.iter_mut().for_each(|mean| *mean /= faces);
        let finite = range.low.is_finite() && range.high.is_finite() && range.means.iter().all(|mean| mean.is_finite());
        ensure!(finite, "`{name}` is no number on some of the faces");
    }
    Ok(found)
}

impl Range {
    /// Adds some faces' values; the means are sums until all have come.
    fn add(&mut self, values: &[f32], channels: usize, faces: usize) {
        self.numbers = values.len() / faces;
        self.means.resize(channels, 0.0);
        let pixels = self.numbers / channels;
        for (plane, values) in values.chunks(pixels).enumerate() {
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            self.means[plane % channels] += sum / pixels as f64;
            // What is no number shows in the mean.
            for &value in values {
                self.low = self.low.min(value);
                self.high = self.high.max(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_worked_by_hand() {
        let mut range = Range::default();
        // Two faces of two channels of two pixels.
        range.add(&[1.0, 3.0, -4.0, -2.0, 5.0, 7.0, 0.0, 2.0], 2, 2);
        assert_eq!((range.low, range.high, range.numbers), (-4.0, 7.0, 4));
        assert_eq!(range.means, [2.0 + 6.0, -3.0 + 1.0]);
        range.add(&[0.0, f32::NAN, 0.0, 0.0], 2, 1);
        assert!(range.means[0].is_nan(), "no number is overlooked");
    }
}
