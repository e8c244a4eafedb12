//! The lock file: what set-up fetches, pinned.
