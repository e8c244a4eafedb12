//! Fixations of an eye tracker: a CSV (or tab-separated) with the columns `image`, `x`, `y` in pixels of the photo and, if
//! there is one, `duration`, by which they are weighted.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use cyborg_models::name;

use super::mark::{Mark, Shape, Take};

pub(super) fn read(path: &Path, take: &mut Take<'_>) -> anyhow::Result<()> {
    let fail = || format!("can't read {}", name::of(path));
    let first = std::fs::File::open(path).with_context(fail)?;
    let mut head = [0; 4096];
    let length = std::io::Read::read(&mut std::io::BufReader::new(first), &mut head).with_context(fail)?;
    let head = head[..length].split(|&byte| byte == b'\n').next().unwrap_or_default();
    let delimiter = if head.contains(&b'\t') { b'\t' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_path(path).with_context(fail)?;
    let header = reader.headers().with_context(fail)?.clone();
    let column = |wanted: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == wanted);
    let (Some(image), Some(x), Some(y)) = (column("image"), column("x"), column("y")) else {
        bail!(
            "the columns image, x and y must be there (and duration may be); there are: {}",
            header.iter().collect::<Vec<_>>().join(", ")
        );
    };
    let duration = column("duration");
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).with_context(fail)? {
        let line = record.position().map_or(0, csv::Position::line);
        let number = |at: usize, what: &str| {
            let text = record.get(at).unwrap_or_default();
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.with_context(|| format!("line {line}: {what} is `{text}`, which is no number"))
        };
        let weight = duration.map_or(Ok(1.0), |at| number(at, "duration"))?;
        ensure!(weight >= 0.0, "line {line}: the duration is {weight}");
        let name = record.get(image).unwrap_or_default();
        ensure!(!name.is_empty(), "line {line}: no image is named");
        if weight > 0.0 {
            let place = [number(x, "x")?, number(y, "y")?];
            take(Mark {
                image: name.to_owned(),
                by: String::new(),
                label: String::new(),
                at: format!("line {line}"),
                shape: Shape::Fixation { place, weight },
            })?;
        }
    }
    Ok(())
}
