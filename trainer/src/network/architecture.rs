//! What there is to say of a network beside its nodes: its row, which is in its own file.

use std::fmt;
use std::ops::RangeInclusive;

use super::Network;

/// The least input side, in pixels: below it a network's last windows reach over the whole picture.
pub const LEAST_SIDE: usize = 96;

/// The largest input side, in pixels.
pub const MOST_SIDE: usize = 1024;

/// All that differs between networks, but for what their files describe.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name in flags and files.
    pub(super) name: &'static str,
    /// The input side that the network was made for, in pixels.
    pub(super) side: usize,
    /// The input sides that it can have, in pixels.
    pub(super) sides: RangeInclusive<usize>,
    /// Where it can be cut, if it can.
    pub(super) depths: Option<Depths>,
    /// Weights that set-up fetches for it: their name in the lock file, and whose they are.
    pub(super) weights: Option<(&'static str, &'static str)>,
    /// Describes it for a number of classes of at least 1, an input side and a depth.
    pub(super) describe: fn(usize, usize, usize) -> Network,
}

/// The blocks that a network can be cut after.
#[derive(Debug)]
pub(super) struct Depths {
    /// All of them.
    pub(super) all: RangeInclusive<usize>,
    /// The one that is taken unless told otherwise.
    pub(super) usual: usize,
}

/// A network that is described here, up to one of its blocks where it can be cut.
#[derive(Clone, Copy)]
pub struct Architecture {
    row: &'static Row,
    /// Blocks that are taken; 0 for a network that is always whole.
    depth: usize,
}

impl Architecture {
    /// The network of a row, at its own depth.
    pub(super) const fn of(row: &'static Row) -> Self {
        let depth = match &row.depths {
            Some(depths) => depths.usual,
            None => 0,
        };
        Self { row, depth }
    }

    /// The network of a row cut after a block, which may be one of another size of the same form.
    pub(super) const fn cut(row: &'static Row, depth: usize) -> Self {
        Self { row, depth }
    }

    /// The description, for a number of classes of at least 1, at the network's own input side. Its class activation map is
    /// that of the head.
    #[must_use]
    pub fn describe(self, classes: usize) -> Network {
        self.describe_at(classes, self.side())
    }

    /// The same for another input side in pixels, one of [`Self::sides`]: the weights fit all.
    #[must_use]
    pub fn describe_at(self, classes: usize, side: usize) -> Network {
        (self.row.describe)(classes, side, self.depth)
    }

    /// The input sides that it can have, in pixels.
    #[must_use]
    pub fn sides(self) -> RangeInclusive<usize> {
        self.row.sides.clone()
    }

    /// How many of its blocks are taken; nothing for a network that is always whole.
    #[must_use]
    pub fn depth(self) -> Option<usize> {
        self.row.depths.as_ref().map(|_| self.depth)
    }

    /// The blocks that it can be cut after; nothing for a network that is always whole.
    #[must_use]
    pub fn depths(self) -> Option<RangeInclusive<usize>> {
        self.row.depths.as_ref().map(|depths| depths.all.clone())
    }

    /// The same network up to another of its blocks; its own depth where none is said.
    ///
    /// # Errors
    ///
    /// When it has no such block, or is always whole.
    pub fn with_depth(self, depth: Option<usize>) -> Result<Self, String> {
        match (self.depths(), depth) {
            (_, None) => Ok(self),
            (Some(depths), Some(depth)) if depths.contains(&depth) => Ok(Self { depth, ..self }),
            (Some(depths), Some(depth)) => Err(format!(
                "{self} can't be cut after block {depth}: it has blocks {} to {}",
                depths.start(),
                depths.end()
            )),
            (None, Some(_)) => Err(format!("{self} is always whole: only clip_vit_b16 can be cut after a block")),
        }
    }

    /// The input side that the network was made for, in pixels.
    #[must_use]
    pub fn side(self) -> usize {
        self.row.side
    }

    /// Weights that set-up fetches for it: their name in the lock file, and whose they are.
    #[must_use]
    pub fn weights(self) -> Option<(&'static str, &'static str)> {
        self.row.weights
    }

    /// Its name in flags and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row.name
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        (self.name(), self.depth) == (other.name(), other.depth)
    }
}

impl Eq for Architecture {}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.depth() {
            Some(depth) => write!(f, "{self} of {depth} blocks"),
            None => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
