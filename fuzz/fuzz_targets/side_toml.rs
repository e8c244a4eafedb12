//! TOMLs of foreign models, and the network behind one.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cyborg_fuzz::side_toml::holds(bytes);
});
