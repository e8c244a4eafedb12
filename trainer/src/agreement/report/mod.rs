//! The report on a study: a page for people, the same as text, the numbers for programs, and the mean maps as pictures.

mod data;
mod page;
mod picture;
mod text;
mod words;

use std::fs;
use std::path::Path;

use anyhow::Context;
use cyborg_models::name;

pub use data::Report;
pub use text::markdown;

use super::average::Group;
use crate::checkpoint::replace;
use data::Drawn;

/// The files that are written, all of them again at each run.
const PAGE: &str = "report.html";
const TEXT: &str = "agreement.md";
const NUMBERS: &str = "agreement.json";

/// Writes the report into a folder: `report.html`, `agreement.md`, `agreement.json`, and a PNG for each mean map.
///
/// # Errors
///
/// When a file can't be written.
pub fn write(report: &Report<'_>, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", name::of(folder)))?;
    let save = |file: &str, bytes: &[u8]| {
        let path = folder.join(file);
        replace(&path, bytes).with_context(|| format!("can't write {}", name::of(&path)))
    };
    let mut drawn: Vec<(Group, Drawn)> = Vec::new();
    for (group, average) in &report.averages.maps {
        let (stem, what) = match group {
            Group::Class(class) => (format!("class-{class}"), format!("{class} faces")),
            Group::Answer(answer) => (format!("called-{answer}"), format!("called {answer}")),
            Group::Source(source) => (format!("source-{}", plain(source)), source.clone()),
        };
        // Two sources may be written alike.
        let stem =
            if drawn.iter().any(|(_, other)| other.stem == stem) { format!("{stem}-{}", drawn.len()) } else { stem };
        let brightest = average.values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
        let paintings = words::counted(average.paintings, "painting");
        let caption = format!("{what}: {paintings}, brightest where {:.0} % painted", brightest * 100.0);
        drawn.push((group.clone(), Drawn { stem, caption, png: picture::png(&average.values)? }));
    }
    for (_, picture) in &drawn {
        save(&format!("{}.png", picture.stem), &picture.png)?;
    }
    save(PAGE, page::render(report, &drawn).as_bytes())?;
    save(TEXT, markdown(report).as_bytes())?;
    let numbers = serde_json::json!({
        "tool": concat!("cyborg-train ", env!("CARGO_PKG_VERSION")),
        "answers_in_maps": report.which,
        "faces_with_map": report.maps,
        "paintings_without_frame": report.averages.without_frame,
        "figures": report.figures,
    });
    save(NUMBERS, (serde_json::to_string_pretty(&numbers)? + "\n").as_bytes())
}

/// A name as a part of a file's name.
fn plain(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(60).collect()
}
