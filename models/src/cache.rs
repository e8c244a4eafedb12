//! The folder where fetched files live, shared by all checkouts of a user.
//!
//! Set-up writes there; the runtime only reads, and downloads nothing.

use std::env;
use std::path::PathBuf;

/// The environment variable that names another cache folder.
pub const CACHE_VARIABLE: &str = "CYBORG_CACHE";

/// The cache folder: `CYBORG_CACHE`, else `XDG_CACHE_HOME/cyborg-edge`, else `~/.cache/cyborg-edge`.
///
/// `None` when none of the three variables is set, which a service account can be.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(CACHE_VARIABLE)
        .or_else(|| set("XDG_CACHE_HOME").map(|base| base.join("cyborg-edge")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("cyborg-edge")))
}
