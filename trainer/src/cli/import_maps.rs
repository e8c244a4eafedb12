//! `cyborg-train import-maps`: maps of where people looked from elsewhere, as a folder for `--maps`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use cyborg_models::name;

use super::outcome::{Outcome, wrong_usage};
use super::session::positive;
use crate::data::list::{self, Place};
use crate::study::import::{FORMATS, Format, Wanted, format, import};

#[derive(Args, Debug)]
pub(super) struct ImportMapsArgs {
    /// File or folder to read
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    #[arg(long, value_name = "FORMAT", value_parser = format, help = formats())]
    from: Format,
    /// List of the faces that it is of; a folder stands for its `faces.csv`
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Folder that the paths of the list start from [default: `faces` beside the list, or the list's folder]
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Folder for the maps and their list
    #[arg(long, value_name = "MAPS")]
    out: PathBuf,
    /// Standard deviation of the blur of fixations: in pixels of the photo (25px), or in degrees of sight (1deg)
    #[arg(long, value_name = "WIDTH")]
    sigma: Option<Sigma>,
    /// Pixels of the photo that one degree of sight took on the screen
    #[arg(long, value_name = "PIXELS", value_parser = positive)]
    pixels_per_degree: Option<f64>,
    /// Take marks of this label alone; may be given several times [default: all]
    #[arg(long, value_name = "NAME")]
    label: Vec<String>,
}

fn formats() -> String {
    let each = FORMATS.map(|format| format!("{} ({})", format.name, format.about));
    format!("How it is written: {}", each.join("; "))
}

/// A width with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sigma {
    Pixels(f64),
    Degrees(f64),
}

/// Widths in pixels that make sense: a blur below is none, and one above covers any photo.
const SIGMAS: std::ops::RangeInclusive<f64> = 0.3..=2000.0;

impl FromStr for Sigma {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
        let found = match (text.strip_suffix("px"), text.strip_suffix("deg")) {
            (Some(pixels), _) => number(pixels).map(Self::Pixels),
            (_, Some(degrees)) => number(degrees).map(Self::Degrees),
            _ => None,
        };
        found.ok_or_else(|| "expected a number above 0 with its unit, as 25px or 1deg".to_owned())
    }
}

pub(super) fn run(args: &ImportMapsArgs) -> anyhow::Result<Outcome> {
    let sigma = match (args.sigma, args.pixels_per_degree) {
        (None, None) => None,
        (None, Some(_)) => return wrong_usage("`--pixels-per-degree` goes with a `--sigma` in degrees"),
        (Some(Sigma::Pixels(pixels)), None) => Some(pixels),
        (Some(Sigma::Pixels(_)), Some(_)) => {
            return wrong_usage("`--sigma` is in pixels: leave out `--pixels-per-degree`");
        }
        (Some(Sigma::Degrees(degrees)), Some(pixels)) => Some(degrees * pixels),
        (Some(Sigma::Degrees(_)), None) => {
            return wrong_usage("say with `--pixels-per-degree` how many pixels of the photo a degree took");
        }
    };
    if args.from.name == "fixations" && sigma.is_none() {
        return wrong_usage("fixations need the width of their blur: give it with `--sigma`, as 25px or 1deg");
    }
    if sigma.is_some_and(|sigma| !SIGMAS.contains(&sigma)) {
        return wrong_usage(&format!("the blur must be {} to {} pixels wide", SIGMAS.start(), SIGMAS.end()));
    }
    let place = Place { list: args.data.clone(), root: args.root.clone(), maps: None };
    let root = list::root_of(&place);
    let (found, problems) = list::read(&place)?;
    for problem in &problems {
        log::warn!("skipped: {problem}");
    }
    let wanted = Wanted { source: &args.source, format: args.from, sigma, labels: &args.label };
    let imported = import(&wanted, &found.rows, &root, &args.out)?;
    for (count, what) in [
        (imported.unlisted, "marks on images that aren't in the list"),
        (imported.beside, "fixations beside their photo"),
        (imported.other_labels, "marks of other labels"),
    ] {
        if count > 0 {
            log::info!("left out: {count} {what}");
        }
    }
    log::info!("{}: {} of {} faces have a map", name::of(&args.out), imported.maps, found.rows.len());
    Ok(if problems.is_empty() { Outcome::Done } else { Outcome::SomeFailed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_has_a_unit() {
        assert_eq!("25px".parse(), Ok(Sigma::Pixels(25.0)));
        assert_eq!("0.5deg".parse(), Ok(Sigma::Degrees(0.5)));
        for odd in ["25", "px", "-1px", "0deg", "infdeg", "nanpx", ""] {
            assert!(odd.parse::<Sigma>().is_err(), "{odd}");
        }
    }
}
