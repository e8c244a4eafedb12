//! The CYBORG loss (A. Boyd and others, WACV 2023): a class loss blended with the distance from the network's class
//! activation map to a map of where a person looked.
//!
//! ```text
//! L = alpha * CE(logits, labels) + (1 - alpha) * MSE(minmax(CAM), H^p) [+ w * entropy(CAM)]
//! ```
//!
//! The map is that of the true class, as in the paper, or of the predicted one, as in the published code. The paper has `p` 1.

use cyborg_models::contract::CamClass;
use tch::{Reduction, Tensor};

/// Ranges of a map below this share of its largest value are rounding noise: the map is constant.
const CONSTANT_BELOW: f64 = 1e-6;

/// What the loss is made of.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LossSettings {
    /// Share of the class loss, in 0 to 1; 1 is training without saliency.
    pub alpha: f64,
    /// The class whose activation map is pulled to the saliency map.
    #[serde(with = "cam_class")]
    pub cam_class: CamClass,
    /// Weight of the entropy of the activation map, 0 or more; 0 leaves it out.
    pub cam_entropy: f64,
    /// Power that saliency maps are raised to, above 0: above 1 they are sharper, below 1 flatter.
    #[serde(default = "as_it_is")]
    pub map_power: f64,
    /// How far the class that is wanted of a face goes from its label to what a teacher says of it, 0 to 1 (G. Hinton and
    /// others, arXiv 1503.02531, at temperature 1).
    #[serde(default)]
    pub taught_share: f64,
}

fn as_it_is() -> f64 {
    1.0
}

/// Terms of the loss, each a single number with its gradient.
#[derive(Debug)]
pub struct Loss {
    /// What training makes smaller.
    pub total: Tensor,
    /// Mean cross-entropy over the batch.
    pub class: Tensor,
    /// Mean squared error of the maps over the samples that have one, and their pixels; 0 when none has.
    pub saliency: Tensor,
}

/// What a batch says of its samples.
#[derive(Debug)]
pub struct Targets {
    /// Class of each sample, `[N]` of 64-bit integers.
    pub labels: Tensor,
    /// Saliency maps in 0 to 1 at the size of the activation map, `[N, h, w]`. What stands where there is none is not read.
    pub maps: Tensor,
    /// 1 for a sample with a map and 0 for one without, `[N]` of floats.
    pub has_map: Tensor,
    /// p(synthetic) of each sample by a teacher, `[N]` of floats, where there is one.
    pub taught: Option<Tensor>,
}

/// The loss of a batch: of its class scores `[N, classes]`, and of the activation maps that come from `tap` `[N, C, h, w]`
/// and the weight of the last linear layer, `[classes, C]`.
#[must_use]
pub fn cyborg(logits: &Tensor, tap: &Tensor, weight: &Tensor, targets: &Targets, settings: &LossSettings) -> Loss {
    let classes = match settings.cam_class {
        CamClass::True => targets.labels.shallow_clone(),
        CamClass::Predicted => logits.argmax(1, false),
    };
    let maps = activation_maps(tap, weight, &classes);
    let class = match &targets.taught {
        Some(taught) => cross_entropy_between(logits, &targets.labels, taught, settings.taught_share),
        None => logits.cross_entropy_loss(&targets.labels, None::<&Tensor>, Reduction::Mean, -100, 0.0),
    };
    let saliency = saliency_error(&maps, targets, settings.map_power);
    let mut total = &class * settings.alpha + &saliency * (1.0 - settings.alpha);
    if settings.cam_entropy > 0.0 {
        total += entropy(&maps) * settings.cam_entropy;
    }
    Loss { total, class, saliency }
}

/// Mean cross-entropy of two classes to a p(synthetic) that lies between label and teacher.
fn cross_entropy_between(logits: &Tensor, labels: &Tensor, taught: &Tensor, share: f64) -> Tensor {
    let wanted = taught * share + labels.to_kind(taught.kind()) * (1.0 - share);
    let logs = logits.log_softmax(1, None::<tch::Kind>);
    let each: Tensor = &wanted * logs.select(1, 1) + (1.0 - &wanted) * logs.select(1, 0);
    -each.mean(logits.kind())
}

/// Mean over the samples that have a map, so that the others don't dilute it.
fn saliency_error(maps: &Tensor, targets: &Targets, power: f64) -> Tensor {
    let wanted = targets.maps.pow_tensor_scalar(power);
    let distance = min_max(maps) - wanted;
    let each = (&distance * &distance).mean_dim([1_i64, 2].as_slice(), false, maps.kind());
    // Chosen, not multiplied: what stands in place of a missing map may even be NaN.
    let counted = each.where_self(&targets.has_map.gt(0.5), &Tensor::zeros_like(&each));
    counted.sum(maps.kind()) / targets.has_map.sum(maps.kind()).clamp_min(1.0)
}

/// Mean Shannon entropy of the maps, min-max scaled and divided by their sum, over the greatest that a map of that size can
/// have: 1 for a map that is bright everywhere, 0 for a single bright cell. After A. Boyd and others, arXiv 2303.00818,
/// who train for maps of low entropy.
pub fn entropy(maps: &Tensor) -> Tensor {
    let size = maps.size();
    let cells = (size[1] * size[2]) as f64;
    let scaled = min_max(maps).flatten(1, 2);
    // A constant map has no bright cell: its zeros stay zeros, and pull at nothing.
    let share = &scaled / scaled.sum_dim_intlist([1_i64].as_slice(), true, maps.kind()).clamp_min(1e-12);
    let each = (&share * share.clamp_min(1e-12).log()).sum_dim_intlist([1_i64].as_slice(), false, maps.kind());
    -each.mean(maps.kind()) / cells.ln().max(f64::MIN_POSITIVE)
}

/// Class activation maps: `sum over k of weight[class, k] * tap[k]`, the bias left out (B. Zhou and others, CVPR 2016).
///
/// `tap` is `[N, C, h, w]`, `weight` `[classes, C]`, `classes` `[N]` of 64-bit integers; gives `[N, h, w]`.
pub fn activation_maps(tap: &Tensor, weight: &Tensor, classes: &Tensor) -> Tensor {
    let size = tap.size();
    let rows = weight.index_select(0, classes).unsqueeze(1);
    rows.bmm(&tap.flatten(2, 3)).view([size[0], size[2], size[3]])
}

/// Stretches each map of `[N, h, w]` to 0 to 1. A constant map becomes zeros, and pulls at nothing.
pub fn min_max(maps: &Tensor) -> Tensor {
    let over = [1_i64, 2];
    let lowest = maps.amin(over.as_slice(), true);
    let range = maps.amax(over.as_slice(), true) - &lowest;
    let noise = maps.detach().abs().amax(over.as_slice(), true) * CONSTANT_BELOW;
    let varies = range.gt_tensor(&noise);
    let scaled = (maps - lowest) / range.where_self(&varies, &Tensor::ones_like(&range));
    scaled.where_self(&varies, &Tensor::zeros_like(maps))
}

/// The contract's names of the class rule, in settings files.
mod cam_class {
    use cyborg_models::contract::CamClass;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(class: &CamClass, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(class)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CamClass, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_cam_class(&text).map_err(serde::de::Error::custom)
    }
}

/// The class rule of a name.
///
/// # Errors
///
/// When it is neither `true` nor `predicted`.
pub fn parse_cam_class(text: &str) -> Result<CamClass, String> {
    match text {
        "true" => Ok(CamClass::True),
        "predicted" => Ok(CamClass::Predicted),
        _ => Err(format!("unknown class rule `{text}`: expected true or predicted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_values;
    use tch::{Device, Kind};

    const SETTINGS: LossSettings =
        LossSettings { alpha: 0.5, cam_class: CamClass::True, cam_entropy: 0.0, map_power: 1.0, taught_share: 0.0 };

    fn maps(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).view([-1, 2, 2])
    }

    fn targets(labels: &[i64], h: &[f32], has_map: &[f32]) -> Targets {
        Targets {
            labels: Tensor::from_slice(labels),
            maps: maps(h),
            has_map: Tensor::from_slice(has_map),
            taught: None,
        }
    }

    /// The loss of activation maps that are given: one channel, and weights that keep it for both classes.
    fn loss(logits: &Tensor, cams: &Tensor, targets: &Targets, alpha: f64) -> Loss {
        let weight = Tensor::ones([2, 1], (Kind::Float, Device::Cpu));
        cyborg(logits, &cams.unsqueeze(1), &weight, targets, &LossSettings { alpha, ..SETTINGS })
    }

    fn close(tensor: &Tensor, expected: f64) {
        let value = tensor.double_value(&[]);
        assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
    }

    #[test]
    fn maps_are_raised_to_a_power() {
        // The activation map, scaled, is (0, 1/2, 1/2, 1); squared, the saliency map is (0, 1/4, 1, 1).
        let logits = Tensor::zeros([1, 2], (Kind::Float, Device::Cpu));
        let settings = LossSettings { alpha: 0.0, map_power: 2.0, ..SETTINGS };
        let tap = maps(&[1.0, 2.0, 2.0, 3.0]).unsqueeze(1);
        let weight = Tensor::ones([2, 1], (Kind::Float, Device::Cpu));
        let targets = targets(&[0], &[0.0, 0.5, 1.0, 1.0], &[1.0]);
        let squared = cyborg(&logits, &tap, &weight, &targets, &settings);
        close(&squared.saliency, (0.25_f64.powi(2) + 0.5_f64.powi(2)) / 4.0);
        close(&squared.total, (0.25_f64.powi(2) + 0.5_f64.powi(2)) / 4.0);
    }

    #[test]
    fn a_batch_worked_by_hand() {
        // Sample 0: softmax of (ln 3, 0) is (3/4, 1/4), label 0. Sample 1: (0, 0), label 1.
        let logits = Tensor::from_slice(&[3.0_f32.ln(), 0.0, 0.0, 0.0]).view([2, 2]);
        // Scaled maps: (0, 1/2, 1/2, 1) and (1, 0, 0, 0).
        let cams = maps(&[1.0, 2.0, 2.0, 3.0, 5.0, -3.0, -3.0, -3.0]);
        let all = targets(&[0, 1], &[0.0, 0.5, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], &[1.0, 1.0]);
        let half = loss(&logits, &cams, &all, 0.5);
        let class = ((4.0_f64 / 3.0).ln() + 2.0_f64.ln()) / 2.0;
        // Sample 0 differs by 1/2 in one of four pixels, sample 1 by 1 in one of four.
        let saliency = (0.25 / 4.0 + 1.0 / 4.0) / 2.0;
        close(&half.class, class);
        close(&half.saliency, saliency);
        close(&half.total, 0.5 * class + 0.5 * saliency);
        close(&loss(&logits, &cams, &all, 1.0).total, class);
        close(&loss(&logits, &cams, &all, 0.2).total, 0.2 * class + 0.8 * saliency);
    }

    #[test]
    fn what_is_wanted_lies_between_label_and_teacher() {
        // Softmax of (ln 3, 0) is (3/4, 1/4).
        let logits = Tensor::from_slice(&[3.0_f32.ln(), 0.0, 0.0, 0.0]).view([2, 2]);
        let tap = maps(&[0.0; 8]).unsqueeze(1);
        let weight = Tensor::ones([2, 1], (Kind::Float, Device::Cpu));
        let taught =
            Targets { taught: Some(Tensor::from_slice(&[0.5_f32, 0.8])), ..targets(&[0, 1], &[0.0; 8], &[0.0; 2]) };
        let of = |taught_share| {
            let settings = LossSettings { alpha: 1.0, taught_share, ..SETTINGS };
            cyborg(&logits, &tap, &weight, &taught, &settings).class
        };
        let (three, one) = ((4.0_f64 / 3.0).ln(), 4.0_f64.ln());
        // Half way: 1/4 synthetic is wanted of the first. For the second all that is wanted costs the same.
        close(&of(0.5), (0.75 * three + 0.25 * one + 2.0_f64.ln()) / 2.0);
        close(&of(1.0), (0.5 * three + 0.5 * one + 2.0_f64.ln()) / 2.0);
        close(&of(0.0), (three + 2.0_f64.ln()) / 2.0);
    }

    #[test]
    fn a_sample_without_a_map_does_not_dilute_the_others() {
        let logits = Tensor::zeros([2, 2], (Kind::Float, Device::Cpu));
        let cams = maps(&[1.0, 2.0, 2.0, 3.0, 5.0, -3.0, -3.0, -3.0]);
        let h = [0.0, 0.5, 1.0, 1.0, f32::NAN, 0.0, 0.0, 0.0];
        close(&loss(&logits, &cams, &targets(&[0, 1], &h, &[1.0, 0.0]), 0.5).saliency, 0.25 / 4.0);
        close(&loss(&logits, &cams, &targets(&[0, 1], &h, &[0.0, 0.0]), 0.5).saliency, 0.0);
    }

    #[test]
    fn a_constant_map_gives_zeros_and_finite_gradients() {
        let cams = maps(&[2.0, 2.0, 2.0, 2.0, 0.0, 1.0, 2.0, 4.0]).set_requires_grad(true);
        assert_eq!(to_values(&min_max(&cams)), [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 1.0]);
        let logits = Tensor::zeros([2, 2], (Kind::Float, Device::Cpu));
        let goal = targets(&[0, 1], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[1.0, 1.0]);
        (loss(&logits, &cams, &goal, 0.5).total + entropy(&cams)).backward();
        let gradient = to_values(&cams.grad());
        assert_eq!(&gradient[..4], &[0.0; 4]);
        assert!(gradient[4..].iter().all(|value| value.is_finite()) && gradient[5] != 0.0, "{gradient:?}");
        // A last digit that differs is no map: stretching it would blow up its gradient.
        let nearly = maps(&[2.0, 2.0, 2.0, 2.0 + f32::EPSILON * 2.0]);
        assert_eq!(to_values(&min_max(&nearly)), [0.0; 4]);
    }

    /// Two channels of one row and two columns, two samples.
    fn tap() -> Tensor {
        Tensor::from_slice(&[1.0_f32, 2.0, 10.0, 20.0, 1.0, 0.0, 0.0, 1.0]).view([2, 2, 1, 2])
    }

    #[test]
    fn the_map_is_the_weighted_sum_of_the_channels_of_its_class() {
        let weight = Tensor::from_slice(&[1.0_f32, 0.0, 2.0, -1.0]).view([2, 2]);
        let got = activation_maps(&tap(), &weight, &Tensor::from_slice(&[1_i64, 0]));
        assert_eq!(to_values(&got), [-8.0, -16.0, 1.0, 0.0]);
    }

    #[test]
    fn the_class_rule_chooses_the_map() {
        // Sample 0 is of class 0 and taken for class 1; sample 1 is of class 1 and taken for it.
        let logits = Tensor::from_slice(&[0.0_f32, 1.0, 0.0, 1.0]).view([2, 2]);
        let weight = Tensor::from_slice(&[1.0_f32, 0.0, 2.0, -1.0]).view([2, 2]);
        let h = Tensor::from_slice(&[0.0_f32, 1.0, 1.0, 0.0]).view([2, 1, 2]);
        let goal = Targets {
            labels: Tensor::from_slice(&[0_i64, 1]),
            maps: h,
            has_map: Tensor::ones([2], (Kind::Float, Device::Cpu)),
            taught: None,
        };
        let of = |cam_class| {
            cyborg(&logits, &tap(), &weight, &goal, &LossSettings { cam_class, ..SETTINGS }).saliency.double_value(&[])
        };
        // True class: maps (1, 2) -> (0, 1) and (2, -1) -> (1, 0), both as wanted.
        assert_eq!(of(CamClass::True), 0.0);
        // Predicted class: (-8, -16) -> (1, 0) is as wrong as can be, and (1, 0) is right.
        assert_eq!(of(CamClass::Predicted), 0.5);
    }

    #[test]
    fn entropy_is_one_for_an_even_map_and_zero_for_a_point() {
        close(&entropy(&maps(&[0.0, 0.0, 0.0, 7.0])), 0.0);
        // Two of four cells: half of the greatest entropy.
        close(&entropy(&maps(&[3.0, 1.0, 3.0, 1.0])), 0.5);
        close(&entropy(&maps(&[0.0, 1.0, 1.0, 1.0])), 3.0_f64.ln() / 4.0_f64.ln());
        let settings = LossSettings { cam_entropy: 0.1, alpha: 1.0, ..SETTINGS };
        let logits = Tensor::zeros([1, 2], (Kind::Float, Device::Cpu));
        let weight = Tensor::ones([2, 1], (Kind::Float, Device::Cpu));
        let cams = maps(&[3.0, 1.0, 3.0, 1.0]).unsqueeze(1);
        let total = cyborg(&logits, &cams, &weight, &targets(&[0], &[0.0; 4], &[0.0]), &settings).total;
        close(&total, 2.0_f64.ln() + 0.1 * 0.5);
    }

    /// The loss in double precision by plain loops, as the formula reads.
    fn reference(
        logits: &[f64],
        tap: &[f64],
        weight: &[f64],
        goal: (&[i64], &[f64], &[bool]),
        settings: &LossSettings,
    ) -> f64 {
        let (labels, h, has_map) = goal;
        let (samples, channels, cells) =
            (labels.len(), weight.len() / 2, tap.len() / labels.len() / (weight.len() / 2));
        let (mut class, mut saliency, mut with_map, mut spread) = (0.0, 0.0, 0.0, 0.0);
        for n in 0..samples {
            let scores = &logits[n * 2..n * 2 + 2];
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            class -= (scores[labels[n] as usize].exp() / sum).ln();
            let chosen = match settings.cam_class {
                CamClass::True => labels[n] as usize,
                CamClass::Predicted => usize::from(scores[1] > scores[0]),
            };
            let map: Vec<f64> = (0..cells)
                .map(|at| {
                    (0..channels).map(|c| weight[chosen * channels + c] * tap[(n * channels + c) * cells + at]).sum()
                })
                .collect();
            let (low, high) = map.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
            let scaled: Vec<f64> =
                map.iter().map(|v| if high > low { (v - low) / (high - low) } else { 0.0 }).collect();
            if has_map[n] {
                with_map += 1.0;
                saliency += (0..cells).map(|at| (scaled[at] - h[n * cells + at]).powi(2)).sum::<f64>() / cells as f64;
            }
            let whole: f64 = scaled.iter().sum();
            let shares = scaled.iter().filter(|&&v| v > 0.0).map(|v| v / whole);
            spread -= shares.map(|share| share * share.ln()).sum::<f64>() / (cells as f64).ln();
        }
        let mean = samples as f64;
        let saliency = if with_map > 0.0 { saliency / with_map } else { 0.0 };
        settings.alpha * class / mean + (1.0 - settings.alpha) * saliency + settings.cam_entropy * spread / mean
    }

    /// Value and gradient of the loss, against the plain loops and their finite differences.
    fn check(settings: LossSettings, has_map: [bool; 3]) {
        let (samples, channels, cells) = (3, 4, 6);
        let mut seed = 12_345_u64;
        let mut number = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
        };
        let mut draw = |count: usize| -> Vec<f64> { (0..count).map(|_| number()).collect() };
        let (logits, tap, weight) = (draw(samples * 2), draw(samples * channels * cells), draw(2 * channels));
        let h: Vec<f64> = draw(samples * cells).iter().map(|v| v.abs()).collect();
        let labels = [0_i64, 1, 1];
        let tensor = |values: &[f64], shape: &[i64]| Tensor::from_slice(values).view(shape);
        let inputs = [
            tensor(&logits, &[3, 2]).set_requires_grad(true),
            tensor(&tap, &[3, 4, 2, 3]).set_requires_grad(true),
            tensor(&weight, &[2, 4]).set_requires_grad(true),
        ];
        let goal = Targets {
            labels: Tensor::from_slice(&labels),
            maps: tensor(&h, &[3, 2, 3]),
            has_map: Tensor::from_slice(&has_map.map(|has| if has { 1.0_f64 } else { 0.0 })),
            taught: None,
        };
        let loss = cyborg(&inputs[0], &inputs[1], &inputs[2], &goal, &settings);
        let plain = |l: &[f64], t: &[f64], w: &[f64]| reference(l, t, w, (&labels, &h, &has_map), &settings);
        let value = loss.total.double_value(&[]);
        assert!((value - plain(&logits, &tap, &weight)).abs() < 1e-6, "{settings:?}: {value}");
        loss.total.backward();
        let step = 1e-6;
        for (which, values) in [&logits, &tap, &weight].into_iter().enumerate() {
            let gradient = inputs[which].grad();
            for at in 0..values.len() {
                let at_shifted = |by: f64| {
                    let mut all = [logits.clone(), tap.clone(), weight.clone()];
                    all[which][at] += by;
                    plain(&all[0], &all[1], &all[2])
                };
                let slope = (at_shifted(step) - at_shifted(-step)) / (2.0 * step);
                let found = gradient.flatten(0, -1).double_value(&[at as i64]);
                assert!((slope - found).abs() < 1e-5, "{settings:?}, input {which}, {at}: {found} is not {slope}");
            }
        }
    }

    #[test]
    fn value_and_gradient_are_those_of_the_formula() {
        for cam_class in [CamClass::True, CamClass::Predicted] {
            for has_map in [[true; 3], [true, false, true], [false; 3]] {
                for (alpha, cam_entropy) in [(0.5, 0.0), (0.2, 0.0), (1.0, 0.0), (0.0, 0.0), (0.7, 0.3)] {
                    check(LossSettings { alpha, cam_class, cam_entropy, map_power: 1.0, taught_share: 0.0 }, has_map);
                }
            }
        }
    }
}
