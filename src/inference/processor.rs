//! What this machine's processor can do, where it matters for networks.

/// Whether the processor adds products of bytes in one step, exactly and fast: x86 with AVX512-VNNI or AVX-VNNI. Processors of
/// another architecture may, too; it hasn't been measured there, so it is not said of them.
#[must_use]
#[cfg(target_arch = "x86_64")]
pub fn adds_products_of_bytes() -> bool {
    std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni")
}

/// Never said of another architecture than x86: it hasn't been measured.
#[must_use]
#[cfg(not(target_arch = "x86_64"))]
pub fn adds_products_of_bytes() -> bool {
    false
}
