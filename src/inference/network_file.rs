//! The ONNX file of a network, read once, and what all sessions that run it on a processor share.
//!
//! ONNX Runtime folds and rearranges a network's weights for the processor, and each session keeps its own copy of them. So
//! the network is written down in that form once, and the sessions read their weights where it lies.

use std::borrow::Cow;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::runtime::Runtime;
use super::session_builder::{builder, one_line};
use super::unsigned_weights;

/// The ONNX file of a network.
#[derive(Clone, Debug)]
pub struct NetworkFile<'a> {
    bytes: Cow<'a, [u8]>,
    /// The same network in an order that suits a processor, where that is another one.
    on_processor: Option<Vec<u8>>,
    /// The network as ONNX Runtime runs it on this processor; `None` within when it could not be written down.
    ready: OnceLock<Option<Arc<Vec<u8>>>>,
}

/// A session on the processor, and the bytes that hold its weights, if not it alone has them: they must outlive it.
pub(super) type OnProcessor = (Session, Option<Arc<Vec<u8>>>);

impl<'a> NetworkFile<'a> {
    /// A file of these bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), on_processor: None, ready: OnceLock::new() }
    }

    /// Has the processor run the network of this file instead, which gives the same numbers.
    #[must_use]
    pub fn with_processors_own(self, bytes: Option<Vec<u8>>) -> Self {
        Self { on_processor: bytes, ready: OnceLock::new(), ..self }
    }

    /// The file, for any provider.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, to be changed.
    #[must_use]
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        self.bytes
    }

    /// The file that a processor runs.
    #[must_use]
    pub fn on_processor(&self) -> &[u8] {
        self.on_processor.as_deref().unwrap_or(&self.bytes)
    }

    /// Opens it on the processor.
    pub(super) fn open(&self, runtime: &Runtime, threads: NonZeroUsize) -> Result<OnProcessor, String> {
        let ready = self.ready.get_or_init(|| {
            let written = write(runtime, self.on_processor());
            // Without it a session takes more memory, and that is all.
            written.inspect_err(|reason| log::debug!("a network's weights are not shared: {reason}")).ok()
        });
        let shared = |weights: &Vec<u8>| -> ort::Result<Session> {
            // The session is to read the network and its weights where they are.
            let mut builder = on_shared_arena(runtime, threads)?
                .with_config_entry("session.use_ort_model_bytes_directly", "1")?
                .with_config_entry("session.use_ort_model_bytes_for_initializers", "1")?;
            builder.commit_from_memory(weights)
        };
        if let Some(weights) = ready {
            match shared(weights) {
                Ok(session) => return Ok((session, Some(Arc::clone(weights)))),
                Err(error) => log::debug!("a network's weights are not shared: {}", one_line(error.message())),
            }
        }
        let exact = unsigned_weights::exact(self.on_processor());
        let onnx = exact.as_deref().unwrap_or(self.on_processor());
        let own = || on_shared_arena(runtime, threads)?.commit_from_memory(onnx);
        own().map(|session| (session, None)).map_err(|error| one_line(error.message()))
    }
}

/// Settings of a session on the processor, which computes in the arena of all of them where there is one.
fn on_shared_arena(runtime: &Runtime, threads: NonZeroUsize) -> ort::Result<SessionBuilder> {
    let builder = builder(runtime, threads, Vec::new())?;
    if runtime.has_arena { Ok(builder.with_env_allocators()?) } else { Ok(builder) }
}

/// The network as ONNX Runtime runs it on this processor, exactly, in its own format. It writes it to a file and nowhere else.
fn write(runtime: &Runtime, onnx: &[u8]) -> Result<Arc<Vec<u8>>, String> {
    let exact = unsigned_weights::exact(onnx);
    let onnx = exact.as_deref().unwrap_or(onnx);
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let write = || -> ort::Result<()> {
        let builder = builder(runtime, NonZeroUsize::MIN, Vec::new())?;
        let builder = builder.with_config_entry("session.save_model_format", "ORT")?;
        builder.with_optimized_model_path(file.path())?.commit_from_memory(onnx)?;
        Ok(())
    };
    write().map_err(|error| one_line(error.message()))?;
    Ok(Arc::new(fs::read(file.path()).map_err(|error| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::shipped;
    use crate::inference::provider::{Asked, Provider};
    use crate::inference::session::{Network, SessionSettings, Values};

    #[test]
    fn what_cannot_be_shared_is_opened_by_itself() {
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let ready = OnceLock::from(Some(Arc::new(b"no network".to_vec())));
        let file = NetworkFile { ready, ..NetworkFile::new(shipped::BYTES) };
        let (_, weights) = file.open(&runtime, NonZeroUsize::MIN).expect("the shipped model is whole");
        assert_eq!(weights, None);
    }

    #[test]
    fn sessions_that_share_their_weights_compute_as_one_with_its_own() {
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
        let file = NetworkFile::new(shipped::BYTES);
        let open = |file| Network::open(&runtime, file, settings).expect("the shipped model is whole");
        let (first, second) = (open(&file), open(&file));
        let weights = file.ready.get().and_then(Option::as_ref).expect("it could be written down");
        assert_eq!(Arc::strong_count(weights), 3, "the file's and one of each session");
        let alone = NetworkFile { ready: OnceLock::from(None), ..file.clone() };
        let own = open(&alone);
        // The sessions keep what they read, whoever else lets go of it.
        drop((file, first));
        let pixels: Vec<u8> = (0..224 * 224 * 3).map(|place| (place * 7 / 5) as u8).collect();
        let logits = |mut network: Network| {
            let outputs = network.run("pixels", [1, 224, 224, 3], Values::Bytes(&pixels)).expect("it runs");
            outputs.floats("logits", 2).expect("two a face").to_vec()
        };
        assert_eq!(logits(second), logits(own));
    }
}
