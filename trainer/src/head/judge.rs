//! From layers that were learnt to a head: calibrated, with thresholds, by faces of other collections.

use anyhow::Context;
use cyborg_models::contract::{Contract, Expertise, Kind, Thresholds, Unfamiliar, UnfamiliarRate};
use cyborg_models::head::Head;

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
    let mut metadata = contract.to_metadata();
    let kinds: Vec<Kind> = layers.iter().map(|(kind, _)| *kind).collect();
    let expertise = match kinds[..] {
        [only] => Expertise { looks_for: Some(only), tells_apart: Vec::new(), unfamiliar },
        _ => Expertise { looks_for: None, tells_apart: kinds, unfamiliar },
    };
    expertise.add_to(&mut metadata);
    let kinds = layers.iter().map(|(_, layer)| layer.to_kind());
    Ok(Head { blocks: settings.blocks.clone(), kinds: kinds.collect(), familiar: learnt.familiar, contract: metadata })
}
