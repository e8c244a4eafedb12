//! Lines of the JSONL table, from any values.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cyborg_fuzz::jsonl::holds(bytes);
});
