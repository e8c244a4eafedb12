//! One test at a time, where several at once would spoil what each looks at.

use std::sync::{Mutex, MutexGuard, PoisonError};

static ALONE: Mutex<()> = Mutex::new(());

/// For tests that look at ages and delays, or at what their process holds, and for those that want much of a processor: of
/// all that hold this, one runs at a time.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    // A test that failed left nothing behind that the next one could stumble over.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
