//! Scores of the faces that a head learns from, each by a layer that learnt from other sources alone: what a network is taught by
//! them is what such a layer makes of faces that it doesn't know, and not what it remembers.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

use super::features::Described;
use super::generated::{self, Examples, Recipe};

/// The parts that the sources go to, one of `folds` each. Those of a class, and of the recipe's part or not, go to the folds in
/// turn, the largest first, so that a layer of the others always knows some of each. The classes begin at different folds: what is
/// known of the largest sources isn't all gone at once.
fn folds<'a>(recipe: &Recipe<'_>, faces: &Described, sources: &[&'a str], folds: usize) -> BTreeMap<&'a str, usize> {
    let mut sizes: BTreeMap<(bool, bool, &str), usize> = BTreeMap::new();
    for (&source, &label) in sources.iter().zip(&faces.labels) {
        let within = recipe.part.iter().any(|each| each == source);
        *sizes.entry((label, within, source)).or_default() += 1;
    }
    let mut ordered: Vec<_> = sizes.into_iter().collect();
    ordered.sort_by_key(|&((label, within, source), size)| (label, within, std::cmp::Reverse(size), source));
    let (mut found, mut turn, mut cell) = (BTreeMap::new(), 0, None);
    for ((label, within, source), _) in ordered {
        if cell.replace((label, within)) != Some((label, within)) {
            turn = if label { folds / 2 } else { 0 };
        }
        // A source of both classes is left out as a whole.
        found.entry(source).or_insert(turn % folds);
        turn += 1;
    }
    found
}

/// p(synthetic) of each of `asked`, whose sources are `of`, by layers that didn't learn from its source. `learnt` are the faces to
/// learn from, of the same sources.
///
/// # Errors
///
/// When a fold leaves a class or the recipe's part without faces, or the numbers don't settle.
pub fn scores(
    recipe: &Recipe<'_>,
    learnt: &Examples<'_>,
    asked: &Described,
    of: &[&str],
    count: usize,
) -> anyhow::Result<Vec<f32>> {
    ensure!(of.len() == asked.labels.len(), "{} sources of {} faces", of.len(), asked.labels.len());
    let fold_of = folds(recipe, asked, of, count);
    let mut scores = vec![f32::NAN; of.len()];
    for fold in 0..count {
        let is_in = |source: &str| fold_of.get(source) == Some(&fold);
        let kept = |at: usize| !is_in(learnt.sources[at]);
        let plain = generated::only(learnt.plain, learnt.width, kept);
        let [varied, coded] =
            [learnt.varied, learnt.coded].map(|seen| seen.map(|seen| generated::only(seen, learnt.width, kept)));
        let sources: Vec<&str> = learnt.sources.iter().copied().filter(|source| !is_in(source)).collect();
        let examples =
            Examples { plain: &plain, varied: varied.as_ref(), coded: coded.as_ref(), sources: &sources, ..*learnt };
        let layer = generated::learn(recipe, &examples)
            .with_context(|| format!("without the sources of fold {} of {count}", fold + 1))?;
        for ((score, source), features) in scores.iter_mut().zip(of).zip(asked.features.chunks_exact(learnt.width)) {
            if is_in(source) {
                *score = (1.0 / (1.0 + (-layer.evidence(features)).exp())) as f32;
            }
        }
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::generated::Held;

    /// Two values: the first tells the classes in all sources but `odd`, where it says the opposite; the second is noise.
    fn faces() -> (Described, Vec<&'static str>) {
        let (mut seen, mut sources) = (Described::default(), Vec::new());
        for at in 0..600 {
            let synthetic = at % 2 == 1;
            let source = match (at / 2 % 3, synthetic) {
                (0, false) => "real_a",
                (1, false) => "real_b",
                (_, false) => "real_c",
                (0, true) => "syn_a",
                (1, true) => "syn_b",
                (_, true) => "odd",
            };
            let noise = |times: usize| ((at * times % 17) as f32 - 8.0) / 8.0;
            let stands_out = if synthetic == (source != "odd") { 2.0 } else { -2.0 };
            seen.features.extend([stands_out + noise(3), noise(5)]);
            seen.labels.push(synthetic);
            sources.push(source);
        }
        (seen, sources)
    }

    fn recipe() -> Recipe<'static> {
        Recipe {
            held: Held { ridge: 0.01, steady: 0.0, steady_ridge: 0.01 },
            video_held: Held { ridge: 0.01, steady: 0.0, steady_ridge: 0.01 },
            part: &[],
            both: &[],
            part_share: "0.5".parse().expect("it is a share"),
            video_share: None,
            gate_ridge: 0.01,
        }
    }

    #[test]
    fn nobody_is_scored_by_who_knows_it() {
        let (seen, sources) = faces();
        let examples = Examples { plain: &seen, varied: None, coded: None, sources: &sources, width: 2, last: 1 };
        let scores = scores(&recipe(), &examples, &seen, &sources, 3).expect("each fold has both classes");
        let mean = |source: &str| {
            let of = scores.iter().zip(&sources).filter(|(_, each)| **each == source).map(|(score, _)| *score);
            of.clone().sum::<f32>() / of.count() as f32
        };
        // A layer that knew `odd` would not call its faces real.
        assert!(mean("odd") < 0.3, "{}", mean("odd"));
        assert!(mean("syn_a") > 0.6 && mean("real_a") < 0.4, "{} {}", mean("syn_a"), mean("real_a"));
        assert!(scores.iter().all(|score| score.is_finite()), "each face has a score");
    }

    #[test]
    fn the_folds_share_the_sources_of_each_class() {
        let (seen, sources) = faces();
        let found = folds(&recipe(), &seen, &sources, 2);
        let of = |fold: usize, prefix: &str| {
            found.iter().filter(|&(source, &at)| at == fold && source.starts_with(prefix) == (prefix == "real")).count()
        };
        assert_eq!([of(0, "real"), of(1, "real")], [2, 1]);
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn a_fold_that_leaves_a_class_out_is_named() {
        let (seen, sources) = faces();
        let examples = Examples { plain: &seen, varied: None, coded: None, sources: &sources, width: 2, last: 1 };
        let error = scores(&recipe(), &examples, &seen, &sources, 1).expect_err("nothing is left to learn from");
        assert!(format!("{error:#}").contains("fold 1 of 1"), "{error:#}");
    }
}
