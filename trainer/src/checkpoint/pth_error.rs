//! Why a file is no PyTorch checkpoint that we read.

/// Why a file is no PyTorch checkpoint that we read.
#[derive(Debug, thiserror::Error)]
pub enum PthError {
    /// The bytes end in the middle.
    #[error("it is truncated: fetch it again")]
    Truncated,
    /// A pickle operation that no state dictionary uses.
    #[error("its pickle has operation 0x{code:02x} at byte {at}, which no state dictionary needs")]
    Operation {
        /// The operation.
        code: u8,
        /// Where it stands in the pickle.
        at: usize,
    },
    /// A Python name that no state dictionary uses.
    #[error(
        "its pickle refers to `{name}`, which no state dictionary needs; nothing was executed (save only the model's `state_dict()`)"
    )]
    Name {
        /// The name with its module.
        name: String,
    },
    /// It breaks its own rules.
    #[error("its pickle is damaged: {0}")]
    Malformed(&'static str),
    /// A storage is missing or short.
    #[error("storage `{key}` is missing or too short: fetch the file again")]
    Storage {
        /// The storage.
        key: String,
    },
    /// An array reaches beyond its storage, or all together are larger than the file.
    #[error("array `{name}` doesn't fit its storage: fetch the file again")]
    Array {
        /// The array.
        name: String,
    },
    /// The zip archive is damaged.
    #[error("its zip archive is damaged or compressed: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// There are no arrays under names.
    #[error("it contains no state dictionary (arrays by name)")]
    NoState,
    /// It was written on a machine that stores the high byte first.
    #[error("it was written on a big-endian machine, which is not supported")]
    BigEndian,
}
