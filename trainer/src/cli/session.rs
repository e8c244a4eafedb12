//! What several commands begin with: threads, a wish to stop, and flags of the device and the list; and how flags are parsed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use clap::Args;
use cyborg_models::contract::CropRule;

use crate::data::choice::{Choice, Known, ReadList};
use crate::data::config::{CropName, SaliencyName};
use crate::torch::{ComputeDevice, set_threads};

/// What a command may use of the machine.
#[derive(Args, Clone, Debug)]
pub(super) struct MachineArgs {
    /// Memory for face crops that are kept, in MiB; crops beyond it are cut anew each time
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    pub(super) memory: usize,
    /// Where the network runs: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(super) device: ComputeDevice,
}

/// Which data, and how faces are cut out of them.
#[derive(Args, Debug, Default)]
pub(super) struct DataArgs {
    /// List of faces: the CYBORG data's CSV as it is, or one with a header; a folder stands for its `faces.csv` [default:
    /// the list that the runs were trained on, where there are some]
    #[arg(long, value_name = "PATH")]
    pub(super) data: Option<PathBuf>,
    /// Folder that the paths of the list start from [default: `faces` beside the list, or the list's folder]
    #[arg(long, value_name = "FOLDER")]
    pub(super) root: Option<PathBuf>,
    /// Folder of human saliency maps, each under the file name of its photo
    #[arg(long, value_name = "FOLDER")]
    pub(super) maps: Option<PathBuf>,
    /// What is cut out: the face as `cyborg` does it, or the whole photo [default: whole for the CYBORG data's CSV, face
    /// where the list has boxes]
    #[arg(long, value_name = "WHAT")]
    pub(super) crop: Option<CropName>,
    /// Side of a face crop over the longer side of the face box [default: 1.3]
    #[arg(long, value_name = "FACTOR", value_parser = margin)]
    pub(super) margin: Option<f32>,
    /// Where saliency comes from: maps (those of the list alone), landmarks (a prior by landmarks for faces without a map), prior
    /// (that prior for all faces) or mapped-prior (that prior for the faces that have a map, in its place) [default: maps where
    /// real faces have some, else landmarks]
    #[arg(long, value_name = "WHAT")]
    pub(super) saliency: Option<SaliencyName>,
}

pub(super) fn margin(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| CropRule::MARGINS.contains(number));
    number.ok_or_else(|| "expected a number in 0.5 to 4".to_owned())
}

impl DataArgs {
    /// Reads the list, and decides by it what was left open.
    pub(super) fn read(&self, known: &Known) -> anyhow::Result<ReadList> {
        if self.data.is_none() && known.data.is_none() {
            return super::outcome::wrong_usage("give the list of faces with `--data`");
        }
        let Self { data, root, maps, crop, margin, saliency } = self;
        let (list, root, maps) = (data.clone(), root.clone(), maps.clone());
        Choice { list, root, maps, crop: *crop, margin: *margin, saliency: *saliency }.read(known)
    }
}

/// Sets the threads of everything that computes; without a number all processors are used.
pub(super) fn use_threads(threads: Option<NonZeroUsize>) -> anyhow::Result<()> {
    let threads = threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global().context("can't start threads")?;
    set_threads(threads.get());
    Ok(())
}

/// Becomes true at the first Ctrl-C; a second one ends the program at once.
pub(super) fn listen() -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    // One command may be made of others that listen too.
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let listening = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        if let Err(error) = listening {
            log::warn!("can't listen for Ctrl-C: {error}");
        }
    });
    &STOP
}

/// MiB as bytes.
pub(super) fn bytes(mebibytes: usize) -> usize {
    mebibytes.saturating_mul(1 << 20)
}

/// Parses a share.
pub(super) fn share_of_one(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number in 0 to 1".to_owned())
}

/// Parses a number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

/// Parses a number of 0 or more.
pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a number of 0 or more".to_owned())
}
