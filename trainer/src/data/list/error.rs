//! Why a list can't be used.

use std::path::PathBuf;

use cyborg_models::name;

/// A list that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file can't be read.
    #[error("can't read the list {}: {source}", name::of(path))]
    Read {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// A column that every list needs is not in the header.
    #[error(
        "{} has no column `{column}` (columns are file, label, split, source, video, map; see trainer/README.md)",
        name::of(path)
    )]
    Column {
        /// The list.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// The folder of maps is not there.
    #[error("{} is not a folder of human saliency maps", name::of(path))]
    Maps {
        /// What was given.
        path: PathBuf,
    },
}
