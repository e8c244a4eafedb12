//! The flags of `live` for a screen as a source.

use std::sync::Arc;

use clap::Args;

use crate::capture::Open;
use crate::capture::screen::{Display, ScreenChoice, ScreenOpener, USUAL_RATE};

#[derive(Args, Debug)]
pub(super) struct ScreenArgs {
    /// Watch a screen instead of a camera: a monitor, a window (by its title, a part of it, or its number), or a
    /// rectangle in pixels; `cyborg screens` lists what there is
    #[arg(
        long,
        value_name = "monitor=N|window=TITLE|window-id=ID|region=X,Y,WIDTHxHEIGHT",
        conflicts_with_all = ["camera", "test_script"]
    )]
    screen: Option<ScreenChoice>,
    /// Look at a screen so many times a second at most; where nothing is drawn it isn't looked at
    #[arg(long, value_name = "LOOKS", default_value_t = USUAL_RATE, value_parser = rate)]
    screen_rate: f64,
    /// Show all of a watched screen on the page; otherwise the page shows the faces alone, and the rest dark
    #[arg(long)]
    show_screen: bool,
}

impl ScreenArgs {
    /// What is watched, as it is written on the command line, where it is a screen.
    pub(super) fn name(&self) -> Option<String> {
        self.screen.as_ref().map(|choice| format!("screen {choice}"))
    }

    /// Who opens it.
    pub(super) fn opener(&self) -> Option<Arc<dyn Open>> {
        let choice = self.screen.clone()?;
        Some(Arc::new(ScreenOpener { choice, rate: self.screen_rate, display: Display::default() }))
    }

    /// Whether the page shows all of the picture.
    pub(super) fn shows_whole(&self) -> bool {
        self.screen.is_none() || self.show_screen
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (1.0..=60.0).contains(number));
    number.ok_or_else(|| "expected looks a second, 1 to 60".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(rate("2.5"), Ok(2.5));
        for wrong in ["0", "61", "nan", "ten"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
