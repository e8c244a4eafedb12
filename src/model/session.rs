//! Opening a network in ONNX Runtime on the provider that was asked for.

use std::num::NonZeroUsize;

use anyhow::Context;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionOutputs};
use ort::value::TensorRef;

use super::provider::{Asked, Provider, ProviderReport, Refusal};
use super::runtime::Runtime;

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
pub enum SessionError {
    /// The provider that was named doesn't start.
    #[error(
        "provider {provider} was asked for and can't be had: {reason}; use `--provider auto` to take the best that starts, `cyborg doctor` to see what there is"
    )]
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

impl Network {
    /// Opens the ONNX file in `bytes`.
    ///
    /// With [`Asked::Auto`] a provider that doesn't start is left for the next one, and the report says why.
    ///
    /// # Errors
    ///
    /// When a provider that was named doesn't start, or the network can't be loaded.
    pub fn open(runtime: &Runtime, bytes: &[u8], settings: SessionSettings) -> Result<Self, SessionError> {
        let mut refusals = Vec::new();
        let wanted = match settings.provider {
            Asked::Auto => Provider::ALL.to_vec(),
            Asked::Named(provider) => vec![provider],
        };
        for provider in wanted {
            match open_on(runtime, bytes, provider, settings.threads) {
                Ok(session) => {
                    let report = ProviderReport { asked: settings.provider, got: provider, refusals };
                    return Ok(Self { session, provider: report });
                }
                // The processor always starts; what fails there is the network itself.
                Err(reason) if provider == Provider::Cpu => return Err(SessionError::Load(reason)),
                Err(reason) => refusals.push(Refusal { provider, reason }),
            }
        }
        let Refusal { provider, reason } = refusals.swap_remove(0);
        Err(SessionError::Provider { provider, reason })
    }
}

impl Network {
    /// Runs the network on its one input, whose name, shape and values are given.
    ///
    /// # Errors
    ///
    /// When the values don't fill the shape, or ONNX Runtime fails.
    pub fn run(&mut self, name: &str, shape: [usize; 4], values: Values<'_>) -> anyhow::Result<Outputs<'_>> {
        let outputs = match values {
            Values::Bytes(values) => {
                self.session.run(ort::inputs![name => TensorRef::from_array_view((shape, values))?])?
            }
            Values::Floats(values) => {
                self.session.run(ort::inputs![name => TensorRef::from_array_view((shape, values))?])?
            }
        };
        Ok(Outputs(outputs))
    }
}

impl Outputs<'_> {
    /// The values of a float output, row-major.
    ///
    /// # Errors
    ///
    /// When there is no such output, it is of another type, or it has not `count` values.
    pub fn floats(&self, name: &str, count: usize) -> anyhow::Result<&[f32]> {
        let output = self.0.get(name).with_context(|| format!("the network has no output `{name}`"))?;
        let (shape, values) = output.try_extract_tensor::<f32>()?;
        anyhow::ensure!(values.len() == count, "output `{name}` came out as {shape:?}, expected {count} values");
        Ok(values)
    }
}

fn open_on(runtime: &Runtime, bytes: &[u8], provider: Provider, threads: NonZeroUsize) -> Result<Session, String> {
    if !provider.is_built_in() {
        return Err("not built into this ONNX Runtime".to_owned());
    }
    let open = || -> ort::Result<Session> {
        Session::builder(&runtime.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads.get())?
            // Two sessions' idle threads would burn the processors that the other one needs.
            .with_intra_op_spinning(false)?
            .with_execution_providers(provider.registrations())?
            .commit_from_memory(bytes)
    };
    open().map_err(|error| one_line(error.message()))
}

/// ONNX Runtime's messages span lines and carry source positions; the first line holds what a user can act on.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
}
