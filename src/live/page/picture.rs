//! The newest picture as JPEG: made when somebody asks, once for all who ask for the same.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::Mutex;

use super::feed::Shown;
use crate::draw::heat::{self, Map};
use crate::draw::jpeg;
use crate::draw::{Canvas, Overlay};
use crate::face::crop::Cropper;
use crate::live::faces_alone::FacesAlone;
use crate::live::view::{LiveOpinion, View};
use crate::verdict::Judgement;

/// The widths that pictures are made in, in pixels; beyond the last one there is the frame as it is.
const WIDTHS: [usize; 6] = [320, 480, 640, 960, 1280, 1920];

/// What is drawn into a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Nothing.
    Plain,
    /// The activation maps.
    Heat,
    /// The activation maps, boxes and labels.
    All,
}

/// A picture as a file.
#[derive(Clone, Debug)]
pub(super) struct Coded {
    /// Which picture it is of.
    pub number: u64,
    /// The JPEG file.
    pub file: Bytes,
}

/// Makes pictures in one width, with what is drawn in.
#[derive(Debug)]
struct Maker {
    cropper: Cropper,
    overlay: Overlay,
    pixels: Vec<u8>,
    faces: FacesAlone,
    last: Option<Coded>,
}

/// The pictures of all widths.
#[derive(Debug)]
pub(super) struct Pictures {
    /// For each width and each [`Drawn`]. Whoever comes while one is made waits, and takes it too.
    makers: [[Arc<Mutex<Maker>>; 3]; WIDTHS.len() + 1],
    /// Whether whole pictures are shown; else faces alone are.
    whole: bool,
}

impl Pictures {
    /// Pictures of a feed, whole ones or faces alone.
    pub(super) fn new(whole: bool) -> Self {
        let maker = || Maker {
            cropper: Cropper::new(),
            overlay: Overlay::default(),
            pixels: Vec::new(),
            faces: FacesAlone::default(),
            last: None,
        };
        let maker = |_| Arc::new(Mutex::new(maker()));
        Self { makers: std::array::from_fn(|_| std::array::from_fn(maker)), whole }
    }

    /// The picture, at least `width` pixels wide where the frame is; `None` where there is none, or it can't be made.
    pub(super) async fn get(&self, shown: &Shown, width: usize, drawn: Drawn) -> Option<Coded> {
        let view = Arc::clone(shown.view.as_ref()?);
        let number = shown.number;
        let bucket = WIDTHS.iter().position(|&least| least >= width && least < view.frame.width);
        let maker = Arc::clone(&self.makers[bucket.unwrap_or(WIDTHS.len())][drawn as usize]);
        let mut maker = maker.lock_owned().await;
        if let Some(last) = maker.last.as_ref().filter(|last| last.number >= number) {
            return Some(last.clone());
        }
        let width = bucket.map_or(view.frame.width, |bucket| WIDTHS[bucket]);
        let whole = self.whole;
        let made = tokio::task::spawn_blocking(move || match maker.make(&view, width, drawn, whole) {
            Ok(file) => {
                maker.last = Some(Coded { number, file: file.into() });
                maker.last.clone()
            }
            Err(error) => {
                log::warn!("a picture for the page: {error}");
                None
            }
        });
        made.await.ok().flatten()
    }
}

impl Maker {
    fn make(&mut self, view: &View, width: usize, drawn: Drawn, whole: bool) -> anyhow::Result<Vec<u8>> {
        let frame = &view.frame;
        let height = ((frame.height * width + frame.width / 2) / frame.width.max(1)).max(1);
        let same = width == frame.width;
        let pixels = if whole && same && drawn == Drawn::Plain {
            &frame.pixels[..]
        } else {
            self.pixels.resize(width * height * 3, 0);
            if !whole {
                self.faces.draw(view, (width, height), &mut self.pixels).map_err(|error| anyhow::anyhow!(error))?;
            } else if same {
                self.pixels.copy_from_slice(&frame.pixels);
            } else {
                self.cropper.resize(&frame.pixels, (frame.width, frame.height), &mut self.pixels, (width, height))?;
            }
            if let Some(mut canvas) = Canvas::new(width, height, width * 3, &mut self.pixels) {
                let scale = (width as f32 / frame.width as f32, height as f32 / frame.height as f32);
                draw(&mut canvas, &mut self.overlay, view, scale, drawn);
            }
            &self.pixels[..]
        };
        Ok(jpeg::encode(pixels, (width, height))?)
    }
}

fn draw(canvas: &mut Canvas<'_>, overlay: &mut Overlay, view: &View, scale: (f32, f32), drawn: Drawn) {
    let said = || view.persons.iter().filter_map(|person| Some((person, person.opinion.as_ref()?)));
    if drawn != Drawn::Plain {
        for (person, opinion) in said() {
            let (height, width) = opinion.map_size;
            if opinion.map.len() == height * width {
                heat::draw(canvas, Map { values: &opinion.map, height, width }, &opinion.square, &person.bounds, scale);
            }
        }
    }
    if drawn == Drawn::All {
        for (person, opinion) in said() {
            let LiveOpinion { probability, verdict, reason, .. } = *opinion;
            let judgement = Judgement { probability, verdict, reason };
            overlay.outline(canvas, &person.bounds.scaled(scale.0, scale.1), judgement, Some(person.track));
        }
    }
}
