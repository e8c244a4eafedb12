//! Returning memory to the system: opening a network takes several times the memory that it keeps.

#[cfg(all(feature = "video", target_os = "linux", target_env = "gnu"))]
use crate::classify::shipped::Form;

/// Blocks of this many bytes and more are the system's own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: std::ffi::c_int = 768 * 1024;
/// Heaps that threads divide between them; each is a place of its own for what is free and not given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: std::ffi::c_int = 2;

/// Has large blocks go back to the system as soon as they are free: the C library learns from them to keep them for later,
/// and nothing as large comes again. To be called once, before there are threads. Elsewhere than with glibc it does nothing.
pub(super) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "the C library has no other way to be told; it saves an eighth of the memory")]
    // SAFETY: `mallopt` takes two numbers and may be called at any time; a setting that it doesn't know changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}

/// Gives back what opening networks left behind: small blocks between others that are still in use, and the pages of the shipped
/// model, which was read from within the program and is in the sessions now. Elsewhere than with glibc it does nothing.
#[cfg(feature = "video")]
pub(super) fn opened() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "neither has another way; together they save a tenth of the memory")]
    // SAFETY: `malloc_trim` may be called at any time. The pages that are named are constants of the program's file, whole pages
    // within them; the system reads them from there again when somebody asks.
    unsafe {
        libc::malloc_trim(0);
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(1).max(1);
        for bytes in Form::ALL.map(Form::bytes) {
            let model = bytes.as_ptr();
            let before = model.align_offset(page);
            let length = bytes.len().saturating_sub(before) / page * page;
            libc::madvise(model.wrapping_add(before).cast_mut().cast(), length, libc::MADV_DONTNEED);
        }
    }
}
