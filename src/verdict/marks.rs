//! What the scored frames of a person show besides their evidence, summed up: the kinds that decided, and how many were of a face that
//! is unlike anything that was trained on.

use cyborg_models::contract::Kind;

use super::experts::{KINDS, place};
use super::fusion::{Age, Fading};
use crate::frame::PresentationTime;

/// Sums over looks, which fade as the evidence does.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    age: Age,
    /// Weight of the looks in which each kind decided, in the order of [`KINDS`].
    kinds: [f64; 3],
    /// Looks that were good enough to be judged by.
    usable: f64,
    /// Of these, those at an unfamiliar face.
    unfamiliar: f64,
}

/// A look, as it is summed up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// The kind that decided.
    pub(super) kind: Option<Kind>,
    /// What its evidence counts.
    pub(super) weight: f64,
    /// Whether it was good enough to be judged by.
    pub(super) usable: bool,
    pub(super) unfamiliar: bool,
}

impl Marks {
    pub(super) fn new(fades: Fading) -> Self {
        Self { age: Age::new(fades), kinds: [0.0; 3], usable: 0.0, unfamiliar: 0.0 }
    }

    pub(super) fn add(&mut self, time: PresentationTime, mark: Mark) {
        let (left, counts) = self.age.to(time);
        for sum in self.kinds.iter_mut().chain([&mut self.usable, &mut self.unfamiliar]) {
            *sum *= left;
        }
        self.kinds[place(mark.kind)] += mark.weight * counts;
        if mark.usable {
            self.usable += counts;
            self.unfamiliar += if mark.unfamiliar { counts } else { 0.0 };
        }
    }

    /// The kind that decided with most of the weight; of equals the first one.
    pub(super) fn kind(&self) -> Option<Kind> {
        let mut most = (0.0, None);
        for (sum, kind) in self.kinds.into_iter().zip(KINDS) {
            if sum > most.0 {
                most = (sum, kind);
            }
        }
        most.1
    }

    /// Whether more than half of the usable looks were at an unfamiliar face.
    pub(super) fn mostly_unfamiliar(&self) -> bool {
        2.0 * self.unfamiliar > self.usable
    }
}
