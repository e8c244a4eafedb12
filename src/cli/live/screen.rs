//! The flags of `live` for screens as sources, and how one is opened.

use std::sync::Arc;

use clap::Args;

use crate::capture::Open;
#[cfg(all(target_os = "linux", feature = "wayland"))]
use crate::capture::screen::portal::PortalOpener;
use crate::capture::screen::{Claims, Display, ScreenChoice, ScreenOpener, USUAL_RATE};
#[cfg(not(all(target_os = "linux", feature = "wayland")))]
use crate::cli::outcome::UsageError;

#[derive(Args, Debug)]
pub(super) struct ScreenArgs {
    /// Look at a screen so many times a second at most; where nothing is drawn it isn't looked at
    #[arg(long, value_name = "LOOKS", default_value_t = USUAL_RATE, value_parser = rate)]
    screen_rate: f64,
    /// Show all of a watched screen on the page; otherwise the page shows the faces alone, and the rest dark
    #[arg(long)]
    show_screen: bool,
    /// The windows that the run watches.
    #[arg(skip)]
    claims: Claims,
}

impl ScreenArgs {
    /// Who opens a screen.
    pub(super) fn opener(&self, choice: &ScreenChoice) -> Arc<dyn Open> {
        let opener = ScreenOpener::new(choice.clone(), self.screen_rate, Display::default());
        Arc::new(opener.among(&self.claims))
    }

    /// Who has the desktop ask for a screen.
    #[cfg(all(target_os = "linux", feature = "wayland"))]
    pub(super) fn portal(&self) -> anyhow::Result<Arc<dyn Open>> {
        Ok(Arc::new(PortalOpener::new(self.screen_rate)?))
    }

    /// Nobody, in a build that has no PipeWire.
    #[cfg(not(all(target_os = "linux", feature = "wayland")))]
    pub(super) fn portal(&self) -> anyhow::Result<Arc<dyn Open>> {
        let words = "--screen portal needs a build for Linux with the feature `wayland`: `cargo build --release --features wayland`, \
                     which needs libpipewire-0.3-dev and libclang-dev";
        Err(UsageError(words.to_owned()).into())
    }

    /// Whether the page shows all of a screen.
    pub(super) fn shows_whole(&self) -> bool {
        self.show_screen
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
