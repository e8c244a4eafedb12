//! `cyborg screens`: which monitors and windows there are to watch, and small pictures of them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::outcome::{Outcome, UsageError, complain, note, say};
use crate::capture::screen::{self, Display, Listed, ScreenChoice, ScreenError};
use crate::name;

/// Width of the small pictures in pixels.
const WIDTH: u32 = 320;

#[derive(Args, Debug)]
pub(super) struct ScreensArgs {
    /// Write JSON to standard output for other programs: one object per monitor and window, and nothing else
    #[arg(long)]
    json: bool,
    /// Write a small picture of each into this folder, as PNG, named by what `--screen` takes; of hidden windows there is none
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
}

pub(super) fn run(args: &ScreensArgs) -> anyhow::Result<Outcome> {
    let display = Display::default();
    if let Some(folder) = args.pictures.as_deref() {
        if folder.exists() && !folder.is_dir() {
            return Err(UsageError(format!("--pictures {} is a file, name a folder", name::of(folder))).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("can't make folder {}", name::of(folder)))?;
    }
    let listed = screen::list(&display)?;
    let mut failed = 0;
    for each in &listed {
        let picture = args.pictures.as_deref().filter(|_| !each.hidden).map(|folder| folder.join(file(&each.choice)));
        let written = picture.map(|path| write(&display, each, &path).map(|()| path)).transpose();
        // A window may have been closed since it was listed.
        let (path, error) = match written {
            Ok(path) => (path, None),
            Err(error) => (None, Some(error)),
        };
        if args.json {
            say(&described(each, path.as_deref()).to_string())?;
        } else {
            say(&line(each))?;
        }
        if let Some(error) = error {
            failed += 1;
            complain(&error.context(format!("{} gives no picture", each.choice)));
        }
    }
    if let Some(folder) = &args.pictures {
        note(&format!("the pictures are in {}; delete them when you are done", name::of(folder)));
    }
    Ok(Outcome::of(failed, listed.len()))
}

fn write(display: &Display, each: &Listed, path: &Path) -> anyhow::Result<()> {
    let frame =
        screen::thumbnail(display, &each.choice, WIDTH).map_err(|error: ScreenError| anyhow::Error::new(error))?;
    let (width, height) = (frame.width as u32, frame.height as u32);
    image::save_buffer(path, &frame.pixels, width, height, image::ExtendedColorType::Rgb8)
        .with_context(|| format!("can't write {}", name::of(path)))
}

/// The name of its picture.
fn file(choice: &ScreenChoice) -> String {
    format!("{}.png", choice.to_string().replace('=', "-"))
}

fn line(each: &Listed) -> String {
    let screen::Place { left, top, width, height } = each.place;
    let hidden = if each.hidden { "  hidden" } else { "" };
    // A title may have anything in it that a program likes.
    let title: String = each.title.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    format!("{:<20}  {:>11}  at {left},{top}  {title}{hidden}", each.choice.to_string(), format!("{width}x{height}"))
}

fn described(each: &Listed, picture: Option<&Path>) -> Value {
    let screen::Place { left, top, width, height } = each.place;
    let kind = if matches!(each.choice, ScreenChoice::Monitor(_)) { "monitor" } else { "window" };
    json!({
        "screen": each.choice.to_string(), "kind": kind, "title": each.title, "left": left, "top": top, "width": width,
        "height": height, "hidden": each.hidden, "picture": picture.map(|path| path.display().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::screen::Place;

    #[test]
    fn a_window_is_a_line_and_an_object() {
        let place = Place { left: 10, top: -5, width: 640, height: 360 };
        let title = "A call\n\u{1b}[31m".to_owned();
        let window = Listed { choice: ScreenChoice::WindowId(0x140_0003), title, place, hidden: true };
        assert_eq!(line(&window), "window-id=0x1400003       640x360  at 10,-5  A call  [31m  hidden");
        let found = described(&window, None);
        assert_eq!((&found["screen"], &found["kind"]), (&json!("window-id=0x1400003"), &json!("window")));
        assert_eq!((&found["top"], &found["hidden"], &found["picture"]), (&json!(-5), &json!(true), &Value::Null));
        assert_eq!(file(&window.choice), "window-id-0x1400003.png");
    }
}
