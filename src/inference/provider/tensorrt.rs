//! NVIDIA's TensorRT, with CUDA for what it can't do.
//!
//! It compiles a network into an engine for one card and one set of versions, which takes minutes. Engines are kept in
//! the cache folder, in one folder for each network and machine.

use std::fs;
use std::path::{Path, PathBuf};

use cyborg_models::{cache, digest};
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

use super::backend::{Backend, Job, Precision, Row};
use super::{cuda, nvidia};
use crate::inference::workload::Workload;
use crate::name;

/// What it is linked with: CUDA's libraries and its own.
const LIBRARIES: [&str; 6] = {
    let [runtime, blas, fft, dnn] = cuda::LIBRARIES;
    [runtime, blas, fft, dnn, "libnvinfer.so.10", "libnvonnxparser.so.10"]
};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "tensorrt",
    precision: Precision::Tf32,
    in_auto: true,
    gpu_build: true,
    libraries: &LIBRARIES,
    backend: Some(&TensorRt { precision: Precision::Tf32 }),
};

/// The same in float16: faster, and less exact. It gives other numbers, so it wants to be named.
pub(super) static HALF: Row = Row {
    name: "tensorrt-fp16",
    precision: Precision::Half,
    in_auto: false,
    gpu_build: true,
    libraries: &LIBRARIES,
    backend: Some(&TensorRt { precision: Precision::Half }),
};

/// TensorRT in one precision.
pub(super) struct TensorRt {
    /// Float32 means TF32 here: TensorRT has no switch for it that ONNX Runtime hands on.
    pub(super) precision: Precision,
}

impl Backend for TensorRt {
    fn is_built_in(&self) -> bool {
        ep::TensorRT::is_available().unwrap_or(false)
    }

    fn registrations(&self, job: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
        let (engines, cache) = self.folders(job)?;
        let provider = ep::TensorRT::default()
            .with_fp16(self.precision == Precision::Half)
            .with_engine_cache(true)
            .with_engine_cache_path(engines.display())
            // What was timed for one network serves the next one on this card; the file's name has the card's kind.
            .with_timing_cache(true)
            .with_timing_cache_path(cache.display())
            .with_profile_min_shapes(shape(job.workload, job.workload.least))
            .with_profile_opt_shapes(shape(job.workload, job.workload.usual))
            .with_profile_max_shapes(shape(job.workload, job.workload.most));
        Ok(vec![provider.build().error_on_failure(), cuda::dispatch()])
    }

    fn prepare(&self, job: &Job<'_>) -> Result<(), String> {
        let (engines, _) = self.folders(job)?;
        fs::create_dir_all(&engines).map_err(|error| format!("can't make {}: {error}", name::of(&engines)))?;
        if !has_engine(&engines) {
            let folder = engines.display();
            log::warn!("building the TensorRT engine, this takes minutes; it is kept in {folder} for the next time");
        }
        Ok(())
    }
}

impl TensorRt {
    /// Where the engines for this job lie, and what all engines share.
    fn folders(&self, job: &Job<'_>) -> Result<(PathBuf, PathBuf), String> {
        let cache = cache::folder().ok_or("no folder for its engines is known: set CYBORG_CACHE")?.join("tensorrt");
        Ok((cache.join(key(job, self.precision, &nvidia::Machine::found())), cache))
    }
}

/// One end of the shape profile, `pixels:8x224x224x3`. Without a profile an engine is built anew for each shape that is
/// larger than those before.
fn shape(workload: &Workload, [a, b, c, d]: [usize; 4]) -> String {
    format!("{}:{a}x{b}x{c}x{d}", workload.input)
}

/// The name of the folder: an engine is good for one network, profile, precision, card and set of versions.
fn key(job: &Job<'_>, precision: Precision, machine: &nvidia::Machine) -> String {
    let Job { network, workload, version, .. } = job;
    let text = format!("{} {workload:?} {precision:?} {version} {machine:?}", digest::of_bytes(network));
    digest::of_bytes(text.as_bytes())[..32].to_owned()
}

fn has_engine(folder: &Path) -> bool {
    let is_engine = |path: PathBuf| path.extension().is_some_and(|ending| ending == "engine");
    fs::read_dir(folder).is_ok_and(|entries| entries.filter_map(Result::ok).any(|entry| is_engine(entry.path())))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::inference::workload::Form;

    fn workload() -> Workload {
        Workload {
            input: "pixels".into(),
            form: Form::Bytes,
            least: [1, 224, 224, 3],
            usual: [8, 224, 224, 3],
            most: [8, 224, 224, 3],
            batches: vec![1, 2, 4, 8],
        }
    }

    #[test]
    fn a_profile_reads_as_tensorrt_wants_it() {
        assert_eq!(shape(&workload(), workload().least), "pixels:1x224x224x3");
    }

    #[test]
    fn each_fact_that_an_engine_hangs_on_changes_its_folder() {
        let machine = |gpu: &str, driver: &str, tensorrt: &str| nvidia::Machine {
            gpus: vec![gpu.to_owned()],
            driver: Some(driver.to_owned()),
            tensorrt: Some(tensorrt.to_owned()),
        };
        let (usual, mut smaller) = (workload(), workload());
        smaller.most[0] = 4;
        let job =
            |network: &'static [u8], workload, version| Job { network, workload, version, threads: NonZeroUsize::MIN };
        let first = machine("card", "580.1", "10.9");
        let mut keys = vec![
            key(&job(b"one", &usual, "1.27.0"), Precision::Single, &first),
            key(&job(b"two", &usual, "1.27.0"), Precision::Single, &first),
            key(&job(b"one", &smaller, "1.27.0"), Precision::Single, &first),
            key(&job(b"one", &usual, "1.28.0"), Precision::Single, &first),
            key(&job(b"one", &usual, "1.27.0"), Precision::Half, &first),
            key(&job(b"one", &usual, "1.27.0"), Precision::Single, &machine("other", "580.1", "10.9")),
            key(&job(b"one", &usual, "1.27.0"), Precision::Single, &machine("card", "590.1", "10.9")),
            key(&job(b"one", &usual, "1.27.0"), Precision::Single, &machine("card", "580.1", "10.10")),
        ];
        assert_eq!(keys[0], key(&job(b"one", &usual, "1.27.0"), Precision::Single, &first));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "{keys:?}");
    }

    #[test]
    fn only_a_file_of_an_engine_spares_the_building() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        assert!(!has_engine(&folder.path().join("absent")));
        fs::write(folder.path().join("a.profile"), "").expect("it can be written");
        assert!(!has_engine(folder.path()));
        fs::write(folder.path().join("a_sm90.engine"), "").expect("it can be written");
        assert!(has_engine(folder.path()));
    }
}
