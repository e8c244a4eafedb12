//! What several commands begin with: threads, a wish to stop, the device, and the faces of a list.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;

use anyhow::{Context, bail};
use clap::Args;
use cyborg_edge::face::detector::{Detector, DetectorError, DetectorName, DetectorSettings};
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_models::contract::CropRule;
use cyborg_models::name;

use crate::data::faces::{FaceSettings, Faces};
use crate::data::inspect::{InspectError, Inspected, Inspection, Need, inspect};
use crate::data::list::{self, FaceList, Label, Split};
use crate::network::Network;
use crate::run_folder::{CropName, DataConfig, SaliencyName};
use crate::torch::{ComputeDevice, set_threads};

/// Program and version, for what it writes.
pub(super) const TOOL: &str = concat!("cyborg-train ", env!("CARGO_PKG_VERSION"));
/// The detector that lists and crops are made by, so that networks learn from the boxes that those before them learnt from.
/// Boxes of the others are mapped to its own.
const DETECTOR: &str = "centerface";

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
    /// Where saliency comes from: the list's maps alone, or landmarks for faces without a map [default: maps where real faces
    /// have some]
    #[arg(long, value_name = "WHAT")]
    pub(super) saliency: Option<SaliencyName>,
}

/// The face and what is around it: hair and jaw are seen, the background hardly.
const MARGIN: f32 = 1.3;

pub(super) fn margin(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| CropRule::MARGINS.contains(number));
    number.ok_or_else(|| "expected a number in 0.5 to 4".to_owned())
}

/// A list that was read: what it says, and what is wrong with it.
pub(super) struct ReadList {
    pub(super) list: FaceList,
    pub(super) problems: Vec<String>,
    pub(super) config: DataConfig,
}

impl DataArgs {
    /// Reads the list, and decides by it what was left open. What is known from training goes before the list, and gives
    /// the list itself where none was named.
    pub(super) fn read(&self, known: &Known) -> anyhow::Result<ReadList> {
        let trained = known.data.as_ref();
        let mut config = match (&self.data, trained) {
            (Some(list), _) => DataConfig {
                list: absolute(list)?,
                root: None,
                maps: None,
                crop: CropName::Face,
                margin: MARGIN,
                saliency: SaliencyName::Landmarks,
                has_maps: false,
                validation: None,
                left_out: Vec::new(),
                taught_by: None,
            },
            (None, Some(trained)) => trained.clone(),
            (None, None) => return super::outcome::wrong_usage("give the list of faces with `--data`"),
        };
        for (flag, place) in [(&self.root, &mut config.root), (&self.maps, &mut config.maps)] {
            if let Some(folder) = flag {
                *place = Some(absolute(folder)?);
            }
        }
        config.margin = self.margin.or(known.margin).unwrap_or(MARGIN);
        let (list, problems) = list::read(&config.place())?;
        // Where the list says where faces are, they are cut out as the runtime would, whatever the training photos were like.
        let has_boxes = list.rows.iter().any(|row| row.face.is_some());
        let by_list = match (list.format, trained) {
            (list::Format::Header, _) if has_boxes => CropName::Face,
            (_, Some(trained)) => trained.crop,
            (list::Format::Header, None) => CropName::Face,
            (list::Format::Paper, None) => CropName::Whole,
        };
        let has_map = |label| list.rows.iter().any(|row| row.map.is_some() && row.label == label);
        config.has_maps = has_map(Label::Authentic) || has_map(Label::Synthetic);
        // Fakes that were forged bring their masks; the real faces beside them then have the prior.
        let by_maps = if has_map(Label::Authentic) { SaliencyName::Maps } else { SaliencyName::Landmarks };
        let is_trained = self.data.is_none();
        config.crop = self.crop.unwrap_or(if is_trained { config.crop } else { by_list });
        config.saliency = self.saliency.unwrap_or(if is_trained { config.saliency } else { by_maps });
        Ok(ReadList { list, problems, config })
    }
}

/// A path that means the same from whatever folder a run is gone on with.
pub(super) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("can't resolve the path {}", name::of(path)))
}

/// What is known of the data that a network was trained on.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// All of it, from the folder of its runs.
    pub(super) data: Option<DataConfig>,
    /// The crop of its checkpoint.
    pub(super) margin: Option<f32>,
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

/// Opens the detector, for one thread. Its settings are the defaults of `cyborg`, so that crops are the same in training and in
/// use.
pub(super) fn open_detector(runtime: &Runtime) -> Result<Detector, DetectorError> {
    let session = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    Detector::open(runtime, &DetectorName::of(DETECTOR.into()), DetectorSettings::of_side(320), session)
}

/// What the faces are wanted for.
pub(super) struct Wanted<'a> {
    pub(super) network: &'a Network,
    /// The first one must have faces.
    pub(super) splits: &'a [Split],
    /// Whether fakes will be forged.
    pub(super) landmarks: Need,
    /// Bytes of crops to keep.
    pub(super) memory: usize,
}

/// Looks at all faces of a list; nothing when the user ended it.
pub(super) fn look(read: ReadList, wanted: &Wanted<'_>, stop: &AtomicBool) -> anyhow::Result<Option<Inspected>> {
    let (height, width) = wanted.network.cam_size();
    debug_assert_eq!(height, width, "all activation maps are square");
    let Wanted { splits, landmarks, memory, .. } = *wanted;
    look_at(read, &Faced { side: wanted.network.input_side, cam: height, splits, landmarks, memory }, stop)
}

/// What the faces are wanted for, where no network of ours looks at them.
pub(super) struct Faced<'a> {
    /// Side of a crop in pixels.
    pub(super) side: usize,
    /// Side of the activation map.
    pub(super) cam: usize,
    /// As in [`Wanted`].
    pub(super) splits: &'a [Split],
    /// As in [`Wanted`].
    pub(super) landmarks: Need,
    /// As in [`Wanted`].
    pub(super) memory: usize,
}

/// The same as [`look`].
pub(super) fn look_at(read: ReadList, wanted: &Faced<'_>, stop: &AtomicBool) -> anyhow::Result<Option<Inspected>> {
    let runtime = Runtime::load()?;
    let settings = FaceSettings {
        side: wanted.side,
        cam: wanted.cam,
        crop: read.config.crop_mode(),
        saliency: read.config.saliency_source(),
        memory: wanted.memory,
    };
    let how = Inspection {
        settings,
        splits: wanted.splits,
        landmarks: wanted.landmarks,
        detector: &|| Ok(open_detector(&runtime)?),
        progress: &|done, all| {
            if done.is_multiple_of(1000) || done == all {
                log::info!("{done} of {all} photos looked at");
            }
        },
        stop,
    };
    match inspect(read.list, read.problems, &how) {
        Ok(inspected) => Ok(Some(inspected)),
        Err(InspectError::Interrupted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Faces of a split, by their index.
pub(super) fn of_split(inspected: &Inspected, split: Split) -> Vec<usize> {
    let rows = inspected.faces.rows.iter().enumerate();
    rows.filter(|(_, row)| row.split == split).map(|(index, _)| index).collect()
}

/// The faces, shared with the loader's threads.
pub(super) fn share(inspected: Inspected) -> Arc<Faces> {
    Arc::new(inspected.faces)
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

/// Both classes must be there, or nothing can be learnt or measured.
pub(super) fn both_classes(counts: (usize, usize), what: &str) -> anyhow::Result<()> {
    if counts.0 == 0 || counts.1 == 0 {
        bail!("the {what} faces are {} real and {} synthetic: both classes are needed", counts.0, counts.1);
    }
    Ok(())
}
