//! Photos with boxes, verdicts and heat maps drawn on them, in a folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::joined::joined;
use super::super::outcome::UsageError;
use crate::draw::{Canvas, Overlay};
use crate::findings::FrameView;
use crate::name;

/// The folder that `--annotate` names.
pub(super) struct DrawnPhotos {
    folder: PathBuf,
    overlay: Overlay,
    taken: HashSet<PathBuf>,
}

impl DrawnPhotos {
    /// Makes the folder; the `photos` that are still to be read are not drawn over.
    pub(super) fn new<'a>(folder: &Path, photos: impl Iterator<Item = &'a Path>) -> anyhow::Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(UsageError(format!("--annotate {} is a file, name a folder", name::of(folder))).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("can't make folder {}", name::of(folder)))?;
        let photos = photos.filter_map(|photo| photo.canonicalize().ok());
        let folder = folder.canonicalize().with_context(|| format!("can't read folder {}", name::of(folder)))?;
        Ok(Self { folder, overlay: Overlay::default(), taken: photos.collect() })
    }

    /// Draws what was found in a photo and writes it as PNG.
    pub(super) fn draw(&mut self, photo: &Path, view: &FrameView<'_>) -> anyhow::Result<()> {
        let (width, height) = (view.frame.width, view.frame.height);
        let mut pixels = view.frame.pixels.clone();
        if let Some(mut canvas) = Canvas::new(width, height, width * 3, &mut pixels) {
            self.overlay.draw(&mut canvas, view);
        }
        let path = self.free_name(photo);
        image::save_buffer(&path, &pixels, width as u32, height as u32, image::ExtendedColorType::Rgb8)
            .with_context(|| format!("can't write {}", name::of(&path)))
    }

    /// A name after the photo's; photos of one name from several folders are numbered.
    fn free_name(&mut self, photo: &Path) -> PathBuf {
        let stem = photo.file_stem().unwrap_or_default();
        let named = |number: u32| {
            let ending = if number == 1 { ".annotated.png".to_owned() } else { format!(".{number}.annotated.png") };
            self.folder.join(joined(stem, &ending))
        };
        let mut numbers = 1..;
        loop {
            let path = named(numbers.next().unwrap_or(u32::MAX));
            if self.taken.insert(path.clone()) {
                return path;
            }
        }
    }
}
