//! Photos with boxes, verdicts and heat maps drawn on them, in a folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::outcome::UsageError;
use crate::sink::FrameView;
use crate::sink::overlay::{Canvas, Overlay};

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
            return Err(UsageError(format!("--annotate {} is a file, name a folder", folder.display())).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("can't make folder {}", folder.display()))?;
        let photos = photos.filter_map(|photo| photo.canonicalize().ok());
        let folder = folder.canonicalize().with_context(|| format!("can't read folder {}", folder.display()))?;
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
            .with_context(|| format!("can't write {}", path.display()))
    }

    /// A name after the photo's; photos of one name from several folders are numbered.
    fn free_name(&mut self, photo: &Path) -> PathBuf {
        let stem = photo.file_stem().unwrap_or_default().to_string_lossy();
        let mut path = self.folder.join(format!("{stem}.annotated.png"));
        let mut number = 2;
        while !self.taken.insert(path.clone()) {
            path = self.folder.join(format!("{stem}.{number}.annotated.png"));
            number += 1;
        }
        path
    }
}
