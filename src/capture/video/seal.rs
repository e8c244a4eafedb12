//! Keeps FFmpeg's reader of RTSP from following a server to another address, which no option of its own does.
//!
//! It may open what is on the list of protocols of its container. Once the first connection is under way, that list is crossed out: whatever
//! would be opened after it, on the word of the server, is refused by FFmpeg before a name is looked up.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use ffmpeg_next::ffi;

/// Stands in place of each letter of the list; no protocol is called so.
const CROSSED: c_char = b'-' as c_char;

/// A container that is opened, once that is known.
#[derive(Clone, Debug)]
pub(super) struct Seal(Arc<AtomicPtr<ffi::AVFormatContext>>);

impl Seal {
    /// Of a container that there is not yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicPtr::new(ptr::null_mut())))
    }

    /// It is this one. It must be there for as long as [`Seal::shut`] may be called.
    pub(super) fn put_on(&self, context: *mut ffi::AVFormatContext) {
        self.0.store(context, Ordering::Relaxed);
    }

    /// Crosses its list out. To be called when FFmpeg asks whether to give up: it asks that of a connection that is under way, whose
    /// protocols were looked up before, and on the thread that would open another one.
    #[expect(unsafe_code, reason = "the binding has no name for this field")]
    pub(super) fn shut(&self) {
        let context = self.0.load(Ordering::Relaxed);
        if context.is_null() {
            return;
        }
        // SAFETY: the container is there while its callback is called. Its list is a string of its own, ending with a zero, which nobody
        // else reads meanwhile: FFmpeg waits for the callback, and connections have copies of their own.
        unsafe {
            let mut letter = (*context).protocol_whitelist;
            while !letter.is_null() && *letter != 0 {
                *letter = CROSSED;
                letter = letter.add(1);
            }
        }
    }
}
