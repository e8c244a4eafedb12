//! Opening a network in ONNX Runtime on the provider that was asked for.

use std::num::NonZeroUsize;

use ort::session::{Session, builder::GraphOptimizationLevel};

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
    pub(crate) session: Session,
    /// Where it runs, and why there.
    pub provider: ProviderReport,
}

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
