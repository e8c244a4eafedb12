//! The folder of a setting: how its runs are made, a folder for each seed, and what they come to together.
//!
//! | file | what |
//! |---|---|
//! | `config.json` | all settings, the data's digest, the program's version |
//! | `seed-N/metrics.csv` | a row an epoch |
//! | `seed-N/last.safetensors`, `seed-N/best.safetensors` | weights, with the contract in their metadata |
//! | `seed-N/validation.csv` | the scores of the validation faces at the best epoch |
//! | `seed-N/model.onnx`, `seed-N/model.onnx.sha256` | the model file of the best epoch, and its digest |
//! | `seed-N/events.out.tfevents.*` | the same numbers for TensorBoard |
//! | `summary.csv` | a row a run, then mean and standard deviation |
//! | `plots` | training curves over all runs |

mod build;
mod config;
mod seed;
mod summary;
mod table;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

pub use build::{Build, described, is_smoothed, network_of, set_depth, smooth, tuned};
pub use config::{Config, TOOL};
pub use seed::{BEST, LAST, METRICS, MODEL, Resumed, ScoreRow, SeedFolder, read_validation, write_model};
pub use summary::{RunSummary, write_summary};
pub use table::{MetricsRow, read as read_metrics};

use crate::checkpoint;
use cyborg_models::name;

/// A folder that can't take new runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} holds runs already", name::of(.0))]
pub struct HoldsRuns(pub PathBuf);

/// The folder of a setting.
#[derive(Clone, Debug)]
pub struct RunFolder {
    folder: PathBuf,
    /// How its runs are made.
    pub config: Config,
}

const CONFIG: &str = "config.json";

impl RunFolder {
    /// Makes the folder, and writes how its runs are made. A folder that holds runs already is left alone.
    ///
    /// # Errors
    ///
    /// When it can't be made, or holds runs.
    pub fn create(folder: &Path, config: Config) -> anyhow::Result<Self> {
        Self::is_free(folder)?;
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", name::of(folder)))?;
        Self::replace(folder, config)
    }

    /// Writes anew how the runs of a folder are made: more or fewer of them. Those that are there stay.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn replace(folder: &Path, config: Config) -> anyhow::Result<Self> {
        let path = folder.join(CONFIG);
        let text = serde_json::to_string_pretty(&config)? + "\n";
        checkpoint::replace(&path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
        Ok(Self { folder: folder.to_owned(), config })
    }

    /// Whether a folder can take new runs.
    ///
    /// # Errors
    ///
    /// When it holds some already.
    pub fn is_free(folder: &Path) -> anyhow::Result<()> {
        if folder.join(CONFIG).exists() {
            return Err(HoldsRuns(folder.to_owned()).into());
        }
        Ok(())
    }

    /// Opens a folder that holds runs.
    ///
    /// # Errors
    ///
    /// When it holds none, or its settings can't be read.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(CONFIG);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is not a folder of runs: can't read {}", name::of(folder), name::of(&path)))?;
        let config = serde_json::from_str(&text).with_context(|| format!("can't read {}", name::of(&path)))?;
        Ok(Self { folder: folder.to_owned(), config })
    }

    /// Keeps other processes out of the folder as long as what is given lives.
    ///
    /// # Errors
    ///
    /// When another one is at work in it, or the system has no such locks.
    pub fn lock(&self) -> anyhow::Result<File> {
        let path = self.folder.join(CONFIG);
        let file = File::open(&path).with_context(|| format!("can't open {}", name::of(path)))?;
        file.try_lock().with_context(|| format!("another `cyborg-train` is running in {}", name::of(&self.folder)))?;
        Ok(file)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Seeds of the runs.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.config.fit.seed;
        (0..self.config.runs).map(move |number| first.wrapping_add(number))
    }

    /// The folder of a run.
    #[must_use]
    pub fn of_seed(&self, seed: u64) -> PathBuf {
        self.folder.join(format!("seed-{seed}"))
    }
}
