//! Contact sheets: faces in a grid with what is said of them, such as the worst mistakes or the forged fakes.

use std::path::Path;

use cyborg_edge::draw::Canvas;
use cyborg_edge::draw::heat::{self, Map};
use cyborg_edge::face::crop::CropSquare;
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::letters::{LETTER, Lettering, Picture, Writing, shortened};
use super::{DataFault, HeatMap, PlotError, drawable, with_ending, write_png};

/// A picture of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// `side * side` RGB pixels, rows from the top.
    pub pixels: Vec<u8>,
    /// Drawn over the picture as `cyborg` draws it, scaled to the tile.
    pub heat: Option<HeatMap>,
    /// Two lines below it; an empty one stays free.
    pub caption: [String; 2],
}

/// A grid of square pictures of one size, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactSheet {
    /// Title.
    pub title: String,
    /// Side of a tile in pixels.
    pub side: usize,
    /// Tiles in a row, 1 to 100; three for real, mask and fake next to each other.
    pub columns: usize,
    /// The tiles. With none, the sheet says "no data".
    pub tiles: Vec<Tile>,
}

const MOST_COLUMNS: usize = 100;
const MOST_SIDE: usize = 4096;
/// 384 MB.
const MOST_PIXELS: usize = 128_000_000;
/// Height of the strip that holds the title.
const HEAD: usize = 40;
const GAP: usize = 16;
/// Height of a line of a caption.
const LINE: usize = 18;
/// A cell is at least as wide as this many letters, or captions of small tiles would be cut.
const LEAST_LETTERS: usize = 20;
const LEAST_WIDTH: usize = 360;

impl ContactSheet {
    /// Writes `<stem>.png`; there is no SVG of photos.
    ///
    /// # Errors
    ///
    /// When the bytes of a tile don't fill its square, a heat map is not as large as it says, the sheet would be too
    /// large, or the file can't be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<(), PlotError> {
        let path = with_ending(stem, ".png");
        let wrong = |fault| PlotError::Data { path: path.clone(), fault };
        self.check().map_err(wrong)?;
        let cell = (self.side.max(LEAST_LETTERS * LETTER as usize) + GAP, self.side + 2 * LINE + GAP);
        let rows = self.tiles.len().div_ceil(self.columns).max(1);
        let columns = self.columns.min(self.tiles.len()).max(1);
        let width = (columns * cell.0 + GAP).max(LEAST_WIDTH);
        let height = HEAD + rows.saturating_mul(cell.1) + GAP;
        drawable((width, height), MOST_PIXELS).map_err(wrong)?;
        let mut picture = Picture { width, height, pixels: vec![255; width * height * 3] };
        let title = shortened(&self.title, width / LETTER as usize);
        write(&mut picture, &title, Lettering::Title, (width / 2, HEAD / 2));
        if self.tiles.is_empty() {
            write(&mut picture, "no data", Lettering::Label, (width / 2, HEAD + cell.1 / 2));
        }
        let first_left = (width - columns * cell.0) / 2;
        for (index, tile) in self.tiles.iter().enumerate() {
            let left = first_left + index % columns * cell.0 + (cell.0 - self.side) / 2;
            let top = HEAD + index / columns * cell.1;
            for (row, line) in self.painted(tile).chunks_exact(self.side * 3).enumerate() {
                let start = ((top + row) * width + left) * 3;
                picture.pixels[start..start + line.len()].copy_from_slice(line);
            }
            for (line, text) in tile.caption.iter().enumerate() {
                let text = shortened(text, (cell.0 - GAP) / LETTER as usize);
                let middle = (left + self.side / 2, top + self.side + LINE * line + LINE / 2 + 2);
                write(&mut picture, &text, Lettering::Label, middle);
            }
        }
        write_png(&path, &picture)
    }

    fn check(&self) -> Result<(), DataFault> {
        let counts = [
            ("the columns of a sheet", MOST_COLUMNS, self.columns),
            ("the side of a tile in pixels", MOST_SIDE, self.side),
        ];
        for (what, most, given) in counts {
            if !(1..=most).contains(&given) {
                return Err(DataFault::Count { what, most, given });
            }
        }
        for (index, tile) in self.tiles.iter().enumerate() {
            if tile.pixels.len() != self.side * self.side * 3 {
                return Err(DataFault::TileSize { tile: index, bytes: tile.pixels.len(), side: self.side });
            }
            if let Some(heat) = &tile.heat {
                heat.check(&tile.caption[0])?;
            }
        }
        Ok(())
    }

    /// The pixels of a tile with its heat map.
    fn painted(&self, tile: &Tile) -> Vec<u8> {
        let mut pixels = tile.pixels.clone();
        let square = CropSquare { left: 0, top: 0, side: self.side };
        if let (Some(heat), Some(mut canvas)) =
            (&tile.heat, Canvas::new(self.side, self.side, self.side * 3, &mut pixels))
        {
            let map = Map { values: &heat.values, height: heat.height, width: heat.width };
            heat::draw(&mut canvas, map, &square, &square.bounds(), (1.0, 1.0));
        }
        pixels
    }
}

/// Writes black letters around `middle`.
fn write(picture: &mut Picture, text: &str, lettering: Lettering, middle: (usize, usize)) {
    picture.write(&Writing {
        text: text.to_owned(),
        lettering,
        colour: (0, 0, 0),
        place: (middle.0 as i32, middle.1 as i32),
        anchor: Pos::new(HPos::Center, VPos::Center),
        turn: FontTransform::None,
    });
}
