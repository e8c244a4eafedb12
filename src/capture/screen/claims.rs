//! Which windows the sources of a run watch, so that none is watched twice, by its title and by its number.

use std::sync::{Arc, Mutex, PoisonError};

use super::choice::ScreenChoice;
use super::error::ScreenError;

/// The windows that are watched, and by what choice each was found. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Claims(Arc<Mutex<Vec<(ScreenChoice, u32)>>>);

impl Claims {
    /// Puts the window down as watched by this choice, and by no other window.
    pub(super) fn claim(&self, choice: &ScreenChoice, window: u32) -> Result<(), ScreenError> {
        let mut claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.retain(|(other, _)| other != choice);
        match claimed.iter().find(|(_, id)| *id == window) {
            Some((by, _)) => Err(ScreenError::Watched { choice: choice.clone(), by: by.clone() }),
            None => {
                claimed.push((choice.clone(), window));
                Ok(())
            }
        }
    }

    /// What this choice meant is watched no more.
    pub(super) fn give_up(&self, choice: &ScreenChoice) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| other != choice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_watched_by_one_choice() {
        let claims = Claims::default();
        let [call, number] = [ScreenChoice::Window("Call".into()), ScreenChoice::WindowId(7)];
        claims.claim(&call, 7).expect("it is free");
        claims.claim(&call, 7).expect("it is its own");
        let refused = claims.clone().claim(&number, 7).expect_err("it is taken").to_string();
        assert!(refused.starts_with("the window for window-id=0x7 is watched already, as window=Call"), "{refused}");
        claims.claim(&number, 8).expect("it is another");
        claims.claim(&call, 9).expect("it was closed and opened again");
        claims.claim(&number, 7).expect("it is free again");
        claims.give_up(&number);
        claims.claim(&call, 7).expect("it is free again");
    }
}
