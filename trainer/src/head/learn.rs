//! Learning the layers of a head from the faces of a list.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::ensure;
use cyborg_models::contract::Kind;
use cyborg_models::head::Familiar;

use super::features::Described;
use super::generated::{Recipe, alike};
use super::kept::Describer;
use super::layer::KindLayer;
use super::narrow::Narrow;
use super::settings::HeadSettings;
use super::strangers::{self, Stranger};
use super::{crossed, familiar, generated};
use crate::data::augment::Preset;
use crate::data::balance::Balance;
use crate::data::faces::Faces;
use crate::data::forge::swap::donor::Donors;
use crate::data::list::Label;
use crate::data::loader::{Plan, Varying, View, evaluation, order_of_photos, training, views};
use crate::torch::logistic;

/// Faces that the tower sees at once.
pub const BATCH: usize = 32;

/// What is learnt from.
#[derive(Clone, Copy, Debug)]
pub struct Learning<'a> {
    /// How.
    pub settings: &'a HeadSettings,
    /// All faces.
    pub faces: &'a Arc<Faces>,
    /// Those that are learnt from.
    pub train: &'a [usize],
    /// In how many parts the sources are left out in turn, to score the faces by layers that don't know them; none where nobody wants
    /// the scores.
    pub folds: Option<NonZeroUsize>,
    /// Generated faces of other collections, to measure by how often real faces are called synthetic by layers that don't know their
    /// collection; none where nobody wants to know.
    pub fakes: Option<&'a Described>,
}

/// What was learnt.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// A layer for each kind.
    pub layers: Vec<(Kind, KindLayer)>,
    /// What faces are like that it knows; nothing where that isn't asked for.
    pub familiar: Option<Familiar>,
    /// p(synthetic) of the training faces in their order, each by a layer that didn't learn from its source.
    pub crossed: Option<Vec<f32>>,
    /// How often each real collection's faces are called synthetic by layers that don't know it.
    pub strangers: Vec<Stranger>,
}

impl Learning<'_> {
    /// Learns a layer for each kind; nothing when the user ended it.
    ///
    /// # Errors
    ///
    /// When a photo can't be read, a class is missing, or the numbers don't settle.
    pub fn learn(&self, describer: &mut Describer<'_>) -> anyhow::Result<Option<Learnt>> {
        let Self { settings, faces, train, folds, fakes } = self;
        let plan = Plan {
            indices: train.to_vec(),
            forged: 0,
            swapped: 0,
            donors: Arc::new(Donors::among(faces, &[])),
            video_coding: 0.0,
            augment: Preset::None,
            balance: Balance::Sources,
            batch: BATCH,
            seed: settings.seed,
        };
        let order = order_of_photos(faces, &plan, 0);
        let Some(seen) = describer.describe(&("faces", &order), || training(faces, &plan, 0))? else { return Ok(None) };
        log::info!("computed features of {} faces for the generated-face layer", seen.labels.len());
        // A face beside another's features would part them wrongly, and nothing would tell.
        ensure!(order.len() == seen.labels.len(), "{} faces were described of {}", seen.labels.len(), order.len());
        let mut variants = [None, None];
        let kinds = [
            (
                settings.held.steady > 0.0 || settings.video_held.steady > 0.0,
                Varying { augment: Preset::Coded, video_coding: 0.0 },
            ),
            (settings.video_share.is_some(), Varying { augment: Preset::None, video_coding: 1.0 }),
        ];
        for (described, (_, varying)) in variants.iter_mut().zip(kinds).filter(|(_, (is_wanted, _))| *is_wanted) {
            let view = View::Varied(settings.seed);
            *described = describer
                .describe(&("variants", &order, varying, view), || views(faces, &order, varying, view, BATCH))?;
            if described.is_none() {
                return Ok(None);
            }
            log::info!("described a variant of each");
        }
        let sources: Vec<&str> = order.iter().map(|&index| faces.rows[index].source.as_str()).collect();
        let recipe = Recipe {
            held: settings.held,
            video_held: settings.video_held,
            part: &settings.part,
            both: &settings.both,
            part_share: settings.part_share,
            video_share: settings.video_share,
            gate_ridge: settings.gate_ridge,
        };
        let last = describer.width() / settings.blocks.len();
        let narrow = Narrow::new(&settings.blocks, last, &settings.generated_blocks);
        let plain = narrow.of(&seen);
        let [varied, coded] = variants.map(|variant| variant.map(|variant| narrow.of(&variant)));
        let known = generated::Examples {
            plain: &plain,
            varied: varied.as_ref(),
            coded: coded.as_ref(),
            sources: &sources,
            width: narrow.width(),
            last,
        };
        let mut layers = vec![(Kind::Generated, narrow.widened(&generated::learn(&recipe, &known)?))];
        let crossed = match folds {
            Some(folds) => {
                let Some(asked) = describer.describe(&("asked", train), || evaluation(faces, train, BATCH))? else {
                    return Ok(None);
                };
                let of: Vec<&str> = train.iter().map(|&index| faces.rows[index].source.as_str()).collect();
                let scores = crossed::scores(&recipe, &known, &narrow.of(&asked), &of, folds.get())?;
                log::info!("scored {} faces by layers that don't know their sources", scores.len());
                Some(scores)
            }
            None => None,
        };
        let strangers = match fakes {
            Some(fakes) => {
                let found = strangers::strangers(&recipe, &known, &order, &narrow.of(fakes), describer.stop)?;
                let Some(found) = found else { return Ok(None) };
                found
            }
            None => Vec::new(),
        };
        let familiar = match settings.unfamiliar > 0.0 {
            true => Some(familiar::learn(&seen.features, describer.width(), settings.directions)?),
            false => None,
        };
        let real: Vec<usize> =
            train.iter().copied().filter(|&index| faces.rows[index].label == Label::Authentic).collect();
        let [forged, swapped] =
            [settings.forge, settings.swap].map(|share| (share * real.len() as f64).round() as usize);
        if forged + swapped > 0 {
            let plan = Plan {
                donors: Arc::new(Donors::among(faces, &real)),
                indices: real,
                forged,
                swapped,
                augment: settings.augment,
                video_coding: settings.video_coding,
                balance: Balance::Listed,
                ..plan
            };
            let pairs = ("pairs", &plan.indices, forged, swapped, plan.augment, plan.video_coding, plan.seed);
            let Some(seen) = describer.describe(&pairs, || training(faces, &plan, 0))? else { return Ok(None) };
            log::info!("described {} faces to tell swapped ones by", seen.labels.len());
            let layer = logistic::fit(&seen.features, &seen.labels, &alike(&seen.labels), settings.swap_ridge)?;
            layers.push((Kind::Swapped, KindLayer::plain(layer)));
        }
        Ok(Some(Learnt { layers, familiar, crossed, strangers }))
    }
}
