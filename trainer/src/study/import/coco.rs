//! COCO's JSON: polygons in pixels, and masks as runs down the columns, as numbers or packed into a text.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::mark::{self, Mark, Shape, Take};
use crate::study::painted::Painted;

#[derive(Deserialize)]
struct Export {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    #[serde(default)]
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: Value,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Category {
    id: Value,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    id: Value,
    image_id: Value,
    #[serde(default)]
    category_id: Value,
    #[serde(default)]
    segmentation: Value,
}

#[derive(Deserialize)]
struct Runs {
    /// Height and width.
    size: [u32; 2],
    counts: Counts,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Counts {
    Numbers(Vec<u64>),
    Packed(String),
}

pub(super) fn read(path: &Path, take: &mut Take<'_>) -> anyhow::Result<()> {
    let export: Export = serde_json::from_slice(&mark::read(path)?).context("it is no export of COCO")?;
    let images: HashMap<String, &Image> = export.images.iter().map(|image| (image.id.to_string(), image)).collect();
    let categories: HashMap<String, &str> =
        export.categories.iter().map(|category| (category.id.to_string(), category.name.as_str())).collect();
    for (index, annotation) in export.annotations.iter().enumerate() {
        let at = match &annotation.id {
            Value::Null => format!("annotation {} of the list", index + 1),
            id => format!("annotation {id}"),
        };
        let image = images.get(&annotation.image_id.to_string());
        let image = image.with_context(|| format!("{at}: there is no image {}", annotation.image_id))?;
        let label = categories.get(&annotation.category_id.to_string());
        for shape in shapes(&annotation.segmentation, image).with_context(|| at.clone())? {
            take(Mark {
                image: image.file_name.clone(),
                by: String::new(),
                label: label.copied().unwrap_or_default().to_owned(),
                at: at.clone(),
                shape,
            })?;
        }
    }
    Ok(())
}

/// The shapes of an annotation, which is all of them together; none of one that is a box alone.
fn shapes(segmentation: &Value, image: &Image) -> anyhow::Result<Vec<Shape>> {
    let size = [image.width, image.height];
    match segmentation {
        Value::Null => Ok(Vec::new()),
        Value::Array(_) => {
            let parts = Vec::<Vec<f64>>::deserialize(segmentation).context("its polygons are no lists of numbers")?;
            // One shape each: where two overlap, the place is marked all the same.
            let shape = |numbers: &Vec<f64>| {
                let (corners, rest) = numbers.as_chunks::<2>();
                ensure!(rest.is_empty(), "a polygon of {} numbers, which are no pairs", numbers.len());
                Ok(Shape::Outlines { outlines: vec![mark::outline(corners, size)?], size: Some(size) })
            };
            parts.iter().map(shape).collect()
        }
        Value::Object(_) => {
            let Runs { size: [height, width], counts } =
                Runs::deserialize(segmentation).context("its mask has no size and counts")?;
            let counts = match counts {
                Counts::Numbers(counts) => counts,
                Counts::Packed(text) => unpacked(&text)?,
            };
            // Down the columns: the picture lies on its side.
            let lying = mark::mask_of_runs(height, width, counts)?;
            let (rows, columns) = (height as usize, width as usize);
            let upright = (0..rows * columns).map(|pixel| lying[pixel % columns * rows + pixel / columns]);
            Ok(vec![Shape::Mask(Painted::of_mask(width, height, &upright.collect::<Vec<_>>()))])
        }
        _ => bail!("its segmentation is neither polygons nor a mask"),
    }
}

/// Runs from COCO's text: five bits a letter, lowest first, a sixth says that more follow; from the fourth run on the
/// difference to the run before the last one.
fn unpacked(text: &str) -> anyhow::Result<Vec<u64>> {
    let mut runs: Vec<i64> = Vec::new();
    let (mut number, mut shift) = (0_i64, 0);
    for letter in text.bytes() {
        let bits = i64::from(letter) - 48;
        ensure!((0..64).contains(&bits) && shift < 60, "its counts are no packed runs");
        number |= (bits & 31) << shift;
        shift += 5;
        if bits & 32 == 0 {
            if bits & 16 != 0 {
                number -= 1 << shift;
            }
            let before = if runs.len() > 2 { runs[runs.len() - 2] } else { 0 };
            runs.push(before.checked_add(number).context("its counts are no packed runs")?);
            (number, shift) = (0, 0);
        }
    }
    ensure!(shift == 0, "its counts end within a number");
    runs.into_iter().map(|run| u64::try_from(run).context("its counts have a run below 0")).collect()
}
