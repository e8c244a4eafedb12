//! Model files against the contract.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cyborg_fuzz::model::holds(bytes);
});
