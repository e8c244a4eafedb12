//! A network that learns, with all that a run carries from step to step.

use tch::Tensor;

use super::settings::{FitSettings, Precision};
use crate::checkpoint::State;
use crate::torch::{Average, ForeignWeights, LossScale, Model, Optimiser, Step, Tune};

/// What the arrays of the weights that learn begin with, beside the optimiser's, where others are judged.
const LEARNING: &str = "learning.";

/// A network under training, its optimiser, and the mean of its weights where that is what is judged.
#[derive(Debug)]
pub struct Learner {
    model: Model,
    optimiser: Optimiser,
    average: Option<Average>,
    learns: Learns,
}

/// Which layers learn.
#[derive(Clone, Copy, Debug)]
struct Learns {
    tune: Tune,
    freeze: usize,
}

impl Learns {
    fn apply(self, model: &mut Model) {
        match self.tune {
            Tune::All => model.freeze(self.freeze),
            part => model.tune(part),
        }
    }
}

impl Learner {
    /// A network at the start of a run; it must be on its device already.
    ///
    /// # Errors
    ///
    /// Never for a network that is whole.
    pub fn new(mut model: Model, settings: &FitSettings) -> Result<Self, ForeignWeights> {
        let learns = Learns { tune: settings.tune, freeze: settings.freeze };
        learns.apply(&mut model);
        model.shuffle_patches(settings.shuffle_patches);
        let scale = (settings.precision == Precision::Mixed).then(LossScale::default);
        let optimiser = Optimiser::new(&model, settings.optimiser, scale);
        let average = settings.average.map(|decay| Average::of(&model, decay)).transpose()?;
        Ok(Self { model, optimiser, average, learns })
    }

    /// The network that learns.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The network that is judged and kept: the mean, or else the one that learns.
    #[must_use]
    pub fn judged(&self) -> &Model {
        self.average.as_ref().map_or(&self.model, Average::model)
    }

    /// The network that learns, without the rest.
    #[must_use]
    pub fn into_model(self) -> Model {
        self.model
    }

    /// Takes one step by the gradients of `loss` with learning rate `rate`.
    pub fn step(&mut self, loss: &Tensor, rate: f64) -> Step {
        let step = self.optimiser.step(&self.model, loss, rate);
        if let (Step::Taken, Some(average)) = (step, &mut self.average) {
            average.follow(&self.model, self.optimiser.steps());
        }
        step
    }

    /// The weights that are judged, and all else that must be kept to go on from here.
    #[must_use]
    pub fn state(&self) -> (State, State) {
        let mut rest = self.optimiser.state(&self.model);
        if self.average.is_some() {
            rest.extend(self.model.state().into_iter().map(|(name, array)| (format!("{LEARNING}{name}"), array)));
        }
        (self.judged().state(), rest)
    }

    /// Goes on from what [`Self::state`] gave.
    ///
    /// # Errors
    ///
    /// When it is the state of another network or of another way to train.
    pub fn load(&mut self, judged: &State, rest: &State) -> Result<(), ForeignWeights> {
        match &mut self.average {
            Some(average) => {
                average.load(judged)?;
                let learning = rest.iter().filter_map(|(name, array)| Some((name.strip_prefix(LEARNING)?, array)));
                self.model.load(&learning.map(|(name, array)| (name.to_owned(), array.clone())).collect())?;
            }
            None => drop(self.model.load(judged)?),
        }
        // Loading lets all layers learn again.
        self.learns.apply(&mut self.model);
        self.optimiser.load(&self.model, rest)
    }
}
