//! Label Studio's JSON export: polygons in percent of the photo, and brush strokes as packed RGBA pictures. Each annotation of a
//! task is somebody's; those that were cancelled are left out.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::brush;
use super::mark::{self, Mark, Shape, Take};
use crate::study::painted::Painted;

#[derive(Deserialize)]
struct Task {
    #[serde(default)]
    id: Value,
    data: Map<String, Value>,
    #[serde(default)]
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    completed_by: Value,
    #[serde(default)]
    was_cancelled: bool,
    #[serde(default)]
    result: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    original_width: u32,
    #[serde(default)]
    original_height: u32,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct Polygon {
    points: Vec<[f64; 2]>,
    #[serde(default)]
    polygonlabels: Vec<String>,
}

#[derive(Deserialize)]
struct Brush {
    rle: Vec<u8>,
    #[serde(default)]
    brushlabels: Vec<String>,
}

pub(super) fn read(path: &Path, take: &mut Take<'_>) -> anyhow::Result<()> {
    let tasks: Vec<Task> = serde_json::from_slice(&mark::read(path)?)
        .context("it is no JSON export of Label Studio (JSON-MIN isn't read)")?;
    for (index, task) in tasks.iter().enumerate() {
        let at = match &task.id {
            Value::Null => format!("task {} of the list", index + 1),
            id => format!("task {id}"),
        };
        let image = image(&task.data).with_context(|| at.clone())?;
        for (number, annotation) in task.annotations.iter().enumerate().filter(|(_, each)| !each.was_cancelled) {
            // Whose an annotation is may be a number, or an object with one; without either each is somebody else's.
            let by = match &annotation.completed_by {
                Value::Null => format!("annotation {}", number + 1),
                Value::Object(person) => person.get("id").unwrap_or(&Value::Null).to_string(),
                person => person.to_string(),
            };
            for (place, found) in annotation.result.iter().enumerate() {
                let at = format!("{at}, annotation {}, result {}", annotation.id, place + 1);
                let shape = shape(found).with_context(|| at.clone())?;
                if let Some((shape, label)) = shape {
                    take(Mark { image: image.to_owned(), by: by.clone(), label, at, shape })?;
                }
            }
        }
    }
    Ok(())
}

/// The photo of a task: its data `image`, or the only text among its data.
fn image(data: &Map<String, Value>) -> anyhow::Result<&str> {
    if let Some(Value::String(image)) = data.get("image") {
        return Ok(image);
    }
    let mut texts = data.values().filter_map(Value::as_str);
    match (texts.next(), texts.next()) {
        (Some(image), None) => Ok(image),
        _ => bail!("its data has no text `image`"),
    }
}

/// The shape of a result and its label; nothing of rectangles, choices and what else there is.
fn shape(found: &Found) -> anyhow::Result<Option<(Shape, String)>> {
    let (width, height) = (found.original_width, found.original_height);
    match found.kind.as_str() {
        "polygonlabels" | "polygon" => {
            let polygon = Polygon::deserialize(&found.value).context("its polygon has no points")?;
            let outline = mark::outline(&polygon.points, [100, 100])?;
            let size = (width > 0 && height > 0).then_some([width, height]);
            let label = polygon.polygonlabels.first().cloned().unwrap_or_default();
            Ok(Some((Shape::Outlines { outlines: vec![outline], size }, label)))
        }
        "brushlabels" | "brush" => {
            let found = Brush::deserialize(&found.value).context("its brush stroke has no rle")?;
            mark::drawable(width, height)?;
            let pixels = width as usize * height as usize;
            let alpha = brush::alpha(&found.rle, pixels)?;
            ensure!(alpha.len() == pixels, "its brush stroke is not of {width} x {height} pixels");
            let painted = Painted::of_mask(width, height, &alpha);
            Ok(Some((Shape::Mask(painted), found.brushlabels.first().cloned().unwrap_or_default())))
        }
        _ => Ok(None),
    }
}
