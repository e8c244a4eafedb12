//! `cyborg-train forge`: fakes from the real faces of a list, self-blended or with the face of another of them, with their
//! blend masks as saliency maps.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::outcome::Outcome;
use super::session::{DataArgs, bytes, listen};
use crate::data::choice::Known;
use crate::data::faces::{Cutter, Extent, Faces, ROOM};
use crate::data::forge::Forged;
use crate::data::forge::swap::donor::Donors;
use crate::data::inspect::Need;
use crate::data::list::{Label, ListWriter, ListedFace, NewRow, Split, group_name};
use crate::data::look::{Wanted, look};
use crate::data::pairs::{Made, NoPair, PairMaker, Way};
use crate::data::prepare::write_png;
use crate::network::Architecture;
use crate::plot::HeatMap;
use crate::plot::sheet::{ContactSheet, Tile};
use cyborg_edge::frame::{PixelBox, PixelPoint};
use cyborg_models::name;

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
    /// Put the face of another person of the list on each, instead of blending it with itself
    #[arg(long)]
    swap: bool,
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
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", name::of(&folder)))?;
    let mut list = ListWriter::open(&args.out.join("faces.csv"))?;
    let read = args.data.read(&Known::default())?;
    let margin = read.config.margin;
    // The size of the largest inputs, so that the fakes serve every network.
    let network = Architecture::known("inception_v3").describe(2);
    let splits = [args.split];
    let wanted = Wanted::by(&network, &splits, Need::Needed, bytes(args.memory));
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(Outcome::Interrupted) };
    let faces = &inspected.faces;
    let real: Vec<usize> = inspected
        .of_split(args.split)
        .into_iter()
        .filter(|&index| faces.rows[index].label == Label::Authentic)
        .collect();
    if real.is_empty() {
        bail!("split {} of the list has no real faces to forge from", args.split);
    }
    let donors = Donors::among(faces, &real);
    if args.swap && donors.people() < 2 {
        bail!(
            "the real faces of split {} with landmarks are not of two people (by group, video or photo), so no face can be put \
             on another's: leave out `--swap`",
            args.split
        );
    }
    let way = if args.swap { Way::Swapped } else { Way::SelfBlended };
    let mut work =
        Work { faces, donors, way, pairs: PairMaker::default(), cutter: Cutter::default(), margin, tiles: Vec::new() };
    let [verb, mask, partner, source] = match way {
        Way::SelfBlended => ["forged", "mask", "real", "self-blended"],
        Way::Swapped => ["swapped", "swap-mask", "swap-real", "swapped"],
    };
    let (mut made, mut left_out) = (0, 0);
    for &index in &real {
        for number in 0..args.each {
            if stop.load(Ordering::Relaxed) {
                log::warn!("interrupted; {made} fakes are in {}", name::of(&args.out));
                return Ok(Outcome::Interrupted);
            }
            // By the photo, not by its line: lists grow.
            let name = format!("{}-{}-{number}", &inspected.contents[index][..12], args.seed);
            let mut random = ChaCha8Rng::seed_from_u64(args.seed);
            random.set_stream(stream(&inspected.contents[index], number));
            let Fake { forged, beside } = match work.forge(index, &mut random)? {
                Ok(fake) => fake,
                Err(reason) => {
                    left_out += 1;
                    log::warn!("{}: {reason}", name::of(&faces.rows[index].path));
                    continue;
                }
            };
            made += 1;
            let group = Some(group_name(&faces.rows[index], &inspected.contents[index]));
            let row = |file: String, label, map, pair: Option<&str>| NewRow {
                file,
                label,
                split: args.split,
                source: source.to_owned(),
                video: None,
                group: group.clone(),
                pair: pair.map(str::to_owned),
                map,
                face: work.listed(index),
            };
            let side = faces.side_of(Extent::Wide);
            let real = format!("{partner}-{name}.png");
            let (fake, mask) = (format!("{verb}-{name}.png"), format!("{mask}-{name}.png"));
            if !list.has(&fake, Label::Synthetic, args.split)? {
                write_png(&folder.join(&fake), &forged.pixels, side)?;
                write_png(&folder.join(&mask), &forged.mask, side)?;
                list.add(&row(fake.clone(), Label::Synthetic, Some(mask), beside.then_some(real.as_str())))?;
            }
            // What was changed outside of the mask must not tell the fake: the real face has it too.
            if beside && !list.has(&real, Label::Authentic, args.split)? {
                write_png(&folder.join(&real), &forged.target, side)?;
                list.add(&row(real, Label::Authentic, None, Some(&fake)))?;
            }
        }
    }
    if made == 0 {
        bail!("none of the {} real faces could be forged: see the reasons above", real.len());
    }
    let side = faces.side_of(Extent::Wide);
    let (title, columns) = match way {
        Way::SelfBlended => ("Real, mask, fake", 6),
        Way::Swapped => ("Real, mask, donor, fake", 8),
    };
    ContactSheet { title: title.to_owned(), side, columns, tiles: work.tiles }.save(&args.out.join("sheet"))?;
    log::info!("{made} fakes ({left_out} faces left out); their list: {}", name::of(args.out.join("faces.csv")));
    Ok(if left_out > 0 { Outcome::SomeFailed } else { Outcome::Done })
}

/// A stream of random numbers for a fake of a photo.
fn stream(content: &str, number: u64) -> u64 {
    // A digest is written in hexadecimal digits.
    u64::from_str_radix(&content[..12], 16).unwrap_or(0) << 10 | number
}

struct Work<'a> {
    faces: &'a Faces,
    donors: Donors,
    way: Way,
    pairs: PairMaker,
    cutter: Cutter,
    margin: f32,
    tiles: Vec<Tile>,
}

/// A fake, and whether its real partner is another picture than the photo's crop.
struct Fake {
    forged: Forged<Made>,
    beside: bool,
}

impl Work<'_> {
    /// A fake; or why the face can't be forged.
    fn forge(&mut self, index: usize, random: &mut ChaCha8Rng) -> anyhow::Result<Result<Fake, NoPair>> {
        let how = (self.way, &self.donors);
        let forged = match self.pairs.make(self.faces, index, how, &mut self.cutter, random)? {
            Ok(forged) => forged,
            Err(reason) => return Ok(Err(reason)),
        };
        let view = self.faces.view(index, Extent::Wide, &mut self.cutter)?;
        let beside = forged.target != *view.pixels;
        let real = view.pixels.into_owned();
        self.show(real, &forged)?;
        Ok(Ok(Fake { forged, beside }))
    }

    /// Puts a fake on the contact sheet, if there is room.
    fn show(&mut self, real: Vec<u8>, forged: &Forged<Made>) -> anyhow::Result<()> {
        let side = self.faces.side_of(Extent::Wide);
        let (tiles, donor) = match &forged.recipe {
            Made::SelfBlended(_) => (3, None),
            Made::Swapped(_, donor) => (4, Some(donor)),
        };
        if self.tiles.len() >= SHEET * tiles {
            return Ok(());
        }
        let mask =
            HeatMap { values: forged.mask.iter().map(|&value| f32::from(value)).collect(), height: side, width: side };
        let tile = |pixels: &[u8], heat, caption| Tile { pixels: pixels.to_vec(), heat, caption };
        let (part, blend) = match &forged.recipe {
            Made::SelfBlended(recipe) => (
                [recipe.region.to_string(), format!("ratio {:.2}", recipe.ratio)],
                [recipe.blend.to_string(), format!("change {:.1}", forged.change)],
            ),
            Made::Swapped(recipe, _) => (
                [recipe.outline.to_string(), format!("ratio {:.2}", recipe.ratio)],
                [format!("{}, change {:.1}", recipe.blend, forged.change), recipe.colours.to_string()],
            ),
        };
        self.tiles.extend([tile(&real, None, ["real".to_owned(), String::new()]), tile(&real, Some(mask), part)]);
        if let Some(donor) = donor {
            let view = self.faces.view(donor.index, Extent::Wide, &mut self.cutter)?;
            self.tiles.push(tile(&view.pixels, None, ["donor".to_owned(), String::new()]));
        }
        self.tiles.push(tile(&forged.pixels, None, blend));
        Ok(())
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
