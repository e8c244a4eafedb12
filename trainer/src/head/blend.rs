//! Two heads of one tower as one: the mean of their evidence, at the cost of one.
//!
//! Heads that were learnt in different ways are wrong of different faces. As each is linear in the tokens of its blocks, their mean
//! is linear in the tokens of the blocks of both.

use anyhow::{Context, ensure};
use cyborg_models::contract::{Contract, Expertise};
use cyborg_models::head::{Familiar, Head, KindHead};

/// The mean of two heads, kind by kind. What tells a familiar face, and the contract, are those of the first; the error rates in it
/// were measured of the first alone, and are dropped.
///
/// # Errors
///
/// When they tell other kinds, look at another crop, or are of towers of different width.
pub fn blend(first: &Head, second: &Head) -> anyhow::Result<Head> {
    let mut contract = Contract::from_metadata(&first.contract)?;
    let other = Contract::from_metadata(&second.contract)?;
    let look = |contract: &Contract| (contract.network.clone(), contract.crop, contract.resize);
    ensure!(look(&contract) == look(&other), "they look at different crops, or are for different networks");
    let expertise = Expertise::from_metadata(&first.contract)?;
    let kinds = |of: &Expertise| (of.looks_for, of.tells_apart.clone());
    ensure!(
        kinds(&expertise) == kinds(&Expertise::from_metadata(&second.contract)?)
            && first.kinds.len() == second.kinds.len(),
        "they tell different kinds of synthetic faces"
    );
    contract.thresholds.error_rates = None;
    let mut metadata = contract.to_metadata();
    expertise.add_to(&mut metadata);
    let width = first.width() / first.blocks.len().max(1);
    ensure!(width == second.width() / second.blocks.len().max(1), "they are of towers of different width");
    let mut blocks: Vec<usize> = first.blocks.iter().chain(&second.blocks).copied().collect();
    blocks.sort_unstable();
    blocks.dedup();
    let spread = |values: &[f32], of: &[usize], columns: usize| -> anyhow::Result<Vec<f32>> {
        let mut wide = vec![0.0; blocks.len() * width * columns];
        for (block, values) in of.iter().zip(values.chunks_exact(width * columns)) {
            let at = blocks.binary_search(block).ok().context("each block is among those of both")?;
            wide[at * width * columns..][..width * columns].copy_from_slice(values);
        }
        Ok(wide)
    };
    let mean = |one: f32, other: f32| ((f64::from(one) + f64::from(other)) / 2.0) as f32;
    let kinds = first.kinds.iter().zip(&second.kinds).map(|(one, other)| -> anyhow::Result<KindHead> {
        let (a, b) = (spread(&one.weight, &first.blocks, 1)?, spread(&other.weight, &second.blocks, 1)?);
        let weight = a.into_iter().zip(b).map(|(a, b)| mean(a, b)).collect();
        Ok(KindHead { weight, bias: mean(one.bias, other.bias) })
    });
    let familiar = match &first.familiar {
        Some(Familiar { centre, directions }) => Some(Familiar {
            centre: spread(centre, &first.blocks, 1)?,
            directions: spread(directions, &first.blocks, directions.len() / centre.len().max(1))?,
        }),
        None => None,
    };
    let kinds = kinds.collect::<anyhow::Result<_>>()?;
    Ok(Head { kinds, familiar, contract: metadata, blocks })
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::{
        Alignment, Border, Calibration, CamClass, CropRule, ErrorRates, Kind, ResizeFilter, Saliency, Thresholds,
        Training,
    };

    use super::*;
    use crate::head::familiar::distance;

    fn contract(margin: f32, tells: &[Kind]) -> std::collections::BTreeMap<String, String> {
        let rates = ErrorRates { apcer: 0.1, bpcer: 0.2, measured_on: "these".to_owned() };
        let contract = Contract {
            network: "clip_vit_b16".to_owned(),
            crop: CropRule { margin, alignment: Alignment::None, border: Border::Replicate },
            resize: ResizeFilter::BilinearAntialias,
            saliency: Saliency {
                tap: "head".to_owned(),
                cam_class: CamClass::True,
                alpha: 1.0,
                source: "none".to_owned(),
            },
            calibration: Calibration::NONE,
            thresholds: Thresholds { authentic_below: 0.25, synthetic_above: 0.75, error_rates: Some(rates) },
            training: Training { data_digest: "0".repeat(64), seed: 1, tool: "a test".to_owned() },
            auc: Default::default(),
        };
        let mut metadata = contract.to_metadata();
        let expertise = Expertise { looks_for: None, tells_apart: tells.to_vec(), unfamiliar: None };
        expertise.add_to(&mut metadata);
        metadata
    }

    /// A head on a tower of two values a token.
    fn head(blocks: &[usize], from: f32) -> Head {
        let values = |times: f32, count: usize| (0..count).map(|at| from + times * at as f32).collect::<Vec<f32>>();
        let width = blocks.len() * 2;
        Head {
            blocks: blocks.to_vec(),
            kinds: vec![KindHead { weight: values(1.0, width), bias: from }; 2],
            familiar: Some(Familiar { centre: values(0.5, width), directions: values(0.25, width * 3) }),
            contract: contract(1.0, &[Kind::Generated, Kind::Swapped]),
        }
    }

    #[test]
    fn the_evidence_is_the_mean_of_both() {
        let (one, other) = (head(&[2, 5], 1.0), head(&[2, 3], -4.0));
        let both = blend(&one, &other).expect("they are alike");
        assert_eq!(both.blocks, [2, 3, 5]);
        // Tokens after blocks 2, 3 and 5.
        let face = [0.5, 2.0, -1.0, 3.0, 4.0, 0.25];
        let of = |head: &Head, face: &[f32]| {
            head.kinds[0].weight.iter().zip(face).map(|(w, x)| w * x).sum::<f32>() + head.kinds[0].bias
        };
        let (first, second) = (of(&one, &[0.5, 2.0, 4.0, 0.25]), of(&other, &face[..4]));
        assert!((of(&both, &face) - (first + second) / 2.0).abs() < 1e-5);
        // How far it is from the first one's training faces doesn't change.
        let far = |head: &Head, face: &[f32]| distance(head.familiar.as_ref().expect("it has one"), face);
        assert!((far(&both, &face) - far(&one, &[0.5, 2.0, 4.0, 0.25])).abs() < 1e-5);
        let said = Contract::from_metadata(&both.contract).expect("it has a contract");
        assert_eq!((said.thresholds.synthetic_above, said.thresholds.error_rates), (0.75, None));
    }

    #[test]
    fn heads_that_do_not_match_are_refused() {
        let one = head(&[2], 1.0);
        let with = |contract| Head { contract, ..head(&[3], 1.0) };
        let refused = |other: &Head| blend(&one, other).expect_err("they don't match").to_string();
        assert!(refused(&with(contract(1.3, &[Kind::Generated, Kind::Swapped]))).contains("crops"));
        assert!(refused(&with(contract(1.0, &[Kind::Swapped, Kind::Generated]))).contains("kinds"));
        let mut wide = head(&[3], 1.0);
        wide.kinds[0].weight.push(0.0);
        assert!(refused(&wide).contains("width"));
    }
}
