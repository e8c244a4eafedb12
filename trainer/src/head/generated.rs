//! Learns the layer that tells generated faces: by group of collections, the same of a face once it was coded, and with a gate where
//! faces are told apart that want other shares of the groups' layers.

use std::str::FromStr;

use anyhow::{Context, ensure};

use super::features::Described;
use super::layer::{Gated, KindLayer};
use super::steady::{Shown, steady};
use super::{gate, parts};
use crate::torch::{Logistic, logistic};

/// How far a layer is held back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// Holds back the weights that tell the classes.
    pub ridge: f64,
    /// How much the variants of each face count in making the layer say the same of them, in 0 to 1.
    pub steady: f64,
    /// Holds back the weights in that.
    pub steady_ridge: f64,
}

/// How it is learnt.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// How far the layer is held back, or that for photos where there are two.
    pub held: Held,
    /// How far that for faces that were coded as video is held back.
    pub video_held: Held,
    /// Sources that a layer of their own is learnt from; with none there is one layer of all.
    pub part: &'a [String],
    /// Sources that both layers learn from.
    pub both: &'a [String],
    /// Share of that layer in the mean.
    pub part_share: PartShare,
    /// Its share for faces that were coded as video, in 0 to 1, where these get a layer of their own; a gate then says which they are.
    pub video_share: Option<f64>,
    /// Holds back the weights of the gate.
    pub gate_ridge: f64,
}

/// Share of the part's layer in the mean, in 0 to 1, for faces whose content is least and most like that of the part. Where the two differ,
/// a gate says what a face gets. Read from `0.5`, or `0.17,0.67`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartShare {
    least: f64,
    most: f64,
}

impl PartShare {
    /// Whether it depends on the content of a face.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.least < self.most
    }
}

impl FromStr for PartShare {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (least, most) = text.split_once(',').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<f64>().ok();
        match (number(least), number(most)) {
            (Some(least), Some(most)) if 0.0 <= least && least <= most && most <= 1.0 => Ok(Self { least, most }),
            _ => Err("expected a number in 0 to 1, or two with a comma between them, the smaller one first"),
        }
    }
}

/// What it is learnt from.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    /// The faces as they are.
    pub plain: &'a Described,
    /// A variant of each, shrunk and compressed, in the same order.
    pub varied: Option<&'a Described>,
    /// A variant of each that was coded as video, in the same order; needed for a layer for video.
    pub coded: Option<&'a Described>,
    /// The source of each.
    pub sources: &'a [&'a str],
    /// Values that a face is described by.
    pub width: usize,
    /// Values of the last block among them, at their end: they say most of what is in the picture.
    pub last: usize,
}

/// Learns it.
///
/// # Errors
///
/// When a class is missing, or the numbers don't settle.
pub fn learn(recipe: &Recipe<'_>, faces: &Examples<'_>) -> anyhow::Result<KindLayer> {
    let Examples { plain, width, sources, .. } = *faces;
    ensure!(sources.len() == plain.labels.len(), "{} sources of {} faces", sources.len(), plain.labels.len());
    let photos: Vec<&Described> = faces.varied.into_iter().collect();
    if recipe.part.is_empty() {
        return Ok(KindLayer::plain(steadied(recipe.held, plain, &photos, fit(recipe.held, plain)?)?));
    }
    let layer = |within: bool, held: Held| -> anyhow::Result<Logistic> {
        let is_in = |source: &str| recipe.part.iter().any(|each| each == source) == within;
        let chosen = only(plain, width, |at| is_in(sources[at]) || recipe.both.iter().any(|each| each == sources[at]));
        let which = if within { "the sources of the part" } else { "the sources beside those of the part" };
        fit(held, &chosen).with_context(|| format!("nothing can be learnt from {which}"))
    };
    let both = |held: Held| anyhow::Ok((layer(false, held)?, layer(true, held)?));
    let mean = |(others, part): &(Logistic, Logistic), share: f64, held: Held, variants: &[&Described]| {
        let layers = [(others.clone(), 1.0 - share), (part.clone(), share)];
        let mean = parts::mean(&layers, &plain.features, width).context("there are two layers")?;
        steadied(held, plain, variants, mean)
    };
    let layers = both(recipe.held)?;
    let as_photos: Vec<&Described> = [plain].into_iter().chain(photos.iter().copied()).collect();
    let PartShare { least, most } = recipe.part_share;
    let gated = if let Some(share) = recipe.video_share {
        let coded = faces.coded.context("a layer for video needs faces that were coded as video")?;
        // A frame of a video may have been shrunk and compressed too.
        let variants: Vec<&Described> = photos.iter().copied().chain([coded]).collect();
        let held = recipe.video_held;
        let other = if held.ridge == recipe.held.ridge {
            mean(&layers, share, held, &variants)?
        } else {
            mean(&both(held)?, share, held, &variants)?
        };
        Some(Gated { gate: gate::video(&as_photos, coded, recipe.gate_ridge)?, other })
    } else if least < most {
        let is_in = |list: &[String], source: &str| list.iter().any(|each| each == source);
        let group = |source: &&str| (!is_in(recipe.both, source)).then(|| is_in(recipe.part, source));
        let groups: Vec<Option<bool>> = sources.iter().map(group).collect();
        let gate = gate::content(&as_photos, &groups, (width, faces.last), recipe.gate_ridge)?;
        Some(Gated { gate, other: mean(&layers, most, recipe.held, &photos)? })
    } else {
        None
    };
    Ok(KindLayer { plain: mean(&layers, least, recipe.held, &photos)?, gated })
}

fn fit(held: Held, faces: &Described) -> anyhow::Result<Logistic> {
    Ok(logistic::fit(&faces.features, &faces.labels, &alike(&faces.labels), held.ridge)?)
}

/// The layer, made to say the same of variants.
fn steadied(held: Held, plain: &Described, variants: &[&Described], layer: Logistic) -> anyhow::Result<Logistic> {
    if variants.is_empty() {
        return Ok(layer);
    }
    let weights = alike(&plain.labels);
    let variants: Vec<&[f32]> = variants.iter().map(|variant| &variant.features[..]).collect();
    let shown = Shown { plain: &plain.features, variants: &variants, weights: &weights };
    Ok(steady(&layer, shown, held.steady, held.steady_ridge)?)
}

/// The faces at the places that are wanted.
#[must_use]
pub fn only(of: &Described, width: usize, wanted: impl Fn(usize) -> bool) -> Described {
    let mut those = Described::default();
    for (at, (features, &label)) in of.features.chunks_exact(width).zip(&of.labels).enumerate() {
        if wanted(at) {
            those.features.extend_from_slice(features);
            those.labels.push(label);
        }
    }
    those
}

/// Weights by which both classes count alike.
#[must_use]
pub fn alike(labels: &[bool]) -> Vec<f64> {
    let synthetic = labels.iter().filter(|&&label| label).count().max(1) as f64;
    let real = (labels.len() as f64 - synthetic).max(1.0);
    labels.iter().map(|&label| if label { 1.0 / synthetic } else { 1.0 / real }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faces of four values: two groups, told by the last, whose synthetic faces stand out in one of the first two; the third is noise.
    fn faces() -> (Described, Vec<&'static str>) {
        let (mut seen, mut sources) = (Described::default(), Vec::new());
        for at in 0..400 {
            let (synthetic, older) = (at % 2 == 1, at % 4 >= 2);
            let noise = |times: usize| ((at * times % 17) as f32 - 8.0) / 8.0;
            let stands_out = if synthetic { 3.0 } else { 0.0 };
            // In the other group the same value says the opposite: one layer of all is at a loss.
            let values = if older { [stands_out, 3.0 - stands_out] } else { [3.0 - stands_out, stands_out] };
            let place = if older { 6.0 } else { 0.0 };
            seen.features.extend([values[0] + noise(3), values[1] + noise(5), noise(7), place + noise(11)]);
            seen.labels.push(synthetic);
            sources.push(if older { "older" } else { "newer" });
        }
        (seen, sources)
    }

    fn right(layer: &KindLayer, seen: &Described) -> f64 {
        let faces = seen.features.chunks_exact(4).zip(&seen.labels);
        let found = faces.filter(|(face, label)| (layer.evidence(face) > 0.0) == **label).count();
        found as f64 / seen.labels.len() as f64
    }

    #[test]
    fn with_a_gate_each_group_is_judged_by_the_layer_that_knows_it() {
        let (seen, sources) = faces();
        let part = ["older".to_owned()];
        let recipe = |part_share: &str| Recipe {
            held: Held { ridge: 0.01, steady: 0.5, steady_ridge: 0.01 },
            video_held: Held { ridge: 0.01, steady: 0.5, steady_ridge: 0.01 },
            part: &part,
            both: &[],
            part_share: part_share.parse().expect("it is a share"),
            video_share: None,
            gate_ridge: 0.01,
        };
        let faces = Examples { plain: &seen, varied: Some(&seen), coded: None, sources: &sources, width: 4, last: 1 };
        let gated = learn(&recipe("0,1"), &faces).expect("both groups have both classes");
        assert!(right(&gated, &seen) > 0.97, "{}", right(&gated, &seen));
        // The mean of both layers is at a loss, and so is the layer of all.
        let mean = learn(&recipe("0.5"), &faces).expect("both groups have both classes");
        assert!(mean.gated.is_none() && right(&mean, &seen) < 0.8, "{}", right(&mean, &seen));
        // The gate looks at the last block, and says nothing of the class.
        let gate = &gated.gated.as_ref().expect("it has one").gate;
        assert_eq!(gate.weight[..3], [0.0; 3]);
        let one = learn(&Recipe { part: &[], ..recipe("0.5") }, &faces).expect("there are both classes");
        assert!(right(&one, &seen) < 0.8);
    }

    #[test]
    fn faces_that_were_coded_as_video_get_a_layer_of_their_own() {
        let (seen, sources) = faces();
        let coded = Described {
            // The encoder takes the third value for its own, and half of what tells the classes.
            features: seen.features.chunks_exact(4).flat_map(|face| [face[0], face[1] / 2.0, 9.0, face[3]]).collect(),
            labels: seen.labels.clone(),
        };
        let part = ["older".to_owned()];
        let recipe = Recipe {
            held: Held { ridge: 0.01, steady: 0.5, steady_ridge: 0.01 },
            video_held: Held { ridge: 0.01, steady: 0.5, steady_ridge: 0.01 },
            part: &part,
            both: &[],
            part_share: "1".parse().expect("it is a share"),
            video_share: Some(0.0),
            gate_ridge: 0.01,
        };
        let faces = Examples { plain: &seen, varied: None, coded: Some(&coded), sources: &sources, width: 4, last: 1 };
        let layer = learn(&recipe, &faces).expect("both groups have both classes");
        let gate = &layer.gated.as_ref().expect("it has one").gate;
        let open = |of: &Described| of.features.chunks_exact(4).filter(|face| gate.evidence(face) > 0.0).count();
        assert_eq!((open(&seen), open(&coded)), (0, 400));
        // Photos are judged by the part's layer, and video by the others'.
        let right = |of: &Described, older: bool| {
            let faces = of.features.chunks_exact(4).zip(&of.labels).zip(&sources);
            let group = faces.filter(|(_, source)| (**source == "older") == older);
            group.filter(|((face, label), _)| (layer.evidence(face) > 0.0) == **label).count()
        };
        assert!(
            right(&seen, true) > 190 && right(&seen, false) < 100,
            "{} {}",
            right(&seen, true),
            right(&seen, false)
        );
        assert!(right(&coded, false) > 190 && right(&coded, true) < 100, "{:?}", layer);
        assert!(learn(&recipe, &Examples { coded: None, ..faces }).is_err());
        // Held back more, it is another layer; that for photos is the same.
        let held = Held { ridge: 5.0, ..recipe.video_held };
        let more = learn(&Recipe { video_held: held, ..recipe }, &faces).expect("both groups have both classes");
        assert_eq!(more.plain, layer.plain);
        assert_ne!(more.gated.map(|gated| gated.other), layer.gated.map(|gated| gated.other));
    }

    #[test]
    fn a_group_without_a_class_is_named() {
        let (seen, sources) = faces();
        let part = ["none of them".to_owned()];
        let recipe = Recipe {
            held: Held { ridge: 1.0, steady: 0.5, steady_ridge: 1.0 },
            video_held: Held { ridge: 1.0, steady: 0.5, steady_ridge: 1.0 },
            part: &part,
            both: &[],
            part_share: "0.2,0.7".parse().expect("it is a share"),
            video_share: None,
            gate_ridge: 1.0,
        };
        let faces = Examples { plain: &seen, varied: None, coded: None, sources: &sources, width: 4, last: 1 };
        assert!(learn(&recipe, &faces).expect_err("nothing is in it").to_string().contains("of the part"));
    }

    #[test]
    fn what_is_no_share_is_refused() {
        let read = |text: &str| text.parse::<PartShare>().ok();
        assert_eq!(read("0.5"), Some(PartShare { least: 0.5, most: 0.5 }));
        assert_eq!(read("0.17, 0.67"), Some(PartShare { least: 0.17, most: 0.67 }));
        for none in ["", "0.7,0.2", "0.1,0.2,0.3", "-0.1", "0.5,1.5", "NaN", "0.5,"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
