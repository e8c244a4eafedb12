//! A call with many people: 25 tiles of 200 pixels, which play, and may be arranged anew; in a picture of 1920 x 1080 pixels, or
//! each alone, for who shows them in a window.
//!
//! The media that set-up fetches show three people. The 25 of the gallery are made of them: mirrored, in other colours, each before a
//! background of its own. So they are more alike than 25 people are in what only a face shows, and less in backgrounds than 25
//! people in one building. How often different people are taken for each other was measured on 1,784 photos: docs/live.md.

use cyborg_edge::capture::stills;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::frame::{Frame, PixelBox};

use super::clips::{read_file, settings};
use super::fetched;

/// Side of a tile in pixels.
pub(crate) const TILE: usize = 200;
/// Tiles in a row, and in a column.
pub(crate) const ROW: usize = 5;
/// People in all.
pub(crate) const PEOPLE: usize = ROW * ROW;
/// Size of the picture.
pub(crate) const SIZE: (usize, usize) = (1920, 1080);
/// Pictures of each person before it begins again.
pub(crate) const PLAYED: usize = 8;
/// Pictures of a clip from one of a person's to the next: three of thirty a second.
const STEP: usize = 3;
/// Half axes of the oval around a head in a tile, beyond which is the background, and how soft its edge is.
const OVAL: (f32, f32) = (64.0, 84.0);
const EDGE: f32 = 0.15;
/// How red, green and blue are changed in each version of a person.
const COLOURS: [[f32; 3]; 9] = [
    [1.0, 1.0, 1.0],
    [1.1, 0.95, 0.8],
    [0.8, 0.95, 1.1],
    [0.75, 0.75, 0.8],
    [1.15, 1.1, 1.0],
    [1.0, 0.85, 0.85],
    [0.85, 1.0, 0.85],
    [0.65, 0.6, 0.55],
    [1.1, 1.15, 1.2],
];

/// Tiles of the three who are there, before anybody is made of them.
pub(crate) struct People {
    tiles: [Vec<Vec<u8>>; 3],
}

impl People {
    pub(crate) fn fetch() -> Self {
        let square = |left, top, side| CropSquare { left, top, side };
        let mut photo = Frame::empty();
        stills::read(&fetched("astronaut"), &mut photo).expect("it is a photo");
        let clip = |id, square: CropSquare| {
            let seen = read_file(&fetched(id), &settings()).expect("it is a clip");
            seen.frames.iter().step_by(STEP).take(PLAYED).map(|frame| tile(frame, &square)).collect()
        };
        // Each with a face of about 105 pixels in the tile.
        Self {
            tiles: [
                clip("carphone", square(35, 8, 114)),
                clip("selfie", square(65, -44, 440)),
                vec![tile(&photo, &square(116, 10, 214))],
            ],
        }
    }

    /// A person's tile at the given moment.
    pub(crate) fn tile(&self, person: usize, moment: usize) -> Vec<u8> {
        let mut tile = Frame::empty();
        tile.resize(TILE, TILE);
        self.paint(person, moment, &mut tile, (0, 0));
        tile.pixels
    }

    /// Paints a person into the tile at this place, as at the given moment.
    fn paint(&self, person: usize, moment: usize, into: &mut Frame, (left, top): (usize, usize)) {
        let tiles = &self.tiles[person % 3];
        // Not all do the same at the same time.
        let tile = &tiles[(moment + person) % tiles.len()];
        let version = person / 3;
        for y in 0..TILE {
            let row = ((top + y) * into.width + left) * 3;
            let line = &mut into.pixels[row..row + TILE * 3];
            for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
                let seen = if version % 2 == 1 { TILE - 1 - x } else { x };
                let at = (y * TILE + seen) * 3;
                let across = (x as f32 - TILE as f32 / 2.0) / OVAL.0;
                let down = (y as f32 - TILE as f32 / 2.0) / OVAL.1;
                let behind = (((across * across + down * down).sqrt() - 1.0) / EDGE).clamp(0.0, 1.0);
                for channel in 0..3 {
                    let front = f32::from(tile[at + channel]) * COLOURS[version][channel];
                    let back = background(person, x, y)[channel];
                    pixel[channel] = (front + (back - front) * behind).clamp(0.0, 255.0) as u8;
                }
            }
        }
    }
}

/// A wall of a person's own: a colour, and stripes of light.
fn background(person: usize, x: usize, y: usize) -> [f32; 3] {
    let turn = person as f32 * 2.4;
    let stripes = 12.0 * ((x as f32 * turn.cos() + y as f32 * turn.sin()) / 20.0).sin();
    let grey = 60.0 + (person * 7 % 25) as f32 * 6.0 + stripes;
    [grey + 50.0 * turn.sin(), grey + 50.0 * (turn + 2.1).sin(), grey + 50.0 * (turn + 4.2).sin()]
}

fn tile(frame: &Frame, square: &CropSquare) -> Vec<u8> {
    let mut tile = vec![0; TILE * TILE * 3];
    Cropper::new().cut(frame, square, TILE, &mut tile).expect("it has pixels");
    tile
}

/// Where a tile begins.
fn place(tile: usize) -> (usize, usize) {
    (60 + tile % ROW * 368, 20 + tile / ROW * 210)
}

/// Paints the gallery: `order` has the person in each tile.
pub(crate) fn paint(people: &People, order: &[usize], moment: usize, into: &mut Frame) {
    into.resize(SIZE.0, SIZE.1);
    into.pixels.fill(32);
    for (tile, &person) in order.iter().enumerate() {
        people.paint(person, moment, into, place(tile));
    }
}

/// Who is in each tile: as they came, and arranged anew.
pub(crate) fn order(anew: bool) -> Vec<usize> {
    (0..PEOPLE).map(|tile| if anew { (tile * 7 + 3) % PEOPLE } else { tile }).collect()
}

/// The tile in which the middle of a face is.
pub(crate) fn tile_of(bounds: &PixelBox) -> Option<usize> {
    let (x, y) = (bounds.left + bounds.width / 2.0, bounds.top + bounds.height / 2.0);
    (0..PEOPLE).find(|&tile| {
        let (left, top) = place(tile);
        let inside = |at: f32, from: usize| (0.0..TILE as f32).contains(&(at - from as f32));
        inside(x, left) && inside(y, top)
    })
}
