//! What a process holds: memory, threads and file handles, as Linux tells.

use std::fs;

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Memory, in KiB.
    pub(crate) memory: u64,
    pub(crate) threads: u64,
    pub(crate) handles: u64,
}

/// What process `id` holds, `self` for this one; `None` where the system doesn't say.
pub(crate) fn held(id: &str) -> Option<Held> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let handles = fs::read_dir(format!("/proc/{id}/fd")).ok()?.count() as u64;
    Some(Held { memory: number("VmRSS:")?, threads: number("Threads:")?, handles })
}
