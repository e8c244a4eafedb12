//! `cyborg-train forge`: self-blended fakes from the real faces of a list, with their blend masks as saliency maps.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Outcome;
use super::session::{DataArgs, Known, Wanted, bytes, listen, look, of_split};
use crate::data::faces::{Cutter, Extent, Faces, ROOM};
use crate::data::forge::{Forged, Forger, Layer};
use crate::data::inspect::Need;
use crate::data::list::{Label, ListWriter, ListedFace, NewRow, Split, group_name};
use crate::data::prepare::write_png;
use crate::network::Architecture;
use crate::plot::HeatMap;
use crate::plot::sheet::{ContactSheet, Tile};
use cyborg_edge::frame::{PixelBox, PixelPoint};

/// Fakes on the contact sheet, at most.
const SHEET: usize = 24;

#[derive(Args, Debug)]
pub(super) struct ForgeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Folder for the fakes, their masks, their list `faces.csv` and a contact sheet
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Part of the list whose real faces are used
    #[arg(long, value_name = "SPLIT", default_value = "train")]
    split: Split,
    /// Fakes of each real face
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    each: u64,
    /// Seed of all choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Memory for face crops that are kept, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: usize,
}

pub(super) fn run(args: &ForgeArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let folder = args.out.join("faces");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    let mut list = ListWriter::open(&args.out.join("faces.csv"))?;
    let read = args.data.read(&Known::default())?;
    let margin = read.config.margin;
    // The size of the largest inputs, so that the fakes serve every network.
    let network = Architecture::InceptionV3.describe(2);
    let wanted =
        Wanted { network: &network, splits: &[args.split], landmarks: Need::Needed, memory: bytes(args.memory) };
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(Outcome::Interrupted) };
    let faces = &inspected.faces;
    let real: Vec<usize> = of_split(&inspected, args.split)
        .into_iter()
        .filter(|&index| faces.rows[index].label == Label::Authentic)
        .collect();
    if real.is_empty() {
        bail!("split {} of the list has no real faces to forge from", args.split);
    }
    let mut work = Work { faces, forger: Forger::default(), cutter: Cutter::default(), margin, tiles: Vec::new() };
    let (mut made, mut left_out) = (0, 0);
    for &index in &real {
        for number in 0..args.each {
            if stop.load(Ordering::Relaxed) {
                log::warn!("interrupted; {made} fakes are in {}", args.out.display());
                return Ok(Outcome::Interrupted);
            }
            // By the photo, not by its line: lists grow.
            let name = format!("{}-{}-{number}", &inspected.contents[index][..12], args.seed);
            let mut random = ChaCha8Rng::seed_from_u64(args.seed);
            random.set_stream(stream(&inspected.contents[index], number));
            let forged = match work.forge(index, &mut random)? {
                Ok(forged) => forged,
                Err(reason) => {
                    left_out += 1;
                    log::warn!("{}: {reason}", faces.rows[index].path.display());
                    continue;
                }
            };
            made += 1;
            let group = Some(group_name(&faces.rows[index], &inspected.contents[index]));
            let row = |file: String, label, map| NewRow {
                file,
                label,
                split: args.split,
                source: "self-blended".to_owned(),
                video: None,
                group: group.clone(),
                map,
                face: work.listed(index),
            };
            let side = faces.side_of(Extent::Wide);
            let (fake, mask) = (format!("forged-{name}.png"), format!("mask-{name}.png"));
            if !list.has(&fake, Label::Synthetic, args.split)? {
                write_png(&folder.join(&fake), &forged.pixels, side)?;
                write_png(&folder.join(&mask), &forged.mask, side)?;
                list.add(&row(fake, Label::Synthetic, Some(mask)))?;
            }
            // What was changed outside of the mask must not tell the fake: the real face has it too.
            let real = format!("real-{name}.png");
            if forged.recipe.layer == Layer::Target && !list.has(&real, Label::Authentic, args.split)? {
                write_png(&folder.join(&real), &forged.target, side)?;
                list.add(&row(real, Label::Authentic, None))?;
            }
        }
    }
    if made == 0 {
        bail!("none of the {} real faces could be forged: see the reasons above", real.len());
    }
    let side = faces.side_of(Extent::Wide);
    let title = "Real, mask, fake".to_owned();
    ContactSheet { title, side, columns: 6, tiles: work.tiles }.save(&args.out.join("sheet"))?;
    log::info!("{made} fakes ({left_out} faces left out); their list: {}", args.out.join("faces.csv").display());
    Ok(if left_out > 0 { Outcome::SomeFailed } else { Outcome::Done })
}

/// A stream of random numbers for a fake of a photo.
fn stream(content: &str, number: u64) -> u64 {
    // A digest is written in hexadecimal digits.
    u64::from_str_radix(&content[..12], 16).unwrap_or(0) << 10 | number
}

struct Work<'a> {
    faces: &'a Faces,
    forger: Forger,
    cutter: Cutter,
    margin: f32,
    tiles: Vec<Tile>,
}

impl Work<'_> {
    /// A fake; or why the face can't be forged.
    fn forge(&mut self, index: usize, random: &mut ChaCha8Rng) -> anyhow::Result<Result<Forged, String>> {
        let Some(landmarks) = self.faces.landmarks(index, Extent::Wide) else {
            return Ok(Err("no face was found in it, so there is nothing to forge by".to_owned()));
        };
        let view = self.faces.view(index, Extent::Wide, &mut self.cutter)?;
        let side = self.faces.side_of(Extent::Wide);
        let forged = match self.forger.forge(&view.pixels, side, &landmarks, random) {
            Ok(forged) => forged,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if self.tiles.len() < SHEET * 3 {
            let mask = HeatMap {
                values: forged.mask.iter().map(|&value| f32::from(value)).collect(),
                height: side,
                width: side,
            };
            let recipe = &forged.recipe;
            let caption = |one: String, other: String| [one, other];
            let real = view.pixels.into_owned();
            self.tiles.extend([
                Tile { pixels: real.clone(), heat: None, caption: caption("real".to_owned(), String::new()) },
                Tile {
                    pixels: real,
                    heat: Some(mask),
                    caption: caption(recipe.region.to_string(), format!("ratio {:.2}", recipe.ratio)),
                },
                Tile {
                    pixels: forged.pixels.clone(),
                    heat: None,
                    caption: caption(recipe.blend.to_string(), format!("change {:.1}", forged.change)),
                },
            ]);
        }
        Ok(Ok(forged))
    }

    /// Where the face is in the wide crop: a box that gives the exact crop again.
    fn listed(&self, index: usize) -> ListedFace {
        let wide = self.faces.side_of(Extent::Wide) as f32;
        let side = wide / ROOM / self.margin;
        let start = (wide - side) / 2.0;
        let landmarks = self.faces.landmarks(index, Extent::Wide);
        ListedFace {
            bounds: PixelBox { left: start, top: start, width: side, height: side },
            landmarks: landmarks.map(|points| points.map(|point| PixelPoint { x: point.x * wide, y: point.y * wide })),
        }
    }
}
