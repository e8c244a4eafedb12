//! Opening a network in ONNX Runtime on the provider that was asked for.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use ort::memory::{Allocator, MemoryInfo};
use ort::session::builder::SessionBuilder;
use ort::session::{IoBinding, Session, SessionOutputs};
use ort::value::{PrimitiveTensorElementType, Tensor, TensorRef};

use super::network_file::NetworkFile;
use super::provider::{Asked, Job, Provider, ProviderReport, Refusal, Refused, choose};
use super::runtime::Runtime;
use super::self_test::{self, Output, Picture, Run};
use super::session_builder::{builder, one_line};
use super::unsigned_weights;
use super::workload::Workload;
use crate::wall;

/// How a session is to run.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// The provider that is asked for.
    pub provider: Asked,
    /// Threads of the processor within one operation.
    pub threads: NonZeroUsize,
}

/// A network that is ready to run. It has one owner: running it needs it alone.
#[derive(Debug)]
pub struct Network {
    session: Session,
    /// What the session reads its weights from. After it, so that it is dropped after it.
    _weights: Option<Arc<Vec<u8>>>,
    /// What it is fed, when it is a network of one picture or batch of pictures.
    workload: Option<Workload>,
    /// On an accelerator.
    bound: Option<Bound>,
    /// Where it runs, and why there.
    pub provider: ProviderReport,
}

/// What goes into a network, row-major.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Unsigned bytes.
    Bytes(&'a [u8]),
    /// 32-bit floats.
    Floats(&'a [f32]),
}

/// What came out of a network, until it runs again.
pub struct Outputs<'a>(SessionOutputs<'a>);

/// Why a network can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The provider that was named doesn't start.
    #[error("provider {provider} is not available: {reason}")]
    Provider {
        /// The one that was named.
        provider: Provider,
        /// What it said.
        reason: String,
    },
    /// ONNX Runtime doesn't take the network.
    #[error("ONNX Runtime can't load it: {0}")]
    Load(String),
}

/// Sides that a network leaves free are prepared for up to this, in pixels, unless it is said otherwise.
const LONGEST_SIDE: usize = 320;

/// On a processor a face costs the same in batches of 1 to 4, and an eighth more in batches of 8 and 16, whose values
/// don't stay in its caches (benches/results/2026-11-24-providers.md); and a batch of 4 takes four times the memory to compute
/// in (benches/results/2026-12-01-profile.md).
const LARGEST_BATCH_OF_PROCESSOR: usize = 1;

impl Network {
    /// Opens the network in `file`.
    ///
    /// An accelerator is warmed up in each size of batch and held against the processor before it is taken. With
    /// [`Asked::Auto`] a provider that doesn't start or computes otherwise is left for the next one, and the report says
    /// why.
    ///
    /// # Errors
    ///
    /// When a provider that was named is refused, or the network can't be loaded.
    pub fn open(runtime: &Runtime, file: &NetworkFile<'_>, settings: SessionSettings) -> Result<Self, SessionError> {
        Self::open_for(runtime, file, settings, LONGEST_SIDE)
    }

    /// The same for a network that takes pictures of any size, up to `longest_side` pixels.
    ///
    /// # Errors
    ///
    /// As [`Network::open`].
    pub fn open_for(
        runtime: &Runtime,
        file: &NetworkFile<'_>,
        settings: SessionSettings,
        longest_side: usize,
    ) -> Result<Self, SessionError> {
        let opened = wall::behind(|| Self::choose_for(runtime, file, settings, longest_side));
        opened.unwrap_or_else(|fault| Err(SessionError::Load(fault.to_string())))
    }

    fn choose_for(
        runtime: &Runtime,
        file: &NetworkFile<'_>,
        settings: SessionSettings,
        longest_side: usize,
    ) -> Result<Self, SessionError> {
        let workload = Workload::of(file.bytes(), longest_side);
        let opened = choose(settings.provider, |provider| match &workload {
            _ if provider == Provider::CPU => {
                let (session, weights) = file.open(runtime, settings.threads)?;
                Ok(((session, weights), None))
            }
            Some(workload) => {
                let (session, difference) = open_on(runtime, file.bytes(), provider, settings.threads, workload)?;
                Ok(((session, None), Some(difference)))
            }
            None => Err("it can't be tested on this network: expected one input, of four dimensions".to_owned()),
        });
        match opened {
            Ok(((session, weights), provider)) => {
                let bound = provider.got.is_accelerated().then(|| Bound::new(&session)).transpose();
                let bound = bound.map_err(|error| SessionError::Load(one_line(error.message())))?;
                Ok(Self { session, _weights: weights, workload, bound, provider })
            }
            Err(Refused { last: Refusal { provider, reason }, .. }) => Err(match provider {
                // The processor always starts; what fails there is the network itself.
                provider if provider == Provider::CPU => SessionError::Load(reason),
                _ => SessionError::Provider { provider, reason },
            }),
        }
    }

    /// The most items to run at once.
    #[must_use]
    pub fn largest_batch(&self) -> usize {
        match &self.workload {
            Some(workload) if self.provider.got.is_accelerated() => workload.batches.last().copied().unwrap_or(1),
            _ => LARGEST_BATCH_OF_PROCESSOR,
        }
    }

    /// The size of batch to run `count` items in, at least `count`: an accelerator is prepared for a few sizes, and
    /// what fills up is thrown away. The processor takes any.
    #[must_use]
    pub fn padded(&self, count: usize) -> usize {
        match &self.workload {
            Some(workload) if self.provider.got.is_accelerated() => workload.padded(count),
            _ => count,
        }
    }

    /// Runs the network on its one input, whose name, shape and values are given.
    ///
    /// # Errors
    ///
    /// When the values don't fill the shape, or ONNX Runtime fails.
    pub fn run(&mut self, name: &str, shape: [usize; 4], values: Values<'_>) -> anyhow::Result<Outputs<'_>> {
        let Self { session, bound, .. } = self;
        // Outputs stay where they were, in the size that they had.
        if let Some(bound) = bound.as_mut().filter(|bound| bound.shape != shape) {
            *bound = Bound { shape, ..Bound::new(session)? };
        }
        let outputs = match (bound, values) {
            (None, Values::Bytes(values)) => {
                session.run(ort::inputs![name => TensorRef::from_array_view((shape, values))?])?
            }
            (None, Values::Floats(values)) => {
                session.run(ort::inputs![name => TensorRef::from_array_view((shape, values))?])?
            }
            (Some(Bound { binding, bytes, .. }), Values::Bytes(values)) => {
                binding.bind_input(name, fill(bytes, session.allocator(), shape, values)?)?;
                session.run_binding(binding)?
            }
            (Some(Bound { binding, floats, .. }), Values::Floats(values)) => {
                binding.bind_input(name, fill(floats, session.allocator(), shape, values)?)?;
                session.run_binding(binding)?
            }
        };
        Ok(Outputs(outputs))
    }
}

impl Outputs<'_> {
    /// The shape and the values of a float output, row-major.
    ///
    /// # Errors
    ///
    /// When there is no such output, or it is of another type.
    pub fn shaped(&self, name: &str) -> anyhow::Result<(&[i64], &[f32])> {
        let output = self.0.get(name).with_context(|| format!("the network has no output `{name}`"))?;
        let (shape, values) = output.try_extract_tensor::<f32>()?;
        Ok((shape, values))
    }

    /// The values of a float output, row-major.
    ///
    /// # Errors
    ///
    /// When there is no such output, it is of another type, or it has not `count` values.
    pub fn floats(&self, name: &str, count: usize) -> anyhow::Result<&[f32]> {
        let (shape, values) = self.shaped(name)?;
        anyhow::ensure!(values.len() == count, "output `{name}` came out as {shape:?}, expected {count} values");
        Ok(values)
    }
}

/// Where a session's inputs and outputs lie, so that each is copied once a run and no place is looked for.
#[derive(Debug)]
struct Bound {
    binding: IoBinding,
    /// Of the input.
    shape: [usize; 4],
    // ONNX Runtime copies from here. Values that are only borrowed can't be bound: ort copies them by a way that waits for itself.
    bytes: Option<Tensor<u8>>,
    floats: Option<Tensor<f32>>,
}

impl Bound {
    /// All outputs of `session` come to where we can read them.
    fn new(session: &Session) -> ort::Result<Self> {
        let mut binding = session.create_binding()?;
        let here = MemoryInfo::default();
        session.outputs().iter().try_for_each(|output| binding.bind_output_to_device(output.name(), &here))?;
        Ok(Self { binding, shape: [0; 4], bytes: None, floats: None })
    }
}

/// Puts values into a tensor, which is made for the first ones.
fn fill<'a, T: PrimitiveTensorElementType + Copy + fmt::Debug>(
    kept: &'a mut Option<Tensor<T>>,
    allocator: &Allocator,
    shape: [usize; 4],
    values: &[T],
) -> anyhow::Result<&'a Tensor<T>> {
    let tensor = match kept {
        Some(tensor) => tensor,
        None => kept.insert(Tensor::new(allocator, shape)?),
    };
    let (_, place) = tensor.try_extract_tensor_mut::<T>()?;
    anyhow::ensure!(place.len() == values.len(), "{} values don't fill the shape {shape:?}", values.len());
    place.copy_from_slice(values);
    Ok(tensor)
}

/// Opens a network on an accelerator, warmed up and tested; and the largest difference that was found.
fn open_on(
    runtime: &Runtime,
    bytes: &[u8],
    provider: Provider,
    threads: NonZeroUsize,
    workload: &Workload,
) -> Result<(Session, f32), String> {
    provider.built_in()?;
    let backend = provider.backend().ok_or("not compiled into this program")?;
    let version = runtime.version().unwrap_or_default();
    let job = Job { network: bytes, workload, version: &version, threads };
    let registrations = backend.registrations(&job)?;
    let builder = builder(runtime, threads, registrations).map_err(|error| {
        let reason = one_line(error.message());
        // Its own words are seldom more than that a library could not be loaded.
        provider.lacks().map_or_else(|| reason.clone(), |lack| format!("{reason}; {lack}"))
    })?;
    // Only now is it known to start at all.
    backend.prepare(&job)?;
    let mut session = commit(builder, bytes)?;
    let plain = self::builder(runtime, threads, Vec::new()).map_err(|error| one_line(error.message()))?;
    let exact = unsigned_weights::exact(bytes);
    let mut reference = commit(plain, exact.as_deref().unwrap_or(bytes))?;
    let tolerance = provider.precision().tolerance();
    let trial = |session| Trial { session, input: &workload.input };
    let difference = self_test::check(&mut trial(&mut reference), &mut trial(&mut session), workload, tolerance)?;
    Ok((session, difference))
}

fn commit(mut builder: SessionBuilder, bytes: &[u8]) -> Result<Session, String> {
    builder.commit_from_memory(bytes).map_err(|error| one_line(error.message()))
}

/// A session in its self-test.
struct Trial<'a> {
    session: &'a mut Session,
    input: &'a str,
}

impl Run for Trial<'_> {
    fn run(&mut self, shape: [usize; 4], picture: &Picture) -> Result<Vec<Output>, String> {
        let mut run = || -> ort::Result<Vec<Output>> {
            let input = match picture {
                Picture::Bytes(values) => ort::inputs![self.input => TensorRef::from_array_view((shape, &values[..]))?],
                Picture::Floats(values) => {
                    ort::inputs![self.input => TensorRef::from_array_view((shape, &values[..]))?]
                }
            };
            let outputs = self.session.run(input)?;
            let values = |(name, value): (&str, ort::value::ValueRef<'_>)| {
                let (_, values) = value.try_extract_tensor::<f32>()?;
                Ok(Output { name: name.to_owned(), values: values.to_vec() })
            };
            outputs.iter().map(values).collect()
        };
        run().map_err(|error| one_line(error.message()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::shipped;

    #[test]
    fn bound_inputs_and_outputs_change_no_number() {
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
        let file = NetworkFile::new(shipped::BYTES);
        let mut plain = Network::open(&runtime, &file, settings).expect("the shipped model is whole");
        let mut bound = Network::open(&runtime, &file, settings).expect("the shipped model is whole");
        bound.bound = Some(Bound::new(&bound.session).expect("it can be bound"));
        // Two batches of other sizes, so that what was bound for the first must not stay for the second.
        for (batch, start) in [(2, 0_usize), (1, 77)] {
            let pixels: Vec<u8> = (0..batch * 224 * 224 * 3).map(|place| (place / 7 + start) as u8).collect();
            let shape = [batch, 224, 224, 3];
            let logits = |network: &mut Network| {
                let outputs = network.run("pixels", shape, Values::Bytes(&pixels)).expect("it runs");
                outputs.floats("logits", batch * 2).expect("two a face").to_vec()
            };
            assert_eq!(logits(&mut bound), logits(&mut plain));
        }
    }

    #[test]
    fn what_a_user_can_act_on_is_kept() {
        let message = "\n/src/bridge.cc:19 Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load a.so : not there\nmore";
        assert_eq!(one_line(message), "Failed to load a.so : not there");
        assert_eq!(one_line("  plain words \n"), "plain words");
        assert_eq!(one_line(" \n"), "no reason given");
    }
}
