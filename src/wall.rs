//! The wall before libraries that read foreign bytes: a panic in one of them is that file's error, and no more.
//!
//! What it was built for: `tiff` fails at an assertion on tiled files whose planes stand apart, as it counts the tiles of all
//! planes as those of one. Upstream knows it (image-tiff 403, open since 2026-07-16; pull request 412 offers a mend), and
//! `tiff` 0.11.3 is still without.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A library panicked while it read something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the library that reads it crashed ({0}); save the file again from another program")]
pub struct Fault(String);

thread_local! {
    static IS_BEHIND: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does `work`; a panic in it becomes a [`Fault`], and nothing of it is printed.
///
/// What `work` has changed until then may be half done: throw it away, or fill it anew.
///
/// # Errors
///
/// When `work` panics.
pub fn behind<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(silence);
    let outer = IS_BEHIND.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    IS_BEHIND.set(outer);
    outcome.map_err(|payload| Fault(SAID.take().unwrap_or_else(|| words(payload.as_ref()).to_owned())))
}

/// Has panics behind the wall write nothing, whatever prints those of others.
fn silence() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // A thread that ends has no such words any more, and is behind no wall.
        if IS_BEHIND.try_with(Cell::get).unwrap_or(false) {
            log::debug!("behind the wall: {info}");
            let text = words(info.payload()).lines().next().unwrap_or_default().to_owned();
            SAID.with(|said| said.replace(Some(text)));
        } else {
            others(info);
        }
    }));
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::panic, reason = "it is what is tested")]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(behind(|| 7), Ok(7));
        let nothing: &[u8] = &[];
        let fault = behind(|| nothing[0]).expect_err("it panics");
        assert!(fault.to_string().contains("index out of bounds"), "{fault}");
        let fault = behind(|| panic!("number {}\nand more", 7)).map(|()| 0).expect_err("it panics");
        assert_eq!(fault, Fault("number 7".to_owned()));
        // Nobody is behind the wall any more.
        assert!(!IS_BEHIND.get());
    }

    #[test]
    fn a_wall_within_a_wall() {
        let nothing: &[u8] = &[];
        let inner = behind(|| {
            assert!(behind(|| nothing[0]).is_err());
            IS_BEHIND.get()
        });
        assert_eq!(inner, Ok(true));
    }
}
