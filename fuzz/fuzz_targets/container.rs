//! Headers of videos.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cyborg_fuzz::container::holds(bytes);
});
