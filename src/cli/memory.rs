//! Memory that is given back: large blocks go to the system as soon as they are free.
//!
//! Opening a network takes several times the memory that it keeps. The C library learns from such large blocks to keep
//! them for later, and nothing as large comes again.

/// Blocks of this many bytes and more are the system's own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: std::ffi::c_int = 256 * 1024;
/// Heaps that threads divide between them; each is a place of its own for what is free and not given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: std::ffi::c_int = 2;

/// To be called once, before there are threads. Elsewhere than with glibc it does nothing.
pub(super) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "the C library has no other way to be told; it saves an eighth of the memory")]
    // SAFETY: `mallopt` takes two numbers and may be called at any time; a setting that it doesn't know changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
