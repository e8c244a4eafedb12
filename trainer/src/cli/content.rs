//! `cyborg-train content`: how far what the pictures of a list show gives their class away, face by face.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cyborg_edge::inference::runtime::Runtime;

use super::head::{read_tower, rows};
use super::outcome::Outcome;
use super::session::{DataArgs, bytes, listen};
use crate::data::choice::Known;
use crate::data::inspect::Need;
use crate::data::list::Split;
use crate::data::loader::evaluation;
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts};
use crate::evaluation::listed;
use crate::head::content::{BLOCK, told};
use crate::head::features::TowerRunner;
use crate::head::learn::BATCH;

#[derive(Args, Debug)]
pub(super) struct ContentArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Part of the list whose faces are judged, each by what others of it show
    #[arg(long, value_name = "SPLIT", default_value = "validation")]
    split: Split,
    /// Sources to leave out, with commas between them, such as those of swapped faces, which show the same as real ones
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    apart: Vec<String>,
    /// Table to write, for `measure --content`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Tower: the ONNX file of the package [default: the one that set-up fetched]
    #[arg(long, value_name = "FILE")]
    tower: Option<PathBuf>,
    /// Memory for face crops that are kept, in MiB; crops beyond it are cut anew each time
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: usize,
}

pub(super) fn run(args: &ContentArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let tower = read_tower(args.tower.as_deref())?;
    let runtime = Runtime::load()?;
    let threads = NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN);
    let mut runner = TowerRunner::open(&runtime, &tower, &[BLOCK], threads)?;
    let wanted = Wanted {
        side: runner.side(),
        cam: runner.side() / 16,
        splits: &[args.split],
        landmarks: Need::Unneeded,
        memory: bytes(args.memory),
    };
    let Some(inspected) = look(args.data.read(&Known::default())?, &wanted, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    let mut judged = inspected.of_split(args.split);
    judged.retain(|&index| !args.apart.contains(&inspected.faces.rows[index].source));
    both_classes(class_counts(&inspected.faces, &judged), &args.split.to_string())?;
    let faces = Arc::new(inspected.faces);
    let Some(seen) = runner.describe(evaluation(&faces, &judged, BATCH), stop)? else {
        return Ok(Outcome::Interrupted);
    };
    let rows = rows(&faces, &judged);
    let groups: Vec<Option<&str>> = rows.iter().map(|row| row.group.as_deref()).collect();
    let told = told(&seen, &groups, runner.width())?;
    listed::write(&args.out, WHO, args.split, &rows, &told)?;
    Ok(Outcome::Done)
}

/// Who says what is in the table.
const WHO: &str = "clip_vit_b16, by content alone";
