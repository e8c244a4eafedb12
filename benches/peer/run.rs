//! One run of either program.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cyborg_edge::frame::PixelBox;

use super::cost::{Cost, cost};

/// What both programs are given.
pub(crate) struct Job<'a> {
    pub(crate) model: &'a Path,
    pub(crate) detector: &'a Path,
    pub(crate) clip: &'a Path,
    pub(crate) detect_size: u16,
    pub(crate) processors: NonZeroUsize,
    pub(crate) folder: &'a Path,
}

/// Boxes that overlap so much are the same face.
const SAME_FACE: f32 = 0.5;

impl Job<'_> {
    fn table(&self, whose: &str) -> PathBuf {
        self.folder.join(format!("{whose}.csv"))
    }
}

/// Runs the Python loop.
pub(crate) fn python(python: &Path, job: &Job<'_>, flags: &[&str]) -> anyhow::Result<Cost> {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer/peer.py"));
    command.args([job.detector, job.model, job.clip, &job.table("python")]);
    command.args(["--detect-size", &job.detect_size.to_string(), "--threads", &job.processors.to_string()]).args(flags);
    cost(command)
}

/// Runs `cyborg video`, with a look for faces in each `every`th frame, in a picture of `detect_size` pixels.
pub(crate) fn ours(job: &Job<'_>, detect_size: u16, every: u32) -> anyhow::Result<Cost> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyborg"));
    command.arg("video").arg(job.clip).arg("--csv").arg(job.table("ours"));
    command.arg("--model").arg(job.model).arg("--detector").arg(job.detector).args(["--provider", "cpu"]);
    command.args(["--detect-size", &detect_size.to_string(), "--detect-every", &every.to_string()]);
    command.args(["--threads", &job.processors.to_string()]);
    cost(command)
}

/// Of the faces in the Python loop's last table, the share that is in our last table too.
pub(crate) fn share_found(job: &Job<'_>) -> anyhow::Result<f64> {
    let (theirs, ours) = (boxes(&job.table("python"))?, boxes(&job.table("ours"))?);
    let all: usize = theirs.values().map(Vec::len).sum();
    let found =
        theirs.iter().flat_map(|(frame, faces)| faces.iter().map(move |face| (frame, face))).filter(|(frame, face)| {
            ours.get(frame).is_some_and(|ours| ours.iter().any(|other| other.overlap(face) >= SAME_FACE))
        });
    ensure!(all > 0, "the Python loop found no face");
    Ok(found.count() as f64 / all as f64)
}

/// The boxes of each frame of a table.
fn boxes(table: &Path) -> anyhow::Result<HashMap<u64, Vec<PixelBox>>> {
    let mut boxes: HashMap<u64, Vec<PixelBox>> = HashMap::new();
    let mut reader = csv::Reader::from_path(table)?;
    let header = reader.headers()?.clone();
    let column = |name: &str| header.iter().position(|each| each == name).with_context(|| format!("no column {name}"));
    let columns = [column("left")?, column("top")?, column("width")?, column("height")?];
    let frame = column("frame")?;
    for row in reader.records() {
        let row = row?;
        let [left, top, width, height] = columns.map(|column| row[column].parse::<f32>());
        let face = PixelBox { left: left?, top: top?, width: width?, height: height? };
        boxes.entry(row[frame].parse()?).or_default().push(face);
    }
    Ok(boxes)
}
