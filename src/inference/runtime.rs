//! Finding and loading the shared library of ONNX Runtime.
//!
//! Where it is looked for, in this order:
//!
//! 1. the file that the environment variable `ORT_DYLIB_PATH` names; when set, nothing else is tried;
//! 2. the folder of the program, and `lib/cyborg` and `lib` beside that folder;
//! 3. where a package brought it along (`lib/cyborg` too, by the names of the cache folder), and the cache folder, where
//!    `cargo xtask setup` puts it; the GPU build of `cargo xtask setup --gpu` comes before the other one unless the run is for
//!    the processor alone;
//! 4. the system's own library search.

use std::env;
use std::ffi::CStr;
use std::fmt;
use std::path::PathBuf;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use cyborg_models::{beside, cache, lock};
use ort::AsPointer;
use ort::environment::Environment;

use super::provider::{Asked, Provider};

use crate::name;

/// The variable that names the library.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

const LIBRARY_NAME: &str = if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else if cfg!(windows) {
    "onnxruntime.dll"
} else {
    "libonnxruntime.so"
};

/// ONNX Runtime, loaded. Sessions are opened from it.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub(super) environment: Environment,
    /// Whether the environment has an arena that sessions on the processor can share.
    pub(super) has_arena: bool,
    /// The library in use.
    pub library: PathBuf,
    /// How it was found.
    pub found: Found,
}

/// How the library was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Named by the environment variable.
    Variable,
    /// Beside the program.
    BesideProgram,
    /// In the cache folder.
    Cache,
    /// By the system.
    System,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable => "named by ORT_DYLIB_PATH",
            Self::BesideProgram => "next to the program",
            Self::Cache => "in the cache folder",
            Self::System => "by the system's library search",
        })
    }
}

/// Why ONNX Runtime can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The library can't be loaded.
    #[error("can't load ONNX Runtime from {}, {found}: {reason}; {}", name::of(library), cure(*found))]
    Load {
        /// What was tried.
        library: PathBuf,
        /// Why it was tried.
        found: Found,
        /// What the loader says.
        reason: String,
    },
    /// It was loaded and can't start.
    #[error("ONNX Runtime can't start: {0}")]
    Start(#[from] ort::Error),
}

impl Runtime {
    /// Finds and loads the library to run on the processor. A process has it once: a further call gives the same.
    ///
    /// # Errors
    ///
    /// When there is none, or one that is too old or of another machine.
    pub fn load() -> Result<Self, RuntimeError> {
        Self::load_for(Asked::Named(Provider::CPU))
    }

    /// The same for the provider that a user asks for: where both are fetched, it decides between the builds of ONNX
    /// Runtime with and without GPU.
    ///
    /// # Errors
    ///
    /// As [`Runtime::load`].
    pub fn load_for(asked: Asked) -> Result<Self, RuntimeError> {
        static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*loaded {
            return Ok(runtime.clone());
        }
        warn_of_telemetry();
        let (library, found) = find(asked);
        let builder = ort::init_from(&library).map_err(|reason| RuntimeError::Load {
            library: library.clone(),
            found,
            reason: reason.to_string(),
        })?;
        let environment = builder.with_name("cyborg").with_telemetry(false).build()?;
        // Without it sessions take more memory, and that is all.
        let registered = register_arena(&environment);
        let has_arena = registered.inspect_err(|error| log::debug!("sessions don't share an arena: {error}")).is_ok();
        Ok(loaded.insert(Self { environment, has_arena, library, found }).clone())
    }

    /// The library's own version, `1.27.0` for example.
    #[must_use]
    #[expect(unsafe_code, reason = "the binding checks the version itself and does not give it away")]
    pub fn version(&self) -> Option<String> {
        type Base = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
        // SAFETY: the library is loaded already, so that this runs no initialiser; the symbol has this type in every
        // version, and the text that it leads to is part of the library.
        unsafe {
            let library = libloading::Library::new(&self.library).ok()?;
            let base = library.get::<Base>(b"OrtGetApiBase\0").ok()?();
            let text = CStr::from_ptr(((*base).GetVersionString)());
            Some(text.to_string_lossy().into_owned())
        }
    }
}

/// Gives `environment` one arena of memory on the processor, for all sessions that ask for it.
///
/// Each session would keep its own otherwise, as large as its widest layers, while no more of them compute at a time than there
/// are workers.
#[expect(unsafe_code, reason = "the binding has no name for these calls")]
fn register_arena(environment: &Environment) -> ort::Result<()> {
    let api = ort::api();
    let mut place = ptr::null_mut();
    // SAFETY: the functions are those of the library that made the environment; `place` is written before it is read, given back
    // once, and copied by the call between. No settings means the usual ones. The environment is locked within that call.
    unsafe {
        let kind = ort::sys::OrtAllocatorType::OrtArenaAllocator;
        let created = (api.CreateCpuMemoryInfo)(kind, ort::sys::OrtMemType::OrtMemTypeDefault, &raw mut place);
        ort::Error::result_from_status(created)?;
        let registered = (api.CreateAndRegisterAllocator)(environment.ptr().cast_mut(), place, ptr::null());
        (api.ReleaseMemoryInfo)(place);
        ort::Error::result_from_status(registered)
    }
}

/// What turns off the reports that the published builds of ONNX Runtime send to their maker; which one counts depends on the
/// version. Newer builds send the first report, and write a device number into the user's cache, when an environment is made:
/// before their own switch for it can be reached. Only these variables come early enough.
const NO_TELEMETRY: [&str; 2] = ["ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"];

/// Turns off the reports that some builds of ONNX Runtime send to their maker, by variables of the environment; the build that
/// set-up fetches has none. The programs of this project do so first of all; yours may as well, or is started with
/// `ORT_DISABLE_TELEMETRY=1` and `ORT_TELEMETRY_DISABLED=1`.
///
/// # Safety
///
/// No other thread runs: see [`env::set_var`].
#[expect(unsafe_code, reason = "nothing may leave the machine, and ONNX Runtime listens to nothing else in time")]
pub unsafe fn silence_telemetry() {
    for name in NO_TELEMETRY {
        // SAFETY: no other thread runs, as the caller promises.
        unsafe { env::set_var(name, "1") };
    }
}

fn warn_of_telemetry() {
    if NO_TELEMETRY.iter().any(|name| env::var_os(name).is_none()) {
        let variables = NO_TELEMETRY.map(|name| format!("{name}=1")).join(" and ");
        log::warn!(
            "some builds of ONNX Runtime send reports to their maker: {variables} in the environment turn that off"
        );
    }
}

fn find(asked: Asked) -> (PathBuf, Found) {
    if let Some(named) = env::var_os(LIBRARY_VARIABLE).filter(|name| !name.is_empty()) {
        // A relative name is meant from here, as anywhere on a command line; the loader would take it otherwise.
        let named = std::path::absolute(&named).unwrap_or_else(|_| PathBuf::from(named));
        return (named, Found::Variable);
    }
    if let Some(library) = beside::file(LIBRARY_NAME) {
        return (library, Found::BesideProgram);
    }
    for build in builds(asked) {
        if let Some(library) = lock::placed(build).filter(|path| path.is_file()) {
            let is_cached = lock::cached(build).as_ref() == Some(&library);
            return (library, if is_cached { Found::Cache } else { Found::BesideProgram });
        }
    }
    (PathBuf::from(LIBRARY_NAME), Found::System)
}

/// The fetched builds that serve what is asked for, the better one first. The GPU build runs on a processor too, and
/// loads ten times as much.
fn builds(asked: Asked) -> &'static [&'static str] {
    let wants_gpu = asked.candidates().into_iter().any(Provider::wants_gpu_build);
    if wants_gpu { &["onnxruntime-gpu", "onnxruntime"] } else { &["onnxruntime", "onnxruntime-gpu"] }
}

fn cure(found: Found) -> String {
    match found {
        Found::Variable => format!("set {LIBRARY_VARIABLE} to the library of ONNX Runtime 1.17 or newer, or unset it"),
        _ => match cache::folder() {
            Some(folder) => format!(
                "`cargo xtask setup` puts it into {}, or set {LIBRARY_VARIABLE} to the library of ONNX Runtime 1.17 or newer",
                name::of(folder)
            ),
            None => format!(
                "no cache folder is known to look in: set HOME, or CYBORG_CACHE, or {LIBRARY_VARIABLE} to the library of ONNX Runtime 1.17 or newer"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_an_arena_to_share() {
        assert!(Runtime::load().expect("set-up fetched ONNX Runtime").has_arena);
    }

    #[test]
    fn the_gpu_build_comes_first_where_a_gpu_may_serve() {
        for (asked, first) in [
            (Asked::Auto, "onnxruntime-gpu"),
            ("cuda".parse().expect("a name"), "onnxruntime-gpu"),
            ("tensorrt-fp16".parse().expect("a name"), "onnxruntime-gpu"),
            (Asked::Named(Provider::CPU), "onnxruntime"),
            ("openvino".parse().expect("a name"), "onnxruntime"),
        ] {
            assert_eq!(builds(asked)[0], first, "{asked}");
            assert_eq!(builds(asked).len(), 2);
        }
    }
}
