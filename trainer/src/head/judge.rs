//! From layers that were learnt to a head: calibrated, with thresholds, by faces of other collections.

use std::collections::BTreeMap;

use anyhow::Context;
use cyborg_models::contract::{
    Calibration, CamClass, Contract, CropRule, Expertise, Kind, ResizeFilter, Saliency, Thresholds, Training,
    Unfamiliar, UnfamiliarRate,
};
use cyborg_models::head::Head;
use cyborg_models::tower::GATE_OFFSETS;

use super::familiar;
use super::features::Described;
use super::judged::{self, Judged};
use super::layer::KindLayer;
use super::learn::Learnt;
use super::settings::HeadSettings;
use crate::data::list::{Label, Row};
use crate::metrics::{Scored, auc};

/// Says how well each layer tells its kind on some faces, by source.
pub fn tell(layers: &[(Kind, KindLayer)], seen: &Described, rows: &[&Row], width: usize, swapped: &[String]) {
    for (kind, layer) in layers {
        let scored = |wanted: &dyn Fn(&Row) -> bool| -> Vec<Scored> {
            let faces = rows.iter().zip(seen.features.chunks_exact(width)).filter(|(row, _)| wanted(row));
            faces.map(|(row, features)| Scored { score: layer.evidence(features), label: row.label }).collect()
        };
        let of_kind = |row: &Row| swapped.contains(&row.source) == (*kind == Kind::Swapped);
        let mut sources: Vec<&str> = rows.iter().filter(|row| of_kind(row)).map(|row| row.source.as_str()).collect();
        sources.sort_unstable();
        sources.dedup();
        for source in sources {
            let label = rows.iter().find(|row| row.source == source).map(|row| row.label);
            let wanted = |row: &Row| of_kind(row) && (row.source == source || Some(row.label) != label);
            if let Some(auc) = auc(&scored(&wanted)) {
                log::info!("{kind}: {source} against the other class: AUC {auc:.3}");
            }
        }
        if let Some(auc) = auc(&scored(&of_kind)) {
            log::info!("{kind}: all of them: AUC {auc:.3}");
        }
    }
}

fn judged(row: &Row, evidence: f64) -> Judged<'_> {
    Judged { source: &row.source, label: row.label, evidence }
}

/// What a head says of itself before anything is measured: it has learnt no saliency.
#[must_use]
pub fn contract(crop: CropRule, training: Training) -> Contract {
    Contract {
        network: "clip_vit_b16".to_owned(),
        crop,
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency { tap: "head".to_owned(), cam_class: CamClass::True, alpha: 1.0, source: "none".to_owned() },
        calibration: Calibration::NONE,
        thresholds: Thresholds::UNCALIBRATED,
        training,
        auc: BTreeMap::new(),
    }
}

/// Calibrates the layers and sets the thresholds by the validation faces, and makes the head that says so in its contract.
///
/// # Errors
///
/// When a layer has no faces of both classes to be calibrated by, or no collection is large enough to set a threshold by.
pub fn judge(
    settings: &HeadSettings,
    learnt: Learnt,
    mut contract: Contract,
    seen: &Described,
    rows: &[&Row],
    width: usize,
) -> anyhow::Result<Head> {
    tell(&learnt.layers, seen, rows, width, &settings.swapped);
    let swapped = &settings.swapped;
    let mut layers = Vec::new();
    for (kind, layer) in &learnt.layers {
        let of_kind = |row: &Row| swapped.contains(&row.source) == (*kind == Kind::Swapped);
        let features = || rows.iter().zip(seen.features.chunks_exact(width));
        let faces: Vec<(&[f32], Label)> =
            features().filter(|(row, _)| of_kind(row)).map(|(row, features)| (features, row.label)).collect();
        let calibrated = judged::calibrated(layer, &faces).with_context(|| {
            format!("the validation split has no faces of both classes to calibrate the layer for {kind} faces by")
        })?;
        // A layer may speak up wherever real faces are seen; that for generated faces isn't held to those who were filmed to be
        // swapped, which other layers judge.
        let bound: Vec<Judged<'_>> = features()
            .filter(|(row, _)| *kind == Kind::Swapped || of_kind(row))
            .map(|(row, features)| judged(row, calibrated.evidence(features)))
            .collect();
        let highest = judged::above(&bound, settings.bpcer).with_context(|| {
            format!("no validation collection has {} real faces to set a threshold by", judged::LEAST_FACES)
        })?;
        let steep = if *kind == Kind::Swapped { settings.swap_weight } else { 1.0 };
        layers.push((*kind, judged::moved(&calibrated, highest, steep)));
    }
    let evidence = |features: &[f32]| layers.iter().map(|(_, layer)| layer.evidence(features)).fold(f64::MIN, f64::max);
    let faces = rows.iter().zip(seen.features.chunks_exact(width));
    let all: Vec<Judged<'_>> = faces.map(|(row, features)| judged(row, evidence(features))).collect();
    let generated: Vec<Judged<'_>> =
        all.iter().filter(|face| !swapped.iter().any(|source| source == face.source)).copied().collect();
    contract.thresholds = judged::thresholds(&generated, &all, 0.0, settings.apcer, judged::SYNTHETIC_ABOVE);
    let Thresholds { authentic_below, synthetic_above, .. } = contract.thresholds;
    log::info!("authentic below {authentic_below:.3}, synthetic above {synthetic_above:.3}");
    let unfamiliar = learnt.familiar.as_ref().map(|familiar| {
        let mut distances: Vec<f32> =
            seen.features.chunks_exact(width).map(|features| familiar::distance(familiar, features)).collect();
        distances.sort_unstable_by(|one, other| other.total_cmp(one));
        let at = (distances.len() as f64 * settings.unfamiliar) as usize;
        Unfamiliar {
            distance_above: distances[at.min(distances.len() - 1)],
            rate: Some(UnfamiliarRate { share: settings.unfamiliar, measured_on: "split validation".to_owned() }),
        }
    });
    // A gate for content knows nothing of video.
    let video_gates = settings.video_share.map(|_| GATE_OFFSETS.to_owned());
    let mut metadata = contract.to_metadata();
    let kinds: Vec<Kind> = layers.iter().map(|(kind, _)| *kind).collect();
    let expertise = match kinds[..] {
        [only] => Expertise { looks_for: Some(only), tells_apart: Vec::new(), unfamiliar, video_gates },
        _ => Expertise { looks_for: None, tells_apart: kinds, unfamiliar, video_gates },
    };
    expertise.add_to(&mut metadata);
    let kinds = layers.iter().map(|(_, layer)| layer.to_kind());
    Ok(Head { blocks: settings.blocks.clone(), kinds: kinds.collect(), familiar: learnt.familiar, contract: metadata })
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::{Alignment, Border};

    use super::*;
    use crate::data::augment::Preset;
    use crate::head::generated::Held;
    use crate::torch::Logistic;

    fn settings(bpcer: f64, apcer: f64) -> HeadSettings {
        HeadSettings {
            blocks: vec![8],
            generated_blocks: vec![1],
            augment: Preset::None,
            forge: 0.0,
            swap: 0.0,
            video_coding: 0.0,
            held: Held { ridge: 1.0, steady: 0.0, steady_ridge: 1.0 },
            video_held: Held { ridge: 1.0, steady: 0.0, steady_ridge: 1.0 },
            swap_ridge: 1.0,
            part: Vec::new(),
            part_share: "0.5".parse().expect("it is a share"),
            video_share: None,
            gate_ridge: 1.0,
            both: Vec::new(),
            swapped: vec!["pair_real".to_owned(), "pair_swap".to_owned()],
            bpcer,
            apcer,
            swap_weight: 2.0,
            unfamiliar: 0.0,
            directions: 1,
            seed: 1,
        }
    }

    fn unmeasured() -> Contract {
        let crop = CropRule { margin: 1.0, alignment: Alignment::None, border: Border::Replicate };
        contract(crop, Training { data_digest: "0".repeat(64), seed: 1, tool: "a test".to_owned() })
    }

    /// 100 faces a source, of two values that rise evenly: what tells generated faces, and what tells swapped ones.
    fn faces() -> (Vec<Row>, Described) {
        let sources = [
            ("real_web", Label::Authentic, 0.0, 0.0),
            ("real_odd", Label::Authentic, 1.0, 0.0),
            ("syn", Label::Synthetic, 4.0, 0.0),
            ("pair_real", Label::Authentic, 9.0, 0.0),
            ("pair_swap", Label::Synthetic, 0.0, 2.0),
        ];
        let (mut rows, mut seen) = (Vec::new(), Described::default());
        for (source, label, generated, swapped) in sources {
            for at in 0..100 {
                let spread = at as f32 / 25.0 - 2.0;
                seen.features.extend([generated + spread, swapped + spread]);
                seen.labels.push(label == Label::Synthetic);
                rows.push(Row::bare(format!("{source}/{at}.png"), label, source));
            }
        }
        (rows, seen)
    }

    fn layer(weight: [f64; 2]) -> KindLayer {
        KindLayer::plain(Logistic { weight: weight.to_vec(), bias: 0.0 })
    }

    fn both() -> Learnt {
        let layers = vec![(Kind::Generated, layer([1.0, 0.0])), (Kind::Swapped, layer([0.0, 1.0]))];
        Learnt { layers, familiar: None, crossed: None, strangers: Vec::new() }
    }

    /// Of the faces of a source, the share for which this layer of the head speaks up.
    fn share_above(head: &Head, kind: usize, source: &str) -> f64 {
        let (rows, seen) = faces();
        let layer = &head.kinds[kind].layer;
        let evidence = |face: &[f32]| layer.weight.iter().zip(face).map(|(w, x)| w * x).sum::<f32>() + layer.bias;
        let those = rows.iter().zip(seen.features.chunks_exact(2)).filter(|(row, _)| row.source == source);
        let p = those.map(|(_, face)| 1.0 / (1.0 + (-evidence(face)).exp()));
        p.filter(|&p| f64::from(p) > judged::SYNTHETIC_ABOVE + 1e-4).count() as f64 / 100.0
    }

    #[test]
    fn each_layer_speaks_up_as_seldom_as_is_allowed_where_it_is_held_to() {
        let (rows, seen) = faces();
        let rows: Vec<&Row> = rows.iter().collect();
        let head = judge(&settings(0.03, 0.1), both(), unmeasured(), &seen, &rows, 2).expect("there is all it takes");
        // The worst collection decides; who was filmed to be swapped doesn't bind the layer for generated faces.
        assert_eq!([share_above(&head, 0, "real_odd"), share_above(&head, 0, "real_web")], [0.03, 0.0]);
        assert!(share_above(&head, 0, "syn") > 0.7 && share_above(&head, 0, "pair_real") > 0.7);
        // That for swapped faces is bound by all real ones.
        assert_eq!(["pair_real", "real_web"].map(|source| share_above(&head, 1, source)), [0.03; 2]);
        let found = Contract::from_metadata(&head.contract).expect("it is one").thresholds;
        assert!((f64::from(found.synthetic_above) - judged::SYNTHETIC_ABOVE).abs() < 1e-6);
        let rates = found.error_rates.expect("they were measured");
        assert!(rates.bpcer > 0.1, "the real halves of pairs are counted: {}", rates.bpcer);
        let told = Expertise::from_metadata(&head.contract).expect("it says what it looks for").tells_apart;
        assert_eq!(told, [Kind::Generated, Kind::Swapped]);
    }

    #[test]
    fn what_can_t_be_calibrated_is_named() {
        let (rows, seen) = faces();
        // Without the fakes of pairs.
        let rows: Vec<&Row> = rows.iter().filter(|row| row.source != "pair_swap").collect();
        let seen = Described { features: seen.features[..800].to_vec(), labels: seen.labels[..400].to_vec() };
        let error = judge(&settings(0.03, 0.1), both(), unmeasured(), &seen, &rows, 2).expect_err("a class is missing");
        assert!(format!("{error:#}").contains("to calibrate the layer for swapped faces"), "{error:#}");
        // Only generated faces are asked for: all is there.
        let one = Learnt {
            layers: vec![(Kind::Generated, layer([1.0, 0.0]))],
            familiar: None,
            crossed: None,
            strangers: Vec::new(),
        };
        let head = judge(&settings(0.03, 0.1), one, unmeasured(), &seen, &rows, 2).expect("both classes are there");
        let told = Expertise::from_metadata(&head.contract).expect("it says what it looks for");
        assert_eq!((told.looks_for, told.tells_apart), (Some(Kind::Generated), Vec::new()));
    }
}
