//! A folder of grey maps in the CYBORG layout: each under its photo's path or file name, or as a PNG of that name.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use cyborg_edge::capture::stills;
use cyborg_edge::frame::Frame;
use cyborg_models::name;
use rayon::prelude::*;

use crate::data::faces::read_map;
use crate::data::list::{Row, map_of, shared_maps};
use crate::study::faces::Face;
use crate::study::maps::save;

/// Width over height of a map may differ so much from its photo's.
const SAME_SHAPE: f64 = 0.02;

/// Copies the maps of these faces, as grey PNG of their own size; gives 1 for each that has one. All that is wrong with any is
/// told at once.
pub(super) fn copy(source: &Path, root: &Path, faces: &[Face], out: &Path) -> anyhow::Result<Vec<usize>> {
    ensure!(source.is_dir(), "{} is not a folder of maps", name::of(source));
    let with_map = |face: &Face| Row { map: map_of(source, root, &face.row.path), ..face.row.clone() };
    let rows: Vec<Row> = faces.iter().map(with_map).collect();
    let problems = shared_maps(&rows);
    ensure!(problems.is_empty(), "maps in {} can't be told apart:\n{}", name::of(source), problems.join("\n"));
    let each = |frame: &mut Frame, (face, row): (&Face, &Row)| {
        let Some(map) = &row.map else { return Ok(0) };
        stills::read(&face.row.path, frame)?;
        let photo = (frame.width as f64, frame.height as f64);
        read_map(map, frame)?;
        let (width, height) = (frame.width as f64, frame.height as f64);
        ensure!(
            (width / height / (photo.0 / photo.1) - 1.0).abs() <= SAME_SHAPE,
            "{} has {width} x {height} pixels, and its photo {} x {}: it is the map of another picture",
            name::of(map),
            photo.0,
            photo.1
        );
        let grey: Vec<u8> = frame.pixels.chunks_exact(3).map(|pixel| pixel[0]).collect();
        let size = (frame.width as u32, frame.height as u32);
        save(&out.join(face.map_name()), &grey, size).with_context(|| face.photo.clone())?;
        Ok(1)
    };
    let done: Vec<anyhow::Result<usize>> = faces.par_iter().zip(&rows).map_init(Frame::empty, each).collect();
    let problems: Vec<String> =
        done.iter().filter_map(|done| done.as_ref().err()).map(|error| format!("{error:#}")).collect();
    ensure!(problems.is_empty(), "{} maps can't be used:\n{}", problems.len(), problems.join("\n"));
    let done: Vec<usize> = done.into_iter().flatten().collect();
    if done.iter().all(|&count| count == 0) {
        bail!("no photo of the list has a map in {}", name::of(source));
    }
    Ok(done)
}
