//! `cyborg cameras`: which cameras there are, and what they can do.

use clap::Args;
use serde_json::{Value, json};

use super::outcome::{Outcome, complain, note, say};
use crate::capture::camera::{self, Camera, CameraError, Format};

/// Width, height and the name of the coding.
type Kind<'a> = (u32, u32, &'a str);

#[derive(Args, Debug)]
pub(super) struct CamerasArgs {
    /// Write JSON to standard output for other programs: one object per camera, and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CamerasArgs) -> anyhow::Result<Outcome> {
    let cameras = camera::list()?;
    if cameras.is_empty() {
        note("no camera found; `cyborg live --camera test` needs none");
    }
    let mut failed = 0;
    for camera in &cameras {
        let formats = camera::formats(camera);
        if args.json {
            say(&described(camera, &formats).to_string())?;
        } else {
            say(&camera.to_string())?;
            for line in lines(formats.as_deref().unwrap_or_default()) {
                say(&format!("  {line}"))?;
            }
        }
        if let Err(error) = formats {
            failed += 1;
            complain(&error.into());
        }
    }
    Ok(Outcome::of(failed, cameras.len()))
}

fn described(camera: &Camera, formats: &Result<Vec<Format>, CameraError>) -> Value {
    let error = formats.as_ref().err().map(ToString::to_string);
    json!({ "index": camera.index, "name": camera.name, "formats": formats.as_deref().unwrap_or_default(), "error": error })
}

/// A line a size and coding, with all its rates.
fn lines(formats: &[Format]) -> Vec<String> {
    let mut lines: Vec<(Kind<'_>, Vec<String>)> = Vec::new();
    for format in formats {
        let kind = (format.width, format.height, format.coding.as_str());
        match lines.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, rates)) => rates.push(format.rate.to_string()),
            None => lines.push((kind, vec![format.rate.to_string()])),
        }
    }
    let line = |((width, height, coding), rates): ((u32, u32, &str), Vec<String>)| {
        format!("{width}x{height} {coding}: {} fps", rates.join(", "))
    };
    lines.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, rate: u32, coding: &str) -> Format {
        Format { width, height: 480, rate, coding: coding.to_owned() }
    }

    #[test]
    fn rates_of_a_size_share_a_line() {
        let formats =
            [format(640, 15, "MJPEG"), format(640, 15, "YUYV"), format(640, 30, "MJPEG"), format(800, 30, "YUYV")];
        assert_eq!(lines(&formats), ["640x480 MJPEG: 15, 30 fps", "640x480 YUYV: 15 fps", "800x480 YUYV: 30 fps"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn a_program_gets_the_error_too() {
        let camera = Camera { index: "0".to_owned(), name: "Desk".to_owned() };
        let found = described(&camera, &Ok(vec![format(640, 30, "YUYV")]));
        assert_eq!(found["formats"][0]["rate"], 30);
        assert_eq!((&found["index"], &found["error"]), (&json!("0"), &Value::Null));
        let found = described(&camera, &Err(CameraError::NoFormat { name: "0 (Desk)".to_owned() }));
        assert!(found["error"].as_str().is_some_and(|error| error.contains("0 (Desk)")), "{found}");
    }
}
