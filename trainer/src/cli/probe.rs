//! `cyborg-train probe`: what a model that can't see a face makes of the faces of a list.

use std::path::PathBuf;

use clap::Args;

use super::head::rows;
use super::outcome::{Outcome, wrong_usage};
use super::session::{DataArgs, bytes, listen};
use crate::data::choice::Known;
use crate::data::inspect::Need;
use crate::data::list::Split;
use crate::data::look::{Wanted, look};
use crate::data::part::{Part, both_classes, class_counts};
use crate::evaluation::listed;
use crate::evaluation::measuring::probe_scores;

/// Side of the crops that the probe looks at, in pixels: that of most networks.
const SIDE: usize = 224;
/// Who says what is in the table.
const WHO: &str = "shortcut probe";

#[derive(Args, Debug)]
pub(super) struct ProbeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Part of the list whose faces are judged; the probe learns from the training faces
    #[arg(long, value_name = "SPLIT", default_value = "validation")]
    split: Split,
    /// Table to write, for `measure --probe`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Memory for face crops that are kept, in MiB; crops beyond it are cut anew each time
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: usize,
}

pub(super) fn run(args: &ProbeArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    if args.split == Split::Train {
        return wrong_usage("the probe learns from the training faces: give another `--split`");
    }
    let wanted = Wanted {
        side: SIDE,
        cam: SIDE / 32,
        splits: &[args.split, Split::Train],
        landmarks: Need::Unneeded,
        memory: bytes(args.memory),
    };
    let Some(inspected) = look(args.data.read(&Known::default())?, &wanted, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    let judged = inspected.of_split(args.split);
    let learnt = Part::Split(args.split).learnt(&inspected)?;
    both_classes(class_counts(&inspected.faces, &learnt), &Split::Train.to_string())?;
    let faces = inspected.faces;
    let scores = probe_scores(&faces, &learnt, &judged)?;
    let scores: Vec<f32> = scores.iter().map(|&score| (1.0 / (1.0 + (-score).exp())) as f32).collect();
    listed::write(&args.out, WHO, args.split, &rows(&faces, &judged), &scores)?;
    Ok(Outcome::Done)
}
